"""LoRA adapters: put on a base so that they act on some rows only, trained, saved and read.

Knows peft's files and layers. An adapter is read from safetensors alone and is checked against
the base that it is put on.
"""

import json
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.errors import AdapterMismatch, WeightsError
from harness.pairs.packing import with_least_rows
from harness.pairs.sides import Sides

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"

# Rows that an adapter's products have at least, for each thread that shares them: a thread that is
# left with fewer than four sums them in another order, and a row's bits would tell how many others
# there are. From 12 rows on, two threads gave the same bits at every number up to 96.
_ROWS_PER_THREAD = 8


class SplitLinear(nn.Module):
    """A linear layer whose LoRA delta ``scaling * B A x`` goes to the target's rows only.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"; the split is
    what lets target and baseline share one product with the base weight.
    """

    def __init__(self, layer: LoraLinear, adapter: str, sides: Sides) -> None:
        super().__init__()
        self.base = layer.get_base_layer()
        self.out_features = layer.out_features
        dtype = cast(Tensor, layer.get_base_layer().weight).dtype
        down = cast(Tensor, layer.lora_A[adapter].weight).detach().to(dtype)
        # The scaling is folded into B once instead of multiplying each output.
        up = cast(Tensor, layer.lora_B[adapter].weight).detach() * layer.scaling[adapter]
        self.register_buffer("_down", _transposed(down), persistent=False)
        self.register_buffer("_up", _transposed(up.to(dtype)), persistent=False)
        self._sides = sides

    def forward(self, x: Tensor) -> Tensor:
        """Map [rows, tokens, in] to [rows, tokens, out]; rows may be flattened with tokens."""
        y = cast(Tensor, self.base(x))
        if self._sides.n_pairs:
            self._add_delta(self._sides.target(y), self._sides.target(x.contiguous()))
        return y

    def _add_delta(self, y: Tensor, x: Tensor) -> None:
        """Add ``x A^T B^T`` to a view, [pairs, tokens, out], in place."""
        n_rows, least = y.shape[0] * y.shape[1], _ROWS_PER_THREAD * torch.get_num_threads()
        inner = with_least_rows(x.flatten(0, 1), least).mm(self._down)
        if y.shape[1] == 1 and n_rows >= least:
            y.squeeze(1).addmm_(inner, self._up)
        else:
            flat = with_least_rows(y.flatten(0, 1), least)
            y.copy_(torch.addmm(flat, inner, self._up)[:n_rows].view_as(y))

    _down: Tensor
    _up: Tensor


def _transposed(weight: Tensor) -> Tensor:
    """Lay a weight out for ``x W^T`` of few columns.

    72 rows, 576 to 4 to 576, one core: float32 takes 18 us with the transpose as a view and 116
    with a copy; bfloat16 83 us as a view and 39 with a copy.
    """
    return weight.t() if weight.dtype == torch.float32 else weight.t().contiguous()


def load_adapter(base: PreTrainedModel, folder: Path, base_name: str) -> PeftModel:
    """Put an adapter on its base.

    Args:
        base: the model that the adapter was trained on.
        folder: holds ``adapter_config.json`` and ``adapter_model.safetensors``.
        base_name: how the base was named, for messages.

    Raises:
        WeightsError: if a file is missing or can't be read, or the weights are pickled.
        AdapterMismatch: if the adapter's tensors do not fit the base.
    """
    config = _read_config(folder)
    state = _read_state(folder)
    biases = getattr(config, "bias", "none")
    if biases != "none":
        raise WeightsError(
            f"the adapter in {folder} trained biases of its base (bias={biases}), which stay "
            "when it is switched off; merge it and compare two checkpoints"
        )
    config.inference_mode = True
    # peft warns when the adapter names its base otherwise; the tensors are compared below.
    config.base_model_name_or_path = base.name_or_path
    try:
        model = _wrap(base, config)
        result: Any = set_peft_model_state_dict(model, state)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()
        detail = reason[1].strip() if len(reason) > 1 else reason[0]
        raise AdapterMismatch(_mismatch(folder, base_name, detail)) from error
    if result.unexpected_keys:
        detail = f"the base has no layer for {result.unexpected_keys[0]}"
        raise AdapterMismatch(_mismatch(folder, base_name, detail))
    absent = [key for key in result.missing_keys if "lora_" in key]
    if absent:
        raise AdapterMismatch(_mismatch(folder, base_name, f"it holds no weights for {absent[0]}"))
    return model


def split_rows(model: PeftModel) -> tuple[PreTrainedModel, Sides] | None:
    """Exchange an adapter's layers for ones that act on the target's rows only.

    Returns:
        The base model and what tells its layers whose rows are whose; None, with the model
        unchanged, where the adapter is more than plain LoRA on linear layers that every token
        passes (DoRA, trained biases, embeddings, experts).
    """
    base = cast(PreTrainedModel, model.get_base_model())
    layers = {
        name: layer for name, layer in base.named_modules() if isinstance(layer, BaseTunerLayer)
    }
    adapter = model.active_adapter
    if _wraps_more_than_layers(base) or not all(
        _is_plain(layer, adapter) and ".experts." not in name for name, layer in layers.items()
    ):
        return None
    sides = Sides()
    for name, layer in layers.items():
        parent, _, leaf = name.rpartition(".")
        setattr(
            base.get_submodule(parent), leaf, SplitLinear(cast(LoraLinear, layer), adapter, sides)
        )
    return base, sides


def new_adapter(base: PreTrainedModel, rank: int, lora_alpha: int) -> PeftModel:
    """Put a fresh LoRA on all linear layers of a base, the output projection excepted."""
    config = LoraConfig(
        r=rank,
        lora_alpha=lora_alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    return _wrap(base, config)


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


def _wrap(base: PreTrainedModel, config: PeftConfig) -> PeftModel:
    with warnings.catch_warnings():
        # peft asks transformers by an old name whether gradients are checkpointed.
        warnings.simplefilter("ignore", FutureWarning)
        return cast(PeftModel, get_peft_model(base, config))


def _wraps_more_than_layers(base: PreTrainedModel) -> bool:
    """Say whether peft trained modules or token embeddings in full."""
    return any(isinstance(module, AuxiliaryTrainingWrapper) for module in base.modules())


def _is_plain(layer: BaseTunerLayer, adapter: str) -> bool:
    return (
        type(layer) is LoraLinear
        and type(layer.get_base_layer()) is nn.Linear
        and adapter not in layer.lora_variant
        and layer.lora_B[adapter].bias is None
        and not layer.fan_in_fan_out
    )


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
