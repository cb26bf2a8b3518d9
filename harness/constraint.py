"""What keeps amplified text sensible: the kinds of constraint, their ranges, how they are spelled.

Knows numbers and names only, so that a model's name can be read without tensors; how a constraint
works on logits is in :mod:`harness.decoding.constraints`.
"""

import difflib
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

from harness.errors import InvalidConstraint

Kind = Literal["clip", "first", "kl_budget", "kl_gate", "plausibility", "target_top_p"]
Constraints = tuple["Constraint", ...]
"""A composition: each kind at most once, sorted by kind."""

NONE = "none"
"""How no constraint is spelled."""

CUTTING_KINDS: tuple[Kind, ...] = ("plausibility", "target_top_p")
"""These keep tokens from being sampled; the others change how far a step is amplified."""


class Range(NamedTuple):
    """What a kind's number may be."""

    most: float
    """The largest number; every kind's is above 0."""
    most_included: bool
    whole: bool
    says: str


_POSITIVE = Range(math.inf, False, False, "a finite number of nats above 0")

RANGES: dict[Kind, Range] = {
    "clip": _POSITIVE,
    "first": Range(math.inf, False, True, "a whole number of tokens, at least 1"),
    "kl_budget": _POSITIVE,
    "kl_gate": _POSITIVE,
    "plausibility": Range(1.0, True, False, "a share above 0 and at most 1"),
    "target_top_p": Range(1.0, False, False, "a share above 0 and below 1"),
}
"""Ends that would change nothing, or amplify nothing, are left out: say ``none``, or alpha 0."""


@dataclass(frozen=True, order=True)
class Constraint:
    """One constraint of a rollout."""

    kind: Kind
    value: float
    """plausibility: beta, unitless. target_top_p: kept mass, 0 to 1. clip, kl_budget, kl_gate:
    nats. first: tokens."""

    def __post_init__(self) -> None:
        _require_known(self.kind)
        allowed = RANGES[self.kind]
        below = self.value <= allowed.most if allowed.most_included else self.value < allowed.most
        whole = not allowed.whole or float(self.value).is_integer()
        if not (self.value > 0 and below and whole):
            raise _out_of_range(self.kind, format_number(self.value))

    def __str__(self) -> str:
        """Spell it in its shortest form, as ``kl_budget=0.5``."""
        return f"{self.kind}={format_number(self.value)}"


def parse_constraint(text: str) -> Constraint:
    """Read one constraint, such as ``plausibility=0.1``.

    Raises:
        InvalidConstraint: if the kind is unknown or the number is missing or out of its range.
    """
    kind, _, number = (part.strip() for part in text.partition("="))
    _require_known(kind)
    try:
        return Constraint(cast(Kind, kind), float(number))
    except ValueError as error:
        raise _out_of_range(kind, number) from error


def parse_constraints(text: str) -> Constraints:
    """Read a composition joined by colons, such as ``plausibility=0.1:first=10``; or ``none``.

    Raises:
        InvalidConstraint: if a part is none, or a kind is given twice.
    """
    if text.strip() == NONE:
        return ()
    return canonical(parse_constraint(part) for part in text.split(":"))


def canonical(constraints: Iterable[Constraint]) -> Constraints:
    """Sort a composition, so that one composition has one spelling.

    Raises:
        InvalidConstraint: if a kind is given twice.
    """
    composed = tuple(sorted(constraints))
    for one, other in itertools.pairwise(composed):
        if one.kind == other.kind:
            raise InvalidConstraint(
                f"{one} and {other} can't both hold for one rollout; give the stricter one, or "
                "each in a --constraint of its own"
            )
    return composed


def format_constraints(constraints: Iterable[Constraint]) -> str:
    """Write a composition as it is read, sorted; ``none`` for an empty one."""
    return ":".join(str(one) for one in canonical(constraints)) or NONE


def format_number(value: float) -> str:
    """Write a number in its shortest form: 1 rather than 1.0."""
    return repr(float(value)).removesuffix(".0")


def _require_known(kind: str) -> None:
    kinds = get_args(Kind)
    if kind not in kinds:
        close = difflib.get_close_matches(kind, kinds, n=1, cutoff=0.5)
        guess = f" Did you mean '{close[0]}'?" if close else ""
        raise InvalidConstraint(
            f"unknown constraint '{kind}'.{guess} Known are {', '.join(kinds)}; write for "
            "instance plausibility=0.1, or plausibility=0.1:first=10 for both at once"
        )


def _out_of_range(kind: str, number: str) -> InvalidConstraint:
    says = RANGES[cast(Kind, kind)].says
    return InvalidConstraint(f"constraint {kind}={number}: it takes {says}")
