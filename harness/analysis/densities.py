"""How likely each rollout was at any strength, of the sweep's grid or between, and which may pool.

For one token ``log p_a = l_t + a (l_t - l_b) - A(a)``, with the target's and the baseline's
log-probabilities l_t and l_b exact in the trace and A convex and smooth: A(-1) = A(0) = 0, A'(0) =
KL(target, baseline), A known at each alpha of the grid, and A'(a) = (KL(amplified, target) + A(a))
/ a at the strength that drew the token. Sums over tokens inherit all of this, so a rollout's A is
interpolated as one curve. Knows sums per rollout. Refuses to know behaviours.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from harness.analysis.dose import plain_sampling
from harness.analysis.frame import rollouts
from harness.analysis.importance import Mixture
from harness.analysis.summary import Count
from harness.constraint import NONE
from harness.traces.layout import grid_alphas, grid_column

# Both are float32 sums of the same logits: 3e-5 nats apart in 97,909 tokens, 64 a rollout.
SAME_NATS = 0.01

MIN_NODES = 4
"""Alphas with known log-probabilities, below which none between them is offered."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """The rollouts of a sweep that can be taken as drawn from one mixture."""

    rollouts: pd.DataFrame
    """``sample_uuid``, ``sample_id`` and ``alpha``, a row per rollout."""
    left_out: tuple[Count, ...]
    """Why others can't, and how many."""

    @property
    def alphas(self) -> tuple[float, ...]:
        """The strengths that drew them, rising."""
        return tuple(float(alpha) for alpha in np.unique(self.rollouts["alpha"]))


def admit(frame: pd.DataFrame, sums: pd.DataFrame) -> Admitted:
    """Choose the rollouts that every other's probability is known beside.

    In a mixture each component's probability must be known at every rollout. The traces hold that
    of the plain amplified distribution at temperature 1, so only rollouts drawn from one can be
    components. Those under a constraint, a temperature, top-p or top-k know with what probability
    they were drawn themselves, but not the others': they could only be a pool of their own, whose
    noise is added at a fixed share, and a mask's pool misses what it cuts. They are left out. So
    is a component that logs written before it hold no column of.

    Args:
        frame: of any constraints and scorers.
        sums: over all tokens, from :func:`~harness.analysis.rollout_sums.read_sums`.
    """
    rows = rollouts(frame)
    rows = rows[["sample_uuid", "sample_id", "alpha", "constraint", "config", "error"]]
    left_out = []
    reasons = _reasons(rows, sums)
    for reason in dict.fromkeys(reasons.dropna()):
        left_out.append(Count(name=str(reason), k=int((reasons == reason).sum())))
    kept = rows[reasons.isna()][["sample_uuid", "sample_id", "alpha"]].reset_index(drop=True)
    for alpha, dropped in _unknown(kept, sums):
        gone = kept["alpha"] == alpha
        left_out.append(Count(name=dropped, k=int(gone.sum())))
        kept = kept[~gone].reset_index(drop=True)
    return Admitted(rollouts=kept, left_out=tuple(left_out))


def _reasons(rows: pd.DataFrame, sums: pd.DataFrame) -> pd.Series:
    """Why each rollout can't be pooled, None where it can."""
    found = pd.Series(None, index=rows.index, dtype=object)
    known = rows["sample_uuid"].isin(sums.index)
    configs = {text: json.loads(text) for text in rows["config"].dropna().unique()}
    plain = rows["config"].map(lambda text: plain_sampling(configs.get(text, {})))
    own = _own(rows, sums)
    drawn = sums["sampling_logp_nats"].reindex(rows["sample_uuid"]).to_numpy()
    for reason, applies in (
        ("drawn from another distribution than the trace's", abs(own - drawn) > SAME_NATS),
        ("no trace", ~known),
        ("drawn with a temperature, top-p or top-k", ~plain.to_numpy(dtype=bool)),
        ("drawn under a constraint", rows["constraint"] != NONE),
        ("ended with an error", rows["error"].notna()),
    ):
        found[np.asarray(applies, dtype=bool)] = reason
    return found


def _own(rows: pd.DataFrame, sums: pd.DataFrame) -> Floats:
    """Log-probability at the strength that drew each, by the grid; NaN where that is not in it."""
    own = np.full(len(rows), np.nan)
    for alpha in rows["alpha"].unique():
        at = (rows["alpha"] == alpha).to_numpy()
        own[at] = _exact(sums.reindex(rows["sample_uuid"][at]), float(alpha))
    return own


def _exact(sums: pd.DataFrame, alpha: float) -> Floats:
    """Log-probability under one strength as the trace has it; NaN where it has not."""
    if alpha in (0.0, -1.0):
        name = "baseline_logp_nats" if alpha else "target_logp_nats"
    else:
        name = grid_column(alpha).name
    if name not in sums.columns:
        return np.full(len(sums), np.nan)
    return sums[name].to_numpy(dtype=np.float64)


def _unknown(kept: pd.DataFrame, sums: pd.DataFrame) -> Iterator[tuple[float, str]]:
    """Name the components to drop until each is known at all rollouts of the rest."""
    alphas = kept["alpha"].to_numpy(dtype=np.float64)
    components = list(np.unique(alphas))
    here = sums.reindex(kept["sample_uuid"])
    missing = {alpha: np.isnan(_exact(here, alpha)) & (alphas != alpha) for alpha in components}
    while components:
        left = np.isin(alphas, components)
        counts = {alpha: int((missing[alpha] & left).sum()) for alpha in components}
        worst = max(components, key=lambda alpha: (counts[alpha], alpha))
        if not counts[worst]:
            return
        components.remove(worst)
        yield worst, f"alpha {worst:g} is no column in the traces of other alphas"


