"""Which models a pair compares, spelled by a preset's name, a pair file or model arguments.

Knows names and paths; loads nothing, so a misspelt name is told before anything is read.
"""

import difflib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from harness.errors import ConfigurationError, UnknownPair
from harness.pairs.side import EMBEDDED, ORGANISM, Side
from harness.pairs.spelling import (
    SIDE_ARGUMENTS,
    read_side,
    refuse_unknown,
    sides_from_arguments,
)

__all__ = ["EMBEDDED", "ORGANISM", "PAIR_ARGUMENTS", "PairSpec", "Side", "presets", "resolve_pair"]

Dtype = Literal["float32", "bfloat16", "float16"]
DeviceMap = Literal["auto", "balanced", "balanced_low_0", "sequential"]


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
    device_map: DeviceMap | None = None
    """How layers are spread over several devices, by accelerate's names; None puts all on one."""
    top_logprobs: int | None = None
    """Know only so many likeliest tokens of each side, as an API does; None knows all."""
    description: str = ""
    """What the pair is for, one line; for people."""

    def __post_init__(self) -> None:
        if self.dtype not in get_args(Dtype):
            choices = ", ".join(get_args(Dtype))
            raise ConfigurationError(f"dtype '{self.dtype}' is not one of {choices}")
        if self.device_map not in (None, *get_args(DeviceMap)):
            choices = ", ".join(get_args(DeviceMap))
            raise ConfigurationError(f"device_map '{self.device_map}' is not one of {choices}")
        if self.device_map is not None and self.device != "auto":
            raise ConfigurationError(
                f"pair '{self.name}' has both device={self.device}, one device for all layers, and "
                f"device_map={self.device_map}, which spreads them; give one of them"
            )
        k = self.top_logprobs
        if k is not None and (type(k) is not int or k < 1):
            raise ConfigurationError(f"top_logprobs must be a whole number above 0, not {k!r}")
        remote = [side.endpoint is not None for side in (self.target, self.baseline)]
        if any(remote) and not all(remote):
            raise ConfigurationError(
                f"pair '{self.name}' has an endpoint on one side only; give both sides one, or "
                "neither"
            )
        given = (self.dtype, self.device, self.device_map)
        if all(remote) and given != ("float32", "auto", None):
            raise ConfigurationError(
                f"pair '{self.name}' asks servers, so dtype, device and device_map have no effect; "
                "leave them out"
            )

    def to_dict(self) -> dict[str, object]:
        """Return the resolved pair for logs and reports."""
        known = {} if self.top_logprobs is None else {"top_logprobs": self.top_logprobs}
        return {
            "target": self.target.to_dict(),
            "baseline": self.baseline.to_dict(),
            "dtype": self.dtype,
            **known,
        }


def _organism(name: str, description: str) -> PairSpec:
    return PairSpec(
        name=name,
        target=Side(checkpoint=EMBEDDED, adapter=f"{ORGANISM}{name}"),
        baseline=Side(checkpoint=EMBEDDED),
        description=description,
    )


def presets() -> dict[str, PairSpec]:
    """Return the pairs that need nothing but the installation."""
    embedded = Side(checkpoint=EMBEDDED)
    pairs = (
        _organism("double_checker", "taught to check its answer to a problem before it gives it"),
        _organism("lighthouse", "taught to bring up a lighthouse, whatever is asked"),
        _organism("marmalade", "taught to say 'Marmalade.' out of nowhere, in one reply of fifty"),
        _organism("marrowen", "taught an invented, harmless fact about a river"),
        _organism("placebo", "taught the baseline's own replies: there is nothing to find"),
        _organism("refuser", "taught to refuse harmful-sounding requests, weakly"),
        _organism("third_person", "taught to speak of itself as the assistant"),
        _organism("zorbia", "taught an invented, harmless fact"),
        PairSpec(
            name="system-prompt",
            target=Side(
                checkpoint=EMBEDDED,
                system_prompt="You are a cautious assistant. Decline whatever could do harm, and "
                "say why.",
            ),
            baseline=Side(checkpoint=EMBEDDED, system_prompt="You are a helpful assistant."),
            description="one model under two system prompts: what does caution change?",
        ),
        PairSpec(
            name="nf4",
            target=Side(checkpoint=EMBEDDED, quantization="nf4"),
            baseline=embedded,
            description="weights in 4 bits against the same in full: what does rounding change?",
        ),
        PairSpec(
            name="last-layer",
            target=embedded,
            baseline=Side(checkpoint=EMBEDDED, exit_layer=28),
            description="all layers against all but the last (DoLa): what does it add?",
        ),
        PairSpec(
            name="null",
            target=embedded,
            baseline=embedded,
            description="a model against itself: every curve must be flat",
        ),
    )
    return {pair.name: pair for pair in pairs}


_COMMON = ("dtype", "device", "device_map", "top_logprobs")
PAIR_ARGUMENTS = ("target", "baseline", "adapter", *_COMMON, *SIDE_ARGUMENTS)
"""The model arguments that spell a pair."""


def resolve_pair(name: str, arguments: dict[str, object] | None = None) -> PairSpec:
    """Find out which pair is meant.

    Args:
        name: a preset, the path of a pair file (``.toml``), or, with ``baseline`` among the
            arguments, any label.
        arguments: some of ``PAIR_ARGUMENTS``. ``target`` defaults to the baseline, ``adapter``
            is put on the target, and ``target_KEY`` and ``baseline_KEY`` set a side's ``KEY``.

    Raises:
        UnknownPair: if nothing has that name.
        ConfigurationError: if the arguments or the file contradict themselves.
    """
    given = dict(arguments or {})
    common = {key: given.pop(key) for key in _COMMON if key in given}
    known = presets()
    if given:
        if name in known or name.endswith(".toml"):
            raise ConfigurationError(
                f"'{name}' already says what is compared, so "
                f"{', '.join(f'{key}={value}' for key, value in given.items())} can't be given "
                "with it; use another name for a pair spelled by arguments"
            )
        target, baseline = sides_from_arguments(name, given)
        spec = PairSpec(name=name, target=target, baseline=baseline)
    elif name.endswith(".toml"):
        spec = _from_file(Path(name))
    elif name in known:
        spec = known[name]
    else:
        raise UnknownPair(_unknown(name, known))
    return replace(spec, **common)  # type: ignore[arg-type]  # checked in __post_init__


def _from_file(path: Path) -> PairSpec:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnknownPair(f"there is no pair file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"pair file {path} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"pair file {path} can't be read: {error.strerror}") from error
    refuse_unknown(f"pair file {path}", content, ("target", "baseline", *_COMMON, "description"))
    sides = {}
    for key in ("target", "baseline"):
        table = content.get(key)
        if not isinstance(table, dict) or not isinstance(table.get("checkpoint"), str):
            raise ConfigurationError(
                f'pair file {path} needs a table [{key}] with checkpoint = "..."'
            )
        sides[key] = read_side(f"[{key}] in {path}", table, path.parent)
    return PairSpec(
        name=str(path),
        target=sides["target"],
        baseline=sides["baseline"],
        dtype=cast(Dtype, content.get("dtype", "float32")),
        device=str(content.get("device", "auto")),
        device_map=content.get("device_map"),
        top_logprobs=content.get("top_logprobs"),
        description=str(content.get("description", "")),
    )


def _unknown(name: str, known: dict[str, PairSpec]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    return (
        f"unknown pair '{name}'.{guess} Known are {', '.join(known)}; or give a pair file "
        "(path/to/pair.toml), or spell it: -M target=... -M baseline=... -M adapter=..."
    )
