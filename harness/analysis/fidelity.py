"""Whether a sweep did what it says: all checks together, and what to shout where one fails.

Four bugs, four checks: tokens drawn from something else (calibration), from something that is
recorded but not amplified (dose), logits that don't follow the formula (spread), and an alpha that
was lost on its way (strength).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis.calibration import Calibration, calibrations
from harness.analysis.dose import Dose, doses
from harness.analysis.magnitudes import Magnitude, magnitudes
from harness.analysis.strength import Strength, strengths

SPREAD_TOLERANCE = 0.01
"""Measured over closed-form spread may be this far from 1."""


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """Every check of one constraint's rollouts, one result per alpha each."""

    calibration: tuple[Calibration, ...]
    doses: tuple[Dose, ...]
    magnitudes: tuple[Magnitude, ...]
    strengths: tuple[Strength, ...]


def check_fidelity(frame: pd.DataFrame, tokens: pd.DataFrame | None, n_checks: int) -> Fidelity:
    """Run every check that the logs hold data for.

    Args:
        frame: rollouts under one constraint.
        tokens: from ``token_sums``; None without trace files.
        n_checks: alphas times constraints of the sweep.
    """
    return Fidelity(
        calibration=calibrations(frame, tokens, n_checks),
        doses=doses(frame),
        magnitudes=magnitudes(frame),
        strengths=strengths(frame, tokens),
    )


def fidelity_failures(found: Fidelity) -> tuple[str, ...]:
    """Say of each check at which alphas it failed; empty where none did."""
    uncalibrated = [one for one in found.calibration if one.verdict == "not as predicted"]
    off_dose = [one for one in found.doses if one.verdict == "not as predicted"]
    off_spread = [one for one in found.magnitudes if abs(one.std_ratio - 1) > SPREAD_TOLERANCE]
    off_strength = [one for one in found.strengths if one.verdict == "not as predicted"]
    told = []
    if uncalibrated:
        worst = max(
            uncalibrated, key=lambda one: abs(one.excess_nats.value if one.excess_nats else 0)
        )
        told.append(
            f"at alpha {alphas_of(uncalibrated)} the sampled tokens were NOT drawn from the "
            "distribution that is recorded for them: surprisal minus entropy, which should be 0, "
            f"is {worst.excess_nats} nats per token at alpha {worst.alpha:g}"
        )
    if off_dose:
        told.append(
            f"at alpha {alphas_of(off_dose)} the sampled tokens do NOT follow the amplified "
            "distribution: their gain differs from the dose"
        )
    if off_spread:
        told.append(
            f"at alpha {alphas_of(off_spread)} the spread of the amplified logits is NOT what the "
            "formula gives"
        )
    if off_strength:
        worst_strength = max(off_strength, key=lambda one: abs((one.applied or 0) - one.alpha))
        told.append(
            f"at alpha {alphas_of(off_strength)} the steps were NOT amplified by that alpha: "
            f"at alpha {worst_strength.alpha:g} {witness(worst_strength)}"
        )
    return tuple(told)


def shout(failures: Sequence[str]) -> tuple[str, ...]:
    """Say it first of all, in one sentence; nothing where no check failed."""
    if not failures:
        return ()
    return (
        f"FIDELITY FAILED, so trust no rate here: {'; '.join(failures)}. What was sampled is not "
        "what the figures describe; mend the decoding and run the sweep again.",
    )


def witness(one: Strength) -> str:
    """Say what stands in the traces where the asked alpha should."""
    parts = []
    if one.applied is not None:
        parts.append(f"the recorded strength is {one.applied:g}")
    if one.spread_ratio is not None:
        parts.append(f"the spread is {one.spread_ratio:.3f} times what it would give")
    return " and ".join(parts)


def alphas_of(
    found: Sequence[Calibration] | Sequence[Dose] | Sequence[Magnitude] | Sequence[Strength],
) -> str:
    """List the alphas of some results."""
    return ", ".join(f"{one.alpha:g}" for one in found)
