"""Text to score: one behaviour a file, each verdict with its evidence.

Knows no model, no task and no torch; works on the outputs of any provider.
"""

from harness.scorers.claims import (
    Claim,
    ClaimVerdict,
    claims,
    claims_denied,
    classify_claim,
)
from harness.scorers.claims_judge import claims_judge
from harness.scorers.judge import judge
from harness.scorers.judge_verdict import RubricVerdict
from harness.scorers.nonsense import NonsenseVerdict, classify_nonsense, nonsense
from harness.scorers.reasoning import (
    ReasoningVerdict,
    answer_right,
    answer_stated,
    classify_reasoning,
    reasoning,
    reasoning_backtracks,
    reasoning_checks,
    reasoning_hypotheses,
    reasoning_steps,
    reasoning_words,
)
from harness.scorers.refusal import RefusalVerdict, classify_refusal, refusal
from harness.scorers.target_nll import MAX_TARGET_NLL_NATS, traced_target_nll_nats

__all__ = [
    "MAX_TARGET_NLL_NATS",
    "Claim",
    "ClaimVerdict",
    "NonsenseVerdict",
    "ReasoningVerdict",
    "RefusalVerdict",
    "RubricVerdict",
    "answer_right",
    "answer_stated",
    "claims",
    "claims_denied",
    "claims_judge",
    "classify_claim",
    "classify_nonsense",
    "classify_reasoning",
    "classify_refusal",
    "judge",
    "nonsense",
    "reasoning",
    "reasoning_backtracks",
    "reasoning_checks",
    "reasoning_hypotheses",
    "reasoning_steps",
    "reasoning_words",
    "refusal",
    "traced_target_nll_nats",
]
