"""What the scan of a diff shows, as tables and lines; every figure comes from the results."""

from collections.abc import Iterator, Mapping, Sequence

from harness.diffing.found import (
    Place,
    PositionMove,
    PromptMove,
    ScanTables,
    SourceMove,
    Strip,
    Topic,
    Word,
)
from harness.reporting.escape import Markdown, md
from harness.reporting.tables import number, percent, table

BOLD_NATS = 1.0
_SPELLED = 4
_WORDS = 12


_PLACES: dict[Place, str] = {"start": "start of replies", "anywhere": "whole replies"}


def words(found: Sequence[Word], floors_nats: Mapping[Place, float] | None = None) -> Markdown:
    """One ranking of words by their difference; where it is empty, say so."""
    if not found:
        floors = [f"{floor:.2f} ({_PLACES[place]})" for place, floor in (floors_nats or {}).items()]
        return Markdown(f"None above {' and '.join(floors)} nats." if floors else "None.")
    rows = (
        [*_word(rank, one), _PLACES[one.place], _moves(one), *_said(one)]
        for rank, one in _ranked(found)
    )
    head = [*_HEAD, "where", "moves", "p baseline", "p target", "stands out", "of the divergence"]
    head.append("spelled")
    return table(head, rows)


def _moves(one: Word) -> str:
    return "everywhere" if one.everywhere else "in some prompts"


def openers(found: Sequence[Word]) -> Markdown:
    """Words by the divergence that they make up."""
    if not found:
        return Markdown("None.")
    return table(
        [*_HEAD, "spelled"], ([*_word(i, one), _spelled(one)] for i, one in _ranked(found))
    )


_HEAD = ["", "word", "nats", "95 % interval", "prompts where it rises"]


def _ranked(found: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    return enumerate(found, start=1)


def _word(rank: int, one: Word) -> list[object]:
    effect = one.strongest
    interval = f"[{_plain(effect.low)}, {_plain(effect.high)}]"
    return [rank, one.name, _nats(effect.mean_nats), interval, percent(effect.share_positive)]


def _said(one: Word) -> list[object]:
    shares = [_share(one.baseline_probability), _share(one.target_probability)]
    return [*shares, number(one.prominence, 1), _nats(one.gain_nats), _spelled(one)]


def _spelled(one: Word) -> str:
    return " ".join(repr(text) for text in one.spelled[:_SPELLED])


def topics(found: Sequence[Topic]) -> Markdown:
    """Topics with their words."""
    head = ["topic", "share of the divergence", "prompts", "words", "most in"]
    return table(
        head,
        (
            [
                one.name,
                percent(one.share),
                one.n_prompts,
                _first_of(one.words),
                ", ".join(one.prompt_ids) or None,
            ]
            for one in found
        ),
    )


def _first_of(words_of: Sequence[str]) -> str:
    """The heaviest words, and how many more there are."""
    more = f" and {len(words_of) - _WORDS} more" if len(words_of) > _WORDS else ""
    return ", ".join(words_of[:_WORDS]) + more


def prompts(found: Sequence[PromptMove]) -> Markdown:
    """Prompts by mean KL per token."""
    head = ["", "prompt", "category", "KL (nats per token)", "tokens", "promoted there"]
    return table(
        head,
        (
            [
                rank,
                one.text or one.prompt_id,
                one.category,
                number(one.kl_nats, 3),
                one.n_tokens,
                ", ".join(one.promoted),
            ]
            for rank, one in enumerate(found, start=1)
        ),
    )


def positions(found: Sequence[PositionMove]) -> Markdown:
    """KL along the reply."""
    head = ["tokens of the reply", "KL (nats per token)", "prompts", "tokens"]
    return table(
        head,
        ([_range(one), one.kl_nats, one.n_prompts, one.n_tokens] for one in found),
    )


def sources(found: Sequence[SourceMove]) -> Markdown:
    """KL by whose words are read."""
    head = ["words of", "KL (nats per token)", "prompts", "tokens"]
    return table(head, ([one.source, one.kl_nats, one.n_prompts, one.n_tokens] for one in found))


def hidden(tables: ScanTables) -> str:
    """Say that some replies can't be shown."""
    if not tables.n_withheld:
        return ""
    return f" Replies to {tables.n_withheld} prompts are not shown: they are not marked benign."


def strip_head(strip: Strip) -> Markdown:
    """Whose reply to what."""
    return Markdown(
        f"{md(strip.prompt or strip.prompt_id)} ({md(strip.source)}, {strip.kl_nats:.3f} nats per "
        "token)"
    )


def strip_text(strip: Strip) -> Markdown:
    """A reply with what moved most in bold or struck through."""
    return Markdown(" ".join(_piece(one.text, one.difference_nats) for one in strip.tokens))


def _piece(text: str, moved: float) -> Markdown:
    shown = md(text.strip() or "⏎")
    if moved >= BOLD_NATS:
        return Markdown(f"**{shown}**")
    return Markdown(f"~~{shown}~~") if moved <= -BOLD_NATS else shown


def _range(one: PositionMove) -> str:
    return f"{one.first + 1}" if one.first == one.last else f"{one.first + 1} to {one.last + 1}"


def _nats(value: float) -> Markdown:
    return Markdown(f"{value:+.2f}" if abs(value) >= 0.1 else f"{value:+.4f}")


def _plain(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _share(value: float) -> Markdown:
    return Markdown(f"{value:.2%}" if value >= 1e-4 else f"{value:.0e}")
