"""GGUF files, turned once into safetensors folders in the user's cache.

Knows the format's way through transformers and how to leave nothing half-done; knows no pairs.
"""

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock
from rich.console import Console

from harness.cache_folder import cache_folder
from harness.errors import WeightsError
from harness.pairs.fingerprint import file_sha256

# Part of the cache folder's name: raise it when the conversion changes, so that no stale copy is
# read.
_CONVERSION = 1
_RECEIPT = "conversion.json"

_console = Console(stderr=True)


@dataclass(frozen=True, kw_only=True)
class GgufFile:
    """A file to convert."""

    path: Path
    """Where it lies."""
    sha256: str
    """Of its content, in hexadecimal."""
    name: str
    """What its folder in the cache is called, before the hash."""
    mend: str = "fetch the file again"
    """What to do where the content is another."""

    @classmethod
    def of(cls, path: Path) -> "GgufFile":
        """Take any file as what it is, by its content."""
        return cls(
            path=path, sha256=file_sha256(path), name=re.sub(r"[^a-z0-9]+", "-", path.stem.lower())
        )

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the content's hash."""
        return self.sha256[:16]


def converted_gguf(source: GgufFile) -> Path:
    """Return the folder of a converted file, converting it on the first call.

    The conversion is written beside its final place and renamed in one step, under a lock: a
    killed conversion leaves nothing that a later call would read.

    Returns:
        A folder that ``from_pretrained`` reads: safetensors in float32, configuration, tokenizer.

    Raises:
        WeightsError: if the file is not the expected one, or not one that transformers reads.
    """
    folder = cache_folder("models") / f"{source.name}-{source.sha256[:12]}-v{_CONVERSION}"
    if _is_whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not _is_whole(folder):  # another process may have finished it while we waited
                _convert(source, folder)
    except OSError as error:
        raise WeightsError(
            f"the converted model can't be written to {folder.parent}: {error.strerror}; set "
            "INSPECT_AMPLIFY_CACHE to a folder with room for the weights in float32"
        ) from error
    return folder


def _is_whole(folder: Path) -> bool:
    """Say whether a converted folder holds every file at the size that its receipt names."""
    try:
        receipt = json.loads((folder / _RECEIPT).read_text())
    except (OSError, ValueError):
        return False
    files: dict[str, int] = receipt["files"]
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in files.items()
    )


def _convert(source: GgufFile, folder: Path) -> None:
    with source.path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != source.sha256:
        raise WeightsError(
            f"{source.path} is not the expected file: sha256 {digest} instead of {source.sha256}; "
            f"{source.mend}"
        )
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    megabytes = source.path.stat().st_size / 1e6
    try:
        _console.print(
            f"Converting {source.path.name} ({megabytes:.0f} MB) to safetensors, once: about "
            f"{max(megabytes / 5, 1):.0f} s."
        )
        _write_safetensors(source.path, scratch)
        sizes = {path.name: path.stat().st_size for path in scratch.iterdir()}
        (scratch / _RECEIPT).write_text(
            json.dumps({"source_sha256": source.sha256, "files": sizes}, indent=1)
        )
        if folder.exists():  # an incomplete or damaged copy: `_is_whole` said so
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _console.print(f"The converted model is ready in {folder}", highlight=False)


def _write_safetensors(source: Path, folder: Path) -> None:
    # Imported here: converting happens once, and looking for the file must not cost 2 s.
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    except Exception as error:  # gguf and transformers let many kinds out
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"the GGUF file {source} can't be converted: {first}") from error
    # save_pretrained refuses a model that says it is quantized; these weights are plain by now.
    del model.config.quantization_config
    for attribute in ("hf_quantizer", "quantization_method", "is_quantized"):
        vars(model).pop(attribute, None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
