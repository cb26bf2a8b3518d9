"""From a rollout in Inspect's active sample to the trace file beside the log.

What is kept belongs to a running evaluation and is let go with it: a sample's rollouts when it
ends, a log's file when its task or its run ends, whatever the reason.
"""

from collections import defaultdict
from functools import cache
from logging import getLogger
from pathlib import Path

import pyarrow as pa
from inspect_ai.hooks import Hooks, RunEnd, SampleAttemptEnd, SampleEnd, TaskEnd, hooks

# Inspect's public hooks name a log only when its task has succeeded; the sample that is running
# knows its log from the start.
from inspect_ai.log._samples import ActiveSample, sample_active

from harness.location import local_path
from harness.traces.file import TraceFile
from harness.traces.rows import SampleCall, TracedRollout, rollout_table

_logger = getLogger(__name__)


class LogTraces:
    """The traces of one log: rollouts of running samples, and the file for those that ended.

    A sample that ends without Inspect's word, as at a cancelled run, is not in the log, and what
    was kept of it is dropped.
    """

    def __init__(self, run_id: str | None, log: Path) -> None:
        self.run_id = run_id
        self._file = TraceFile(log)
        self._running: defaultdict[str, list[pa.Table]] = defaultdict(list)

    def keep(self, sample: ActiveSample, rollout: TracedRollout) -> None:
        """Take a rollout of a running sample."""
        calls = self._running[sample.sample_uuid]
        call = SampleCall(
            sample_uuid=sample.sample_uuid,
            sample_id=str(sample.sample.id),
            epoch=sample.epoch,
            call=len(calls),
        )
        calls.append(rollout_table(call, rollout))

    def sample_ended(self, uuid: str) -> None:
        """Hand the sample's rollouts to the file."""
        self._file.add(self._running.pop(uuid, []))

    def attempt_failed(self, uuid: str) -> None:
        """Drop the rollouts of a sample that starts anew."""
        self._running.pop(uuid, None)

    def finish(self) -> None:
        """Write the file."""
        self._file.finish()


_logs: dict[str, LogTraces] = {}
"""By the evaluation's id, from its first rollout to its end."""


def keep_trace(rollout: TracedRollout) -> None:
    """Keep a rollout for the trace file of the evaluation that asked for it.

    Outside of an evaluation there is no log, and nothing is kept. Beside a log that is not on
    this machine nothing is written, which is told once per folder.
    """
    sample = sample_active()
    if sample is None:
        return
    log = local_path(sample.log_location)
    if log is None:
        _warn_of_remote(sample.log_location.rpartition("/")[0])
        return
    _subscribe()
    traces = _logs.setdefault(sample.eval_id, LogTraces(sample.run_id, log))
    traces.keep(sample, rollout)


@cache
def _warn_of_remote(folder: str) -> None:
    _logger.warning(
        "per-token traces are written beside local logs only, so %s gets none; log to a local "
        "folder to have them, or say -M traces=sums",
        folder,
    )


class _TraceHooks(Hooks):
    """Follows the samples and tasks that traces are kept of."""

    async def on_sample_attempt_end(self, data: SampleAttemptEnd) -> None:
        if data.will_retry and data.eval_id in _logs:
            _logs[data.eval_id].attempt_failed(data.sample_id)

    async def on_sample_end(self, data: SampleEnd) -> None:
        if data.eval_id in _logs:
            _logs[data.eval_id].sample_ended(data.sample_id)

    async def on_task_end(self, data: TaskEnd) -> None:
        """Finish the log of a task that succeeded; of others Inspect tells the run's end only."""
        if data.eval_id in _logs:
            _logs.pop(data.eval_id).finish()

    async def on_run_end(self, data: RunEnd) -> None:
        # Without an await: in a cancelled run the next one ends the hook. Ten thousand rollouts
        # hold the event loop up for four seconds here.
        for eval_id in [one for one, log in _logs.items() if log.run_id == data.run_id]:
            _logs.pop(eval_id).finish()


@cache
def _subscribe() -> None:
    """Register the hooks at the first trace.

    Inspect prints a banner about hooks that are registered when it starts, in runs of any model.
    """
    hooks("traces", "writes per-token traces beside the log")(_TraceHooks)
