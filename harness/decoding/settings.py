"""How one rollout is decoded, checked when it is stated."""

import math
from dataclasses import dataclass

from harness.constraint import Constraints, canonical
from harness.errors import ConfigurationError, InvalidAlpha

MAX_SEED = 2**64 - 1
MAX_TRACE_ALPHAS = 64


@dataclass(frozen=True, kw_only=True)
class RolloutSettings:
    """Everything that decides a rollout beside the pair and the prompt."""

    alpha: float = 0.0
    """Amplification strength, unitless: -1 the baseline, 0 the target."""
    temperature: float = 1.0
    """Divides the amplified logits; 0 takes the likeliest token."""
    top_p: float = 1.0
    """Least mass of the likeliest tokens that is kept, above 0 and up to 1; 1 keeps all."""
    top_k: int = 0
    """Number of likeliest tokens that are kept; 0 keeps all."""
    seed: int = 0
    """Of this rollout, 0 to 2**64 - 1."""
    max_tokens: int = 256
    """Most tokens that are sampled, at least 1."""
    top_logprobs: int = 0
    """How many alternatives are recorded per token, 0 to 20."""
    trace: bool = True
    """Whether each token's figures are measured; its token is the same, to the bit, without."""
    trace_alphas: tuple[float, ...] = ()
    """Strengths at which each sampled token's log-probability is traced as well, at most 64."""
    trace_best: bool = False
    """Whether the likeliest tokens of either side and amplified are traced at each step."""
    constraints: Constraints = ()
    """What keeps the text sensible, each kind at most once; in any order, it means the same."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.alpha):
            raise InvalidAlpha(f"alpha {self.alpha} is not finite; give a number such as 0.5")
        _require(
            self.temperature >= 0 and math.isfinite(self.temperature),
            f"temperature {self.temperature}; it must be 0 (greedy) or above",
        )
        _require(0 < self.top_p <= 1, f"top_p {self.top_p}; it must be above 0 and at most 1")
        _require(self.top_k >= 0, f"top_k {self.top_k}; it must be 0 (off) or above")
        _require(0 <= self.seed <= MAX_SEED, f"seed {self.seed}; it must be 0 to {MAX_SEED}")
        _require(self.max_tokens >= 1, f"max_tokens {self.max_tokens}; it must be at least 1")
        _require(0 <= self.top_logprobs <= 20, f"top_logprobs {self.top_logprobs}; 0 to 20")
        for alpha in self.trace_alphas:
            if not math.isfinite(alpha):
                raise InvalidAlpha(f"trace_alphas holds {alpha}, which is not finite")
        count = len(self.trace_alphas)
        _require(count <= MAX_TRACE_ALPHAS, f"{count} trace_alphas; at most {MAX_TRACE_ALPHAS}")
        _require(
            self.trace or not count, "trace_alphas for a rollout without a trace; leave them out"
        )
        _require(
            self.trace or not self.trace_best,
            "trace_best for a rollout without a trace; leave it out",
        )
        canonical(self.constraints)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigurationError(message)