@dataclass(frozen=True, kw_only=True, eq=False)
class Densities:
    """Log-probabilities of admitted rollouts, or of their beginnings, at any strength."""

    nodes: tuple[float, ...]
    """Alphas at which they are exact, rising; -1 and 0 are always among them."""
    logps_nats: Floats
    """[rollouts, nodes]."""
    target_nats: Floats
    baseline_nats: Floats
    own: Floats
    """The strength that drew each, [rollouts]."""
    slope_at_zero: Floats
    """Sum of KL(target, baseline)."""
    kl_own_nats: Floats
    """Sum of KL(amplified, target) at the strength that drew each."""
    prompts: NDArray[np.object_]

    @classmethod
    def of(cls, chosen: pd.DataFrame, sums: pd.DataFrame) -> "Densities":
        """Lay out the sums of admitted rollouts, in their order.

        Args:
            chosen: rows of ``Admitted.rollouts``, or with its columns.
            sums: over all tokens or up to the deciding ones.
        """
        here = sums.reindex(chosen["sample_uuid"])
        own = chosen["alpha"].to_numpy(dtype=np.float64)
        every = sorted({-1.0, 0.0, *grid_alphas(sums.columns), *own})
        columns = {alpha: _exact(here, alpha) for alpha in every}
        for alpha, column in columns.items():
            # What the sampler drew from, to its own last bit.
            column = np.where(
                own == alpha, here["sampling_logp_nats"].to_numpy(dtype=np.float64), column
            )
            columns[alpha] = column
        nodes = [alpha for alpha in every if not np.isnan(columns[alpha]).any()]
        return cls(
            nodes=tuple(nodes),
            logps_nats=np.stack([columns[alpha] for alpha in nodes], axis=1),
            target_nats=here["target_logp_nats"].to_numpy(dtype=np.float64),
            baseline_nats=here["baseline_logp_nats"].to_numpy(dtype=np.float64),
            own=own,
            slope_at_zero=here["kl_target_baseline_nats"].to_numpy(dtype=np.float64),
            kl_own_nats=here["kl_amplified_target_nats"].to_numpy(dtype=np.float64),
            prompts=chosen["sample_id"].to_numpy(dtype=object),
        )

    def mixture(self) -> Mixture:
        """Take the rollouts as drawn from one mixture of the strengths that drew them."""
        alphas = np.unique(self.own)
        columns = [self.nodes.index(float(alpha)) for alpha in alphas]
        return Mixture(
            alphas=tuple(float(alpha) for alpha in alphas),
            component=np.searchsorted(alphas, self.own),
            logps_nats=self.logps_nats[:, columns],
            prompts=self.prompts,
        )

    def logps(self, alpha: float) -> Floats:
        """Log-probability of each rollout at one strength, interpolated between nodes."""
        return self._logps(alpha, self._slopes)

    def rough_logps(self, alpha: float) -> Floats:
        """The same by slopes of lower order: how far the two differ bounds the error of the first.

        In sweeps with a column left out, the difference was about as large as the error itself or
        larger; ``docs/statistics.md`` has the figures.
        """
        return self._logps(alpha, self._rough_slopes)

    def _logps(self, alpha: float, slopes: Floats) -> Floats:
        if alpha in self.nodes:
            return self.logps_nats[:, self.nodes.index(alpha)]
        j = int(np.searchsorted(self.nodes, alpha)) - 1
        assert 0 <= j < len(self.nodes) - 1
        left, right = self.nodes[j], self.nodes[j + 1]
        width, t = right - left, (alpha - left) / (right - left)
        normaliser = (
            (1 + 2 * t) * (1 - t) ** 2 * self._normalisers[:, j]
            + t**2 * (3 - 2 * t) * self._normalisers[:, j + 1]
            + width * t * (1 - t) ** 2 * slopes[:, j]
            - width * t**2 * (1 - t) * slopes[:, j + 1]
        )
        return self._linear(alpha) - normaliser

    def _linear(self, alpha: float) -> Floats:
        return self.target_nats + alpha * (self.target_nats - self.baseline_nats)

    @cached_property
    def _normalisers(self) -> Floats:
        """A at the nodes, [rollouts, nodes]."""
        lines = np.stack([self._linear(alpha) for alpha in self.nodes], axis=1)
        return lines - self.logps_nats

    @cached_property
    def _slopes(self) -> Floats:
        """A' at the nodes, by a spline where it is not known, [rollouts, nodes]."""
        spline = CubicSpline(self.nodes, self._normalisers, axis=1)
        return self._with_known(np.array(spline(self.nodes, 1)))

    @cached_property
    def _rough_slopes(self) -> Floats:
        """A' at the nodes, by parabolas through neighbours where it is not known."""
        return self._with_known(np.gradient(self._normalisers, self.nodes, axis=1, edge_order=2))

    def _with_known(self, slopes: Floats) -> Floats:
        for j, alpha in enumerate(self.nodes):
            drawn = self.own == alpha
            if alpha:
                slopes[drawn, j] = (self.kl_own_nats + self._normalisers[:, j])[drawn] / alpha
        slopes[:, self.nodes.index(0.0)] = self.slope_at_zero
        return slopes
