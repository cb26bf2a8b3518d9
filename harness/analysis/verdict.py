"""A sweep in five lines, the first that a reader sees.

They say what moves, how sure that is, where sense ends, whether the sweep did what it says, and
what can't be told. Each sentence is one that its statistic allows, in the words of ``wording``.
Alpha 0 is compared with one alpha that is fixed by the nonsense rate, not by the largest effect.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.behaviours import Curve, Refusal, ScorerCurves
from harness.analysis.calibration import Calibration
from harness.analysis.differences import difference
from harness.analysis.dose import Dose
from harness.analysis.fidelity import Fidelity
from harness.analysis.grid import OVERALL
from harness.analysis.rates import FEW_PROMPTS, rule_of_three
from harness.analysis.regimes import Regime
from harness.analysis.sense import compared_alpha, sense_finding, sensible_up_to
from harness.analysis.strength import Strength
from harness.analysis.summary import DataSummary
from harness.analysis.trend_findings import odds
from harness.analysis.trends import Trend
from harness.analysis.wording import SMALL_CHANGE, evidence, movement

LEADS = ("Moves", "Certainty", "Sense", "Fidelity", "Not told")
"""With what the five lines begin, a colon after each."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """A curve that the verdict speaks of, and how it is called there."""

    name: str
    curve: Curve


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a verdict stands on."""

    data: DataSummary
    behaviours: tuple[Behaviour, ...]
    means: tuple[str, ...]
    """What is said of scorers that count or grade."""
    nonsense: Curve | None
    sense: Regime | None
    trends: tuple[Trend, ...]
    fidelity: Fidelity
    failures: tuple[str, ...]
    """Of fidelity."""


def behaviours_of(
    refusal: Refusal | None, others: tuple[ScorerCurves, ...]
) -> tuple[Behaviour, ...]:
    """Name what the verdict speaks of."""
    named = (
        [Behaviour(name=f"refusal of {refusal.asked}", curve=refusal.refusal)] if refusal else []
    )
    if refusal and refusal.benign:
        named.append(Behaviour(name="refusal of benign prompts", curve=refusal.benign))
    named += [Behaviour(name=f"scorer {one.overall.name}", curve=one.overall) for one in others]
    return tuple(named)


def verdict(grounds: Grounds) -> tuple[str, ...]:
    """Write the five lines, each after its lead."""
    told = (
        [*_moves(grounds), *grounds.means] or ["nothing that was scored can be followed."],
        [*_trends(grounds), _evidence(grounds.data)],
        [_sense(grounds)],
        _fidelity(grounds),
        list(_limits(grounds)),
    )
    return tuple(
        f"{lead}: {' '.join(map(_capital, said))}" for lead, said in zip(LEADS, told, strict=True)
    )


def compared(grounds: Grounds) -> float | None:
    """The alpha that is held against 0."""
    alphas = grounds.data.alphas
    return compared_alpha(alphas, sensible_up_to(alphas, grounds.nonsense))


def _moves(grounds: Grounds) -> Iterator[str]:
    alphas, against = grounds.data.alphas, compared(grounds)
    for one in grounds.behaviours:
        rates = dict(zip(alphas, one.curve.rates, strict=True))
        if against is None or 0.0 not in rates:
            told = ", ".join(f"{rate} at alpha {alpha:g}" for alpha, rate in rates.items())
            yield f"{one.name}: {told}."
            continue
        zero, amplified = rates[0.0], rates[against]
        change = difference(amplified, zero)
        ends = f"from {zero} at alpha 0 to {amplified} at alpha {against:g}"
        if change is None:
            yield f"{one.name} can't be compared: {ends}."
        elif change.is_told:
            yield f"{one.name} {movement(change)} {ends}: {change}."
        elif movement(change) == "hardly moves":
            within = f"within {100 * SMALL_CHANGE:.0f} points either way"
            yield f"{one.name} hardly moves, {within}: {ends} ({change})."
        else:
            yield f"for {one.name} {movement(change)}: {ends} ({change})."


