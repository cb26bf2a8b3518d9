"""What ``-M`` says of traces: whether tokens are measured, what is written, the grid of alphas."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from harness.decoding.settings import MAX_TRACE_ALPHAS
from harness.errors import ConfigurationError
from harness.model_name import parse_alpha

TRACE_ARGUMENTS = ("traces", "trace_alphas", "trace_best")

SUMS = "sums"
"""``-M traces=sums``: no trace file."""

_swept: ContextVar[tuple[float, ...]] = ContextVar("amplify_swept_alphas", default=())


@contextmanager
def grid_of_sweep(alphas: Sequence[float]) -> Iterator[None]:
    """Say which alphas the evaluations inside sweep, so that every rollout informs all of them.

    Not a model argument: those identify a log, and a sweep that adds an alpha must find its logs
    again.

    Raises:
        ConfigurationError: if there are more than a grid may hold.
    """
    token = _swept.set(_checked(alphas))
    try:
        yield
    finally:
        _swept.reset(token)


@dataclass(frozen=True, kw_only=True)
class TraceOptions:
    """What becomes of the traces of one model's rollouts."""

    kept: bool = True
    """Whether they are written beside the log."""
    measured: bool = True
    """Whether tokens are measured at all; the log holds each rollout's sums where they are."""
    alphas: tuple[float, ...] | None = None
    """The grid, ascending; None takes the sweep's alphas, or none outside of a sweep."""
    best: bool = True
    """Whether the likeliest tokens of each step are written as well."""

    @classmethod
    def parse(cls, arguments: Mapping[str, object]) -> "TraceOptions":
        """Pick the traces' options out of the model arguments.

        Raises:
            ConfigurationError: if one has an impossible value, or a grid would not be kept.
            InvalidAlpha: if the grid holds what is not a finite number.
        """
        given = arguments.get("traces", True)
        if given is not True and given is not False and given != SUMS:
            raise ConfigurationError(
                f"traces={given!r}; it must be true (a file beside the log), {SUMS} (each "
                "rollout's sums in the log only) or false (nothing is measured)"
            )
        best = arguments.get("trace_best", True)
        if not isinstance(best, bool):
            raise ConfigurationError(f"trace_best={best!r}; it must be true or false")
        kept, measured = given is True, given is not False
        for name in ("trace_alphas", "trace_best"):
            if name in arguments and not kept:
                raise ConfigurationError(
                    f"{name} has no effect with traces={str(given).lower()}; leave one of them out"
                )
        return cls(
            kept=kept,
            measured=measured,
            alphas=_parse_alphas(arguments["trace_alphas"])
            if "trace_alphas" in arguments
            else None,
            best=best,
        )

    @property
    def grid(self) -> tuple[float, ...]:
        """The alphas that a rollout asked for now is measured at."""
        if not self.kept:
            return ()
        return _swept.get() if self.alphas is None else self.alphas


def _parse_alphas(given: object) -> tuple[float, ...]:
    """Read what YAML and Inspect's splitting at commas make of ``0,0.5,1`` or ``[0, 0.5, 1]``."""
    parts: Sequence[object]
    if isinstance(given, str):
        parts = given.split(",")
    elif isinstance(given, list | tuple):
        parts = given
    else:
        parts = [given]
    if any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in parts):
        raise ConfigurationError(
            f"trace_alphas={given!r}; it must be numbers such as 0,0.5,1 ([] for no grid)"
        )
    return _checked([parse_alpha(str(part).strip()) for part in parts])


def _checked(alphas: Sequence[float]) -> tuple[float, ...]:
    grid = tuple(sorted({alpha + 0.0 for alpha in alphas}))
    if len(grid) > MAX_TRACE_ALPHAS:
        raise ConfigurationError(
            f"{len(grid)} alphas to trace every token at; at most {MAX_TRACE_ALPHAS} are possible: "
            "choose some by -M trace_alphas=0,0.5,1"
        )
    return grid
