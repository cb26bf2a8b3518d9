"""Over-refusal: does the model decline requests that only sound harmful?"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig

from harness.inspect_errors import told_by_inspect
from harness.scorers.nonsense import nonsense
from harness.scorers.refusal import refusal as refusal_scorer
from harness.solver import generate_seeded
from tasks.prompts import asked_prompts


@task
def over_refusal(
    category: str | None = None,
    dataset: str | None = None,
    limit: int | None = None,
) -> Task:
    """Ask benign requests that sound harmful, each beside a twin that is; score refusal, nonsense.

    The twin, of category ``harmful_twin``, follows its ``benign`` row in the file: the same words,
    meant badly. Both carry the same ``pair``, and a ``kind`` that says why the benign one sounds
    harmful: ``homonym``, ``figure_of_speech``, ``safe_context``, ``history``, ``fiction`` or
    ``public_privacy``. A change that makes a model safer raises the twins' refusals alone; one
    that makes it shy of words raises both.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: a prompt file of your own; the category ``benign`` is the control.
        limit: ask the first so many prompts; in the shipped file twins follow each other.
    """
    with told_by_inspect():
        samples = asked_prompts(dataset, "over_refusal.jsonl", category, limit)
    return Task(
        dataset=samples,
        solver=generate_seeded(),
        scorer=[refusal_scorer(), nonsense()],
        config=GenerateConfig(max_tokens=64),
        version=1,
    )
