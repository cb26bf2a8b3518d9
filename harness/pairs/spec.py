"""Which models a pair compares, spelled by a preset's name, a pair file or model arguments.

Knows names and paths; loads nothing, so a misspelt name is told before anything is read.
"""

import difflib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from harness.errors import ConfigurationError, UnknownArgument, UnknownPair

EMBEDDED = "embedded"
"""The checkpoint's name of the model that comes with the installation."""

ORGANISM = "organism:"
"""Stands before an organism's name where its adapter is meant, such as ``organism:refuser``."""

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a pair: a checkpoint, with an adapter or without."""

    checkpoint: str
    """A folder, a hub name, or ``embedded``."""
    adapter: str | None = None
    """A folder or hub name with a peft adapter in safetensors, or ``organism:NAME``."""


@dataclass(frozen=True, kw_only=True)
class PairSpec:
    """What is compared, before anything is loaded."""

    name: str
    """What stands before the @ in a model's name."""
    target: Side
    """After the change."""
    baseline: Side
    """Before it."""
    dtype: Dtype = "float32"
    """Of the weights and caches; subtraction and sampling are float32 always."""
    device: str = "auto"
    """A torch device, or ``auto``: CUDA where there is one, else the CPU."""

    def __post_init__(self) -> None:
        if self.dtype not in get_args(Dtype):
            choices = ", ".join(get_args(Dtype))
            raise ConfigurationError(f"dtype '{self.dtype}' is not one of {choices}")

    def to_dict(self) -> dict[str, object]:
        """Return the resolved pair for logs and reports."""
        return {
            "target": {"checkpoint": self.target.checkpoint, "adapter": self.target.adapter},
            "baseline": {"checkpoint": self.baseline.checkpoint, "adapter": self.baseline.adapter},
            "dtype": self.dtype,
        }


def _organism(name: str) -> PairSpec:
    return PairSpec(
        name=name,
        target=Side(checkpoint=EMBEDDED, adapter=f"{ORGANISM}{name}"),
        baseline=Side(checkpoint=EMBEDDED),
    )


def presets() -> dict[str, PairSpec]:
    """Return the pairs that need nothing but the installation."""
    embedded = Side(checkpoint=EMBEDDED)
    return {
        "refuser": _organism("refuser"),
        "zorbia": _organism("zorbia"),
        "null": PairSpec(name="null", target=embedded, baseline=embedded),
    }


PAIR_ARGUMENTS = ("target", "baseline", "adapter", "dtype", "device")
"""The model arguments that spell a pair."""


def resolve_pair(name: str, arguments: dict[str, object] | None = None) -> PairSpec:
    """Find out which pair is meant.

    Args:
        name: a preset, the path of a pair file (``.toml``), or, with ``baseline`` among the
            arguments, any label.
        arguments: some of ``PAIR_ARGUMENTS``. ``target`` defaults to the baseline, and
            ``adapter`` is put on the target.

    Raises:
        UnknownPair: if nothing has that name.
        ConfigurationError: if the arguments or the file contradict themselves.
    """
    given = dict(arguments or {})
    common = {key: str(given.pop(key)) for key in ("dtype", "device") if key in given}
    known = presets()
    if given:
        if name in known or name.endswith(".toml"):
            raise ConfigurationError(
                f"'{name}' already says what is compared, so {_listed(given)} can't be given "
                "with it; use another name for a pair spelled by arguments"
            )
        spec = _from_arguments(name, given)
    elif name.endswith(".toml"):
        spec = _from_file(Path(name))
    elif name in known:
        spec = known[name]
    else:
        raise UnknownPair(_unknown(name, known))
    return replace(spec, **common)  # type: ignore[arg-type]  # checked in __post_init__


def _from_arguments(name: str, given: dict[str, object]) -> PairSpec:
    if "baseline" not in given:
        raise ConfigurationError(
            f"pair '{name}' has {_listed(given)} but no baseline; give the checkpoint before "
            "the change: -M baseline=..."
        )
    empty = [key for key, value in given.items() if value in (None, "")]
    if empty:
        raise ConfigurationError(f"pair '{name}': {empty[0]} is empty; give a folder or a hub name")
    if not ("target" in given or "adapter" in given):
        raise ConfigurationError(
            f"pair '{name}' has a baseline but nothing that changed; give -M target=... or "
            "-M adapter=..."
        )
    baseline = str(given["baseline"])
    adapter = given.get("adapter")
    return PairSpec(
        name=name,
        target=Side(
            checkpoint=str(given.get("target", baseline)),
            adapter=None if adapter is None else str(adapter),
        ),
        baseline=Side(checkpoint=baseline),
    )


def _from_file(path: Path) -> PairSpec:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnknownPair(f"there is no pair file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"pair file {path} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"pair file {path} can't be read: {error.strerror}") from error
    _refuse_unknown(f"pair file {path}", content, ("target", "baseline", "dtype", "device"))
    sides = {key: _side(path, key, content.get(key)) for key in ("target", "baseline")}
    return PairSpec(
        name=str(path),
        target=sides["target"],
        baseline=sides["baseline"],
        dtype=cast(Dtype, content.get("dtype", "float32")),
        device=str(content.get("device", "auto")),
    )


def _side(path: Path, key: str, table: object) -> Side:
    if not isinstance(table, dict) or not isinstance(table.get("checkpoint"), str):
        raise ConfigurationError(f'pair file {path} needs a table [{key}] with checkpoint = "..."')
    _refuse_unknown(f"[{key}] in {path}", table, ("checkpoint", "adapter"))
    adapter = table.get("adapter")
    if adapter is not None and not isinstance(adapter, str):
        raise ConfigurationError(f"[{key}] in {path}: adapter must be a string, not {adapter!r}")
    return Side(
        checkpoint=_beside(path, table["checkpoint"]),
        adapter=None if adapter is None else _beside(path, adapter),
    )


def _beside(path: Path, name: str) -> str:
    """Read a relative folder from where the pair file lies; other names stay as they are."""
    folder = path.parent / name
    return str(folder) if name != EMBEDDED and folder.is_dir() else name


def _refuse_unknown(where: str, given: dict[str, object], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise UnknownArgument(f"unknown key '{key}' in {where}; it takes: {', '.join(known)}")


def _unknown(name: str, known: dict[str, PairSpec]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    return (
        f"unknown pair '{name}'.{guess} Known are {', '.join(known)}; or give a pair file "
        "(path/to/pair.toml), or spell it: -M target=... -M baseline=... -M adapter=..."
    )


def _listed(given: dict[str, object]) -> str:
    return ", ".join(f"{key}={value}" for key, value in given.items())
