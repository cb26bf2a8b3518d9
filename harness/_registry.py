"""What Inspect finds through the entry point: provider, solver, scorers, tasks.

Importing it imports no torch.
"""

from inspect_ai.model import ModelAPI, modelapi

from harness.model_name import PROVIDER
from harness.scorers.claims import claims, claims_denied
from harness.scorers.claims_judge import claims_judge
from harness.scorers.judge import judge
from harness.scorers.nonsense import nonsense
from harness.scorers.reasoning import (
    answer_right,
    answer_stated,
    reasoning_backtracks,
    reasoning_checks,
    reasoning_hypotheses,
    reasoning_steps,
    reasoning_words,
)
from harness.scorers.refusal import refusal as refusal_scorer
from harness.scorers.target_nll import baseline_nll, target_nll
from harness.solver import generate_seeded, require_grader
from tasks.false_facts import false_facts
from tasks.over_refusal import over_refusal
from tasks.reasoning import reasoning
from tasks.refusal import refusal
from tasks.sensibility import sensibility

__all__ = [
    "amplified",
    "answer_right",
    "answer_stated",
    "baseline_nll",
    "claims",
    "claims_denied",
    "claims_judge",
    "false_facts",
    "generate_seeded",
    "judge",
    "nonsense",
    "over_refusal",
    "reasoning",
    "reasoning_backtracks",
    "reasoning_checks",
    "reasoning_hypotheses",
    "reasoning_steps",
    "reasoning_words",
    "refusal",
    "refusal_scorer",
    "require_grader",
    "sensibility",
    "target_nll",
]


@modelapi(name=PROVIDER)
def amplified() -> type[ModelAPI]:
    """Register the provider; its module, and torch with it, is imported at first use."""
    from harness.provider.api import AmplifiedAPI

    return AmplifiedAPI
