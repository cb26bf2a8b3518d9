"""Changes between a model's layers, on the rows of one side only: steering and early exit.

Knows decoder layers as modules that map hidden states to hidden states; knows no adapters.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.errors import ConfigurationError, PairError
from harness.pairs.sides import SideName, Sides


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """Return a model's decoder layers, in their order.

    Raises:
        PairError: if no list of modules is as long as the configuration says.
    """
    n_layers = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    raise PairError(
        f"{type(model).__name__} keeps its {n_layers} layers in no list, so nothing can be changed "
        "between them; leave steering, exit_layer and adapter_layers out"
    )


def require_layer(model: PreTrainedModel, layer: int, what: str) -> None:
    """Raise ConfigurationError if a model has no such layer."""
    n_layers = model.config.get_text_config().num_hidden_layers
    if layer >= n_layers:
        raise ConfigurationError(
            f"{what}: there is no layer {layer}; the model has {n_layers}, 0 to {n_layers - 1}"
        )


def steer(model: PreTrainedModel, layer: int, vector: Tensor, sides: Sides, side: SideName) -> None:
    """Add a vector to one side's hidden states after a layer, at every token.

    ``h + v``, as in Turner et al. 2023, "Activation Addition: Steering Language Models Without
    Optimization", and Rimsky et al. 2024, "Steering Llama 2 via Contrastive Activation Addition".

    Args:
        model: changed in place.
        layer: index of the decoder layer, from 0.
        vector: [hidden size], the strength included.
        sides: says which rows are whose.
        side: whose rows are steered.
    """
    module = decoder_layers(model)[layer]
    parameter = next(module.parameters())
    vector = vector.to(parameter.device, model.dtype)

    def add(module: nn.Module, arguments: Any, output: Any) -> None:
        rows = sides.rows(side, _states(output))
        if rows is not None:
            rows.add_(vector)

    module.register_forward_hook(add)


def exit_after(model: PreTrainedModel, layer: int, sides: Sides, side: SideName) -> None:
    """Let one side's hidden states pass the layers after this one unchanged.

    The final norm and the output projection then read what this layer gave: early exit, whose
    difference from the last layer is what Chuang et al. 2024, "DoLa: Decoding by Contrasting
    Layers Improves Factuality in Large Language Models", decode from.

    Args:
        model: changed in place.
        layer: index of the last decoder layer that counts, from 0.
        sides: says which rows are whose.
        side: whose rows exit.

    Raises:
        ConfigurationError: if that is the last layer already.
    """
    require_layer(model, layer + 1, f"exit_layer {layer} is the last layer or beyond")

    def keep(module: nn.Module, arguments: Any, options: dict[str, Any], output: Any) -> None:
        before = arguments[0] if arguments else options["hidden_states"]
        rows = sides.rows(side, _states(output))
        if rows is not None:
            rows.copy_(cast(Tensor, sides.rows(side, before.contiguous())))

    for module in decoder_layers(model)[layer + 1 :]:
        module.register_forward_hook(keep, with_kwargs=True)


@torch.inference_mode()
def mean_states(model: PreTrainedModel, layer: int, prompts: list[list[int]]) -> Tensor:
    """Average the hidden states after a layer at each prompt's last token, [hidden size]."""
    last: list[Tensor] = []

    def record(module: nn.Module, arguments: Any, output: Any) -> None:
        last.append(_states(output).reshape(-1, _states(output).shape[-1])[-1].float())

    handle = decoder_layers(model)[layer].register_forward_hook(record)
    try:
        for ids in prompts:
            model(torch.tensor([ids], device=model.device), use_cache=False)
    finally:
        handle.remove()
    return torch.stack(last).mean(0)


def _states(output: Any) -> Tensor:
    return cast(Tensor, output[0] if isinstance(output, tuple) else output)
