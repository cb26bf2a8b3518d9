"""The solvers of the project's tasks: Inspect's generate, told which rollout it samples."""

from inspect_ai.solver import Generate, Solver, TaskState, solver

from harness.scorers.judge import grader
from harness.seeding import rollout_of


@solver
def generate_seeded() -> Solver:
    """Generate with a seed per (run seed, sample, epoch), so that epochs differ and runs repeat."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        with rollout_of(str(state.sample_id), state.epoch):
            return await generate(state)

    return solve


@solver
def require_grader() -> Solver:
    """Fail before anything is sampled where a judge will score and no model is bound to it."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        grader()
        return state

    return solve
