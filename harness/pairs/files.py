"""Where a side's files lie on this disk, and a hash of everything that decides what it samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.errors import AdapterMismatch, WeightsError
from harness.pairs.conversion import GgufFile, converted_gguf
from harness.pairs.embedded import GGUF_SHA256, embedded_checkpoint
from harness.pairs.fingerprint import (
    combine_fingerprints,
    file_sha256,
    fingerprint_folder,
    fingerprint_settings,
)
from harness.pairs.lora import recorded_base
from harness.pairs.side import EMBEDDED, ORGANISM, Side
from harness.pairs.spec import PairSpec

_ORGANISMS = Path(__file__).parent.parent / "organisms"


@dataclass(frozen=True, kw_only=True)
class SideFiles:
    """Where a side's files lie."""

    checkpoint: Path
    """A folder in safetensors; with an endpoint, one that holds at least a tokenizer."""
    checkpoint_fingerprint: str
    """Of its weights and configuration; with an endpoint, of its tokenizer."""
    adapters: tuple[Path, ...]
    """Their folders, in the side's order."""
    fingerprint: str
    """Of the weights and of all settings that change what is sampled."""


def find_side(side: Side) -> SideFiles:
    """Find a side's files, and check that its adapters belong to its checkpoint.

    Raises:
        WeightsError: if a folder is missing or a name can't be had.
        AdapterMismatch: if an adapter says that it was trained on another base.
    """
    checkpoint, fingerprint = _checkpoint(side)
    adapters = tuple(_adapter_folder(name) for name in side.adapters)
    for adapter in adapters:
        recorded = recorded_base(adapter)
        if recorded is not None and recorded != fingerprint:
            raise AdapterMismatch(
                f"the adapter in {adapter} was trained on weights with fingerprint {recorded}, and "
                f"{side.checkpoint} has {fingerprint}. Put it on the checkpoint it was trained on."
            )
    parts = [fingerprint, *map(fingerprint_folder, adapters), *_settings_fingerprint(side)]
    return SideFiles(
        checkpoint=checkpoint,
        checkpoint_fingerprint=fingerprint,
        adapters=adapters,
        fingerprint=combine_fingerprints(parts),
    )


def pair_fingerprint(spec: PairSpec) -> str:
    """Hash what both sides are, without loading them."""
    parts = [find_side(spec.target).fingerprint, find_side(spec.baseline).fingerprint]
    if spec.top_logprobs is not None:
        parts.append(f"top {spec.top_logprobs}")
    return combine_fingerprints(parts)


def _settings_fingerprint(side: Side) -> list[str]:
    """Hash what is set beyond the weights; nothing where nothing is."""
    settings = side.settings()
    if side.steering is not None and side.steering.vector is not None:
        path = Path(side.steering.vector)
        if not path.is_file():
            raise WeightsError(f"there is no steering vector {path}")
        # By content: the same vector elsewhere is the same side.
        steering = cast("dict[str, object]", settings["steering"])
        settings["steering"] = {**steering, "vector": file_sha256(path)}
    if side.endpoint is not None:  # how often and how patiently it is asked changes nothing
        settings["endpoint"] = {"url": side.endpoint.url, "model": side.endpoint.model}
    return [fingerprint_settings(settings)] if settings else []


def _checkpoint(side: Side) -> tuple[Path, str]:
    """Return a checkpoint's folder and fingerprint."""
    name = side.checkpoint
    if side.endpoint is not None:
        folder = embedded_checkpoint() if name == EMBEDDED else _folder(name, "tokenizer")
        tokenizer = [file_sha256(path) for path in sorted(folder.glob("tokenizer*"))]
        return folder, combine_fingerprints(tokenizer)
    if name == EMBEDDED:
        return embedded_checkpoint(), GGUF_SHA256[:16]
    if Path(name).suffix == ".gguf":
        if not Path(name).is_file():
            raise WeightsError(f"there is no GGUF file {name}")
        gguf = GgufFile.of(Path(name))
        return converted_gguf(gguf), gguf.fingerprint
    folder = _folder(name, "checkpoint")
    return folder, fingerprint_folder(folder)


def _adapter_folder(name: str) -> Path:
    if not name.startswith(ORGANISM):
        return _folder(name, "adapter")
    folder = _ORGANISMS / name.removeprefix(ORGANISM) / "adapter"
    if not folder.is_dir():
        raise WeightsError(
            f"{name} has no adapter at {folder}; run: amplify organisms train "
            f"{name.removeprefix(ORGANISM)}"
        )
    return folder


def _folder(name: str, what: str) -> Path:
    """Return the local folder of a name: itself, or the hub's snapshot in the cache."""
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_absolute() or name.startswith(".") or path.suffix or name.count("/") != 1:
        raise WeightsError(f"there is no folder {name} to read the {what} from")
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.model", "*.jinja", "*.txt"]
    if what != "tokenizer":
        patterns.append("*.safetensors")
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # offline, unknown or gated: many types, one thing to tell
        raise WeightsError(
            f"the {what} {name} is neither a folder here nor to be had from the hub "
            f"({type(error).__name__}); give the path of a local folder"
        ) from error
