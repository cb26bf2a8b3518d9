"""Weights rounded while they are loaded, by bitsandbytes, which runs on CPUs and on GPUs.

Knows what to ask transformers for; bitsandbytes is an extra of the installation.

Source: Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs" (nf4); Dettmers et
al. 2022, "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale" (int8).
"""

import importlib.util
from typing import Any

import torch

from harness.errors import ConfigurationError
from harness.pairs.side import Quantization


def loading_options(quantization: Quantization | None, dtype: torch.dtype) -> dict[str, Any]:
    """Return what ``from_pretrained`` needs so that linear layers are rounded on their way in.

    The embedding and the output projection stay as they are, as bitsandbytes leaves them.

    Args:
        quantization: the kind of rounding, or None for none.
        dtype: that products are computed in.

    Raises:
        ConfigurationError: if bitsandbytes is not installed.
    """
    if quantization is None:
        return {}
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigurationError(
            f"quantization {quantization} needs bitsandbytes, which is not installed; run: "
            "pip install 'inspect-amplify[quantization]'"
        )
    from transformers import BitsAndBytesConfig

    if quantization == "nf4":
        config = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    else:
        config = BitsAndBytesConfig(load_in_8bit=True)
    return {"quantization_config": config}
