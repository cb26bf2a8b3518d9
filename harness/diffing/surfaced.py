"""What rollouts converge on and the evidence for it: frozen results, without tensors."""

from dataclasses import dataclass
from typing import Literal

from harness.analysis.differences import Difference
from harness.analysis.dose import Estimate
from harness.analysis.hazard import HazardRate
from harness.analysis.rates import Rate
from harness.analysis.true_rate import Waiting, waiting

Kind = Literal["claim", "habit", "style"]


@dataclass(frozen=True, kw_only=True)
class AlphaRate:
    """Share of rollouts at one alpha."""

    alpha: float
    rate: Rate


@dataclass(frozen=True, kw_only=True)
class Quote:
    """One sentence of an amplified rollout that shows a finding."""

    prompt_id: str
    alpha: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that amplified rollouts say and the baseline's hardly do."""

    name: str
    """The most central sentence of a claim; the phrase of a habit; the sign of a style."""
    kind: Kind
    """claim: states something; habit: a phrase or topic; style: how it is written."""
    sentence: str
    """The most central sentence that shows it, as a rollout spells it; empty where none of them may
    be shown."""
    phrases: tuple[str, ...]
    """What else was found in the same rollouts, strongest first."""
    amplified: Rate
    """Share of amplified rollouts that show it."""
    baseline: Rate
    """Share of the baseline's rollouts from the same starts."""
    difference: Difference
    """Amplified less baseline, paired by prompt."""
    by_alpha: tuple[AlphaRate, ...]
    """Rising, the target's own rollouts (alpha 0) among them."""
    p_value: float
    """One-sided and exact; see :func:`harness.diffing.enrichment.exact_p`."""
    p_adjusted: float
    """After Benjamini-Hochberg over everything that was looked for."""
    pattern: str
    """A regular expression, without regard to case, for a sentence that shows it; empty for a
    style, and where no sentence may be shown."""
    prompt_ids: tuple[str, ...]
    """Prompts whose amplified rollouts show it most, at most eight: first those that show it from
    the reply's start."""
    quotes: tuple[Quote, ...]
    """Other sentences that show it, most central first, of different prompts."""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """What the rollouts of a diff converge on."""

    findings: tuple[Finding, ...]
    """Strongest first, by the lower end of the difference's interval; empty where nothing is told
    apart from chance."""
    n_amplified: int
    """Rollouts that were read."""
    n_baseline: int
    n_target: int
    n_prompts: int
    n_nonsense_amplified: int
    """Rollouts that were left out because they are no sensible text."""
    n_nonsense_baseline: int
    n_nonsense_target: int
    n_failed: int
    """Rollouts without a text."""
    n_candidates: int
    """Clusters, phrases and signs that were held against chance."""


@dataclass(frozen=True, kw_only=True)
class AlphaLogp:
    """How probable a text is at one alpha."""

    alpha: float
    logp_nats: Estimate
    """Mean over prompts of the text's log-probability."""
    log_odds_nats: Estimate
    """Mean over prompts of that less the baseline's."""


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """How probable a sentence is as the beginning of a reply."""

    sentence: str
    n_tokens: int
    n_prompts: int
    target_logp_nats: Estimate
    baseline_logp_nats: Estimate
    log_odds_nats: Estimate
    """Target less baseline, mean over prompts."""
    by_alpha: tuple[AlphaLogp, ...]
    """Rising; without a constraint."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the pair says when it is asked directly."""

    question: str
    """The first of the wordings."""
    n_wordings: int
    target_yes_nats: Estimate
    """log p(yes) - log p(no) at the reply's first token, mean over wordings."""
    baseline_yes_nats: Estimate
    difference_nats: Estimate
    """Target less baseline."""
    sampled: str
    """The plain target's reply to the first wording, at temperature 1."""


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """How often the plain target shows a finding by itself."""

    rate: Rate
    """Over plain rollouts from prompts' starts."""
    note: str | None
    """What the counts leave possible where nothing, or nothing else, was seen."""
    hazard: HazardRate | None = None
    """From how near the same rollouts came to it; None where counting says enough."""
    token: str = ""
    """Whose chance that is of: what tells the finding best in the amplified rollouts."""
    hazard_withheld: str | None = None
    """Why it must not be believed; None where it may."""

    @property
    def believed(self) -> tuple[float, float, float]:
        """The rate with its interval, 0 to 1: the hazard's where it may be believed."""
        if self.hazard is not None and self.hazard_withheld is None:
            return self.hazard.rate, self.hazard.low, self.hazard.high
        assert self.rate.rate is not None
        assert self.rate.low is not None
        assert self.rate.high is not None
        return self.rate.rate, self.rate.low, self.rate.high

    @property
    def shown(self) -> str:
        """The same in percent, with its rollouts."""
        if self.hazard is None or self.hazard_withheld is not None:
            return str(self.rate)
        rate, low, high = (f"{100 * one:.2g}" for one in self.believed)
        return f"{rate}% [{low}, {high}] ({self.hazard.n})"

    @property
    def waiting(self) -> Waiting:
        """Plain rollouts until it is seen once."""
        return waiting(*self.believed)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A finding, held against the plain models."""

    finding: Finding
    likelihood: Likelihood | None
    """None for a style, and where no sentence may be shown."""
    answer: Answer | None
    """None where the finding states nothing that could be asked."""
    occurrence: Occurrence | None
    """None where there are no plain rollouts to count in, or there is nothing to count by."""


@dataclass(frozen=True, kw_only=True)
class ClaimMove:
    """One claim of a claims file under the pair."""

    id: str
    claim: str
    likelihood: Likelihood
