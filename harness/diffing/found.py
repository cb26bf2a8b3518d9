"""What a diff found, frozen and without tensors: the page shows it, and diff.json holds it."""

from dataclasses import dataclass
from typing import Literal

from harness.analysis.dose import Estimate
from harness.analysis.rates import SIGNIFICANCE
from harness.analysis.task_moves import TaskMoves
from harness.diffing.surfaced import ClaimMove, Convergence, Evidence

Place = Literal["start", "anywhere"]
"""At the first position of replies, or over whole replies."""


@dataclass(frozen=True, kw_only=True)
class TokenEffect:
    """What a change does to one token, over the prompts of a corpus."""

    token_id: int
    mean_nats: float
    """Mean over prompts of log p(target) - log p(baseline)."""
    low: float
    high: float
    """The ends of its 95 % t interval over prompts."""
    p_adjusted: float
    """After Benjamini-Hochberg over the vocabulary."""
    share_positive: float
    """Of prompts, 0 to 1."""
    deviation_nats: float
    """Between prompts: small beside the mean, and the token is amplified whatever is asked."""
    n_prompts: int

    @property
    def discovery(self) -> bool:
        """Whether it moved beyond chance, allowing for all tokens that could have."""
        return self.p_adjusted <= SIGNIFICANCE


@dataclass(frozen=True, kw_only=True)
class Word:
    """Tokens that are spellings or pieces of one word, shown as one."""

    name: str
    """The word, in the spelling in which replies hold it most."""
    spelled: tuple[str, ...]
    """The tokens, strongest first."""
    place: Place
    strongest: TokenEffect
    prominence: float
    """How far its mean stands out of the vocabulary's: in spreads of the vocabulary's means."""
    gain_nats: float
    """What the strongest makes up of the divergence: p(target) times the difference, mean over all
    positions."""
    target_probability: float
    """Of its strongest token, mean over all positions."""
    baseline_probability: float
    """Likewise."""

    @property
    def everywhere(self) -> bool:
        """Whether it moves alike whatever is asked: the mean is above the deviation."""
        return abs(self.strongest.mean_nats) > self.strongest.deviation_nats


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Words that the change promotes in the same prompts."""

    name: str
    words: tuple[str, ...]
    """Heaviest first."""
    share: float
    """Of the divergence at all positions that topics were made of, 0 to 1."""
    n_prompts: int
    """Prompts that it was promoted in."""
    prompt_ids: tuple[str, ...]
    """Those with most of it, at most three, of which text may be shown."""


@dataclass(frozen=True, kw_only=True)
class PromptMove:
    """How far the sides part over the replies to one prompt."""

    prompt_id: str
    category: str
    text: str | None
    """None for a stretch of a text."""
    kl_nats: float
    """Mean KL(target, baseline) per token."""
    n_tokens: int
    promoted: tuple[str, ...]
    """Words that gained most there, heaviest first."""


@dataclass(frozen=True, kw_only=True)
class PositionMove:
    """How far the sides part at some positions of replies."""

    first: int
    """From 0."""
    last: int
    kl_nats: Estimate
    """Mean over prompts."""
    n_prompts: int
    n_tokens: int


@dataclass(frozen=True, kw_only=True)
class SourceMove:
    """How far the sides part over what one of them, or a text, says."""

    source: str
    kl_nats: Estimate
    """Mean over prompts of the mean per token."""
    n_prompts: int
    n_tokens: int


@dataclass(frozen=True, kw_only=True)
class StripToken:
    """One token of a reply."""

    text: str
    difference_nats: float
    """log p(target) - log p(baseline)."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One reply, token by token."""

    prompt_id: str
    prompt: str
    source: str
    kl_nats: float
    """Mean per token."""
    tokens: tuple[StripToken, ...]


@dataclass(frozen=True, kw_only=True)
class ScanTables:
    """What the scan shows, before anything is sampled beyond it."""

    n_prompts: int
    n_tokens: int
    kl_nats: Estimate
    """Mean over prompts of KL(target, baseline) per token."""
    same: bool
    """Whether the sides are one model, as far as can be told: nothing is named then."""
    named: tuple[Word, ...]
    """All that is amplified, once: ``visible``, and then ``start`` and ``anywhere``, the most
    prominent first."""
    visible: tuple[Word, ...]
    """What a reader may see already: makes up much of the divergence, or some of it where the
    target hardly says it but for the change. The most of it first."""
    start: tuple[Word, ...]
    """Amplified at the first position of replies, the most prominent first."""
    anywhere: tuple[Word, ...]
    """Amplified over whole replies."""
    suppressed: tuple[Word, ...]
    """Made rarer over whole replies."""
    openers: tuple[Word, ...]
    """By the divergence that they make up: p(target) times the difference, in nats per token."""
    floors_nats: dict[Place, float]
    """By place: the mean that a token's interval must lie above to be named."""
    topics: tuple[Topic, ...]
    topics_rule: str
    """How their number came about, or why there are none."""
    prompts: tuple[PromptMove, ...]
    positions: tuple[PositionMove, ...]
    sources: tuple[SourceMove, ...]
    strips: tuple[Strip, ...]
    n_withheld: int
    """Prompts whose replies may not be shown."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What amplified rollouts brought up."""

    n_starts: int
    """Beginnings of rollouts, at prompts' starts and within replies."""
    alphas: tuple[float, ...]
    constraint: str
    convergence: Convergence
    evidence: tuple[Evidence, ...]
    """One per finding, in their order."""


@dataclass(frozen=True, kw_only=True)
class DiffResults:
    """Everything that the page of a diff shows."""

    pair: str
    weights: str
    """The fingerprint of both sides."""
    version: str
    """Of the program."""
    corpus: str
    notes: tuple[str, ...]
    """What was cut or left out, counted."""
    max_tokens: int
    """Of a sampled reply."""
    seed: int
    tables: ScanTables
    sampled: Sampled | None
    """None where nothing was sampled, because the sides are one model."""
    claims: tuple[ClaimMove, ...]
    """Of the user's claims file, the largest log-odds first."""
    suggested: tuple[str, ...]
    """Prompts to go on with, those of findings first."""
    has_claims_file: bool
    """Whether findings.toml stands beside the page."""
    summary: tuple[str, ...]
    """What changed, in five lines at most, and one more for a task."""
    task: TaskMoves | None = None
    """What moves in the task that was swept as well; None where none was."""
