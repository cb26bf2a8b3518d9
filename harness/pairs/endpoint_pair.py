"""A pair of which two servers know the weights and tell the likeliest tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from harness.decoding.pair_model import PairLogits, Prompt, SideName
from harness.errors import ConfigurationError
from harness.pairs.endpoint import EndpointClient, Vocabulary
from harness.pairs.memory import free_bytes
from harness.pairs.side import Side
from harness.pairs.top_logprobs import logits_of_known

DEFAULT_TOP_LOGPROBS = 20

_UNBOUNDED = 1 << 20


class EndpointState:
    """Everything that each row has read: servers keep nothing for us."""

    def __init__(self, target: list[tuple[int, ...]], baseline: list[tuple[int, ...]]) -> None:
        self.target = target
        self.baseline = baseline

    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows on both sides."""
        self.target = [self.target[i] for i in rows]
        self.baseline = [self.baseline[i] for i in rows]

    def join(self, other: "EndpointState") -> None:
        """Append the rows of another state on both sides."""
        self.target = self.target + other.target
        self.baseline = self.baseline + other.baseline


class EndpointPair:
    """Two servers, asked for the next token of every row.

    Args:
        target: asked after the change.
        baseline: asked before it.
        vocab_size: number of logits, the tokenizer's.
        max_context: tokens per row.
    """

    device = torch.device("cpu")
    bytes_per_token = 0  # the server keeps what it has read

    def __init__(
        self, target: EndpointClient, baseline: EndpointClient, vocab_size: int, max_context: int
    ) -> None:
        self._target = target
        self._baseline = baseline
        self.vocab_size = vocab_size
        self.max_context = max_context

    def free_bytes(self) -> int:
        """Memory that is free on this machine, in bytes."""
        return free_bytes({self.device: 1})

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[EndpointState, PairLogits]:
        """Ask about whole prompts."""
        state = EndpointState([p.target_ids for p in prompts], [p.baseline_ids for p in prompts])
        return state, self._ask(state)

    def read_tokens(self, state: EndpointState, tokens: Tensor) -> PairLogits:
        """Ask again with one further token per row."""
        read = tokens.tolist()
        state.target = [(*ids, token) for ids, token in zip(state.target, read, strict=True)]
        state.baseline = [(*ids, token) for ids, token in zip(state.baseline, read, strict=True)]
        return self._ask(state)

    def alone(self, side: SideName) -> None:
        """Return None: either server's list names tokens that count on the other side as well."""

    def _ask(self, state: EndpointState) -> PairLogits:
        target = self._target.next_tokens(state.target)
        baseline = self._baseline.next_tokens(state.baseline)
        return logits_of_known(target, baseline, self.vocab_size)


def connect_pair(
    target: Side, baseline: Side, tokenizer: PreTrainedTokenizerBase, k: int
) -> EndpointPair:
    """Build a pair of endpoints and ask each for one token, so that what is wrong is told now.

    Args:
        target: a side with an endpoint.
        baseline: likewise.
        tokenizer: of both.
        k: tokens to ask for.

    Raises:
        ConfigurationError: if a key is missing, or the tokenizer names no end of sequence.
        EndpointError: if a server can't be asked, or gives no log-probabilities.
    """
    eos_id = tokenizer.eos_token_id
    if not isinstance(eos_id, int):
        raise ConfigurationError(
            f"the tokenizer of {target.checkpoint} names no end of sequence, which an endpoint's "
            "empty answer stands for; give another checkpoint"
        )
    size = 1 + max(tokenizer.get_vocab().values())
    vocabulary = Vocabulary(ids=text_to_id(tokenizer), eos_id=eos_id, size=size)
    clients = [
        EndpointClient(side.endpoint, vocabulary, k)
        for side in (target, baseline)
        if side.endpoint is not None
    ]
    for client in clients:
        client.next_tokens([(eos_id,)])
    # transformers writes 1e30 where a tokenizer states no limit.
    limit = min(int(tokenizer.model_max_length), _UNBOUNDED)
    return EndpointPair(clients[0], clients[1], size, limit)


def text_to_id(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the id of each token's text, as servers write it; texts of several ids are left out.

    Pieces of characters decode to the same replacement character, so they can't be told apart by
    text; a server that names tokens by ids has no such gap.
    """
    ids: dict[str, int] = {}
    ambiguous = set()
    for token, i in tokenizer.get_vocab().items():
        # Sentencepiece's mark; decoding a single token would drop the space that it stands for.
        text = token.replace("▁", " ") if "▁" in token else tokenizer.decode([i])
        if ids.setdefault(str(text), i) != i:
            ambiguous.add(str(text))
    return {text: i for text, i in ids.items() if text not in ambiguous}
