"""How probable each side finds replies that somebody else gave, token by token."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from harness.decoding.pair_model import PairModel, Prompt
from harness.errors import UnsupportedRequest
from harness.pairs.models import ModelPair, ReplyLogps

T = TypeVar("T")

# Prompt and reply tokens of one batch, padding included; more gain nothing on a CPU, and the logits
# of 1024 tokens over a vocabulary of 49,152 take 200 MB.
_BATCH_TOKENS = 1024


class KnownReply(NamedTuple):
    """A reply whose tokens are known."""

    prompt: Prompt
    ids: tuple[int, ...]
    """At least one."""

    @property
    def n_tokens(self) -> int:
        """Tokens of prompt and reply on the longer side."""
        return self.prompt.longest + len(self.ids)


def score_replies(
    model: PairModel[Any],
    replies: Sequence[KnownReply],
    tell: Callable[[int], object] = lambda n: None,
) -> list[ReplyLogps]:
    """Return the log-probabilities of each reply's tokens under both sides, in the same order.

    Args:
        model: a pair whose weights are in memory.
        replies: none longer than the model's context.
        tell: is told how many replies each batch has finished.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known: a reply's own tokens
            are seldom among them.
    """
    whole = require_whole(model)

    def read(batch: Sequence[int]) -> list[ReplyLogps]:
        return whole.reply_logps(
            [replies[i].prompt for i in batch], [replies[i].ids for i in batch]
        )

    return in_batches(replies, read, tell)


def require_whole(model: PairModel[Any]) -> ModelPair:
    """Return the pair as one that knows all logits.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    if not isinstance(model, ModelPair):
        raise UnsupportedRequest(
            "this pair tells the likeliest tokens of each side alone, which a given reply's tokens "
            "are seldom among; score with a pair of local weights, without top_logprobs"
        )
    return model


def in_batches(
    replies: Sequence[KnownReply],
    read: Callable[[Sequence[int]], list[T]],
    tell: Callable[[int], object],
) -> list[T]:
    """Read replies of like length together; return what was read in the replies' own order.

    Args:
        replies: what is read.
        read: takes the places of a batch among the replies; returns one item for each.
        tell: is told how many replies each batch has finished.
    """
    by_length = sorted(range(len(replies)), key=lambda i: replies[i].n_tokens)
    found: dict[int, T] = {}
    batch: list[int] = []
    for place, i in enumerate(by_length):
        batch.append(i)
        following = by_length[place + 1 : place + 2]
        if following and (len(batch) + 1) * replies[following[0]].n_tokens <= _BATCH_TOKENS:
            continue
        found.update(zip(batch, read(batch), strict=True))
        tell(len(batch))
        batch = []
    return [found[i] for i in range(len(replies))]
