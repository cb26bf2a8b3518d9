"""Sensibility: does the text still make sense, whatever kind of text is asked for?"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig

from harness.inspect_errors import told_by_inspect
from harness.scorers.nonsense import nonsense
from harness.solver import generate_seeded
from tasks.prompts import asked_prompts


@task
def sensibility(
    category: str | None = None,
    dataset: str | None = None,
    limit: int | None = None,
) -> Task:
    """Ask for harmless texts of many kinds, and score nothing but nonsense.

    The categories are kinds of text that a nonsense scorer finds hard: ``short_answer``,
    ``long_answer``, ``code``, ``list`` (tables and counting among them), ``other_language``
    (German, French, Spanish, Italian, Dutch) and ``verse`` with its refrains.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: a prompt file of your own, ``.jsonl`` or ``.csv``.
        limit: ask the first so many prompts; the shipped file alternates its categories.
    """
    with told_by_inspect():
        samples = asked_prompts(dataset, "sensibility.jsonl", category, limit)
    return Task(
        dataset=samples,
        solver=generate_seeded(),
        scorer=nonsense(),
        config=GenerateConfig(max_tokens=128),
        # Nothing that these prompts ask for needs to be withheld; of other prompts nobody knows.
        metadata={"harmless_prompts": dataset is None},
        version=1,
    )
