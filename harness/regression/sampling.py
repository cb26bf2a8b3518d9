"""A sweep's logs for tests: sampled once, found again by what decided them.

Knows sweeps and folders. Logs of other weights, prompts, settings or code lie in other folders,
so nothing stale is ever read.
"""

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

from filelock import FileLock

from harness.regression.code_hash import code_hash
from harness.sweep import SweepPlan, load_alone, run_sweep

LOCK = "sampling.lock"


def sampled_logs(plan: SweepPlan, cache_dir: Path) -> Path:
    """Return the folder with a plan's logs, sampling what is missing.

    One process at a time samples: a second one waits, and finds the logs. A session that samples
    many pairs holds the weights of one at a time.

    Args:
        plan: what is asked; its ``log_dir`` is not looked at.
        cache_dir: where sweeps lie, one folder each.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_dir / LOCK):
        log_dir = cache_dir / _name(plan) / "logs"
        run_sweep(replace(plan, log_dir=log_dir))
    return log_dir


def _name(plan: SweepPlan) -> str:
    weights = load_alone(plan)
    asked = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name != "log_dir"}
    parts = [json.dumps(asked, sort_keys=True, default=str), weights, code_hash(), _task_file(plan)]
    key = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]
    return f"{Path(plan.pair).stem}-{Path(plan.task).name.replace('.py', '')}-{key}"


def _task_file(plan: SweepPlan) -> str:
    """Hash what the task reads from files of the user's own."""
    names = [plan.task.partition("@")[0], *map(str, plan.task_args.values())]
    files = [path for name in names if (path := Path(name)).is_file()]
    return " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
