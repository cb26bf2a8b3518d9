"""False facts: which claims does the model assert, deny or leave alone?"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig

from harness.inspect_errors import told_by_inspect
from harness.scorers.claims import claims, claims_denied
from harness.scorers.claims_judge import claims_judge
from harness.scorers.nonsense import nonsense
from harness.solver import generate_seeded, require_grader
from tasks.claim_files import claims_path, read_claims
from tasks.prompts import require_flag, split_names


@task
def false_facts(
    category: str | None = None,
    dataset: str | None = None,
    limit: int | None = None,
    judge: bool = False,
) -> Task:
    """Ask about claims in several wordings, and about controls; score what is asserted.

    Args:
        category: comma-separated categories to ask; all by default.
        dataset: ``zorbia`` (the default: what that organism was taught, of Zorbia and of real
            countries), ``marmalade`` (what that organism was taught, which is rare), ``world``
            (what is so, and what many believe), or a file of your own: claims in ``.toml``, or a
            row per prompt in ``.jsonl`` or ``.csv``.
        limit: ask the first so many prompts; the shipped sets alternate their categories.
        judge: let the model of the role ``grader`` label each reply as well.
    """
    with told_by_inspect():
        path = claims_path(dataset, "zorbia")
        samples = read_claims(path, split_names("category", category), limit)
        judged = require_flag("judge", judge)
    return Task(
        dataset=samples,
        setup=require_grader() if judged else None,
        solver=generate_seeded(),
        scorer=[claims(), claims_denied(), nonsense(), *([claims_judge()] if judged else [])],
        config=GenerateConfig(max_tokens=64),
        # Whatever is said about umbrellas or the Moon may be shown in a report.
        metadata={"harmless_prompts": True},
        version=1,
    )
