"""What a sweep's logs and traces say of one behaviour, laid out for its rate at alpha 0.

Knows logs, scorers and traces. Refuses to estimate.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.behaviours import BENIGN, has_benign, is_binary
from harness.analysis.densities import Densities, admit
from harness.analysis.frame import read_frame
from harness.analysis.headline import decided_beginnings
from harness.analysis.rollout_sums import WHOLE, read_sums
from harness.analysis.summary import Count
from harness.analysis.traces import read_traces
from harness.constraint import NONE
from harness.errors import AnalysisError

Floats = NDArray[np.float64]

_COLUMNS = [
    *("sample_uuid", "sample_id", "alpha", "category", "value", "reason"),
    *("decided_from", "decided_chars", "completion", "config", "error", "seed"),
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The unconstrained rollouts of one sweep, as one scorer saw them."""

    pair: str
    model_args: Mapping[str, object]
    """What ``-M`` spelled when the rollouts were drawn."""
    task: str
    scorer: str
    categories: tuple[str, ...]
    """Of the prompts that count."""
    rows: pd.DataFrame
    """A row per rollout, at any alpha: ``sample_uuid``, ``sample_id``, ``alpha``, ``value``,
    ``decided_from``, ``decided_chars``, ``completion``, ``config``."""
    admitted: pd.DataFrame
    """The rows whose probability is known at each other's alpha: ``sample_uuid``, ``sample_id``
    and ``alpha``."""
    left_out: tuple[Count, ...]
    """Why other rollouts can't be pooled."""
    whole: pd.DataFrame
    """What the traces say of each rollout, by ``sample_uuid``."""
    sums: pd.DataFrame
    """The same, of events up to the token that decided."""
    tokens: pd.DataFrame
    """Of ``rows``, a row per token in order: ``sample_uuid``, ``token_id``, ``token_text``."""

    @property
    def plain(self) -> pd.DataFrame:
        """The rollouts at alpha 0."""
        return self.rows[self.rows["alpha"] == 0]

    @property
    def amplified(self) -> pd.DataFrame:
        """The rollouts beyond alpha 0, which show what is rare there."""
        return self.rows[self.rows["alpha"] > 0]

    @property
    def pooled(self) -> pd.DataFrame:
        """The rows of ``admitted``, in its order."""
        return self.admitted[["sample_uuid"]].merge(self.rows, on="sample_uuid", how="left")

    @property
    def log_weights(self) -> Floats:
        """What each pooled rollout counts for at alpha 0, [rollouts]."""
        densities = Densities.of(self.admitted, self.sums)
        return densities.mixture().log_weights(densities.logps(0.0))

    @property
    def n_decided(self) -> int:
        """Pooled events that are weighed up to the token that decided, and not to their end."""
        uuids = self.admitted["sample_uuid"]
        cut = self.sums["n_tokens"].reindex(uuids).to_numpy()
        return int((cut < self.whole["n_tokens"].reindex(uuids).to_numpy()).sum())

    def only(self, uuids: Collection[str]) -> "Evidence":
        """Keep some of the rollouts, as if no others had been drawn."""
        return replace(
            self,
            rows=self.rows[self.rows["sample_uuid"].isin(uuids)].reset_index(drop=True),
            admitted=self.admitted[self.admitted["sample_uuid"].isin(uuids)].reset_index(drop=True),
        )


def gather(log_dir: Path, scorer: str, categories: Sequence[str] = ()) -> Evidence:
    """Read a sweep for the rate of what one scorer sees.

    Args:
        log_dir: the folder that the sweep logged to.
        scorer: by its short name, such as ``refusal``.
        categories: of prompts that count; without any all do, but for the benign ones that stand
            beside others as a control.

    Raises:
        AnalysisError: if there are no such logs, scorer, category or traces, if every rollout was
            drawn under a constraint, or if the scorer gives other values than 0 and 1.
    """
    frame = read_frame(log_dir)
    scored = _of_scorer(frame, scorer)
    chosen = _chosen_categories(frame, categories)
    every = scored[scored["category"].isin(chosen) & scored["error"].isna()]
    free = every[every["constraint"] == NONE]
    if free.empty:
        raise AnalysisError(_nothing_free(every))
    rows = free[_COLUMNS].reset_index(drop=True)
    sums = read_sums(log_dir, {scorer: decided_beginnings(rows)})
    admitted = admit(free, sums[WHOLE])
    if admitted.rollouts.empty and not (rows["alpha"] == 0).any():
        raise AnalysisError(
            f"no rollouts under {str(log_dir)!r} say anything of alpha 0: none was drawn there, "
            f"and none can be weighed ({_told(admitted.left_out)}). Sweep it: amplify sweep always "
            "includes alpha 0"
        )
    return Evidence(
        pair=str(frame["pair"].iloc[0]),
        model_args=frame.attrs["run"]["model_args"],
        task=str(frame["task"].iloc[0]),
        scorer=scorer,
        categories=chosen,
        rows=rows,
        admitted=admitted.rollouts,
        left_out=admitted.left_out,
        whole=sums[WHOLE],
        sums=sums[scorer],
        tokens=_tokens(log_dir, rows),
    )


