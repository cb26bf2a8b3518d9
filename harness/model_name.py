"""The name of an amplified model: ``refuser@1.5`` is the pair ``refuser`` at alpha 1.5.

Alpha stands in the name because Inspect's cache, logs and resuming all go by it; constraints stand
behind it for the same reason, as in ``refuser@1.5:first=10:plausibility=0.1``.
"""

import math
from dataclasses import dataclass

from harness.constraint import Constraints, format_constraints, format_number, parse_constraints
from harness.errors import InvalidAlpha, UnknownPair

PROVIDER = "amplified"


@dataclass(frozen=True)
class ModelName:
    """What a model's name says."""

    pair: str
    """A preset, the path of a pair file, or a label."""
    alpha: float = 0.0
    """Amplification strength, finite."""
    constraints: Constraints = ()
    """What keeps the text sensible; in any order, it is one name."""

    def __str__(self) -> str:
        """Spell the name as Inspect wants it after ``--model``."""
        name = f"{PROVIDER}/{self.pair}@{format_alpha(self.alpha)}"
        return f"{name}:{format_constraints(self.constraints)}" if self.constraints else name

    @classmethod
    def parse(cls, text: str) -> "ModelName":
        """Read ``pair``, ``pair@alpha`` or ``pair@alpha:constraint:...``.

        ``amplified/`` may stand before it.

        Raises:
            UnknownPair: if nothing stands before the @.
            InvalidAlpha: if what stands after it is not a finite number.
            InvalidConstraint: if what stands after a colon there is no constraint.
        """
        pair, at, settings = text.removeprefix(f"{PROVIDER}/").partition("@")
        if not pair:
            raise UnknownPair(f"model name '{text}' names no pair; write {PROVIDER}/refuser@1.5")
        alpha, colon, constraints = settings.partition(":")
        return cls(
            pair,
            parse_alpha(alpha) if at else 0.0,
            parse_constraints(constraints) if colon else (),
        )


def parse_alpha(text: str) -> float:
    """Read an alpha.

    Raises:
        InvalidAlpha: if it is not a finite number.
    """
    try:
        alpha = float(text)
    except ValueError:
        alpha = math.nan
    if not math.isfinite(alpha):
        raise InvalidAlpha(
            f"alpha '{text}' is not a finite number; write for instance 0.5 (-1 is the baseline, "
            "0 the target)"
        )
    return alpha + 0.0  # -0.0 would be another model's name for alpha 0


def format_alpha(alpha: float) -> str:
    """Write an alpha in its shortest form: 1 rather than 1.0."""
    return format_number(alpha)
