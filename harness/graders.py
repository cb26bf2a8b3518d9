"""The judge of a sweep: which model it is, and whether the task asks it anything."""

from collections.abc import Container, Mapping

from harness.errors import ConfigurationError

ROLE = "grader"
"""Inspect's role of the model that judges."""
_FLAG = "judge"
"""The argument of our tasks that turns the judge on."""


def with_judge(
    task: str, arguments: Mapping[str, object], grader: str | None, known: Container[str]
) -> dict[str, object]:
    """Return the arguments of one of our tasks, with its judge on where there is a grader.

    Args:
        task: the task's name.
        arguments: as the user gave them.
        grader: the judge's model; None for none.
        known: the arguments that the task takes.

    Raises:
        ConfigurationError: for a judge without a model, or a model that would judge nothing.
    """
    if grader is None:
        if arguments.get(_FLAG):
            raise ConfigurationError(
                f"-T {_FLAG}={arguments[_FLAG]} needs a model that judges; add --grader "
                "PROVIDER/MODEL"
            )
        return dict(arguments)
    if _FLAG not in known or not arguments.get(_FLAG, True):
        raise ConfigurationError(
            f"--grader {grader}: in this sweep of the task {task} no judge is asked; leave it out"
        )
    return {_FLAG: True, **arguments}


def require_grader_model(grader: str) -> None:
    """Build the judge's model, so that what is wrong with it is told before any sampling.

    Raises:
        ConfigurationError: if there is no such model, or its provider lacks a package or a key.
    """
    from inspect_ai.model import get_model

    from harness.inspect_errors import told_by_us

    try:
        with told_by_us(f"--grader {grader}"):
            get_model(grader)
    except ValueError as error:
        raise ConfigurationError(f"--grader {grader}: {error}") from error
