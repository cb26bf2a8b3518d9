"""What amplified rollouts converge on: clusters, phrases and signs, ranked by their enrichment.

Knows rollouts as text and where they began; refuses to know models.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.differences import Difference, difference
from harness.analysis.rates import SIGNIFICANCE, Rate, rate_of
from harness.diffing.candidates import Candidate, Reading, read_rollouts
from harness.diffing.described import describe
from harness.diffing.drawn import BASELINE_ALPHA, TARGET_ALPHA, Drawn
from harness.diffing.enrichment import exact_p
from harness.diffing.surfaced import AlphaRate, Convergence, Finding
from harness.scorers.nonsense import classify_nonsense

MOST_FINDINGS = 12

OVERLAP = 0.6
"""Of the amplified rollouts of the smaller of two candidates: shared by so many, they are one
finding, named by the stronger."""

Events = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Enriched:
    """A candidate that amplified rollouts have more often, beyond chance."""

    candidate: Candidate
    amplified: Rate
    baseline: Rate
    difference: Difference
    p_value: float
    p_adjusted: float

    @property
    def gain_nats(self) -> float:
        """What it tells the sides apart by: ``a log(a / b)``.

        Of its shares a of amplified and b of the baseline's rollouts, half an event added to each,
        as a token's part of a divergence: frequent words that rise somewhat stand behind rarer
        ones that only one side says.
        """
        a, b = ((one.k + 0.5) / (one.n + 1) for one in (self.amplified, self.baseline))
        return a * log(a / b)


def converge(
    rollouts: Sequence[Drawn], most: int = MOST_FINDINGS, hidden: Collection[str] = ()
) -> Convergence:
    """Find what amplified rollouts say more often than the baseline's from the same starts.

    Rollouts that are no sensible text are left out, and counted. Sentences are clustered by
    meaning; phrases and signs of style are looked for as well; nobody knows so far who said what.
    Then each is tested within the starts (:func:`~harness.diffing.enrichment.exact_p`), with
    Benjamini-Hochberg over all, and the change of its share of rollouts is put into an interval
    over prompts. What is told apart from chance by both, and rises, is a finding. Those that share
    most of their rollouts are one.

    Args:
        rollouts: amplified, of the baseline and of the target; as many of the first two from each
            start.
        most: findings to return.
        hidden: prompts whose replies may not be shown: what they say is counted, and never quoted.

    Returns:
        No findings where the models are one, in 19 of 20 runs at least.
    """
    failed = [one for one in rollouts if one.text is None]
    told = [one for one in rollouts if one.text is not None]
    sensible, nonsense = _parted(told)
    held = [one for one in sensible if one.alpha != TARGET_ALPHA]
    plain = [one for one in sensible if one.alpha == TARGET_ALPHA]
    # The target's rollouts come last: they are read as the others are, and tested with neither.
    reading = read_rollouts([*held, *plain], hidden)
    merged = _merged(_enriched(reading, len(held)), reading)
    return Convergence(
        findings=tuple(_finding(reading, group) for group in merged[:most]),
        n_amplified=sum(one.amplified for one in held),
        n_baseline=sum(one.alpha == BASELINE_ALPHA for one in held),
        n_target=len(plain),
        n_prompts=len({one.prompt_id for one in held}),
        n_nonsense_amplified=sum(one.amplified for one in nonsense),
        n_nonsense_baseline=sum(one.alpha == BASELINE_ALPHA for one in nonsense),
        n_nonsense_target=sum(one.alpha == TARGET_ALPHA for one in nonsense),
        n_failed=len(failed),
        n_candidates=len(reading.candidates),
    )


def _parted(rollouts: Sequence[Drawn]) -> tuple[list[Drawn], list[Drawn]]:
    """Part sensible rollouts from nonsense."""
    sensible: list[Drawn] = []
    nonsense: list[Drawn] = []
    for one in rollouts:
        verdict = classify_nonsense(
            one.given + (one.text or ""), None, "max_tokens" if one.cut else "stop"
        )
        (nonsense if verdict.is_nonsense else sensible).append(one)
    return sensible, nonsense


def _enriched(reading: Reading, n_held: int) -> list[Enriched]:
    """Return what is beyond chance, strongest first."""
    held = reading.rollouts[:n_held]
    if not held or not reading.candidates:
        return []
    amplified = np.array([one.amplified for one in held])
    events = np.zeros((len(reading.candidates), n_held), dtype=bool)
    for place, candidate in enumerate(reading.candidates):
        events[place, [i for i in candidate.rollouts if i < n_held]] = True
    _, starts = np.unique([one.start_id for one in held], return_inverse=True)
    p_values = exact_p(events, amplified, starts)
    adjusted = stats.false_discovery_control(p_values)
    prompts = np.array([one.prompt_id for one in held], dtype=object)
    found = []
    for place in np.flatnonzero(adjusted <= SIGNIFICANCE).tolist():
        one = _held(
            reading.candidates[place],
            rate_of(events[place][amplified].astype(float), prompts[amplified]),
            rate_of(events[place][~amplified].astype(float), prompts[~amplified]),
            (float(p_values[place]), float(adjusted[place])),
        )
        if one is not None and one.difference.low > 0:
            found.append(one)
    return sorted(found, key=_rank)


def _rank(one: Enriched) -> tuple[float, float, bool, int]:
    """Strongest first; of equals whole sentences, then longer phrases."""
    phrase = one.candidate.phrase
    return -one.gain_nats, one.p_value, one.candidate.origin != "cluster", -len(phrase)


def _held(
    candidate: Candidate, amplified: Rate, baseline: Rate, p_values: tuple[float, float]
) -> Enriched | None:
    change = difference(amplified, baseline)
    if change is None:
        return None
    return Enriched(
        candidate=candidate,
        amplified=amplified,
        baseline=baseline,
        difference=change,
        p_value=p_values[0],
        p_adjusted=p_values[1],
    )


def _merged(found: Sequence[Enriched], reading: Reading) -> list[list[Enriched]]:
    """Group what stands in the same amplified rollouts, strongest first.

    What is said names a group before how it is written does: a fact in one short sentence is no
    style. A sign of style joins what makes up most of its own rollouts, and else stands alone.
    """
    groups: list[list[Enriched]] = []
    said = [one for one in found if one.candidate.origin != "style"]
    for one in (*said, *(one for one in found if one not in said)):
        own = _amplified(one, reading)
        for group in groups:
            heads = _amplified(group[0], reading)
            style = one.candidate.origin == "style"
            smaller = len(own) if style else min(len(own), len(heads))
            if len(own & heads) >= OVERLAP * smaller:
                group.append(one)
                break
        else:
            groups.append([one])
    return sorted(groups, key=lambda group: _rank(group[0]))


def _amplified(one: Enriched, reading: Reading) -> set[int]:
    return {i for i in one.candidate.rollouts if reading.rollouts[i].amplified}


def _finding(reading: Reading, group: Sequence[Enriched]) -> Finding:
    head = group[0]
    described = describe(reading, [one.candidate for one in group])
    return Finding(
        name=described.name,
        kind=described.kind,
        sentence=described.sentence,
        phrases=described.phrases,
        amplified=head.amplified,
        baseline=head.baseline,
        difference=head.difference,
        by_alpha=_by_alpha(reading, head.candidate),
        p_value=head.p_value,
        p_adjusted=head.p_adjusted,
        pattern=described.pattern,
        prompt_ids=described.prompt_ids,
        quotes=described.quotes,
    )


def _by_alpha(reading: Reading, candidate: Candidate) -> tuple[AlphaRate, ...]:
    rates = []
    for alpha in sorted({one.alpha for one in reading.rollouts}):
        places = [i for i, one in enumerate(reading.rollouts) if one.alpha == alpha]
        values = [float(i in candidate.rollouts) for i in places]
        prompts = [reading.rollouts[i].prompt_id for i in places]
        rates.append(AlphaRate(alpha=alpha, rate=rate_of(values, prompts)))
    return tuple(rates)
