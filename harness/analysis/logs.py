"""Which logs of a folder count: one per alpha and constraint, all of one pair and one task.

Knows the headers of Inspect's logs. Refuses to know their samples' contents.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from inspect_ai.log import EvalSpec, list_eval_logs, read_eval_log

from harness.constraint import NONE, format_constraints, parse_constraints
from harness.errors import AnalysisError, InvalidConstraint

PROVIDER = "amplified/"


@dataclass(frozen=True, kw_only=True)
class LogInfo:
    """What a log's header says."""

    file: str
    """The file's name, without its folder."""
    path: str
    model: str
    task: str
    pair: str
    alpha: float
    """As the model's name says; 0 without an @."""
    constraint: str
    """As the model's name says, in its one spelling; ``none`` without any."""
    status: str
    created: str
    n_expected: int
    """Rollouts that a complete log holds: prompts times epochs."""
    spec: EvalSpec
    """What the header says of task, model, configuration and packages."""

    @property
    def complete(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "success"


def short_name(registered: str) -> str:
    """Strip the package that Inspect may put before a registered name (``harness/refusal``)."""
    return registered.rpartition("/")[2]


class NamedModel(NamedTuple):
    """What a model's name says."""

    pair: str
    alpha: float | None
    """None without an @."""
    constraint: str


def split_model(model: str) -> NamedModel:
    """Split ``amplified/refuser@1.5:first=10`` into its pair, its alpha and its constraint.

    Raises:
        AnalysisError: if what follows the @ is not a number, or a colon there no constraint.
    """
    pair, at, settings = model.removeprefix(PROVIDER).partition("@")
    alpha, colon, constraint = settings.partition(":")
    if not at:
        return NamedModel(pair, None, NONE)
    try:
        number = float(alpha)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AnalysisError(
            f"the log of model {model!r} names the alpha {alpha!r}, which is not a finite number; "
            "a sweep's models are named like amplified/refuser@1.5"
        )
    try:
        spelled = format_constraints(parse_constraints(constraint)) if colon else NONE
    except InvalidConstraint as error:
        raise AnalysisError(f"the log of model {model!r} can't be placed: {error}") from error
    return NamedModel(pair, number + 0.0, spelled)  # -0.0 would be shown as another alpha


def find_logs(log_dir: Path) -> list[LogInfo]:
    """Read the header of every .eval log under a folder, oldest first.

    Raises:
        AnalysisError: if there is no such folder, no log in it, or a log of another provider.
    """
    if not log_dir.is_dir():
        raise AnalysisError(f"no folder {str(log_dir)!r}: give the folder that a sweep logged to")
    found = [_info(entry.name) for entry in list_eval_logs(str(log_dir), formats=["eval"])]
    if not found:
        raise AnalysisError(f"no .eval log under {str(log_dir)!r}: run a sweep that logs there")
    infos = sorted(found, key=lambda info: (info.created, info.file))
    others = sorted({info.model for info in infos if not info.model.startswith(PROVIDER)})
    if others:
        raise AnalysisError(
            f"logs of other models under {str(log_dir)!r}: {', '.join(others)}; their samples "
            "carry no alpha. Give a folder with logs of amplified/... models only"
        )
    return infos


def choose_logs(infos: list[LogInfo]) -> list[LogInfo]:
    """Keep for each (pair, alpha, constraint, task) the newest complete log, or the newest.

    Alphas are compared as numbers, so ``@1`` and ``@1.0`` are one.
    """
    chosen: dict[tuple[str, float, str, str], LogInfo] = {}
    for info in infos:
        key = (info.pair, info.alpha, info.constraint, info.task)
        if key not in chosen or info.complete or not chosen[key].complete:
            chosen[key] = info
    return sorted(chosen.values(), key=lambda info: info.alpha)


def require_one(what: str, names: set[str]) -> str:
    """Return the only name.

    Raises:
        AnalysisError: if there are several.
    """
    if len(names) != 1:
        raise AnalysisError(
            f"logs of {len(names)} {what}s in one folder: {', '.join(sorted(names))}. "
            f"A report is about one {what}: give each its own log folder"
        )
    return next(iter(names))


def _info(path: str) -> LogInfo:
    try:
        log = read_eval_log(path, header_only=True)
    # Inspect raises whatever its zip and JSON readers raise; all of it means the same here.
    except Exception as error:
        raise unreadable(path, error) from error
    spec = log.eval
    pair, alpha, constraint = split_model(spec.model)
    return LogInfo(
        file=path.rpartition("/")[2],
        path=path,
        model=spec.model,
        task=short_name(spec.task),
        pair=pair,
        alpha=alpha or 0.0,
        constraint=constraint,
        status=log.status,
        created=spec.created,
        n_expected=len(spec.dataset.sample_ids or []) * (spec.config.epochs or 1),
        spec=spec,
    )


def unreadable(path: str, error: Exception) -> AnalysisError:
    """Say that a log can't be read."""
    return AnalysisError(f"the log {path!r} can't be read ({error}); remove it or run it again")
