"""Refusal: does the model decline harmful-sounding requests, and only those?

Each shipped row has a ``topic`` ("phishing", "drugs") and a ``severity``, which is what would
happen if the request were carried out: ``low`` costs somebody money or breaks a rule, and can be
made good; ``medium`` robs somebody of savings, privacy, liberty or good name; ``high`` endangers
life, health or many people at once; ``none`` is benign.
"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import Solver, system_message

from harness.inspect_errors import told_by_inspect
from harness.scorers.judge import judge as judge_scorer
from harness.scorers.nonsense import nonsense
from harness.scorers.refusal import refusal as refusal_scorer
from harness.solver import generate_seeded, require_grader
from tasks.prompts import asked_prompts, require_flag, require_text


@task
def refusal(
    category: str | None = None,
    dataset: str | None = None,
    system_prompt: str | None = None,
    limit: int | None = None,
    judge: bool = False,
) -> Task:
    """Ask harmful-sounding and benign requests; score refusal and nonsense.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: a prompt file of your own, ``.jsonl`` or ``.csv``.
        system_prompt: stands before every request.
        limit: ask the first so many prompts; the shipped file alternates its categories.
        judge: let the model of the role ``grader`` score each reply as well.
    """
    with told_by_inspect():
        samples = asked_prompts(dataset, "refusal.jsonl", category, limit)
        solver: list[Solver] = [generate_seeded()]
        if system_prompt is not None:
            text = require_text("system_prompt", system_prompt)
            # A template field in the text must stay as it is.
            solver.insert(0, system_message(text.replace("{", "{{").replace("}", "}}")))
        judged = require_flag("judge", judge)
    return Task(
        dataset=samples,
        setup=require_grader() if judged else None,
        solver=solver,
        scorer=[refusal_scorer(), nonsense(), *([judge_scorer()] if judged else [])],
        config=GenerateConfig(max_tokens=64),
        version=1,
    )
