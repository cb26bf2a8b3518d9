"""Where a steering vector comes from: a file, or texts that show what to steer towards."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.errors import WeightsError
from harness.pairs.layers import mean_states, require_layer
from harness.pairs.side import Steering


def steering_vector(
    steering: Steering, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> Tensor:
    """Return what is added to hidden states, [hidden size], the strength included.

    From texts it is ``strength * (mean(h of positive) - mean(h of negative))``, with ``h`` the
    hidden state after the layer at a text's last token, of the checkpoint without adapters. The
    texts are read as they stand, without a chat template.

    Source: Rimsky et al. 2024, "Steering Llama 2 via Contrastive Activation Addition".

    Raises:
        ConfigurationError: if the model has no such layer.
        WeightsError: if the file can't be read, or does not fit the model.
    """
    require_layer(model, steering.layer, "steering")
    if steering.vector is not None:
        vector = _read(Path(steering.vector), model.config.get_text_config().hidden_size)
    else:
        towards, away = (
            mean_states(model, steering.layer, [tokenizer(text)["input_ids"] for text in texts])
            for texts in (steering.positive, steering.negative)
        )
        vector = towards - away
    return steering.strength * vector


def _read(path: Path, size: int) -> Tensor:
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises its own type, which it does not export well
        raise WeightsError(f"the steering vector {path} can't be read: {error}") from error
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    if list(shapes.values()) != [[size]]:
        raise WeightsError(
            f"the steering vector {path} holds {shapes}, and the model needs one tensor of "
            f"shape [{size}]"
        )
    [vector] = tensors.values()
    if not torch.isfinite(vector).all():
        raise WeightsError(f"the steering vector {path} holds numbers that are not finite")
    return vector.float()
