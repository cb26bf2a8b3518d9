"""From a pair's spelling to loaded weights, checked that the two sides can be subtracted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from harness.decoding.pair_model import PairModel, Prompt
from harness.pairs.chat import ChatText
from harness.pairs.checkpoints import load_tokenizer
from harness.pairs.conditioning import Message, conditioned
from harness.pairs.endpoint_pair import DEFAULT_TOP_LOGPROBS, connect_pair
from harness.pairs.files import find_side, pair_fingerprint
from harness.pairs.models import ModelPair
from harness.pairs.readers import Readers, load_readers
from harness.pairs.spec import PairSpec
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
    tokenizer = load_tokenizer(target.checkpoint)
    other = tokenizer
    if baseline.checkpoint != target.checkpoint:
        other = load_tokenizer(baseline.checkpoint)
        padding = _padding(tokenizer) | _padding(other)
        require_same_vocabulary(tokenizer.get_vocab(), other.get_vocab(), padding)
    model: PairModel[Any]
    if spec.target.endpoint is not None:
        k = spec.top_logprobs or DEFAULT_TOP_LOGPROBS
        model = connect_pair(spec.target, spec.baseline, tokenizer, k)
    else:
        model = _pair(load_readers(spec, target, baseline, tokenizer), tokenizer, other)
        if spec.top_logprobs is not None:
            model = TruncatedPair(model, spec.top_logprobs)
    return LoadedPair(
        model=model,
        chat=ChatText(tokenizer, spec.target.checkpoint),
        fingerprint=pair_fingerprint(spec),
        spec=spec,
    )


def _pair(
    readers: Readers, target: PreTrainedTokenizerBase, baseline: PreTrainedTokenizerBase
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
