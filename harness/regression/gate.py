"""Sampling in batches until a verdict is decided or a budget ends.

Asks a reference's prompts in random order, the same number of them before each look; the levels of
the looks together err as rarely as one look at everything would.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.analysis.frame import by_constraint, read_frame
from harness.constraint import NONE, parse_constraints
from harness.errors import ConfigurationError
from harness.regression.checks import check_frame
from harness.regression.comparison import Question
from harness.regression.identity import GRADED_BY
from harness.regression.reference import Reference
from harness.regression.sequential import levels
from harness.regression.verdict import Verdict
from harness.sweep import SweepPlan, run_sweep


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much may be sampled, and how often it is looked at."""

    max_rollouts: int | None = None
    """All alphas and epochs together; None asks all prompts of the reference."""
    max_minutes: float | None = None
    """After which no further batch is begun."""
    looks: int = 5
    """At equal shares of the prompts, at least 1."""

    def __post_init__(self) -> None:
        if self.max_rollouts is not None and self.max_rollouts < 1:
            raise ConfigurationError(f"--max-rollouts must be at least 1, not {self.max_rollouts}")
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise ConfigurationError(f"--max-minutes must be above 0, not {self.max_minutes}")
        if self.looks < 1:
            raise ConfigurationError(f"--looks must be at least 1, not {self.looks}")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was known after a batch."""

    number: int
    """From 1."""
    of: int
    """Looks that were planned."""
    n_prompts: int
    """Asked so far."""
    n_rollouts: int
    """Sampled so far."""
    level: float
    """Of this look, of all the looks' 0.05."""
    verdict: Verdict

    @property
    def decided(self) -> bool:
        """Whether there is nothing more to find out."""
        return self.verdict.finding != "undecided"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What is asked, and of whom."""

    pair: str
    stored: Reference
    questions: tuple[Question, ...]
    log_dir: Path
    """A folder per batch goes here."""
    seed: int
    """Of the rollouts, and of the prompts' order."""
    same_weights: bool = False

    def looks(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> Iterator[Look]:
        """Sample batch after batch, and look after each, until it is decided or the budget ends.

        Args:
            budget: what may be sampled.
            clock: seconds.

        Raises:
            ConfigurationError: if the budget pays for less than one prompt a look, or a grader
                judged what the reference holds.
            AmplifyError: whatever a sweep raises.
        """
        self._require_ungraded()
        began, frames = clock(), []
        batches = self._batches(budget)
        spent = levels(len(batches))
        for number, (prompts, level) in enumerate(zip(batches, spent, strict=True), start=1):
            frames.append(self._sample(number, prompts))
            frame = pd.concat(frames, ignore_index=True)
            frame.attrs = frames[0].attrs
            verdict = check_frame(
                frame,
                self.stored,
                self.questions,
                same_weights=self.same_weights,
                significance=level,
            ).verdict
            look = Look(
                number=number,
                of=len(batches),
                n_prompts=frame["sample_id"].nunique(),
                n_rollouts=len(frame.drop_duplicates("sample_uuid")),
                level=level,
                verdict=verdict,
            )
            yield look
            late = budget.max_minutes is not None and clock() - began > 60 * budget.max_minutes
            if look.decided or late:
                return

    @property
    def epochs(self) -> int:
        """Rollouts per prompt and alpha, as the reference has them."""
        cells = (
            cell.n + cell.n_unscored
            for by_prompt in self.stored.counts.seen.values()
            for row in by_prompt.values()
            for cell in row
        )
        return max(1, *cells)

    def _require_ungraded(self) -> None:
        for name, version in self.stored.identity.scorers.items():
            if GRADED_BY in version:
                grader = version.partition(GRADED_BY)[2]
                raise ConfigurationError(
                    f"the reference's {name} was graded by {grader}, and --sample asks no grader: "
                    f"sweep with --grader {grader}, and check its logs"
                )

    def _batches(self, budget: Budget) -> list[tuple[str, ...]]:
        prompts = sorted(self.stored.identity.prompts)
        order = np.random.default_rng(self.seed).permutation(len(prompts))
        per_prompt = len({0.0, *self.stored.counts.alphas}) * self.epochs
        most = budget.max_rollouts
        n = len(prompts) if most is None else min(len(prompts), most // per_prompt)
        if n < budget.looks:
            raise ConfigurationError(_too_few(n, len(prompts), per_prompt, budget))
        parts = np.array_split(order[:n], budget.looks)
        return [tuple(prompts[i] for i in part) for part in parts]

    def _sample(self, number: int, prompts: tuple[str, ...]) -> pd.DataFrame:
        one = self.stored.identity
        settings = dict(one.settings)
        under = one.constraint
        log_dir = self.log_dir / f"batch-{number}"
        run_sweep(
            SweepPlan(
                pair=self.pair,
                task=one.task,
                alphas=self.stored.counts.alphas,
                constraints=() if under == NONE else (parse_constraints(under),),
                epochs=self.epochs,
                sample_ids=prompts,
                max_tokens=settings.get("max_tokens"),
                temperature=settings.get("temperature", 1.0),
                seed=self.seed,
                log_dir=log_dir,
                task_args=settings.get("task_args", {}),
            )
        )
        return by_constraint(read_frame(log_dir))[under]


def _too_few(n: int, n_prompts: int, per_prompt: int, budget: Budget) -> str:
    needs = f"{budget.looks} looks need a prompt each"
    if n == n_prompts:
        return f"{needs}, and the reference has {n}: give --looks {n} at most"
    return (
        f"{needs}, of {per_prompt} rollouts; --max-rollouts {budget.max_rollouts} pays for {n} of "
        f"the reference's {n_prompts} prompts"
    )
