"""How a pair is written: tables of a pair file and model arguments become sides.

Both take the same keys and the same values; whoever writes ``-M target_KEY=VALUE`` writes in
YAML what a pair file's ``[target]`` says in TOML. Knows the forms, not what they mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness.errors import ConfigurationError, UnknownArgument
from harness.pairs.side import EMBEDDED, ORGANISM, Endpoint, Side, Steering, Turn

SIDE_KEYS = tuple(field.name for field in fields(Side))
"""What a side takes, in a pair file's table."""

SIDE_ARGUMENTS = tuple(
    f"{side}_{key}"
    for side in ("target", "baseline")
    for key in SIDE_KEYS
    if key != "checkpoint" and (side, key) != ("target", "adapter")
)
"""The model arguments for them; ``target``, ``baseline`` and ``adapter`` are the short ones."""

_TEXTS = ("adapter_layers", "system_prompt", "request", "prefix")

for _part in (Turn, Steering, Endpoint, Side):
    # Read by pydantic: a misspelt key of a nested table is refused as well.
    _part.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[union-attr]
_READER = TypeAdapter(Side)


def read_side(where: str, table: Mapping[str, object], folder: Path | None = None) -> Side:
    """Read a side from its keys.

    Args:
        where: names the table in messages.
        table: by the names in ``SIDE_KEYS``.
        folder: where relative paths are looked for before they are taken as they are written.

    Raises:
        UnknownArgument: for a key that a side does not take.
        ConfigurationError: for a value that says something impossible.
    """
    refuse_unknown(where, table, SIDE_KEYS)
    try:
        return _READER.validate_python(_located(dict(table), folder))
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {_said(error)}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def sides_from_arguments(name: str, given: Mapping[str, object]) -> tuple[Side, Side]:
    """Read target and baseline from model arguments.

    Raises:
        ConfigurationError: if there is no baseline, or nothing that changed.
    """
    shown = ", ".join(f"{key}={value}" for key, value in given.items())
    if "baseline" not in given:
        raise ConfigurationError(
            f"pair '{name}' has {shown} but no baseline; give the checkpoint before the change: "
            "-M baseline=..."
        )
    empty = [key for key, value in given.items() if value in (None, "")]
    if empty:
        raise ConfigurationError(f"pair '{name}': {empty[0]} is empty; give it a value")
    if len(given) == 1:
        raise ConfigurationError(
            f"pair '{name}' has a baseline but nothing that changed; give -M target=..., "
            "-M adapter=..., or one of -M target_KEY=..."
        )
    tables: dict[str, dict[str, object]] = {
        "target": {"checkpoint": given.get("target", given["baseline"])},
        "baseline": {"checkpoint": given["baseline"]},
    }
    for argument, value in given.items():
        side, _, key = argument.partition("_")
        if argument == "adapter":
            side, key = "target", "adapter"
        if key:
            tables[side][key] = _unsplit(value) if key in _TEXTS else value
    target, baseline = (read_side(f"pair '{name}', {s}", tables[s]) for s in ("target", "baseline"))
    return target, baseline


def refuse_unknown(where: str, given: Mapping[str, object], known: Sequence[str]) -> None:
    """Raise UnknownArgument for a key that is not among the known ones."""
    for key in given:
        if key not in known:
            raise UnknownArgument(f"unknown key '{key}' in {where}; it takes: {', '.join(known)}")


def _unsplit(value: object) -> object:
    """Undo Inspect's splitting of arguments at commas, which texts are full of."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    # YAML reads a single layer as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _located(table: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Read relative paths from where the pair file lies."""
    if folder is None:
        return table
    for key in ("checkpoint", "adapter"):
        if isinstance(table.get(key), str):
            table[key] = _beside(folder, table[key])
        elif isinstance(table.get(key), list):
            table[key] = [_beside(folder, o) if isinstance(o, str) else o for o in table[key]]
    steering = table.get("steering")
    if isinstance(steering, dict) and isinstance(steering.get("vector"), str):
        table["steering"] = {**steering, "vector": _beside(folder, steering["vector"])}
    return table


def _beside(folder: Path, name: str) -> str:
    path = folder / name
    named = name == EMBEDDED or name.startswith(ORGANISM)
    return str(path) if not named and path.exists() else name


def _said(error: ValidationError) -> str:
    """Say the first thing that pydantic found, in our words."""
    first = error.errors()[0]
    # A choice between a string and a list leaves its branch's name in the path.
    name = ".".join(str(part) for part in first["loc"] if part not in ("str", "tuple[str, ...]"))
    if first["type"] == "missing":
        return f"{name} is missing"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown key '{name}'"
    reason = (
        first["msg"]
        .replace("Input should be", "must be")
        .replace("a valid ", "a ")
        .replace("a tuple", "a list")
    )
    return f"{name} {reason}, not {first['input']!r}"
