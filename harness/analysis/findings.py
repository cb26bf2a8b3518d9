"""The sentences of a report's sections, made by rules from the same rates that its tables show."""

from dataclasses import dataclass

from harness.analysis.behaviours import Curve
from harness.analysis.lengths import Length
from harness.analysis.rates import FEW_PROMPTS
from harness.analysis.summary import DataSummary

Sentences = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What may be said, by section of the report."""

    summary: Sentences
    """The five lines of the verdict, after whatever failed."""
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
        f"{data.n_rollouts} rollouts: {data.n_prompts} prompts, {data.repeats} of each at "
        f"every alpha ({alphas})."
    )


def _smallest(curve: Curve) -> int:
    return min((rate.n_prompts for rate in curve.rates if rate.n), default=0)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
