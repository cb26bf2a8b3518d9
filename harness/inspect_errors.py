"""Between the project's errors and Inspect's, so that each command prints the kind it knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspect_ai._util.error import PrerequisiteError
from rich.markup import escape
from rich.text import Text

from harness.errors import AmplifyError, ConfigurationError


@contextmanager
def told_by_inspect() -> Iterator[None]:
    """Raise our errors as the kind that ``inspect eval`` prints without a traceback."""
    try:
        yield
    except AmplifyError as error:
        raise PrerequisiteError(escape(f"{type(error).__name__}: {error}")) from error


@contextmanager
def told_by_us(about: str) -> Iterator[None]:
    """Raise Inspect's errors as ours: the one that it wraps, or its message after ``about``."""
    try:
        yield
    except PrerequisiteError as error:
        if isinstance(error.__cause__, AmplifyError):
            raise error.__cause__ from None
        message = Text.from_markup(str(error.message)).plain
        raise ConfigurationError(f"{about}: {' '.join(message.split())}") from error