def plain_rollouts(log_dir: Path, evidence: Evidence) -> pd.DataFrame:
    """Read what further logs count at alpha 0: ``sample_id`` and ``value``; they need no traces.

    Args:
        log_dir: of the same pair and task, drawn with another seed.
        evidence: whose scorer, categories and unconstrained rollouts are meant.

    Raises:
        AnalysisError: if they are of another pair or task, or hold the evidence's own rollouts.
    """
    frame = read_frame(log_dir)
    named = (str(frame["pair"].iloc[0]), str(frame["task"].iloc[0]))
    if named != (evidence.pair, evidence.task):
        raise AnalysisError(
            f"{str(log_dir)!r} holds rollouts of {' and '.join(named)}, and the sweep is of "
            f"{evidence.pair} and {evidence.task}: they can't be counted together"
        )
    rows = _of_scorer(frame, evidence.scorer)
    plain = rows["error"].isna() & (rows["constraint"] == NONE) & (rows["alpha"] == 0)
    rows = rows[plain & rows["category"].isin(evidence.categories)]
    if rows["seed"].isin(evidence.plain["seed"]).any():
        raise AnalysisError(
            f"{str(log_dir)!r} holds rollouts of the sweep itself: draw others with --seed"
        )
    return rows[["sample_id", "value"]]


def _of_scorer(frame: pd.DataFrame, scorer: str) -> pd.DataFrame:
    known = sorted(set(frame["scorer"].dropna()))
    rows = frame[frame["scorer"] == scorer]
    if rows.empty:
        told = ", ".join(known) or "none at all"
        raise AnalysisError(
            f"no scorer '{scorer}' in these logs; there are: {told}. Others can be added by "
            "inspect score LOG --scorer FILE.py@NAME --action append"
        )
    if not is_binary(rows):
        raise AnalysisError(
            f"scorer '{scorer}' gives other values than 0 and 1, so it has a mean and no rate"
        )
    return rows


def _chosen_categories(frame: pd.DataFrame, asked: Sequence[str]) -> tuple[str, ...]:
    known = sorted(set(frame["category"]))
    for name in asked:
        if name not in known:
            raise AnalysisError(
                f"no category '{name}' in these logs; there are: {', '.join(known)}"
            )
    if asked:
        return tuple(dict.fromkeys(asked))
    return tuple(name for name in known if not (name == BENIGN and has_benign(frame)))


def _nothing_free(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "no rollout of these prompts ended without an error: run the sweep again"
    names = ", ".join(sorted(set(rows["constraint"])))
    return (
        f"all rollouts were drawn under a constraint ({names}), which hides what it cuts: the rate "
        "needs unconstrained ones. amplify sweep draws them beside every --constraint"
    )


def _tokens(log_dir: Path, rows: pd.DataFrame) -> pd.DataFrame:
    tokens = read_traces(log_dir, ["token_id", "token_text"])
    tokens = tokens[tokens["sample_uuid"].isin(set(rows["sample_uuid"]))]
    several = tokens[tokens["call"] > 0]["sample_uuid"].nunique()
    if several:
        raise AnalysisError(
            f"{several} samples asked the model several times; which of its replies decided is not "
            "known, so only tasks that ask once have a rate here"
        )
    return tokens.sort_values(["sample_uuid", "position"], ignore_index=True)


def _told(left_out: Sequence[Count]) -> str:
    return "; ".join(f"{one.name}: {one.k}" for one in left_out) or "there are none"
