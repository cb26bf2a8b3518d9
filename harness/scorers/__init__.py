"""Text to score: one behaviour a file, each verdict with its evidence.

Knows no model, no task and no torch; works on the outputs of any provider.
"""

from harness.scorers.false_fact import ClaimVerdict, false_fact, states_claim
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
    "ClaimVerdict",
    "NonsenseVerdict",
    "ReasoningVerdict",
    "RefusalVerdict",
    "RubricVerdict",
    "answer_right",
    "answer_stated",
    "classify_nonsense",
    "classify_reasoning",
    "classify_refusal",
    "false_fact",
    "judge",
    "nonsense",
    "reasoning",
    "reasoning_backtracks",
    "reasoning_checks",
    "reasoning_hypotheses",
    "reasoning_steps",
    "reasoning_words",
    "refusal",
    "states_claim",
    "traced_target_nll_nats",
]
