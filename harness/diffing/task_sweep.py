"""The sweep of one task beside a diff: drawn with the weights that are loaded, and read.

Knows which alphas and where logs go; the sweep and its analysis are those of ``amplify sweep``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigurationError
from harness.sweep import TASKS, SweepPlan, require_worker, run_sweep

if TYPE_CHECKING:
    from harness.analysis.task_moves import TaskMoves
    from harness.diffing.plan import DiffPlan
    from harness.pairs.loading import LoadedPair
    from harness.pairs.spec import PairSpec

ALPHAS = (-1.0, 0.0, 0.5, 1.0, 2.0)
"""Both plain sides, and three strengths, of which the last may be beyond what makes sense."""


def require_task(name: str) -> None:
    """Refuse what is no task of the project.

    Raises:
        ConfigurationError: naming those that are.
    """
    if name not in TASKS:
        known = ", ".join(sorted(TASKS, key=lambda one: one != "reasoning"))
        raise ConfigurationError(
            f"--task {name} is none of the project's own tasks, which are: {known}. Any other is "
            "swept by amplify sweep"
        )


def task_logs(out: Path, task: str) -> Path:
    """Name the folder of a task's logs within a diff's."""
    return out / f"task-{task}" / "logs"


def loaded_pair(plan: "DiffPlan", spec: "PairSpec") -> "LoadedPair":
    """Load the pair; where a task is swept as well, in the pool that the sweep decodes from.

    Raises:
        ConfigurationError: if the sweep can't be named so.
        WeightsError: if weights are missing or damaged.
        PairError: if the two sides can't be compared.
    """
    from harness.pairs.loading import load_pair

    if plan.task is None:
        return load_pair(spec)
    return require_worker(_sweep_plan(plan, plan.task)).load()


def sweep_task(plan: "DiffPlan", tell: Callable[[str, int, int | None], object]) -> "TaskMoves":
    """Sample what the folder does not hold yet, and say what moves.

    Raises:
        ConfigurationError: if the folder holds another sweep.
        SweepIncomplete: if the task ended with an error; what was sampled is in the logs.
    """
    from harness.analysis.frame import read_frame
    from harness.analysis.results import analyse
    from harness.analysis.task_moves import task_moves

    assert plan.task is not None
    sweep = _sweep_plan(plan, plan.task)
    tell("task", 0, plan.budget.task_prompts * len(ALPHAS))
    try:
        run_sweep(sweep)
    except ConfigurationError as error:
        # The folder is a part of the diff's, which is what the user named.
        raise ConfigurationError(str(error).replace("--log-dir", "--out")) from error
    return task_moves(analyse(read_frame(sweep.log_dir), log_dir=sweep.log_dir))


def _sweep_plan(plan: "DiffPlan", task: str) -> SweepPlan:
    return SweepPlan(
        pair=plan.pair,
        alphas=ALPHAS,
        task=task,
        limit=plan.budget.task_prompts,
        max_tokens=plan.budget.task_tokens,
        seed=plan.seed,
        log_dir=task_logs(plan.out, task),
        model_args=dict(plan.model_args),
    )