def _trends(grounds: Grounds) -> Iterator[str]:
    """Say how strongly each behaviour's trend along alpha is borne out."""
    along = [one for one in grounds.trends if one.regressor == "alpha"]
    names = {one.curve.name: one.name for one in grounds.behaviours}
    for trend in along:
        if trend.category != OVERALL or trend.behaviour not in names:
            continue
        name, over = names[trend.behaviour], _over(trend.alphas)
        words = evidence(trend.p_adjusted) if trend.discovery else None
        if trend.turns:
            yield f"{name} goes up and down {over}, which no single trend tells."
        elif words is None:
            yield f"no trend of {name} can be told {over}."
        else:
            yield f"{words} that {name} {_goes(trend)} {over}."
    tested = [one for one in along if one.p_value is not None]
    if tested:
        found = sum(one.discovery for one in tested)
        yield (
            f"Discoveries among the {len(tested)} trends of behaviours and categories that could "
            f"be tested: {found}; about one in twenty of such is false."
        )


def _goes(trend: Trend) -> str:
    if trend.odds_ratio is None or trend.low is None or trend.high is None:
        return f"moves ({trend.change})" if trend.change else "moves"
    verb = "rises" if trend.odds_ratio > 1 else "falls"
    times = f"{odds(trend.odds_ratio)} [{odds(trend.low)}, {odds(trend.high)}]"
    return f"{verb} with alpha, odds times {times} per unit,"


def _over(alphas: Sequence[float]) -> str:
    return f"over alpha {alphas[0]:g} to {alphas[-1]:g}" if alphas else "over no alpha"


def _evidence(data: DataSummary) -> str:
    return (
        f"{data.n_rollouts} rollouts of {data.n_prompts} prompts stand behind this, "
        f"{data.repeats} of each at every alpha; intervals are 95%, over prompts."
    )


def _sense(grounds: Grounds) -> str:
    return sense_finding(grounds.data.alphas, grounds.nonsense, grounds.sense, compared(grounds))


def _fidelity(grounds: Grounds) -> list[str]:
    """Name the checks that passed and those that were not made, or shout what failed."""
    if grounds.failures:
        return [f"FAILED, so trust no rate here: {'; '.join(grounds.failures)}."]
    found = grounds.fidelity
    checks: dict[str, Sequence[Calibration | Dose | Strength]] = {
        "the sampled tokens are as surprising as what drew them says": found.calibration,
        "the sampled tokens gain over the target what the dose says": found.doses,
        "each alpha was applied as named": found.strengths,
    }
    passed = {
        words: ", ".join(f"{one.alpha:g}" for one in right)
        for words, rows in checks.items()
        if (right := [one for one in rows if one.verdict == "as predicted"])
    }
    told = [f"{words} (alpha {alphas})" for words, alphas in passed.items()]
    if found.magnitudes:
        told.append("the logits spread as the formula says")
    missing = [words for words in checks if words not in passed]
    said = [f"passed: {'; '.join(told)}."] if told else []
    if missing:
        said.append(f"not checked: whether {'; whether '.join(missing)}.")
    return said


def _limits(grounds: Grounds) -> Iterator[str]:
    data = grounds.data
    if 0.0 in data.alphas:
        for one in grounds.behaviours:
            bound = rule_of_three(one.curve.rates[data.alphas.index(0.0)])
            if bound:
                yield f"{one.name} at alpha 0 shows {bound}."
        yield "Only alpha 0 is the model itself: how often it does something is told there alone."
    else:
        yield "alpha 0 was not run, so no change from the target can be told."
    few = [one.name for one in grounds.behaviours if _fewest(one.curve) < FEW_PROMPTS]
    if few:
        yield f"Fewer than {FEW_PROMPTS} prompts stand behind {', '.join(few)}."
    n_unscored = sum(one.n_unscored for one in data.scorers)
    if n_unscored:
        yield f"{n_unscored} scores are missing, with their reasons below."
    yield "Mistakes of the scorers and other kinds of prompts are in no interval."


def _fewest(curve: Curve) -> int:
    return min((rate.n_prompts for rate in curve.rates if rate.n), default=0)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
