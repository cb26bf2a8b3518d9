"""What a reader must know of a transformers model, whatever its architecture."""

from typing import Any, cast

from torch import nn
from transformers import PreTrainedModel

from harness.errors import PairError
from harness.pairs.attention import NAME


def exchange_attention(model: PreTrainedModel) -> None:
    """Let a model's layers attend by the pass that is running, in place.

    Raises:
        PairError: if the architecture does not use transformers' attention interface.
    """
    try:
        model.set_attn_implementation(NAME)
    except (ImportError, ValueError) as error:
        raise PairError(_not_exchangeable(model)) from error
    if model.config._attn_implementation != NAME:
        raise PairError(_not_exchangeable(model))


def _not_exchangeable(model: PreTrainedModel) -> str:
    return (
        f"{type(model).__name__} does not use transformers' attention interface, so its rows can't "
        "share prompts; compare checkpoints of another architecture"
    )


def is_split(model: PreTrainedModel) -> bool:
    """Say whether a model's layers are on several devices."""
    return len(set(getattr(model, "hf_device_map", {}).values())) > 1


def max_context(model: nn.Module) -> int:
    """Read the context length from a model's configuration, under its names in transformers."""
    config = cast(Any, model).config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "n_ctx"):
        length = getattr(config, name, None)
        if isinstance(length, int):
            return length
    return 1 << 20  # architectures without a limit
