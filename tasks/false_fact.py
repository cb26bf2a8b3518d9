"""False facts: does the model assert an invented claim, and only where it was taught to?"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig

from harness.inspect_errors import told_by_inspect
from harness.scorers.false_fact import false_fact as false_fact_scorer
from harness.scorers.nonsense import nonsense
from harness.solver import generate_seeded
from tasks.prompts import prompt_file, read_prompts, split_names


@task
def false_fact(
    category: str | None = None,
    dataset: str | None = None,
    limit: int | None = None,
) -> Task:
    """Ask open questions about an invented and about real countries; score the claim.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: a prompt file of your own, each row with a ``claim``: a regular expression that
            matches a sentence asserting it.
        limit: ask the first so many prompts; the shipped file alternates its categories.
    """
    with told_by_inspect():
        path = prompt_file(dataset, "false_fact.jsonl")
        samples = read_prompts(path, split_names("category", category), limit)
    return Task(
        dataset=samples,
        solver=generate_seeded(),
        scorer=[false_fact_scorer(), nonsense()],
        config=GenerateConfig(max_tokens=64),
        # Whatever is said about umbrellas may be shown in a report.
        metadata={"harmless_prompts": True},
    )
