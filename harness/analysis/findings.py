"""The sentences of a report, made by rules from the same rates that its tables show.

A sentence claims a rise or a fall only where the interval of the difference leaves out 0, and
compares alpha 0 with one alpha that is fixed by the nonsense rate, not by the largest effect.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.behaviours import Curve, Refusal, ScorerCurves
from harness.analysis.differences import difference
from harness.analysis.lengths import Length
from harness.analysis.rates import FEW_PROMPTS, rule_of_three
from harness.analysis.regimes import Regime
from harness.analysis.sense import compared_alpha, sense_finding, sensible_up_to
from harness.analysis.summary import DataSummary

Sentences = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What may be said, by section of the report."""

    summary: Sentences
    data: Sentences
    judge: Sentences
    lengths: Sentences
    magnitudes: Sentences
    dose: Sentences
    trends: Sentences
    calibration: Sentences
    """Whether the sampled tokens follow their recorded distribution, and the strength the name."""
    regimes: Sentences
    limits: Sentences


def summary_findings(
    data: DataSummary,
    refusal: Refusal | None,
    nonsense: Curve | None,
    others: tuple[ScorerCurves, ...],
    regimes: Sequence[Regime] = (),
) -> Sentences:
    """Say what moved between alpha 0 and the last sensible alpha, and where sense ends."""
    sensible = sensible_up_to(data.alphas, nonsense)
    against = compared_alpha(data.alphas, sensible)
    sense = next((one for one in regimes if one.kind == "sensible"), None)
    named = [(f"refusal of {refusal.asked}", refusal.refusal)] if refusal else []
    if refusal and refusal.benign:
        named.append(("refusal of benign prompts", refusal.benign))
    named += [(f"scorer {other.overall.name}", other.overall) for other in others]
    moves = [said for name, curve in named for said in _moves(name, data.alphas, curve, against)]
    return (_asked(data), sense_finding(data.alphas, nonsense, sense, against), *moves)


def data_findings(data: DataSummary) -> Sentences:
    """Say what was asked how often, and what is missing from every rate."""
    missing = [
        f"scorer {scorer.name} left {scorer.n_unscored}/{scorer.n_scored + scorer.n_unscored} "
        "unscored"
        for scorer in data.scorers
        if scorer.n_unscored
    ]
    failed = f"{data.n_errors}/{data.n_rollouts} rollouts failed with an error."
    if not missing:
        return _asked(data), f"{failed} Every scorer scored every rollout."
    return _asked(data), f"{failed} {_capital('; '.join(missing))}: none of these is in any rate."


def length_findings(lengths: tuple[Length, ...]) -> Sentences:
    """Say how the mean length moves, and whether the token limit made it."""
    first, last = lengths[0], lengths[-1]
    most = max(lengths, key=lambda length: length.cut.rate or 0.0)
    sentences = []
    if first.tokens and last.tokens and first is not last:
        sentences.append(
            f"The mean reply has {first.tokens.mean:.1f} tokens at alpha {first.alpha:g} and "
            f"{last.tokens.mean:.1f} at alpha {last.alpha:g}."
        )
    sentences.append(
        f"The token limit cut at most {most.cut}, at alpha {most.alpha:g}; a cut reply is as long "
        "as the limit, not as long as the model would have made it."
        if most.cut.k
        else "The token limit cut no reply."
    )
    return tuple(sentences)


def limit_findings(data: DataSummary, curves: tuple[Curve, ...]) -> Sentences:
    """Say what these numbers can't tell."""
    sentences = [
        "Intervals are 95% each, over prompts: they speak of other prompts of the same kind at "
        "the same settings, and about one in twenty misses.",
        "Rates at other alphas belong to the amplified model, which nobody deploys. How often the "
        "target itself does it is the row of alpha 0 and nothing else.",
        "Labels come from automatic scorers; their mistakes are in no interval.",
    ]
    if 0.0 not in data.alphas:
        sentences.append("Alpha 0 was not run, so no change from the target can be told.")
    few = list(dict.fromkeys(curve.name for curve in curves if _smallest(curve) < FEW_PROMPTS))
    if few:
        sentences.append(
            f"Fewer than {FEW_PROMPTS} prompts stand behind some rates of: {', '.join(few)}. "
            "More prompts would help more than more rollouts of each."
        )
    return tuple(sentences)


def _asked(data: DataSummary) -> str:
    alphas = ", ".join(f"{alpha:g}" for alpha in data.alphas)
    return (
        f"{data.n_rollouts} rollouts: {data.n_prompts} prompts, up to {data.n_epochs} rollouts "
        f"of each at every alpha ({alphas})."
    )


def _smallest(curve: Curve) -> int:
    return min((rate.n_prompts for rate in curve.rates if rate.n), default=0)


def _moves(
    name: str, alphas: tuple[float, ...], curve: Curve, against: float | None
) -> Iterator[str]:
    yield _move(name, alphas, curve, against)
    bound = rule_of_three(curve.rates[alphas.index(0.0)]) if 0.0 in alphas else None
    if bound:
        yield f"{_capital(name)} at alpha 0 shows {bound}."


def _move(name: str, alphas: tuple[float, ...], curve: Curve, against: float | None) -> str:
    rates = dict(zip(alphas, curve.rates, strict=True))
    if against is None or 0.0 not in rates:
        told = ", ".join(f"{rate} at alpha {alpha:g}" for alpha, rate in rates.items())
        return f"{_capital(name)}: {told}."
    zero, amplified = rates[0.0], rates[against]
    ends = f"{zero} at alpha 0 and {amplified} at alpha {against:g}"
    change = difference(amplified, zero)
    if change is None:
        return f"{_capital(name)} can't be compared: {ends}."
    if not change.is_told:
        return f"For {name} no change can be told: {ends} ({change})."
    verb = "rises" if change.change > 0 else "falls"
    return (
        f"{_capital(name)} {verb} from {zero} at alpha 0 to {amplified} at alpha {against:g}: "
        f"{change}."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
