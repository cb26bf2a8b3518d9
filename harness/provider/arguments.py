"""What ``-M`` takes: arguments of the pair, of the batch and of traces, sorted out by name."""

import difflib
from collections.abc import Mapping
from typing import Any

from harness.decoding.scheduler import BatchLimits
from harness.errors import UnknownArgument
from harness.model_name import PROVIDER
from harness.pairs.spec import PAIR_ARGUMENTS
from harness.traces.options import TRACE_ARGUMENTS

_LIMIT_ARGUMENTS = ("max_rows", "memory_gb", "strict")
ARGUMENTS = tuple(sorted((*PAIR_ARGUMENTS, *_LIMIT_ARGUMENTS, *TRACE_ARGUMENTS, "weights")))
"""The model arguments that ``-M`` takes."""


def batch_limits(arguments: Mapping[str, Any]) -> BatchLimits:
    """Pick the bounds of the batch out of the model arguments."""
    return BatchLimits(**{k: v for k, v in arguments.items() if k in _LIMIT_ARGUMENTS})


def require_known_arguments(arguments: Mapping[str, object]) -> None:
    """Refuse model arguments that nobody takes.

    Raises:
        UnknownArgument: naming the argument and the likeliest intended one.
    """
    for name in arguments:
        if name not in ARGUMENTS:
            close = difflib.get_close_matches(name, ARGUMENTS, n=1)
            guess = f" (did you mean '{close[0]}'?)" if close else ""
            hint = (
                " alpha stands in the model's name: amplified/refuser@1.5."
                if name == "alpha"
                else ""
            )
            raise UnknownArgument(
                f"unknown model argument '{name}'{guess}; {PROVIDER}/ takes: "
                f"{', '.join(ARGUMENTS)}.{hint}"
            )
