"""Stored counts that later runs are compared with: JSON that a person can review as a diff.

Knows the file and what makes two runs comparable. Refuses to compare what is not: a difference
between other prompts, other settings or other scorers says nothing of the model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import InvalidReference
from harness.regression.counts import Counts, Seen, counts_of

SCHEMA = 1
"""Grows when a field goes or changes its meaning."""

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
    """Version of each scorer."""
    prompts: Mapping[str, str]
    """Hash of each prompt with what its scorers are told, by its id."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Counts, and what they are of."""

    identity: Identity
    counts: Counts


def reference_of(frame: pd.DataFrame) -> Reference:
    """Count what a run under one constraint showed, and note what it was.

    Args:
        frame: from ``read_frame``.

    Raises:
        InvalidReference: if its rollouts were drawn in more than one way.
        AnalysisError: if rollouts of several constraints are in it.
    """
    return Reference(identity=_identity(frame), counts=counts_of(frame))


def read_reference(path: Path) -> Reference:
    """Read a reference.

    Raises:
        InvalidReference: if there is none, or the file is damaged or of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidReference(
            f"no reference {str(path)!r}: make it from a run that you trust, by "
            "--update-references, and commit it"
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidReference(f"the reference {str(path)!r} can't be read ({error})") from error
    try:
        if content["schema"] != SCHEMA:
            raise InvalidReference(
                f"the reference {str(path)!r} has schema {content['schema']!r}, and {SCHEMA} is "
                "read here: make it again by --update-references"
            )
        return _from_json(content)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidReference(
            f"the reference {str(path)!r} is damaged ({type(error).__name__}: {error}): restore "
            "it from version control, or make it again by --update-references"
        ) from error


def reference_text(reference: Reference) -> str:
    """Write a reference: one line a prompt, in the order of their ids, so that a diff is short."""
    one, counts = reference.identity, reference.counts
    head = {
        "schema": SCHEMA,
        "pair": one.pair,
        "task": one.task,
        "constraint": one.constraint,
        "weights": one.weights,
        "settings": dict(sorted(one.settings.items())),
        "scorers": dict(sorted(one.scorers.items())),
        "alphas": list(counts.alphas),
    }
    prompts = {
        name: [category, one.prompts[name]] for name, category in sorted(counts.categories.items())
    }
    lines = [f" {_json(name)}: {_json(value)}" for name, value in head.items()]
    lines.append(f' "prompts": {_block(prompts, 2)}')
    behaviours = [
        f"  {_json(name)}: {_block({prompt: _written(seen[prompt]) for prompt in sorted(seen)}, 3)}"
        for name, seen in sorted(counts.seen.items())
    ]
    lines.append(' "seen": {\n' + ",\n".join(behaviours) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


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
        for name in ("task", "constraint", "settings", "scorers")
        if (given := getattr(now, name)) != (known := getattr(stored, name))
    ]
    if same_weights and now.weights != stored.weights:
        found.append(
            f"the weights are {now.weights}, and the reference's are {stored.weights}: other "
            "weights where they should be equal"
        )
    shared = now.prompts.keys() & stored.prompts.keys()
    if not shared:
        found.append("no prompt of the run is among the reference's")
    changed = sorted(name for name in shared if now.prompts[name] != stored.prompts[name])
    if changed:
        found.append(f"{_some(changed)}: not the prompts that the reference has under these ids")
    return tuple(found)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _identity(frame: pd.DataFrame) -> Identity:
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
    versions = frame.dropna(subset=["scorer"]).drop_duplicates("scorer")
    return Identity(
        pair=str(frame["pair"].iloc[0]),
        task=str(frame["task"].iloc[0]),
        constraint=str(frame["constraint"].iloc[0]),
        weights=str(config.get("weights")),
        settings=settings | {"task_args": frame.attrs.get("run", {}).get("task_args", {})},
        scorers=dict(zip(versions["scorer"], versions["scorer_version"], strict=True)),
        prompts=dict(zip(first["sample_id"], first["prompt_sha256"].str[:16], strict=True)),
    )


def _from_json(content: dict[str, Any]) -> Reference:
    plain = {one.name: content[one.name] for one in fields(Identity) if one.name != "prompts"}
    prompts: dict[str, list[str]] = content["prompts"]
    alphas = tuple(float(alpha) for alpha in content["alphas"])
    seen = {
        behaviour: {name: _cells(cells, len(alphas)) for name, cells in by_prompt.items()}
        for behaviour, by_prompt in content["seen"].items()
    }
    return Reference(
        identity=Identity(**plain, prompts={name: own[1] for name, own in prompts.items()}),
        counts=Counts(
            alphas=alphas, categories={name: own[0] for name, own in prompts.items()}, seen=seen
        ),
    )


def _cells(cells: list[list[int]], n_alphas: int) -> tuple[Seen, ...]:
    found = tuple(Seen(*cell) for cell in cells)
    if len(found) != n_alphas or any(not 0 <= cell.k <= cell.n for cell in found):
        raise ValueError(f"{cells} are no counts at {n_alphas} alphas")
    return found


def _written(cells: tuple[Seen, ...]) -> list[list[int]]:
    """Leave out how many could not be scored where all could."""
    return [list(cell if cell.n_unscored else cell[:2]) for cell in cells]


def _block(lines: Mapping[str, Any], indent: int) -> str:
    pad = " " * indent
    body = ",\n".join(f"{pad}{_json(name)}: {_json(value)}" for name, value in lines.items())
    return "{\n" + body + "\n" + " " * (indent - 1) + "}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
