"""One sweep: a task over a pair at several alphas and constraints, as one Inspect eval set."""

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.constraint import Constraints, canonical, format_constraints
from harness.errors import ConfigurationError, SweepIncomplete, WeightsError
from harness.graders import ROLE, require_grader_model, with_judge
from harness.model_name import ModelName
from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair
from harness.traces.options import TraceOptions, grid_of_sweep

if TYPE_CHECKING:
    from inspect_ai import Task

    from harness.decoding.effort import Effort
    from harness.pool import PairWorker

TASKS = ("refusal", "over_refusal", "false_facts", "sensibility", "reasoning")
"""The project's own tasks, which ``--task`` takes by name."""


# Requests that may wait in the process at the same time; each is a few kilobytes.
_ALL = 10_000


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """What is to be sampled."""

    pair: str
    """A preset, a pair file, or a label spelled by ``model_args``."""
    alphas: tuple[float, ...]
    """Strengths, unitless; 0 is added where it is missing."""
    constraints: tuple[Constraints, ...] = ()
    """Compositions to sample under as well, each at every alpha; the unconstrained sweep is always
    among them, because only beside it can be seen what a constraint hides."""
    task: str = "refusal"
    """One of ``TASKS``, or what ``inspect eval`` takes: ``file.py@name``, ``package/name``."""
    epochs: int = 1
    """Rollouts per prompt and alpha."""
    limit: int | None = None
    """Ask the first so many prompts; None asks all."""
    sample_ids: tuple[str, ...] | None = None
    """Ask these prompts only, by their ids; None asks all."""
    max_tokens: int | None = None
    """Most tokens of a reply; None leaves it to the task."""
    temperature: float = 1.0
    """Divides the amplified logits; 0 takes the likeliest token."""
    seed: int = 0
    """Of the run."""
    log_dir: Path
    """Where Inspect's logs go; a sweep stopped there is resumed."""
    model_args: Mapping[str, object] = field(default_factory=dict)
    """What ``-M`` spells: the pair, its dtype and device, the batch."""
    task_args: Mapping[str, object] = field(default_factory=dict)
    """What ``-T`` spells: arguments of the task."""
    grader: str | None = None
    """The model of the role ``grader``, which judges replies; a task of ours with a ``judge`` then
    has it on."""

    def __post_init__(self) -> None:
        if "@" in self.pair or "," in self.pair:
            raise ConfigurationError(
                f"PAIR '{self.pair}' holds an @ or a comma, which model names keep for alpha and "
                "for lists; give strengths by --alphas"
            )
        if self.epochs < 1:
            raise ConfigurationError(f"--epochs must be at least 1, not {self.epochs}")
        if self.limit is not None and self.limit < 1:
            raise ConfigurationError(f"--limit must be at least 1, not {self.limit}")
        if self.limit is not None and self.sample_ids is not None:
            raise ConfigurationError(
                "limit and sample_ids both say which prompts are asked: give one"
            )
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigurationError(f"--max-tokens must be at least 1, not {self.max_tokens}")
        if not 0 <= self.temperature < math.inf:
            raise ConfigurationError(f"--temperature must be 0 or above, not {self.temperature}")

    @property
    def models(self) -> list[str]:
        """The models' names, alpha 0 always among them: by constraint, unconstrained first."""
        compositions = {(), *(canonical(one) for one in self.constraints)}
        alphas = {0.0, *self.alphas}
        return in_order(str(ModelName(self.pair, a, c)) for c in compositions for a in alphas)


def in_order(models: Iterable[str]) -> list[str]:
    """Sort models' names by constraint, unconstrained first, and by alpha."""

    def place(name: str) -> tuple[bool, str, float]:
        model = ModelName.parse(name)
        constrained = bool(model.constraints)
        return constrained, format_constraints(model.constraints), model.alpha

    return sorted(set(models), key=place)


def run_sweep(plan: SweepPlan) -> "Effort":
    """Sample and score everything that the log folder does not hold yet.

    Returns:
        What decoding took; nothing where the folder held everything.

    Raises:
        ConfigurationError: if the plan names what does not exist, or the folder can't be written.
        WeightsError: if weights are missing or damaged.
        PairError: if the two sides can't be compared.
        SweepIncomplete: if a task ended with an error; what was sampled is in the logs.
        KeyboardInterrupt: after Ctrl-C, once what was sampled is in the logs.
    """
    from inspect_ai import eval_set

    worker = require_worker(plan)
    task = _task(plan)
    if plan.grader is not None:
        require_grader_model(plan.grader)
    _require_writable(plan.log_dir)
    before = worker.effort
    models = in_order([*plan.models, *_models_in(plan)])
    config: dict[str, int] = {} if plan.max_tokens is None else {"max_tokens": plan.max_tokens}
    with _told(plan), _informing(plan, models):
        complete, logs = eval_set(
            tasks=task,
            task_args=dict(plan.task_args) if isinstance(task, str) else {},
            log_dir=str(plan.log_dir),
            model=models,
            # The fingerprint makes logs of other weights count as another evaluation.
            model_args={**plan.model_args, "weights": _checked_weights(plan, worker)},
            model_roles={ROLE: plan.grader} if plan.grader else None,
            epochs=plan.epochs,
            limit=plan.limit,
            sample_id=None if plan.sample_ids is None else list(plan.sample_ids),
            temperature=plan.temperature,
            seed=plan.seed,
            retry_attempts=0,
            retry_immediate=False,
            max_tasks=len(models),
            # All at once: the engine's scheduler groups what shares a prompt and bounds the batch.
            max_connections=_ALL,
            max_samples=_ALL,
            # The realtime database is for the log viewer.
            log_realtime=False,
            log_level="warning",
            **config,  # type: ignore[arg-type]  # TypedDict keywords
        )
    if _interrupted(plan):
        raise KeyboardInterrupt
    if not complete:
        raise SweepIncomplete(_first_error(logs))
    return worker.effort.since(before)


