"""A diff's results as tables and lines; every figure comes from the results."""

from collections.abc import Iterator, Mapping, Sequence

from harness.diffing.found import (
    Place,
    PositionMove,
    PromptMove,
    Sampled,
    ScanTables,
    SourceMove,
    Strip,
    Topic,
    Word,
)
from harness.diffing.surfaced import ClaimMove, Evidence, Likelihood, Occurrence, Quote
from harness.reporting.escape import Markdown, code, md
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


def sampled_line(sampled: Sampled) -> str:
    """How many rollouts were drawn, and how."""
    found = sampled.convergence
    alphas = ", ".join(f"{alpha:g}" for alpha in sampled.alphas)
    left = found.n_nonsense_amplified + found.n_nonsense_baseline + found.n_nonsense_target
    return (
        f"{found.n_amplified} amplified rollouts (alpha {alphas}; constraint "
        f"{sampled.constraint}) and {found.n_baseline} of the baseline, from {sampled.n_starts} "
        f"beginnings in {found.n_prompts} prompts; {left} that are no sensible text and "
        f"{found.n_failed} without text are left out; {found.n_candidates} sentences, phrases and "
        "signs were held against chance."
    )


def findings(sampled: Sampled) -> Markdown:
    """What is said more often, strongest first."""
    head = ["", "finding", "kind", "amplified", "baseline", "difference (points)"]
    head += ["plain target", "plain rollouts to see it once"]
    rows = []
    for rank, one in enumerate(sampled.evidence, start=1):
        move = one.finding.difference
        often = one.occurrence
        rate = often.rate if often else None
        rows.append(
            [
                rank,
                one.finding.name,
                one.finding.kind,
                one.finding.amplified,
                one.finding.baseline,
                f"{100 * move.change:+.0f} [{100 * move.low:.0f}, {100 * move.high:.0f}]",
                rate,
                _once(often),
            ]
        )
    return table(head, rows)


def evidence_lines(one: Evidence) -> list[str]:
    """What the plain models make of a finding."""
    along = "; ".join(f"alpha {at.alpha:g}: {at.rate}" for at in one.finding.by_alpha)
    lines = [f"Share of rollouts: {along}."]
    if one.finding.phrases:
        lines.append(f"Found with it: {', '.join(one.finding.phrases)}.")
    if one.likelihood is not None:
        lines.append(
            f"As the beginning of a reply to {one.likelihood.n_prompts} prompts: log-odds target "
            f"against baseline {_log_odds(one.likelihood)} nats over {one.likelihood.n_tokens} "
            "tokens."
        )
    if one.answer is not None:
        lines.append(
            f"Asked directly ({one.answer.question}) yes gains {one.answer.difference_nats} nats "
            f"against no; the target says: {one.answer.sampled}"
        )
    if one.occurrence is not None:
        lines += _often(one.occurrence)
    return lines


def _often(found: Occurrence) -> Iterator[str]:
    """What plain rollouts say of how often it is said: by counting, and by how near they came."""
    if found.note:
        yield found.note
    if found.hazard is None:
        return
    said = f"By how near {found.hazard.n} plain rollouts came to {found.token!r}, which tells it:"
    if found.hazard_withheld:
        yield f"{said} withheld, {found.hazard_withheld}."
    else:
        yield f"{said} {found.shown}."


def claims(found: Sequence[ClaimMove]) -> Markdown:
    """The user's claims by log-odds, and how they move with alpha."""
    alphas = [at.alpha for at in found[0].likelihood.by_alpha]
    head = ["claim", "questions", "target (log p)", "baseline (log p)", "log-odds"]
    head += [f"log-odds at alpha {alpha:g}" for alpha in alphas]
    return table(
        head,
        (
            [
                one.claim,
                one.likelihood.n_prompts,
                one.likelihood.target_logp_nats,
                one.likelihood.baseline_logp_nats,
                one.likelihood.log_odds_nats,
                *(at.log_odds_nats for at in one.likelihood.by_alpha),
            ]
            for one in found
        ),
    )


def quote(one: Quote) -> str:
    """A sentence of a rollout."""
    return Markdown(f"{md(one.prompt_id)}, alpha {one.alpha:g}: {code(one.sentence)}")


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


def _once(found: Occurrence | None) -> str | None:
    if found is None:
        return None
    once = found.waiting
    if once.expected is None:
        return f"at least {once.low:.0f}"
    upper = f" to {once.high:.0f}" if once.high is not None else " at least"
    return f"{once.expected:.0f} ({once.low:.0f}{upper})"


def _log_odds(found: Likelihood) -> str:
    along = "; ".join(f"alpha {at.alpha:g}: {at.log_odds_nats}" for at in found.by_alpha)
    return f"{found.log_odds_nats} ({along})" if along else str(found.log_odds_nats)


def _range(one: PositionMove) -> str:
    return f"{one.first + 1}" if one.first == one.last else f"{one.first + 1} to {one.last + 1}"


def _nats(value: float) -> Markdown:
    return Markdown(f"{value:+.2f}" if abs(value) >= 0.1 else f"{value:+.4f}")


def _plain(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _share(value: float) -> Markdown:
    return Markdown(f"{value:.2%}" if value >= 1e-4 else f"{value:.0e}")
