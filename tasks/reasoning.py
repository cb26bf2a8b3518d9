"""Reasoning: how does the model think aloud, and does it come to the right answer?"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import prompt_template

from harness.inspect_errors import told_by_inspect
from harness.scorers.nonsense import nonsense
from harness.scorers.reasoning import reasoning as reasoning_scorers
from harness.solver import generate_seeded
from tasks.prompts import asked_prompts

ASKED = (
    "{prompt}\n\nThink step by step. Then give the answer alone on a last line that begins "
    'with "Answer:".'
)


@task
def reasoning(
    category: str | None = None,
    dataset: str | None = None,
    limit: int | None = None,
) -> Task:
    """Ask small problems for a chain of thought; score how it goes and whether it ends right.

    The categories are ``arithmetic`` in words, ``logic`` (liars, what follows from what, who has
    which) and ``ordering``. Each shipped row carries what its answer is checked by: an
    ``expression``, or names with their possible values and constraints.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: a prompt file of your own, each row with an ``answer`` (a number with or without
            a unit, or words) and perhaps ``choices``, the answers there are to choose from.
        limit: ask the first so many prompts; the shipped file alternates its categories.
    """
    with told_by_inspect():
        samples = asked_prompts(dataset, "reasoning.jsonl", category, limit)
    return Task(
        dataset=samples,
        solver=[prompt_template(ASKED), generate_seeded()],
        scorer=[*reasoning_scorers(), nonsense()],
        # A chain of thought takes room: one that is cut off has no answer.
        config=GenerateConfig(max_tokens=256),
        metadata={"harmless_prompts": dataset is None},
        version=1,
    )
