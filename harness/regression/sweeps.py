"""All sweeps of one test session: each sampled at most once, however many tests ask for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.analysis.frame import by_constraint, read_frame
from harness.constraint import parse_constraints
from harness.errors import ConfigurationError
from harness.regression.handles import MeasuredSweep, Surroundings
from harness.regression.quiet import without_traces
from harness.regression.sampling import sampled_logs
from harness.sweep import SweepPlan


class UndecidedWarning(UserWarning):
    """A check that the data can't decide, where that is no failure."""


@dataclass(frozen=True, kw_only=True)
class Sweeps:
    """Samples, counts, and remembers."""

    cache_dir: Path
    """Where logs lie."""
    references: Path
    """Where stored counts lie."""
    update: bool
    """Whether references are written instead of compared with."""
    seed: int
    """Of all runs."""
    undecided: Callable[[str], None]
    """Takes the message of what the data can't decide."""
    _measured: dict[str, MeasuredSweep] = field(default_factory=dict, repr=False)

    def measure(  # noqa: PLR0913  # the keywords that tests write
        self,
        pair: str,
        task: str = "refusal",
        *,
        alphas: Sequence[float] = (0.0, 0.5, 1.0),
        epochs: int = 1,
        constraints: Sequence[str] = (),
        limit: int | None = None,
        max_tokens: int | None = None,
        temperature: float = 1.0,
        task_args: Mapping[str, object] | None = None,
        model_args: Mapping[str, object] | None = None,
        grader: str | None = None,
        name: str | None = None,
    ) -> MeasuredSweep:
        """Sample a pair on a task, or find what was sampled.

        Args:
            pair: a preset or a pair file.
            task: one of ours, or what ``inspect eval`` takes.
            alphas: strengths; 0 is always among them.
            epochs: rollouts per prompt and alpha.
            constraints: to sample under as well, such as ``plausibility=0.1``; what was drawn
                under one is ``sweep.under(...)``.
            limit: ask the first so many prompts.
            max_tokens: most tokens of a reply; the task's own by default.
            temperature: divides the amplified logits.
            task_args: of the task, as ``-T`` spells them.
            model_args: how the pair is spelled or loaded, as ``-M`` does.
            grader: the model that judges.
            name: of the reference; ``PAIR-TASK`` by default. Two sweeps of one pair and task
                that differ otherwise need two.

        Raises:
            ConfigurationError: if ``alphas`` or ``constraints`` is no list, or an alpha no number.
            AmplifyError: whatever a sweep raises.
        """
        __tracebackhide__ = True
        _require_list("alphas", alphas, "[0, 0.5, 1]")
        _require_list("constraints", constraints, "['plausibility=0.1']")
        plan = SweepPlan(
            pair=pair,
            task=task,
            alphas=tuple(map(_number, alphas)),
            epochs=epochs,
            constraints=tuple(map(parse_constraints, constraints)),
            limit=limit,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=self.seed,
            log_dir=self.cache_dir,
            task_args=task_args or {},
            model_args=model_args or {},
            grader=grader,
        )
        key = str((plan, name))
        if key not in self._measured:
            self._measured[key] = self._measure(plan, name)
        return self._measured[key]

    def _measure(self, plan: SweepPlan, name: str | None) -> MeasuredSweep:
        with without_traces():
            log_dir = sampled_logs(plan, self.cache_dir)
        frames = by_constraint(read_frame(log_dir))
        return MeasuredSweep.of(frames, log_dir, self._surroundings, name)

    @cached_property
    def _surroundings(self) -> Surroundings:
        return Surroundings(
            references=self.references, update=self.update, undecided=self.undecided
        )


def _require_list(what: str, given: object, example: str) -> None:
    """A string can be gone through as well, letter by letter."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{what}={given!r} is no list; write {what}={example}")


def _number(alpha: object) -> float:
    try:
        return float(alpha)  # type: ignore[arg-type]  # what is none is refused here
    except (TypeError, ValueError):
        raise ConfigurationError(f"alpha {alpha!r} is no number; write alphas=[0, 0.5]") from None
