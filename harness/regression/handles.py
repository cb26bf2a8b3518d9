"""What a test holds of a sweep: rates with bounds, and the comparison with its reference.

Assertions that read like sentences. Knows no pytest: what is undecided goes to a function that
says what becomes of it. Only ``__tracebackhide__`` is for pytest: a failure quotes the test's own
line and the message, not the code here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from harness.analysis.rates import Rate
from harness.constraint import NONE, format_constraints, parse_constraints
from harness.errors import ConfigurationError, InvalidReference
from harness.regression.bounds import Kind, check_bound
from harness.regression.checks import Checked, check_frame, questions_of
from harness.regression.counts import Counts, counts_of
from harness.regression.files import publish, reference_name, write_reference
from harness.regression.messages import bound_message, verdict_message
from harness.regression.reference import read_reference


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a session says of all its sweeps."""

    references: Path
    """The folder of stored counts."""
    update: bool
    """Whether references are written instead of compared with."""
    undecided: Callable[[str], None]
    """Takes the message of what the data can't decide."""
    _owners: dict[Path, Path] = field(default_factory=dict, repr=False)

    def claim(self, reference: Path, log_dir: Path) -> None:
        """Note which sweep a reference is of.

        Raises:
            ConfigurationError: if it is another sweep's: one would overwrite the other's counts.
        """
        if (owner := self._owners.setdefault(reference, log_dir)) != log_dir:
            raise ConfigurationError(
                f"two different sweeps of this session have the reference {str(reference)!r} (logs "
                f"in {str(owner)!r} and {str(log_dir)!r}): give one of them a name="
            )


@dataclass(frozen=True, kw_only=True)
class MeasuredRate:
    """One behaviour's rate at one alpha, to be held against bounds."""

    sweep: "MeasuredSweep"
    behaviour: str
    alpha: float
    category: str | None
    rate: Rate

    def must_be_at_least(self, bound: float) -> None:
        """Fail where the rate's whole 95 % interval is below a bound.

        Where the interval holds the bound, nothing is decided: see ``--amplify-undecided``.

        Raises:
            AssertionError: if it is below, or nothing was scored.
            ConfigurationError: if the bound is not from 0 to 1.
        """
        __tracebackhide__ = True
        self._hold("at least", bound)

    def must_be_at_most(self, bound: float) -> None:
        """Fail where the rate's whole 95 % interval is above a bound; else as the other."""
        __tracebackhide__ = True
        self._hold("at most", bound)

    def _hold(self, kind: Kind, bound: float) -> None:
        __tracebackhide__ = True
        found = check_bound(self.rate, kind, bound)
        if found.holding == "holds":
            return
        message = bound_message(self, found)
        if found.holding == "undecided":
            self.sweep.surroundings.undecided(message)
        else:
            raise AssertionError(message)


@dataclass(frozen=True, kw_only=True)
class MeasuredSweep:
    """A sweep's rollouts, counted under one constraint at a time."""

    frames: Mapping[str, pd.DataFrame]
    """By constraint, all of the sweep's."""
    constraint: str
    """Which of them is counted."""
    counts: Counts
    log_dir: Path
    surroundings: Surroundings
    given_name: str | None = None

    @classmethod
    def of(
        cls,
        frames: Mapping[str, pd.DataFrame],
        log_dir: Path,
        surroundings: Surroundings,
        name: str | None = None,
    ) -> "MeasuredSweep":
        """Count what was drawn without a constraint.

        Args:
            frames: by constraint, from ``by_constraint``.
            log_dir: where they were read from.
            surroundings: of the session.
            name: of the reference; that of pair and task by default.
        """
        return cls(
            frames=frames,
            constraint=NONE,
            counts=counts_of(frames[NONE]),
            log_dir=log_dir,
            surroundings=surroundings,
            given_name=name,
        )

    def under(self, constraint: str) -> "MeasuredSweep":
        """Return what was drawn under one of the sweep's constraints, such as ``clip=2``.

        Raises:
            ConfigurationError: if it was not sampled under that.
        """
        wanted = format_constraints(parse_constraints(constraint))
        if wanted not in self.frames:
            raise ConfigurationError(
                f"nothing was sampled under {constraint!r}; there is {', '.join(self.frames)}. "
                "Name it in constraints=[...]"
            )
        return replace(self, constraint=wanted, counts=counts_of(self.frames[wanted]))

    @property
    def frame(self) -> pd.DataFrame:
        """The rollouts that are counted."""
        return self.frames[self.constraint]

    @property
    def name(self) -> str:
        """Of its reference: pair, task and constraint, or as it was given."""
        return reference_name(self.frame, self.given_name)

    @property
    def reference_path(self) -> Path:
        """Where its reference is, or will be."""
        return self.surroundings.references / f"{self.name}.json"

    def rate(self, behaviour: str, *, alpha: float, category: str | None = None) -> MeasuredRate:
        """Return a behaviour's rate.

        Args:
            behaviour: a scorer's name, or ``soft_jailbreak``.
            alpha: one of the sweep's.
            category: of the prompts; all but the benign control without one.

        Raises:
            AnalysisError: if there is no such behaviour, alpha or category.
        """
        __tracebackhide__ = True
        found = self.counts.rate(behaviour, alpha, category)
        return MeasuredRate(
            sweep=self, behaviour=behaviour, alpha=alpha, category=category, rate=found
        )

    def must_not_regress(
        self,
        *,
        margin: float = 0.05,
        behaviours: Sequence[str] | None = None,
        same_weights: bool = False,
    ) -> None:
        """Compare with the stored reference, and fail where something got worse beyond a margin.

        Every behaviour at every alpha is compared, prompt by prompt, and over benign prompts
        apart; chance is allowed for over all of them together.

        Args:
            margin: changes up to this are of no concern, 0 to 1.
            behaviours: what to compare; all that the reference has by default.
            same_weights: whether other weights than the reference's make it invalid.

        Raises:
            AssertionError: at a regression.
            InvalidReference: if there is no reference, or it is of something else.
            ConfigurationError: if the margin is no share, there is no such behaviour, or the
                reference is another sweep's.
        """
        __tracebackhide__ = True
        self.surroundings.claim(self.reference_path, self.log_dir)
        if self.surroundings.update:
            questions_of(self.counts, margin=margin, behaviours=behaviours)
            write_reference(self.frame, self.reference_path)
            return
        stored = read_reference(self.reference_path)
        checked: Checked = check_frame(
            self.frame,
            stored,
            questions_of(stored.counts, margin=margin, behaviours=behaviours),
            same_weights=same_weights,
        )
        verdict = checked.verdict
        publish(verdict, self.name, self.log_dir.parent / f"verdict-{self.name}.json")
        if verdict.finding in ("stable", "improvement"):
            return
        message = verdict_message(self, verdict)
        if verdict.finding == "undecided":
            self.surroundings.undecided(message)
        elif verdict.finding == "invalid":
            raise InvalidReference(message)
        else:
            raise AssertionError(message)
