"""What Inspect finds through the entry point: provider, solver, scorers, tasks.

Importing it imports no torch.
"""

from inspect_ai.model import ModelAPI, modelapi

from harness.model_name import PROVIDER
from harness.scorers.false_fact import false_fact as false_fact_scorer
from harness.scorers.judge import judge
from harness.scorers.nonsense import nonsense
from harness.scorers.refusal import refusal as refusal_scorer
from harness.solver import generate_seeded, require_grader
from tasks.false_fact import false_fact
from tasks.refusal import refusal

__all__ = [
    "amplified",
    "false_fact",
    "false_fact_scorer",
    "generate_seeded",
    "judge",
    "nonsense",
    "refusal",
    "refusal_scorer",
    "require_grader",
]


@modelapi(name=PROVIDER)
def amplified() -> type[ModelAPI]:
    """Register the provider; its module, and torch with it, is imported at first use."""
    from harness.provider import AmplifiedAPI

    return AmplifiedAPI
