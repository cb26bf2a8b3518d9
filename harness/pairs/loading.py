"""From a pair's spelling to loaded weights, checked that the two sides can be subtracted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from harness.decoding.pair_model import PairModel, Prompt
from harness.errors import ConfigurationError, WeightsError
from harness.pairs.chat import ChatText
from harness.pairs.conditioning import Message, conditioned
from harness.pairs.endpoint_pair import DEFAULT_TOP_LOGPROBS, connect_pair
from harness.pairs.files import SideFiles, find_side, pair_fingerprint
from harness.pairs.lora import load_adapter, split_rows
from harness.pairs.models import ModelPair
from harness.pairs.quantization import loading_options
from harness.pairs.reader import Reader
from harness.pairs.side import Quantization, Side
from harness.pairs.sides import Sides
from harness.pairs.spec import PairSpec
from harness.pairs.tensors import share_equal_tensors
from harness.pairs.top_logprobs import TruncatedPair
from harness.pairs.vocabulary import common_logits, require_same_vocabulary


@dataclass(frozen=True)
class LoadedPair:
    """Both sides in memory, and how text becomes their tokens."""

    model: PairModel[Any]
    chat: ChatText
    fingerprint: str
    """Of all weights and of what conditions the sides, 16 hexadecimal digits."""
    spec: PairSpec

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """Render a conversation as each side reads it.

        Raises:
            UnsupportedRequest: if the chat template or a side's conditioning can't take it.
        """
        target, baseline = (
            self.chat.prompt_ids(conditioned(messages, side))
            for side in (self.spec.target, self.spec.baseline)
        )
        return Prompt(target, baseline)


def load_pair(spec: PairSpec) -> LoadedPair:
    """Load both sides and check them against each other.

    Where both have the same weights, they are loaded once, and where the sides differ by a plain
    LoRA on the target or by what they read, one forward pass serves both.

    Raises:
        WeightsError: if files are missing, damaged, or not safetensors.
        AdapterMismatch: if an adapter does not fit its base.
        VocabularyMismatch: if the tokenizers differ, or the logits don't cover them.
        EndpointError: if a server can't be asked.
    """
    disable_progress_bar()
    target, baseline = find_side(spec.target), find_side(spec.baseline)
    tokenizer = _tokenizer(target.checkpoint)
    other = tokenizer
    if baseline.checkpoint != target.checkpoint:
        other = _tokenizer(baseline.checkpoint)
        padding = _padding(tokenizer) | _padding(other)
        require_same_vocabulary(tokenizer.get_vocab(), other.get_vocab(), padding)
    model: PairModel[Any]
    if spec.target.endpoint is not None:
        k = spec.top_logprobs or DEFAULT_TOP_LOGPROBS
        model = connect_pair(spec.target, spec.baseline, tokenizer, k)
    else:
        model = _pair(_load_readers(spec, target, baseline), tokenizer, other)
        if spec.top_logprobs is not None:
            model = TruncatedPair(model, spec.top_logprobs)
    return LoadedPair(
        model=model,
        chat=ChatText(tokenizer, spec.target.checkpoint),
        fingerprint=pair_fingerprint(spec),
        spec=spec,
    )


def load_checkpoint(
    folder: Path, spec: PairSpec, quantization: Quantization | None = None
) -> PreTrainedModel:
    """Load one checkpoint from safetensors, without running code that it may carry.

    Raises:
        WeightsError: if its files can't be read.
    """
    device, dtype = _device(spec.device), getattr(torch, spec.dtype)
    options = loading_options(quantization, dtype, device)
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
    if not options:
        model.to(device=device)  # type: ignore[call-arg]  # mypy misreads its decorator
    return model.requires_grad_(False)


class _Readers(NamedTuple):
    """How both sides are read: by one reader in one pass, or by two."""

    target: Reader
    baseline: Reader
    sides: Sides | None = None


def _load_readers(spec: PairSpec, target: SideFiles, baseline: SideFiles) -> _Readers:
    shared = (
        target.checkpoint_fingerprint == baseline.checkpoint_fingerprint
        and spec.target.quantization == spec.baseline.quantization
    )
    base = load_checkpoint(target.checkpoint, spec, spec.target.quantization)
    if not shared or baseline.adapters:
        other = load_checkpoint(baseline.checkpoint, spec, spec.baseline.quantization)
        share_equal_tensors(base, other)
        return _Readers(_reader(base, target, spec.target), _reader(other, baseline, spec.baseline))
    if not target.adapters:
        reader = Reader(base)
        return _Readers(reader, reader)
    adapted = load_adapter(base, target.adapters[0], spec.target.checkpoint)
    split = split_rows(adapted)
    if split is not None:
        reader = Reader(split[0])
        return _Readers(reader, reader, split[1])
    inner = cast(PreTrainedModel, adapted.get_base_model())
    return _Readers(Reader(inner), Reader(inner, adapted.disable_adapter))


def _reader(base: PreTrainedModel, files: SideFiles, side: Side) -> Reader:
    if not files.adapters:
        return Reader(base)
    adapted = load_adapter(base, files.adapters[0], side.checkpoint)
    return Reader(cast(PreTrainedModel, adapted.get_base_model()))


def _pair(
    readers: _Readers, target: PreTrainedTokenizerBase, baseline: PreTrainedTokenizerBase
) -> ModelPair:
    """Pair two readers over the logits that stand for the same tokens on both sides."""
    sizes = readers.target.vocab_size, readers.baseline.vocab_size
    if sizes[0] == sizes[1]:
        return ModelPair(*readers)
    common = common_logits(target.get_vocab(), baseline.get_vocab(), *sizes)
    return ModelPair(*readers, vocab_size=common)


def _padding(tokenizer: PreTrainedTokenizerBase) -> frozenset[str]:
    """Return the token that only fills batches; one that also ends replies is no such."""
    token = tokenizer.pad_token
    return frozenset() if token in (None, tokenizer.eos_token) else frozenset([str(token)])


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
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
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigurationError(
            f"device '{name}' was asked for, but torch can't use it here: {first}"
        ) from error
    return device
