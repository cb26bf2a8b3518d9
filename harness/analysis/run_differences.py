"""What two runs don't share: prompts, constraints, scorers, settings; and what can't be compared.

Knows frames. Refuses to know rates.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis.configuration import Setting, configuration
from harness.analysis.frame import by_constraint, rollouts
from harness.constraint import NONE
from harness.errors import AnalysisError


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The prompts that both runs asked; all rates are over these."""

    ids: tuple[str, ...]
    n_only_a: int
    """Prompts that run A alone asked."""
    n_only_b: int
    reworded: tuple[str, ...]
    """Ids that both have with different words: not the same prompt, so not in ``ids``."""


@dataclass(frozen=True, kw_only=True)
class Differing:
    """One setting that is not the same in both runs; None where a run does not have it."""

    name: str
    a: str | None
    b: str | None


def shared_prompts(a: pd.DataFrame, b: pd.DataFrame) -> Shared:
    """Find the prompts that are in both runs, by id and by words.

    Raises:
        AnalysisError: if the tasks differ, or there are none.
    """
    tasks = [str(one["task"].iloc[0]) for one in (a, b)]
    if tasks[0] != tasks[1]:
        raise AnalysisError(
            f"run A is of the task {tasks[0]} and run B of {tasks[1]}: their scores answer "
            "different questions. Compare runs of one task"
        )
    asked = [_prompts(one) for one in (a, b)]
    both = sorted(set(asked[0]) & set(asked[1]))
    same = tuple(name for name in both if asked[0][name] == asked[1][name])
    reworded = tuple(name for name in both if asked[0][name] != asked[1][name])
    if not same:
        why = f", and the {len(reworded)} ids in both have other words" if reworded else ""
        raise AnalysisError(
            f"no prompt is in both runs (A has {len(asked[0])}, B has {len(asked[1])}){why}: "
            "nothing can be compared. Run both on the same prompts"
        )
    return Shared(
        ids=same,
        n_only_a=len(set(asked[0]) - set(both)),
        n_only_b=len(set(asked[1]) - set(both)),
        reworded=reworded,
    )


def conditions(
    a: pd.DataFrame, b: pd.DataFrame
) -> tuple[tuple[tuple[pd.DataFrame, pd.DataFrame], ...], tuple[str, ...]]:
    """Pair each constraint of A with the same of B; a run's only one with the other's only one.

    Returns:
        The frames of each pair, and the constraints of either run that are in none.

    Raises:
        AnalysisError: if the runs share no constraint, and one of them has several.
    """
    parts = [by_constraint(one) for one in (a, b)]
    both = [name for name in parts[0] if name in parts[1]]
    if both:
        rest = [
            f"{name} (run {run} only)"
            for run, own in zip("AB", parts, strict=True)
            for name in own
            if name not in both
        ]
        return tuple((parts[0][name], parts[1][name]) for name in both), tuple(rest)
    if any(len(own) > 1 for own in parts):
        told = " and ".join(f"{run} {', '.join(own)}" for run, own in zip("AB", parts, strict=True))
        raise AnalysisError(
            f"the runs share no constraint, and one has several ({told}): which belong together "
            "can't be told. Give a folder that holds one of them"
        )
    return ((a, b),), ()


def differing(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Differing, ...]:
    """List what is set otherwise, the pair first; alphas and logs' names are no settings."""
    one, other = _settings(a), _settings(b)
    names = dict.fromkeys([*one, *other])
    return tuple(
        Differing(name=name, a=one.get(name), b=other.get(name))
        for name in names
        if one.get(name) != other.get(name)
    )


def _prompts(frame: pd.DataFrame) -> dict[str, str]:
    each = rollouts(frame).drop_duplicates("sample_id")
    return dict(zip(each["sample_id"], each["prompt"], strict=True))


def _settings(frame: pd.DataFrame) -> dict[str, str]:
    found, run = configuration(frame), frame.attrs.get("run", {})
    settings = {
        "pair": str(frame["pair"].iloc[0]),
        "constraints": ", ".join(by_constraint(frame)) or NONE,
        "inspect-amplify": found.version or "unknown",
        "run seed": ", ".join(map(str, found.run_seeds)) or "unknown",
        "rollouts per prompt": str(frame["epoch"].nunique()),
        "judge": _written(run.get("grader")),
    }
    settings |= _named("", found.settings, without=("constraint",))
    settings |= _named("package ", found.packages)
    settings |= _named("task argument ", found.task_args)
    return settings


def _named(
    before: str, settings: tuple[Setting, ...], without: tuple[str, ...] = ()
) -> Mapping[str, str]:
    return {f"{before}{one.name}": one.value for one in settings if one.name not in without}


def _written(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
