"""One run from alpha 0 upwards, with its doses and events by prompt.

Knows frames and curves; refuses to know that there is another run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from harness.analysis.behaviours import Curve
from harness.analysis.dose import doses
from harness.analysis.dose_matching import Cells, Floats, ratio
from harness.analysis.frame import finished
from harness.analysis.rates import Rate

DoseSource = Literal["dose", "gain"]


class Run(NamedTuple):
    """One run under one constraint, over shared prompts."""

    frame: pd.DataFrame
    alphas: tuple[float, ...]
    curves: Mapping[str, Curve]
    source: DoseSource | None


def dose_source(frame: pd.DataFrame) -> DoseSource | None:
    """Say what stands for the dose at every alpha.

    The dose itself; under a mask, which cuts after that is measured, the gain, whose expectation
    is the divergence of what was really sampled from; None where an alpha has neither.
    """
    found = doses(frame)
    if len(found) < frame["alpha"].nunique():
        return None
    if all(one.dose_nats for one in found):
        return "dose"
    return "gain" if all(one.gain_nats for one in found) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """One run from alpha 0 upwards."""

    alphas: Floats
    doses: Cells
    observed: Floats
    """Doses of the data, [alphas]."""
    rates: Mapping[str, tuple[Rate, ...]]
    prompts: list[str]

    @classmethod
    def of(cls, run: Run, prompts: list[str]) -> "Walk":
        """Add up a run's doses by prompt.

        Args:
            run: with a dose at every alpha.
            prompts: rising.
        """
        kept = [i for i, alpha in enumerate(run.alphas) if alpha >= 0]
        alphas = np.array([run.alphas[i] for i in kept])
        rows = finished(run.frame)
        nats = _dose_of(rows, run.source) * rows["n_tokens"].to_numpy(dtype=np.float64)
        known = np.isfinite(nats) & (rows["alpha"].to_numpy() >= 0)
        rows, nats = rows[known], nats[known]
        at = (np.searchsorted(prompts, rows["sample_id"]), np.searchsorted(alphas, rows["alpha"]))
        sums, sizes = np.zeros((2, len(prompts), len(alphas)))
        np.add.at(sums, at, nats)
        np.add.at(sizes, at, rows["n_tokens"].to_numpy(dtype=np.float64))
        return cls(
            alphas=alphas,
            doses=Cells(sums, sizes),
            observed=ratio(sums.sum(axis=0), sizes.sum(axis=0)),
            rates={name: tuple(curve.rates[i] for i in kept) for name, curve in run.curves.items()},
            prompts=prompts,
        )

    def cells(self, name: str) -> Cells:
        """Events and scored rollouts of a behaviour."""
        sums, sizes = np.zeros((2, len(self.prompts), len(self.alphas)))
        for i, rate in enumerate(self.rates[name]):
            at = np.searchsorted(self.prompts, rate.by_prompt.prompts)
            sums[at, i], sizes[at, i] = rate.by_prompt.k, rate.by_prompt.n
        return Cells(sums, sizes)


def _dose_of(rows: pd.DataFrame, source: DoseSource | None) -> Floats:
    if source == "dose":
        return rows["trace_dose_nats"].to_numpy(dtype=np.float64)
    gain = rows["trace_target_nll_nats"] - rows["trace_sampling_nll_nats"]
    return gain.to_numpy(dtype=np.float64)
