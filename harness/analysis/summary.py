"""What the logs hold: how many rollouts of what, what is missing, and what makes it doubtful."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis.behaviours import JUDGE, OWN_TABLES, is_binary
from harness.analysis.dataset import asked_differently
from harness.analysis.frame import finished, rollouts

MAX_REASON = 120


@dataclass(frozen=True, kw_only=True)
class Count:
    """How often something was said."""

    name: str
    k: int


@dataclass(frozen=True, kw_only=True)
class CategoryCount:
    """One category of prompts."""

    name: str
    n_prompts: int
    n_rollouts: int


@dataclass(frozen=True, kw_only=True)
class ScorerCount:
    """One scorer: what it scored, and why not the rest."""

    name: str
    n_scored: int
    n_unscored: int
    reasons: tuple[Count, ...]


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How long replies are, in characters."""

    shortest: int
    mean: float
    longest: int


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """The rollouts behind a report."""

    n_rollouts: int
    n_prompts: int
    n_epochs: int
    """Rollouts per prompt and alpha, at most."""
    alphas: tuple[float, ...]
    n_chars: Lengths | None
    """Of all replies that ended without an error; None where none did."""
    categories: tuple[CategoryCount, ...]
    scorers: tuple[ScorerCount, ...]
    n_errors: int
    errors: tuple[Count, ...]
    """Messages of errored rollouts, the most frequent first."""
    warnings: tuple[str, ...]
    """Why alphas may not be comparable, or rollouts not what they seem."""

    @property
    def repeats(self) -> str:
        """How many rollouts a prompt has at every alpha, in words."""
        return "one" if self.n_epochs == 1 else f"up to {self.n_epochs}"


def summarise(frame: pd.DataFrame) -> DataSummary:
    """Count what is there, and look for what makes a comparison of alphas unfair."""
    each = rollouts(frame)
    return DataSummary(
        n_rollouts=len(each),
        n_prompts=each["sample_id"].nunique(),
        n_epochs=each["epoch"].nunique(),
        alphas=tuple(sorted(float(alpha) for alpha in each["alpha"].unique())),
        n_chars=_lengths(finished(frame)["n_chars"].dropna()),
        categories=tuple(
            CategoryCount(
                name=str(name), n_prompts=rows["sample_id"].nunique(), n_rollouts=len(rows)
            )
            for name, rows in each.groupby("category")
        ),
        scorers=tuple(_scorer(str(name), rows) for name, rows in frame.groupby("scorer")),
        n_errors=int(each["error"].notna().sum()),
        errors=counts(each["error"]),
        warnings=tuple(
            _incomplete(frame)
            + _set_aside(frame)
            + _unequal(each)
            + _mixed(each)
            + _copied(each)
            + _not_countable(frame)
        ),
    )


def across_constraints(parts: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Look for what makes a comparison of constraints unfair, beyond that of their alphas.

    Args:
        parts: from ``by_constraint``.
    """
    asked = {
        name: set(zip(part["sample_id"], part["epoch"], strict=True))
        for name, part in parts.items()
    }
    every = set().union(*asked.values())
    unequal = [
        f"{name} lacks {len(every - mine)} of {len(every)} prompts and repeats that other "
        "constraints have: they were not asked the same"
        for name, mine in asked.items()
        if mine != every
    ]
    each = pd.concat([rollouts(part) for part in parts.values()])
    return (*unequal, *(_mixed(each) if len(parts) > 1 else ()))


def _lengths(n_chars: "pd.Series[Any]") -> Lengths | None:
    if n_chars.empty:
        return None
    shortest, longest = int(n_chars.min()), int(n_chars.max())
    return Lengths(shortest=shortest, mean=float(n_chars.mean()), longest=longest)


def _scorer(name: str, rows: pd.DataFrame) -> ScorerCount:
    n_scored = int(rows["value"].notna().sum())
    return ScorerCount(
        name=name,
        n_scored=n_scored,
        n_unscored=len(rows) - n_scored,
        reasons=counts(rows["reason"][rows["value"].isna()]),
    )


def counts(said: "pd.Series[Any]") -> tuple[Count, ...]:
    """Count what was said, shortened, the most frequent first."""
    found = said.dropna().astype(str).str.slice(0, MAX_REASON).value_counts()
    ranked = sorted(found.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(Count(name=str(name), k=int(k)) for name, k in ranked)


def _logs(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return list(frame.attrs.get("run", {}).get("logs", []))


def _incomplete(frame: pd.DataFrame) -> list[str]:
    return [
        f"the log of {log['model']} is not complete (status {log['status']}, "
        f"{log['n_read']} of {log['n_expected']} rollouts)"
        for log in _logs(frame)
        if log["used"] and (log["status"] != "success" or log["n_read"] < log["n_expected"])
    ]


def _set_aside(frame: pd.DataFrame) -> list[str]:
    return [
        f"set aside for a newer or more complete log of the same model: {log['file']}"
        for log in _logs(frame)
        if not log["used"]
    ]


def _unequal(each: pd.DataFrame) -> list[str]:
    """Alphas that lack rollouts which another alpha has are not asked the same."""
    held = {
        float(str(alpha)): set(zip(rows["sample_id"], rows["epoch"], strict=True))
        for alpha, rows in each.groupby("alpha")
    }
    every = set().union(*held.values())
    return [
        f"alpha {alpha:g} lacks {len(every - mine)} of {len(every)} rollouts that others have: "
        "alphas were not asked the same"
        for alpha, mine in held.items()
        if mine != every
    ]


def _mixed(each: pd.DataFrame) -> list[str]:
    found = []
    written = [json.loads(text) for text in each["config"].dropna().unique()]
    # Like alpha, the constraint is what was swept.
    distinct = {json.dumps({**config, "constraint": None}, sort_keys=True) for config in written}
    configs = [json.loads(text) for text in sorted(distinct)]
    names = {name for config in configs for name in config}
    differing = [
        name for name in sorted(names) if any(c.get(name) != configs[0].get(name) for c in configs)
    ]
    if differing:
        found.append(
            f"rollouts were drawn under {len(configs)} configurations, which differ in "
            f"{', '.join(differing)}: what moves along alpha may be their difference"
        )
    versions = sorted(each["version"].dropna().unique())
    if len(versions) > 1:
        found.append(f"rollouts come from {len(versions)} versions: {', '.join(versions)}")
    if each["packages"].nunique() > 1:
        found.append("rollouts were drawn with different versions of packages, see the appendix")
    if n := asked_differently(each):
        found.append(f"{n} prompts share an id and were not asked alike everywhere")
    return found


def _copied(each: pd.DataFrame) -> list[str]:
    """One seed for all epochs of a prompt makes copies, which count as rollouts but are none."""
    seeded = each[each["seed"].notna()]
    k = int(seeded.duplicated(["alpha", "sample_id", "seed"]).sum())
    return [f"{k} rollouts repeat the seed of another epoch: they may be copies"] if k else []


def _not_countable(frame: pd.DataFrame) -> list[str]:
    return [
        f"scorer {name} gives values other than 0 and 1: no rate is shown for it"
        for name, rows in frame.groupby("scorer")
        if str(name) in OWN_TABLES and name != JUDGE and not is_binary(rows)
    ]