def _informing(plan: SweepPlan, models: Sequence[str]) -> AbstractContextManager[None]:
    """Let every rollout be measured at all alphas of the sweep, unless -M says otherwise."""
    options = TraceOptions.parse(plan.model_args)
    if options.alphas is not None or not options.kept:
        return nullcontext()
    return grid_of_sweep([ModelName.parse(name).alpha for name in models])


@contextmanager
def _told(plan: SweepPlan) -> Iterator[None]:
    """Tell Inspect's objections in terms of this command."""
    from harness.inspect_errors import told_by_us

    try:
        with told_by_us(f"--task {plan.task}"):
            yield
    except ConfigurationError as error:
        if "allow-dirty" not in str(error).replace("_", "-"):
            raise
        raise ConfigurationError(
            f"{plan.log_dir} holds logs of another sweep (other prompts, settings, weights or "
            "judge); give another --log-dir"
        ) from error


def _models_in(plan: SweepPlan) -> set[str]:
    """Return the models of this pair in the log folder: what was sampled adds up over calls."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    logs = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(plan.log_dir))]
    start = str(ModelName(plan.pair)).removesuffix("0")
    return {log.eval.model for log in logs if log.eval.model.startswith(start)}


def _interrupted(plan: SweepPlan) -> bool:
    """Say whether a log tells of Ctrl-C: Inspect's server may take the signal for itself.

    Its set then returns as if all were done, and of an interrupted log only a resumed set makes a
    whole one.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    logs = list_eval_logs(str(plan.log_dir))
    return any(read_eval_log(info, header_only=True).status == "cancelled" for info in logs)


def _task(plan: SweepPlan) -> "Task | str":
    """Build one of our tasks, or pass another's name on to Inspect."""
    if plan.task not in TASKS:
        return plan.task
    import importlib

    from harness.inspect_errors import told_by_us

    build = getattr(importlib.import_module(f"tasks.{plan.task}"), plan.task)
    known = inspect.signature(build).parameters
    arguments = with_judge(plan.task, plan.task_args, plan.grader, known)
    for name in arguments:
        if name not in known:
            raise ConfigurationError(
                f"task {plan.task}: unknown argument '{name}'; it takes: {', '.join(known)}"
            )
    with told_by_us(f"task {plan.task}"):
        task: Task = build(**arguments)
    return task


def require_worker(plan: SweepPlan) -> "PairWorker":
    """Return what will decode, nothing loaded yet."""
    from harness.pool import pair_worker
    from harness.provider.arguments import batch_limits, require_known_arguments

    require_known_arguments(plan.model_args)
    TraceOptions.parse(plan.model_args)
    spelled = {k: v for k, v in plan.model_args.items() if k in PAIR_ARGUMENTS}
    return pair_worker(resolve_pair(plan.pair, spelled), batch_limits(plan.model_args))


def load_alone(plan: SweepPlan) -> str:
    """Let go of all other pairs, load a plan's, and return the fingerprint of its weights."""
    from harness.pool import release_others

    worker = require_worker(plan)
    release_others(worker)
    return worker.load().fingerprint


def _checked_weights(plan: SweepPlan, worker: "PairWorker") -> str:
    """Load the pair in its pool, so that what is wrong with it is told before any sampling."""
    found = worker.load().fingerprint
    expected = plan.model_args.get("weights", found)
    if expected != found:
        raise WeightsError(
            f"the weights of '{plan.pair}' have fingerprint {found}, and -M weights={expected} "
            "was asked for"
        )
    return found


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".amplify-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"the log folder {folder} can't be written: {error.strerror}; give another --log-dir"
        ) from error


def _first_error(logs: Sequence[object]) -> str:
    errors = [log.error.message for log in logs if getattr(log, "error", None)]  # type: ignore[attr-defined]
    reason = errors[0].strip() if errors else "no reason was given"
    return f"{len(errors) or 'some'} of {len(logs)} evaluations ended with an error: {reason}"
