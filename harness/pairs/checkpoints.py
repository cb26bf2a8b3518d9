"""One checkpoint from its folder: weights and tokenizer, read without running code of theirs."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from harness.errors import ConfigurationError, WeightsError
from harness.pairs.quantization import loading_options
from harness.pairs.side import Quantization
from harness.pairs.spec import PairSpec


def load_checkpoint(
    folder: Path, spec: PairSpec, quantization: Quantization | None = None
) -> PreTrainedModel:
    """Load one checkpoint from safetensors, without running code that it may carry.

    Raises:
        WeightsError: if its files can't be read.
    """
    device, dtype = _device(spec.device), getattr(torch, spec.dtype)
    options = loading_options(quantization, dtype)
    if spec.device_map is not None:
        options["device_map"] = spec.device_map
    elif options:
        options["device_map"] = {"": device}  # rounded weights can't be moved afterwards
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    except (
        Exception
    ) as error:  # transformers lets many kinds out: OSError, ValueError, safetensors'
        first = str(error).strip().splitlines()[0]
        raise WeightsError(f"the checkpoint in {folder} can't be loaded: {first}") from error
    model: PreTrainedModel
    model, report = loaded
    absent = sorted(report["missing_keys"])
    if absent:  # transformers fills them with random numbers and goes on
        raise WeightsError(f"the checkpoint in {folder} can't be loaded: it lacks {absent[0]}")
    if "device_map" not in options:
        model.to(device=device)  # type: ignore[call-arg]  # mypy misreads its decorator
    return model.requires_grad_(False)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load a checkpoint's tokenizer.

    Raises:
        WeightsError: if its files can't be read.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # as in load_checkpoint
        first = str(error).strip().splitlines()[0]
        raise WeightsError(f"the tokenizer in {folder} can't be loaded: {first}") from error
    return tokenizer


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"device '{name}' is not one that torch knows") from error
    try:
        torch.empty(1, device=device)
    # torch raises AssertionError where it was built without CUDA, and RuntimeError where it lacks
    # the backend.
    except (AssertionError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigurationError(
            f"device '{name}' was asked for, but torch can't use it here: {first}"
        ) from error
    return device
