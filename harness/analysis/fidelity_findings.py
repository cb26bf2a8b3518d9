"""The sentences of the fidelity section: spread, dose, sampled tokens and strength.

Knows the checks' results. Refuses to judge anything that their verdicts don't.
"""

from collections.abc import Sequence

from harness.analysis.calibration import Calibration
from harness.analysis.dose import Dose
from harness.analysis.fidelity import SPREAD_TOLERANCE, alphas_of, witness
from harness.analysis.magnitudes import Magnitude
from harness.analysis.strength import Strength

Sentences = tuple[str, ...]


def magnitude_findings(magnitudes: tuple[Magnitude, ...]) -> Sentences:
    """Hold the measured spread against the formula's, and the naive guess against both."""
    if not magnitudes:
        return ()
    worst = max(magnitudes, key=lambda row: abs(row.std_ratio - 1))
    off = abs(worst.std_ratio - 1)
    sentences = [
        f"The spread of the amplified logits is what the formula gives at every alpha: the largest "
        f"deviation from the closed form is {off:.2%}, at alpha {worst.alpha:g}."
        if off <= SPREAD_TOLERANCE
        else f"The spread of the amplified logits is NOT what the formula gives: it deviates from "
        f"the closed form by {off:.1%} at alpha {worst.alpha:g}. Trust no rate before that is "
        "explained."
    ]
    last = magnitudes[-1]
    if last.std_over_linear is not None and last.alpha > 0:
        sentences.append(
            f"At alpha {last.alpha:g} it is {last.std_over_linear:.0%} of what growth like "
            "1 + alpha would give. That is no shortfall: target and baseline agree on most of "
            "their spread, and only where they differ does alpha stretch it."
        )
    return tuple(sentences)


def dose_findings(doses: tuple[Dose, ...]) -> Sentences:
    """Say what alpha did in nats, and whether the sampled tokens bear it out."""
    given = [(dose, dose.dose_nats) for dose in doses if dose.dose_nats and dose.alpha > 0]
    sentences = []
    if given:
        ends = given[:1] if len(given) == 1 else [given[0], given[-1]]
        told = " and ".join(f"{nats} at alpha {dose.alpha:g}" for dose, nats in ends)
        sentences.append(f"The dose is {told}, in nats per token.")
    wrong = [f"{dose.alpha:g}" for dose in doses if dose.verdict == "not as predicted"]
    right = [f"{dose.alpha:g}" for dose in doses if dose.verdict == "as predicted"]
    if wrong:
        sentences.append(
            f"At alpha {', '.join(wrong)} the sampled tokens do NOT follow the amplified "
            "distribution: their gain differs from the dose. Trust no rate of these alphas."
        )
    if right:
        sentences.append(
            f"At alpha {', '.join(right)} the sampled tokens follow the amplified distribution: "
            "their gain equals the dose within its noise."
        )
    if doses and not wrong and not right:
        sentences.append("Whether the sampled tokens follow it could not be checked.")
    return tuple(sentences)


def calibration_findings(calibrations: Sequence[Calibration]) -> tuple[str, ...]:
    """Say whether the sampled tokens are what their recorded distribution draws."""
    checked = [one for one in calibrations if one.excess_nats is not None]
    if not checked:
        notes = list(dict.fromkeys(one.note for one in calibrations if one.note))
        return (f"Whether the sampled tokens follow it was not checked: {'; '.join(notes)}.",)
    wrong = [one for one in checked if one.verdict == "not as predicted"]
    if wrong:
        return tuple(
            f"At alpha {one.alpha:g} the tokens were NOT drawn from the distribution that is "
            f"recorded for them: the excess is {one.excess_nats} nats per token, and a correct "
            f"sampler stays within {one.bound_nats:.3f}."
            for one in wrong
        )
    largest = max(checked, key=lambda one: abs(one.excess_nats.value if one.excess_nats else 0))
    return (
        "The sampled tokens are as surprising as their recorded distributions say, at every alpha "
        f"that was checked ({alphas_of(checked)}): the largest excess is {largest.excess_nats} "
        f"nats per token, at alpha {largest.alpha:g}, where a correct sampler stays within "
        f"{largest.bound_nats:.3f}.",
    )


def strength_findings(strengths: Sequence[Strength]) -> tuple[str, ...]:
    """Say whether the steps were amplified by the alpha that was asked for."""
    wrong = [one for one in strengths if one.verdict == "not as predicted"]
    right = [one for one in strengths if one.verdict == "as predicted"]
    told = [
        f"The steps of alpha {one.alpha:g} were NOT amplified by it: {witness(one)}."
        for one in wrong
    ]
    if right:
        told.append(f"The steps of alpha {alphas_of(right)} were amplified by just that.")
    return tuple(told)
