"""Adapters: put on a base, trained, saved and read.

Knows peft's files and layers. An adapter is read from safetensors alone and is checked against
the base that it is put on.
"""

import json
import re
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from harness.errors import AdapterMismatch, WeightsError

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


def load_adapter(
    base: PreTrainedModel | PeftModel,
    folder: Path,
    base_name: str,
    name: str = "default",
    layers: frozenset[int] | None = None,
) -> PeftModel:
    """Put an adapter on its base, or beside the adapters that are on it already.

    Args:
        base: the model that the adapter was trained on.
        folder: holds ``adapter_config.json`` and ``adapter_model.safetensors``.
        base_name: how the base was named, for messages.
        name: under which peft keeps it.
        layers: in which it acts, from 0; None for all.

    Raises:
        WeightsError: if a file is missing or can't be read, or the weights are pickled.
        AdapterMismatch: if the adapter's tensors do not fit the base.
    """
    config = _read_config(folder)
    state = _read_state(folder)
    _require_switchable(config, folder)
    if layers is not None:
        state = _within(layers, config, state, folder)
    config.inference_mode = True
    # peft warns when the adapter names its base otherwise; the tensors are compared below.
    config.base_model_name_or_path = base.name_or_path
    try:
        model = _wrap(base, config, name)
        result: Any = set_peft_model_state_dict(model, state, adapter_name=name)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()
        detail = reason[1].strip() if len(reason) > 1 else reason[0]
        raise AdapterMismatch(_mismatch(folder, base_name, detail)) from error
    if result.unexpected_keys:
        detail = f"the base has no layer for {result.unexpected_keys[0]}"
        raise AdapterMismatch(_mismatch(folder, base_name, detail))
    absent = [key for key in result.missing_keys if "lora_" in key and f".{name}." in key]
    if absent:
        raise AdapterMismatch(_mismatch(folder, base_name, f"it holds no weights for {absent[0]}"))
    return model


def new_adapter(base: PreTrainedModel, rank: int, lora_alpha: int) -> PeftModel:
    """Put a fresh LoRA on all linear layers of a base, the output projection excepted."""
    config = LoraConfig(
        r=rank,
        lora_alpha=lora_alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    return _wrap(base, config, "default")


def scale_adapter(model: PeftModel, factor: float) -> None:
    """Multiply what a LoRA adds to its base, in place: the product of A and B, through B."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.mul_(factor)


def round_adapter(model: PeftModel, dtype: torch.dtype) -> None:
    """Keep what a LoRA adds in fewer bits, in place: how it will be written."""
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.to(dtype)


def save_adapter(model: PeftModel, folder: Path, base_name: str, base_fingerprint: str) -> None:
    """Write an adapter as peft does, with the name and fingerprint of its base beside it."""
    model.peft_config[model.active_adapter].base_model_name_or_path = base_name
    # No embedding is trained; "auto" would look for the base's configuration under its name.
    model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card
    (folder / "base.json").write_text(
        json.dumps({"checkpoint": base_name, "fingerprint": base_fingerprint}, indent=1) + "\n"
    )


def recorded_base(folder: Path) -> str | None:
    """Return the fingerprint of the base that an adapter says it was trained on, if it does.

    Raises:
        WeightsError: if the record can't be read.
    """
    path = folder / "base.json"
    try:
        return str(json.loads(path.read_text())["fingerprint"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} can't be read: {error!r}; delete or mend it") from error


def _wrap(base: PreTrainedModel | PeftModel, config: PeftConfig, name: str) -> PeftModel:
    with warnings.catch_warnings():
        # peft asks transformers by an old name whether gradients are checkpointed.
        warnings.simplefilter("ignore", FutureWarning)
        if not isinstance(base, PeftModel):
            return cast(PeftModel, get_peft_model(base, config, adapter_name=name))
        base.add_adapter(name, config)
        return base


def _require_switchable(config: PeftConfig, folder: Path) -> None:
    """Refuse adapters that can't be on for some rows and off for others."""
    biases = getattr(config, "bias", "none")
    if biases != "none":
        raise WeightsError(
            f"the adapter in {folder} trained biases of its base (bias={biases}), which stay "
            "when it is switched off; merge it and compare two checkpoints"
        )
    if config.is_prompt_learning:
        raise WeightsError(
            f"the adapter in {folder} is of type {config.peft_type}, which adds to what is read "
            "and not to the layers; adapters of layers (LoRA, IA3, OFT and others) can be compared"
        )


def _within(
    layers: frozenset[int], config: PeftConfig, state: dict[str, Tensor], folder: Path
) -> dict[str, Tensor]:
    """Keep an adapter's tensors of some layers, and tell peft to leave the others alone."""
    kept = {key: tensor for key, tensor in state.items() if _layer_of(key) in layers}
    if not kept:
        touched = sorted({layer for key in state if (layer := _layer_of(key)) is not None})
        raise AdapterMismatch(
            f"the adapter in {folder} acts in layers {touched}, and none of them is among "
            f"adapter_layers {sorted(layers)}"
        )
    if not hasattr(config, "exclude_modules"):
        raise WeightsError(
            f"the adapter in {folder} is of type {config.peft_type}, which peft can't keep out of "
            "layers; leave adapter_layers out"
        )
    if len(kept) < len(state):
        here = "|".join(str(layer) for layer in sorted(layers))
        # Whatever has another first number in its name, or none.
        config.exclude_modules = rf"(?!(?:(?!\.\d+\.).)*\.(?:{here})\.).*"
    return kept


def _layer_of(key: str) -> int | None:
    """Return the layer that a tensor stands in: the first number in its name."""
    found = re.search(r"\.(\d+)\.", key)
    return None if found is None else int(found.group(1))


def _read_config(folder: Path) -> PeftConfig:
    path = folder / ADAPTER_CONFIG
    if not path.is_file():
        raise WeightsError(f"{folder} holds no {ADAPTER_CONFIG}: it is not an adapter's folder")
    try:
        return cast(PeftConfig, PeftConfig.from_pretrained(str(folder)))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} can't be read: {error}") from error


def _read_state(folder: Path) -> dict[str, Tensor]:
    path = folder / ADAPTER_WEIGHTS
    if not path.is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        hint = "; adapter_model.bin is pickled and is not read: save it as safetensors"
        raise WeightsError(f"{path} is missing{hint if pickled else ''}")
    try:
        return cast("dict[str, Any]", load_file(path))
    except Exception as error:  # safetensors raises its own type, which it does not export well
        raise WeightsError(f"{path} is damaged: {error}") from error


def _mismatch(folder: Path, base_name: str, detail: str) -> str:
    return (
        f"the adapter in {folder} does not fit the base {base_name}: {detail}. "
        "Put it on the checkpoint it was trained on."
    )
