"""What counts are of, and whether two runs can be compared.

A difference between other prompts, other settings or other rules of scoring says nothing of the
model, so it is refused.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness import scorers
from harness.errors import InvalidReference

UNKNOWN = "unknown"
"""The version of a scorer of ours in logs from before scores told it."""

GRADED_BY = " graded by "
"""Between a scorer's version and the model that judged for it."""

# What decides a rollout beside pair, prompt, alpha and seed.
_DECIDING = ("dtype", "max_tokens", "stop", "temperature", "top_k", "top_p")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What counts are of."""

    pair: str
    task: str
    constraint: str
    weights: str
    """Fingerprint of the pair's weights."""
    settings: Mapping[str, Any]
    """Of the decoding, and the task's arguments."""
    scorers: Mapping[str, str]
    """Version of each scorer's rules, with the grader of a judge; of another package's scorer the
    versions of the packages in the log; or ``unknown``."""
    prompts: Mapping[str, str]
    """Hash of each prompt with what its scorers are told, by its id."""


def identity_of(frame: pd.DataFrame) -> Identity:
    """Say what a frame of one constraint holds.

    Raises:
        InvalidReference: if its rollouts were drawn, or scored, in more than one way.
    """
    written = [json.loads(text) for text in frame["config"].dropna().unique()]
    if not written:
        raise InvalidReference("the logs say nothing of how their rollouts were drawn")
    ways = {json.dumps({**one, "device": None}, sort_keys=True) for one in written}
    if len(ways) > 1:
        raise InvalidReference(
            f"the rollouts were drawn in {len(ways)} ways (weights, settings): a reference is of "
            "one; give each its own log folder"
        )
    config = written[0]
    settings = {name: config[name] for name in _DECIDING if name in config}
    first = frame.drop_duplicates("sample_id")
    return Identity(
        pair=str(frame["pair"].iloc[0]),
        task=str(frame["task"].iloc[0]),
        constraint=str(frame["constraint"].iloc[0]),
        weights=str(config.get("weights")),
        settings=settings | {"task_args": frame.attrs.get("run", {}).get("task_args", {})},
        scorers={str(name): _version(str(name), rows) for name, rows in frame.groupby("scorer")},
        prompts=dict(zip(first["sample_id"], first["prompt_sha256"].str[:16], strict=True)),
    )


def mismatches(now: Identity, stored: Identity, *, same_weights: bool) -> tuple[str, ...]:
    """Say what makes a run incomparable with a reference; nothing where it is comparable.

    Args:
        now: of the run.
        stored: of the reference.
        same_weights: whether the weights should be those of the reference, as where code changed;
            a new checkpoint has others.
    """
    found = [
        f"{name} is {given!r}, and the reference's is {known!r}"
        for name in ("task", "constraint")
        if (given := getattr(now, name)) != (known := getattr(stored, name))
    ]
    found += _other_settings(now.settings, stored.settings)
    found += [
        f"{name} was scored by rules of version {new}, and the reference's by {old}: make it again "
        "from the old weights by --update-references"
        for name, new, old in _versions(now, stored)
        if UNKNOWN not in (new, old) and new != old
    ]
    if same_weights and now.weights != stored.weights:
        found.append(
            f"the weights are {now.weights}, and the reference's are {stored.weights}: other "
            "weights where they should be equal"
        )
    return (*found, *_other_prompts(now.prompts, stored.prompts))


def doubts(now: Identity, stored: Identity) -> tuple[str, ...]:
    """Say what can't be told of two runs that are compared all the same."""
    return tuple(
        f"whether {name} was scored by the same rules can't be told: the version is {new} now, and "
        f"{old} in the reference"
        for name, new, old in _versions(now, stored)
        if UNKNOWN in (new, old)
    )


def _versions(now: Identity, stored: Identity) -> Iterator[tuple[str, str, str]]:
    """A scorer that one of them lacks is missing from its counts, which tell of it."""
    for name in sorted(now.scorers.keys() & stored.scorers.keys()):
        yield name, now.scorers[name], stored.scorers[name]


def _other_settings(now: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    return [
        f"the setting {name} is {now.get(name)!r}, and the reference's is {stored.get(name)!r}"
        for name in sorted(now.keys() | stored.keys())
        if now.get(name) != stored.get(name)
    ]


def _other_prompts(now: Mapping[str, str], stored: Mapping[str, str]) -> Iterator[str]:
    shared = now.keys() & stored.keys()
    if not shared:
        yield "no prompt of the run is among the reference's"
    changed = sorted(name for name in shared if now[name] != stored[name])
    if changed:
        rest = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        named = ", ".join(changed[:3]) + rest
        yield f"{named}: not the prompts that the reference has under these ids"


def _version(scorer: str, rows: pd.DataFrame) -> str:
    told = sorted(rows["scorer_version"].dropna().unique())
    if len(told) > 1:
        raise InvalidReference(
            f"{scorer} scored these logs by {len(told)} versions of its rules ({', '.join(told)}): "
            "score all of them again by one"
        )
    graders = sorted(rows["grader"].dropna().unique())
    by = GRADED_BY + ", ".join(graders) if graders else ""
    if told:
        return f"{told[0]}{by}"
    if hasattr(scorers, scorer):
        return UNKNOWN
    packages = rows.attrs.get("run", {}).get("packages", {})
    listed = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
    return f"{listed}{by}" or UNKNOWN
