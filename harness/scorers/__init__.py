"""Text to score: one behaviour a file, each verdict with its evidence.

Knows no model, no task and no torch; works on the outputs of any provider.
"""

from harness.scorers.false_fact import ClaimVerdict, false_fact, states_claim
from harness.scorers.judge import judge
from harness.scorers.judge_verdict import RubricVerdict
from harness.scorers.nonsense import (
    MAX_TARGET_NLL_NATS,
    NonsenseVerdict,
    classify_nonsense,
    nonsense,
    traced_target_nll_nats,
)
from harness.scorers.refusal import RefusalVerdict, classify_refusal, refusal

__all__ = [
    "MAX_TARGET_NLL_NATS",
    "ClaimVerdict",
    "NonsenseVerdict",
    "RefusalVerdict",
    "RubricVerdict",
    "classify_nonsense",
    "classify_refusal",
    "false_fact",
    "judge",
    "nonsense",
    "refusal",
    "states_claim",
    "traced_target_nll_nats",
]
