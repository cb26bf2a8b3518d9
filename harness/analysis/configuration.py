"""With what the rollouts were drawn, and the command that draws them again."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from harness.analysis.dataset import Dataset, dataset
from harness.analysis.frame import by_constraint
from harness.constraint import NONE


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of the resolved configuration; nested names are joined by dots."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the provider and Inspect wrote of the run."""

    settings: tuple[Setting, ...]
    """Of the first rollout; the data summary warns where others differ."""
    version: str | None
    """Of inspect-amplify."""
    run_seeds: tuple[int, ...]
    packages: tuple[Setting, ...]
    """Versions of what drew the rollouts, as far as the logs hold them."""
    dataset: Dataset
    task_args: tuple[Setting, ...]
    logs: tuple[str, ...]
    """Names of the files read."""


def configuration(frame: pd.DataFrame) -> Configuration:
    """Gather the resolved configuration from the rollouts and the logs."""
    run = frame.attrs.get("run", {})
    versions = sorted(frame["version"].dropna().unique())
    return Configuration(
        settings=_settings(_config(frame)),
        version=versions[0] if versions else None,
        run_seeds=tuple(sorted(int(seed) for seed in frame["run_seed"].dropna().unique())),
        packages=_settings(run.get("packages", {}) | _packages(frame)),
        dataset=dataset(frame),
        task_args=_settings(run.get("task_args", {})),
        logs=tuple(log["file"] for log in run.get("logs", []) if log["used"]),
    )


def sweep_command(frame: pd.DataFrame, alphas: tuple[float, ...]) -> str:
    """Rebuild the command from the logs; an option that they don't mention is left out."""
    run, config = frame.attrs.get("run", {}), _config(frame)
    seeds = frame["run_seed"].dropna().unique()
    options = {
        "--alphas": ",".join(f"{alpha:g}" for alpha in alphas),
        "--epochs": run.get("epochs", frame["epoch"].nunique()),
        "--task": frame["task"].iloc[0],
        "--limit": _limit(run.get("limit")),
        "--max-tokens": config.get("max_tokens"),
        "--temperature": config.get("temperature"),
        "--seed": int(seeds[0]) if len(seeds) else None,
        "--grader": run.get("grader"),
    }
    words = ["amplify", "sweep", str(frame["pair"].iloc[0])]
    for option, value in options.items():
        if value is not None:
            words += [option, str(value)]
    for constraint in by_constraint(frame):
        if constraint != NONE:  # which a sweep always includes
            words += ["--constraint", constraint]
    # A sweep finds the weights' fingerprint by itself.
    words += _assignments("-M", run.get("model_args", {}), left_out=("weights",))
    words += _assignments("-T", run.get("task_args", {}))
    return shlex.join(words)


def _assignments(
    option: str, given: dict[str, Any], left_out: tuple[str, ...] = ()
) -> Iterator[str]:
    """Spell arguments so that YAML reads the same values again."""
    for name, value in given.items():
        if name not in left_out:
            text = value if _reads_as_itself(value) else json.dumps(value, ensure_ascii=False)
            yield from (option, f"{name}={text}")


def _reads_as_itself(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(yaml.safe_load(value) == value)
    except yaml.YAMLError:
        return False


def _config(frame: pd.DataFrame) -> dict[str, Any]:
    written = frame["config"].dropna()
    return dict(json.loads(written.iloc[0])) if len(written) else {}


def _packages(frame: pd.DataFrame) -> dict[str, str]:
    """Join the versions that rollouts were drawn with; mostly there is one of each."""
    found: dict[str, list[str]] = {}
    for text in sorted(frame["packages"].dropna().unique()):
        for name, version in json.loads(text).items():
            found.setdefault(name, []).append(version)
    return {name: ", ".join(dict.fromkeys(every)) for name, every in found.items()}


def _limit(limit: Any) -> str | None:
    if limit is None:
        return None
    return "-".join(str(end) for end in limit) if isinstance(limit, tuple | list) else str(limit)


def _settings(nested: dict[str, Any]) -> tuple[Setting, ...]:
    return tuple(
        Setting(name=name, value=value if isinstance(value, str) else json.dumps(value))
        for name, value in sorted(_flat(nested))
    )


def _flat(nested: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
