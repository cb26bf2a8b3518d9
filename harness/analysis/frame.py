"""Logs to one tidy frame: a row per (constraint, alpha, category, sample, epoch, scorer).

Knows what the provider and the scorers write. Refuses to judge: an errored or unscored rollout
is a row like any other, with the reason beside it.
"""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import ChatMessage
from inspect_ai.scorer import Score

from harness.analysis.dataset import prompt_sha256
from harness.analysis.logs import (
    LogInfo,
    choose_logs,
    find_logs,
    read_samples,
    require_one,
    short_name,
    split_model,
)
from harness.constraint import NONE
from harness.errors import AnalysisError
from harness.graders import ROLE

UNCATEGORISED = "all"
ROLLOUT = ["constraint", "alpha", "sample_id", "epoch"]
"""What names a rollout within one pair and task."""

# Inspect writes these letters for scores; "N" is "no answer", which is no score.
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

Row = dict[str, Any]


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
    logs = [(info, read_samples(info)) for info in chosen]
    rows = [row for info, log in logs for row in _log_rows(info, log)]
    if not rows:
        raise AnalysisError(f"the logs under {str(log_dir)!r} hold no samples: run the sweep again")
    frame = pd.DataFrame(rows)
    require_one("pair", set(frame["pair"]))
    if frame.duplicated([*ROLLOUT, "scorer"]).any():
        raise AnalysisError(
            f"two logs under {str(log_dir)!r} hold the same rollouts at the same alpha: "
            f"{', '.join(sorted({info.file for info in chosen}))}. Remove all but one of them"
        )
    order = ["constraint", "alpha", "category", "sample_id", "epoch", "scorer"]
    frame = frame.sort_values(order)
    frame = frame.reset_index(drop=True)
    frame.attrs["run"] = _run(infos, logs)
    return frame


def by_constraint(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split a frame by constraint, unconstrained first; each part knows of its own logs only.

    Rates under different constraints are of different samplers: nothing may pool them.
    """
    names = sorted(set(frame["constraint"]), key=lambda name: (name != NONE, name))
    return {name: _under(name, frame) for name in names}


def _under(constraint: str, frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["constraint"] == constraint].reset_index(drop=True)
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


def _run(infos: list[LogInfo], logs: list[tuple[LogInfo, EvalLog]]) -> dict[str, Any]:
    n_read = {info.path: len(log.samples or []) for info, log in logs}
    newest = max(logs, key=lambda pair: pair[0].created)[1].eval
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


def _log_rows(info: LogInfo, log: EvalLog) -> list[Row]:
    samples = log.samples or []
    named = {scorer.name for scorer in log.eval.scorers or []}
    scored = named | {name for sample in samples for name in sample.scores or {}}
    scorers: list[str | None] = [*sorted(scored)] or [None]
    rows = []
    for sample in samples:
        rollout = _rollout(info, sample)
        rows += [rollout | _scored(scorer, sample) for scorer in scorers]
    return rows


def _rollout(info: LogInfo, sample: EvalSample) -> Row:
    output, written = sample.output, sample.output.metadata or {}
    errored = sample.error is not None
    trace = written.get("trace") or {}
    n_tokens = trace.get("n_tokens", output.usage.output_tokens if output.usage else math.nan)
    return {
        "pair": written.get("pair", info.pair),
        "task": info.task,
        "model": info.model,
        "alpha": _alpha(info, written.get("alpha")),
        "constraint": _constraint(info, written.get("config", {}).get("constraint")),
        "sample_uuid": sample.uuid,
        "sample_id": str(sample.id),
        "category": str((sample.metadata or {}).get("category", UNCATEGORISED)),
        "epoch": sample.epoch,
        "prompt": _prompt(sample.input),
        "prompt_sha256": prompt_sha256(sample),
        "completion": output.completion,
        "stop_reason": output.stop_reason if output.choices else None,
        "n_tokens": math.nan if errored else float(n_tokens),
        "n_chars": math.nan if errored else float(len(output.completion)),
        "seed": written.get("seed"),
        "run_seed": written.get("run_seed"),
        "version": written.get("version"),
        "packages": json.dumps(written["packages"]) if "packages" in written else None,
        "config": json.dumps(written["config"], sort_keys=True) if "config" in written else None,
        "error": sample.error.message if sample.error else None,
        **{f"trace_{name}": figure for name, figure in trace.items()},
    }


def _alpha(info: LogInfo, written: float | None) -> float:
    """Take the alpha that was decoded with, and hold the model's name to it.

    A cache that ignores alpha once returned alpha 0's text under the name of alpha 5.
    """
    if written is None:
        return info.alpha
    if split_model(info.model)[1] not in (None, float(written)):
        raise AnalysisError(
            f"the log {info.file!r} of {info.model} holds rollouts drawn at alpha {written}: "
            "name and text disagree, so neither can be trusted. Run it again without a cache"
        )
    return float(written) + 0.0


def _constraint(info: LogInfo, written: list[str] | None) -> str:
    """Take the constraint of the model's name, and hold what was decoded with to it."""
    if written is not None and ":".join(sorted(written)) != info.constraint.replace(NONE, ""):
        raise AnalysisError(
            f"the log {info.file!r} of {info.model} holds rollouts drawn under "
            f"{':'.join(written) or NONE}: name and text disagree, so neither can be trusted. Run "
            "it again without a cache"
        )
    return info.constraint


def _prompt(asked: str | list[ChatMessage]) -> str:
    if isinstance(asked, str):
        return asked
    users = [message.text for message in asked if message.role == "user"]
    return users[-1] if users else ""


def _scored(scorer: str | None, sample: EvalSample) -> Row:
    score = (sample.scores or {}).get(scorer) if scorer else None
    metadata = (score.metadata if score else None) or {}
    value, reason = _value(sample, score)
    return {
        "scorer": short_name(scorer) if scorer else None,
        "value": value,
        "reason": reason,
        "label": score.answer if score else None,
        "explanation": score.explanation if score else None,
        "opening": metadata.get("opening"),
        "soft_jailbreak": bool(metadata.get("soft_jailbreak", False)),
        "grader": metadata.get("grader"),
        "unit": unit if isinstance(unit := metadata.get("unit"), str) else None,
    }


def _value(sample: EvalSample, score: Score | None) -> tuple[float, str | None]:
    """Turn a score into a number, or NaN and why there is none; never into 0."""
    if sample.error is not None:
        return math.nan, "error"
    if score is None:
        return math.nan, "no score"
    value = LETTERS.get(score.value, score.value) if isinstance(score.value, str) else score.value
    try:
        number = float(value)  # type: ignore[arg-type]  # lists and dicts land in the except
    except (TypeError, ValueError):
        return math.nan, "no answer" if value == "N" else f"not a number: {value!r:.40}"
    return number, (score.reason or "no reason given") if math.isnan(number) else None
