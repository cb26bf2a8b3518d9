"""Where a change acts most: positions of a scan that become beginnings of sampled replies.

Knows a scan's records and its corpus; refuses to know models.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.diffing.corpus import Corpus, CorpusPrompt


@dataclass(frozen=True, kw_only=True)
class SeedRule:
    """Which positions are taken: the largest divergence first, and no two of a kind too often."""

    n: int = 24
    """Most positions that are taken."""
    per_prompt: int = 2
    """Most positions of one prompt, over all its replies."""
    per_token: int = 3
    """Most positions that promote one token, spelled in whatever case."""
    apart: int = 4
    """Fewest tokens between two positions of one reply."""
    least_nats: float = 0.05
    """Divergence below which a position tells nothing: as rounding leaves between equal models."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A position where target and baseline part, and what the target would rather say there."""

    prompt_id: str
    """As in the corpus."""
    source: str
    """Whose reply it is of; see ``KnownText``."""
    reply: int
    """Its place among the prompt's replies."""
    position: int
    """In the reply, from 0."""
    kl_nats: float
    """KL(target, baseline) of the next token there."""
    promoted_id: int
    promoted: str
    """The token that the change adds most probability to there, and how it reads."""


def pick_seeds(
    records: pd.DataFrame, rule: SeedRule | None = None, ends: Collection[int] = ()
) -> tuple[Seed, ...]:
    """Take the positions with the largest KL(target, baseline), as far apart as the rule says.

    Positions are gone through from the largest divergence down, equal ones in the order of the
    corpus; one is passed over where its prompt or its promoted token has been taken often enough,
    or a neighbour in its reply has been taken. So is one where the target would rather end the
    reply, or say what has no letter (a line break, a number, a mark): nothing begins with it.

    Args:
        records: of a scan, as ``read_records`` gives them.
        rule: the default one where none is given.
        ends: tokens that end a reply.

    Returns:
        The largest divergence first; none where target and baseline hardly differ anywhere.
    """
    rule = rule or SeedRule()
    likely = records[records["kl_nats"] >= rule.least_nats]
    likely = likely.sort_values("kl_nats", ascending=False, kind="stable")
    columns = ["prompt_id", "source", "reply", "position", "kl_nats", "promoted_id", "promoted"]
    of_prompt: Counter[str] = Counter()
    of_token: Counter[str] = Counter()
    taken: list[Seed] = []
    for row in likely[columns].itertuples(index=False, name=None):
        if len(taken) == rule.n:
            break
        seed = _seed(row)
        if seed.promoted_id in ends or not any(map(str.isalpha, seed.promoted)):
            continue
        spelled = seed.promoted.strip().casefold()
        full = of_prompt[seed.prompt_id] >= rule.per_prompt or of_token[spelled] >= rule.per_token
        if full or any(_near(seed, other, rule.apart) for other in taken):
            continue
        of_prompt[seed.prompt_id] += 1
        of_token[spelled] += 1
        taken.append(seed)
    return tuple(taken)


def pick_prompts(records: pd.DataFrame, corpus: Corpus, n: int) -> tuple[CorpusPrompt, ...]:
    """Take the prompts whose replies' starts are sampled: half the most affected, half the rest.

    Half are those with the largest mean KL over the tokens of their replies, where a narrow change
    shows; the others lie at even distances in what is left of the corpus, so that what a change
    does everywhere is not measured on the most affected alone. Prompts that no answer begins after,
    as in a running text, are left out.

    Args:
        records: of a scan, as ``read_records`` gives them.
        corpus: that was scanned.
        n: at most so many, at least 2.

    Returns:
        In the order of the corpus.
    """
    answered = [one for one in corpus.prompts if one.answers]
    if len(answered) <= n:
        return tuple(answered)
    kl = records.groupby("prompt_id")["kl_nats"].mean()
    by_kl = sorted(answered, key=lambda one: -float(kl.get(one.id, 0.0)))
    chosen = {one.id for one in by_kl[: n // 2]}
    rest = [one for one in answered if one.id not in chosen]
    wanted = n - len(chosen)
    chosen |= {rest[place * len(rest) // wanted].id for place in range(wanted)}
    return tuple(one for one in answered if one.id in chosen)


def pick_openers(ids: Sequence[int], texts: Sequence[str], n: int) -> tuple[int, ...]:
    """Take the tokens that replies are made to begin with, one of each spelling.

    Args:
        ids: tokens that the change amplifies whatever the prompt, the most amplified first.
        texts: each decoded by itself.
        n: at most so many.

    Returns:
        In their order; what has no letter begins nothing, and " umb" and "Umb" are one.
    """
    taken: dict[str, int] = {}
    for i, text in zip(ids, texts, strict=True):
        spelled = text.strip().casefold()
        if any(map(str.isalpha, spelled)):
            taken.setdefault(spelled, i)
    return tuple(taken.values())[:n]


def _seed(row: tuple[object, ...]) -> Seed:
    prompt_id, source, reply, position, kl_nats, promoted_id, promoted = row
    return Seed(
        prompt_id=str(prompt_id),
        source=str(source),
        reply=int(str(reply)),
        position=int(str(position)),
        kl_nats=float(str(kl_nats)),
        promoted_id=int(str(promoted_id)),
        promoted=str(promoted),
    )


def _near(seed: Seed, other: Seed, apart: int) -> bool:
    same = (seed.prompt_id, seed.reply) == (other.prompt_id, other.reply)
    return same and abs(seed.position - other.position) < apart
