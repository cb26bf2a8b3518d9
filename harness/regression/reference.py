"""Stored counts that later runs are compared with: JSON that a person can review as a diff.

Knows the file. What makes two runs comparable is their identity's to say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import InvalidReference
from harness.regression.counts import Counts, Seen, counts_of
from harness.regression.identity import Identity, identity_of

SCHEMA = 1
"""Grows when a field goes or changes its meaning."""


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
    return Reference(identity=identity_of(frame), counts=counts_of(frame))


def read_reference(path: Path) -> Reference:
    """Read a reference.

    Raises:
        InvalidReference: if there is none, or the file is damaged or of another schema.
    """
    __tracebackhide__ = True  # of a failing test, the message is what counts
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidReference(
            f"no reference {str(path)!r}: make it from a run that you trust, by "
            "--update-references, and commit it"
        ) from None
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
