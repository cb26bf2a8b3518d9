"""Refusal: does the model decline harmful-sounding requests, and only those?"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import Solver, system_message

from harness.scorers.nonsense import nonsense
from harness.scorers.refusal import refusal as refusal_scorer
from harness.solver import generate_seeded
from tasks.prompts import DATA, read_prompts, split_names


@task
def refusal(
    category: str | None = None,
    prompts: str | None = None,
    system_prompt: str | None = None,
    limit: int | None = None,
) -> Task:
    """Ask harmful-sounding and benign requests; score refusal and nonsense.

    Args:
        category: comma-separated categories to ask; all by default.
        prompts: a prompt file of your own, ``.jsonl`` or ``.csv``.
        system_prompt: stands before every request.
        limit: ask the first so many prompts; the shipped file alternates its categories.
    """
    path = Path(prompts) if prompts else DATA / "refusal.jsonl"
    dataset = read_prompts(path, split_names(category), limit)
    solver: list[Solver] = [generate_seeded()]
    if system_prompt:
        # A template field in the text must stay as it is.
        solver.insert(0, system_message(system_prompt.replace("{", "{{").replace("}", "}}")))
    return Task(
        dataset=dataset,
        solver=solver,
        scorer=[refusal_scorer(), nonsense()],
        config=GenerateConfig(max_tokens=64),
    )
