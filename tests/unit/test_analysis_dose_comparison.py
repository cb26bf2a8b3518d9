"""Intervals at equal doses cover what they promise, and gain by pairing."""

import numpy as np
import pandas as pd

from harness.analysis.behaviours import curve
from harness.analysis.dose_comparison import AtDose, compare_along_dose
from harness.analysis.dose_walk import Run

ALPHAS = (0.0, 1.0, 2.0, 3.0)
N_PROMPTS, EPOCHS = 40, 3


def simulated(
    rng: np.random.Generator, leanings: np.ndarray, strength: float, shift: float = 0.0
) -> Run:
    """Draw a run whose rate is linear in the dose, so that interpolation adds no error."""
    rows = []
    for alpha in ALPHAS:
        dose = (strength * alpha) ** 2
        for i, leaning in enumerate(leanings):
            chance = np.clip(0.2 + 0.02 * dose + leaning + shift, 0, 1)
            for epoch in range(EPOCHS):
                noisy = dose * rng.gamma(8, 1 / 8)
                rows.append((alpha, f"p{i}", epoch, float(rng.random() < chance), noisy))
    frame = pd.DataFrame(rows, columns=["alpha", "sample_id", "epoch", "value", "trace_dose_nats"])
    frame = frame.assign(constraint="none", error=None, n_tokens=20.0)
    curves = {"refusal": curve("refusal", frame, ALPHAS)}
    return Run(frame=frame, alphas=ALPHAS, curves=curves, source="dose")


def compared(rng: np.random.Generator, *, same: bool, shift: float = 0.0) -> tuple[AtDose, ...]:
    leanings = [rng.normal(0, 0.15, N_PROMPTS) for _ in range(2)]
    a = simulated(rng, leanings[0], 1.0)
    b = simulated(rng, leanings[0 if same else 1], 1.3, shift)
    return compare_along_dose(a, b).behaviours["refusal"]


def test_intervals_of_no_change_hold_0_about_as_often_as_they_promise():
    """Of 6 doses x 60 pairs of runs; 95 % are promised, and clusters are few."""
    rng = np.random.default_rng(1)
    changes = [point.change for _ in range(60) for point in compared(rng, same=True)]
    covered = np.mean([not one.is_told for one in changes])
    assert 0.9 <= covered <= 0.99


def test_a_change_of_30_points_is_told_at_every_dose():
    rng = np.random.default_rng(2)
    points = compared(rng, same=True, shift=0.3)
    assert all(point.change.is_told for point in points)
    assert all(abs(point.change.value - 0.3) < 0.15 for point in points)


def test_what_prompts_are_like_cancels_out_of_the_change():
    """Shared prompts give narrower intervals than as many others would."""
    rng = np.random.default_rng(3)

    def width(same: bool) -> float:
        points = [point for _ in range(8) for point in compared(rng, same=same)]
        return float(np.mean([point.change.high - point.change.low for point in points]))

    assert width(same=True) < 0.9 * width(same=False)
