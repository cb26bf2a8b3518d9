"""What is asked of the engine and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.decoding.pair_model import Prompt
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import Trace
from harness.errors import DecodingError

StopReason = Literal["stop", "max_tokens", "model_length"]


class Alternatives(NamedTuple):
    """The likeliest tokens of one step under the amplified distribution at temperature 1."""

    ids: tuple[int, ...]
    logps_nats: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RolloutRequest:
    """One rollout to be sampled."""

    prompt: Prompt
    settings: RolloutSettings
    reached_stop: Callable[[Sequence[int]], bool] | None = None
    """Asked after each token, with all ids so far, whether a stop string has been reached. Equal
    checks make equal requests, which are decoded once."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One sampled reply."""

    ids: tuple[int, ...]
    """Sampled token ids, a closing end-of-sequence token included."""
    stop_reason: StopReason
    """Why it ended: end-of-sequence or stop string, token limit, or the model's context."""
    trace: Trace | None
    """One row of figures per id; None where the settings asked for none."""
    alternatives: tuple[Alternatives, ...] = ()
    """One per id where the settings asked for them."""


Ended = tuple[RolloutRequest, Rollout | DecodingError]
"""A request and what it came to."""
