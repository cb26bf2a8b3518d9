"""Weights and what is done to them, made into readers: one for both sides where that is possible.

Two sides of one checkpoint are one model in memory. Where they differ by plain LoRAs, steering or
an early exit, one pass reads both; other adapters are switched between two passes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.pairs.checkpoints import load_checkpoint
from harness.pairs.files import SideFiles
from harness.pairs.layers import exit_after, require_layer, steer
from harness.pairs.lora import load_adapter
from harness.pairs.reader import Reader
from harness.pairs.side import Side, parse_layers
from harness.pairs.sides import SideName, Sides
from harness.pairs.spec import PairSpec
from harness.pairs.split_linear import only_adapters, split_rows
from harness.pairs.steering import steering_vector
from harness.pairs.tensors import adopt_packed, share_equal_tensors


class Readers(NamedTuple):
    """How both sides are read: by one reader in one pass, or by two."""

    target: Reader
    baseline: Reader
    sides: Sides


class _Source(NamedTuple):
    """A side and where its files lie."""

    side: Side
    files: SideFiles


def load_readers(
    spec: PairSpec, target: SideFiles, baseline: SideFiles, tokenizer: PreTrainedTokenizerBase
) -> Readers:
    """Load the weights of both sides, once where they are the same, and apply what differs.

    Raises:
        WeightsError: if files can't be read or do not fit.
        AdapterMismatch: if an adapter does not fit its base.
        ConfigurationError: if a layer is named that the model does not have.
    """
    sources: dict[SideName, _Source] = {
        "target": _Source(spec.target, target),
        "baseline": _Source(spec.baseline, baseline),
    }
    base = load_checkpoint(target.checkpoint, spec, spec.target.quantization)
    if (
        target.checkpoint_fingerprint == baseline.checkpoint_fingerprint
        and spec.target.quantization == spec.baseline.quantization
    ):
        return _over_one_model(base, sources, tokenizer)
    other = load_checkpoint(baseline.checkpoint, spec, spec.baseline.quantization)
    shared = share_equal_tensors(base, other)
    sides = Sides()
    target_reader = _alone(base, "target", sources["target"], sides, tokenizer)
    adopt_packed(base, other, shared)
    baseline_reader = _alone(other, "baseline", sources["baseline"], sides, tokenizer)
    return Readers(target_reader, baseline_reader, sides)


def _alone(
    model: PreTrainedModel,
    side: SideName,
    source: _Source,
    sides: Sides,
    tokenizer: PreTrainedTokenizerBase,
) -> Reader:
    """Make a reader of a model that only one side has."""
    sources = {side: source}
    _change_layers(model, sources, sides, tokenizer)
    adapted = _with_adapters(model, sources)
    names = _adapter_names(sources)
    if adapted is None or split_rows(adapted, names, sides) is not None:
        return Reader(model, _as_side(sides, side))
    return Reader(model, _as_side(sides, side, adapted, names[side]))


def _over_one_model(
    model: PreTrainedModel, sources: Mapping[SideName, _Source], tokenizer: PreTrainedTokenizerBase
) -> Readers:
    sides = Sides()
    _change_layers(model, sources, sides, tokenizer)
    adapted = _with_adapters(model, sources)
    names = _adapter_names(sources)
    if adapted is None or split_rows(adapted, names, sides) is not None:
        reader = Reader(model)
        return Readers(reader, reader, sides)
    target, baseline = (
        Reader(model, _as_side(sides, side, adapted, names[side])) for side in names
    )
    return Readers(target, baseline, sides)


def _as_side(
    sides: Sides, side: SideName, adapted: PeftModel | None = None, names: Sequence[str] = ()
) -> Callable[[], AbstractContextManager[None]]:
    """Return what is entered around a pass of one side's rows alone."""

    @contextmanager
    def context() -> Iterator[None]:
        with sides.only(side):
            if adapted is None:
                yield
            else:
                with only_adapters(adapted, names):
                    yield

    return context


def _change_layers(
    model: PreTrainedModel,
    sources: Mapping[SideName, _Source],
    sides: Sides,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Steer, and leave early, on the rows of the sides that say so."""
    steered = {
        name: (source.side.steering, steering_vector(source.side.steering, model, tokenizer))
        for name, source in sources.items()
        if source.side.steering is not None
    }
    for name, (steering, vector) in steered.items():
        steer(model, steering.layer, vector, sides, name)
    for name, source in sources.items():
        if source.side.exit_layer is not None:
            exit_after(model, source.side.exit_layer, sides, name)


def _with_adapters(model: PreTrainedModel, sources: Mapping[SideName, _Source]) -> PeftModel | None:
    """Put all adapters into a model's layers, those of each side under names of their own."""
    adapted: PeftModel | None = None
    names = _adapter_names(sources)
    for side, source in sources.items():
        layers = None
        if source.side.adapter_layers is not None:
            layers = parse_layers(source.side.adapter_layers)
            require_layer(model, max(layers), "adapter_layers")
        for name, folder in zip(names[side], source.files.adapters, strict=True):
            checkpoint = source.side.checkpoint
            adapted = load_adapter(adapted or model, folder, checkpoint, name, layers)
    return adapted


def _adapter_names(sources: Mapping[SideName, _Source]) -> dict[SideName, tuple[str, ...]]:
    return {
        side: tuple(f"{side}{i}" for i in range(len(source.files.adapters)))
        for side, source in sources.items()
    }
