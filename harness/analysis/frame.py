"""Logs to one tidy frame: a row per (constraint, alpha, category, sample, epoch, scorer).

Knows how rows of several logs fit together, and what the logs say of the run. Refuses to know
what a sample holds.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.log_samples import read_samples
from harness.analysis.logs import LogInfo, choose_logs, find_logs, require_one, short_name
from harness.analysis.rows import Row, sample_rows, unsaid
from harness.constraint import NONE
from harness.errors import AnalysisError
from harness.graders import ROLE

ROLLOUT = ["constraint", "alpha", "sample_id", "epoch"]
"""What names a rollout within one pair and task."""

OBJECTS = ("sample_id", "category", "prompt", "completion", "config", "explanation")
"""Columns of Python's own strings: taking some rows of them copies no text, and scorers' rows of
one rollout share theirs. Arrow's would take a third of the analysis's time to copy."""

HARMLESS = "harmless_prompts"
"""Task metadata: no reply to these prompts can be harmful, so none need be withheld."""


def read_frame(log_dir: Path) -> pd.DataFrame:
    """Read the .eval logs of one sweep.

    Args:
        log_dir: the folder that the sweep logged to, searched with its subfolders.

    Returns:
        One row per (constraint, alpha, category, sample, epoch, scorer). ``value`` is NaN where a
        rollout was not scored and ``reason`` says why; ``unit`` is what a scorer counts, None for
        rates; ``trace_*`` hold the trace's summary.
        ``attrs["run"]`` holds what the logs say of the run as a whole, JSON-able.

    Raises:
        AnalysisError: if the folder is missing or holds no logs, logs of other models, of more
            than one pair or task, or rollouts drawn otherwise than their model's name says.
    """
    infos = find_logs(log_dir)
    chosen = choose_logs(infos)
    require_one("task", {info.task for info in chosen})
    frame, n_read = _read(chosen)
    if frame.empty:
        raise AnalysisError(f"the logs under {str(log_dir)!r} hold no samples: run the sweep again")
    require_one("pair", set(frame["pair"]))
    if frame.duplicated([*ROLLOUT, "scorer"]).any():
        raise AnalysisError(
            f"two logs under {str(log_dir)!r} hold the same rollouts at the same alpha: "
            f"{', '.join(sorted({info.file for info in chosen}))}. Remove all but one of them"
        )
    frame.attrs["run"] = _run(infos, n_read)
    return frame


def by_constraint(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split a frame by constraint, unconstrained first; each part knows of its own logs only.

    Rates under different constraints are of different samplers: nothing may pool them.
    """
    names = sorted(set(frame["constraint"]), key=lambda name: (name != NONE, name))
    return {name: _under(name, frame) for name in names}


def _under(constraint: str, frame: pd.DataFrame) -> pd.DataFrame:
    mine = frame["constraint"] == constraint
    # Shares its columns where nothing is left out: large runs have texts of half a gigabyte.
    rows = frame.copy(deep=False) if mine.all() else frame[mine].reset_index(drop=True)
    run = frame.attrs.get("run", {})
    logs = [log for log in run.get("logs", []) if log["constraint"] == constraint]
    rows.attrs["run"] = run | {"logs": logs}
    return rows


def rollouts(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row per rollout, whatever number of scorers judged it."""
    return frame.drop_duplicates(ROLLOUT)


def finished(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row per rollout under one constraint that ended without an error."""
    assert frame["constraint"].nunique() <= 1
    kept = rollouts(frame)
    return kept[kept["error"].isna()]


def _run(infos: list[LogInfo], n_read: dict[str, int]) -> dict[str, Any]:
    used = [info for info in infos if info.path in n_read]
    newest = max(used, key=lambda info: info.created).spec
    return {
        "logs": [
            {
                "file": info.file,
                "model": info.model,
                "constraint": info.constraint,
                "status": info.status,
                "created": info.created,
                "n_expected": info.n_expected,
                "n_read": n_read.get(info.path),
                "used": info.path in n_read,
            }
            for info in infos
        ],
        "packages": dict(newest.packages),
        "dataset": newest.dataset.name,
        "model_args": json.loads(json.dumps(newest.model_args, default=str)),
        "task_args": json.loads(json.dumps(newest.task_args_passed, default=str)),
        "epochs": newest.config.epochs or 1,
        "limit": newest.config.limit,
        "grader": _bound_grader(newest.model_roles),
        "harmless": (newest.metadata or {}).get(HARMLESS) is True,
    }


def _bound_grader(roles: dict[str, Any] | None) -> str | None:
    """Return the model that judged while the rollouts were drawn, not one that did later."""
    bound = (roles or {}).get(ROLE)
    one = bound[0] if isinstance(bound, list) else bound
    return None if one is None else str(one.model)


def _read(chosen: Sequence[LogInfo]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read logs, and count the samples of each by its path.

    What the rows of a rollout share is held once until all is read.
    """
    shared, scored, repeats, n_read = [], [], [], {}
    for info in chosen:
        log = read_samples(info, partial(sample_rows, info))
        names = {scorer.name for scorer in info.spec.scorers or []}
        names = names.union(*(rows.scored for rows in log))
        scorers: list[str | None] = [*sorted(names, key=short_name)] or [None]
        for rows in log:
            shared.append(rows.rollout)
            why = "no score" if rows.rollout["error"] is None else "error"
            scored += [rows.scored.get(name or "") or unsaid(name, why) for name in scorers]
        repeats += [len(scorers)] * len(log)
        n_read[info.path] = len(log)
    if not shared:
        return pd.DataFrame(), n_read
    return _expanded(_laid_out(shared), _laid_out(scored), np.array(repeats)), n_read


def _laid_out(rows: list[Row]) -> pd.DataFrame:
    """Make a column of each name, and let go of the rows."""
    names = list(rows[0])
    texts = {name: [row.pop(name) for row in rows] for name in names if name in OBJECTS}
    frame = pd.DataFrame(rows)
    rows.clear()
    for name, values in texts.items():
        frame.insert(names.index(name), name, pd.Series(values, dtype=object))
    return frame


def _expanded(once: pd.DataFrame, scored: pd.DataFrame, repeats: NDArray[np.intp]) -> pd.DataFrame:
    """Lay out a row per rollout and scorer, in order; so many of ``scored`` are each rollout's."""
    order = once[["constraint", "alpha", "category", "sample_id", "epoch"]]
    place = order.sort_values(list(order.columns)).index.to_numpy()
    times = repeats[place]
    starts = (np.cumsum(repeats) - repeats)[place]
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    scored = scored.take(np.repeat(starts, times) + within).reset_index(drop=True)
    once = once.take(np.repeat(place, times)).reset_index(drop=True)
    return pd.concat([once, scored], axis=1)
