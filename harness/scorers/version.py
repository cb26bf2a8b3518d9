"""Which rules judged: a hash of a scorer's source, so that counts of other rules are told apart.

Knows this room's files alone. Comments, docstrings and blank lines decide nothing, so they don't
count; the grader of a judge is told beside its scores.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache, wraps
from inspect import unwrap
from pathlib import Path
from typing import ParamSpec

from inspect_ai.scorer import Score, Scorer, Target
from inspect_ai.solver import TaskState

RULES = "rules"
"""Where a score's metadata tells the version."""

_ROOM = "harness.scorers."

P = ParamSpec("P")


def versioned(build: Callable[P, Scorer]) -> Callable[P, Scorer]:
    """Let every score of a scorer tell the version of the rules that made it."""
    # By its file: Inspect loads a scorer that is given as a file under a name of its own.
    module = f"{_ROOM}{Path(unwrap(build).__code__.co_filename).stem}"

    @wraps(build)
    def with_version(*args: P.args, **kwargs: P.kwargs) -> Scorer:
        judge, version = build(*args, **kwargs), rules_version(module)

        @wraps(judge)
        async def score(state: TaskState, target: Target) -> Score:
            found = await judge(state, target)
            assert found is not None
            return found.model_copy(update={"metadata": {**(found.metadata or {}), RULES: version}})

        return score

    return with_version


@cache
def rules_version(module: str) -> str:
    """Hash the code of a module of this room and of what it imports from here; 12 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(_closure(module)):
        digest.update(f"{name}\n{deciding_lines(_path(name).read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()[:12]


def deciding_lines(source: str) -> str:
    """Leave out docstrings, blank lines and lines that are comments."""
    idle: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            idle.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return "\n".join(
        line
        for number, line in lines
        if number not in idle and line.strip() and not line.lstrip().startswith("#")
    )


def _closure(module: str) -> set[str]:
    found, waiting = set[str](), {module}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_imported(name)) - found
    return found


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (
                name
                for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names))
                if name.startswith(_ROOM) and name != __name__ and _path(name).is_file()
            )


def _path(module: str) -> Path:
    return Path(__file__).parent / f"{module.removeprefix(_ROOM)}.py"
