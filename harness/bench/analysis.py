"""How long reading and analysing a large run takes, and how much memory."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from harness.bench.synthetic_run import Size, write_run
from harness.errors import AnalysisError, ConfigurationError

MARKER = "bench analysis"
"""Of the measured block in a document."""

LIMIT_S, LIMIT_MB = 60.0, 4000.0
"""What 100,000 rollouts of 200 tokens may take on one core."""

_WRITTEN = "written.json"
# Grows when the run is written otherwise, so that older ones are not measured.
_LAYOUT = 1

_STAGES = {
    "import_s": "importing",
    "read_logs_s": "reading the logs",
    "analyse_s": "analysing, traces and all",
    "json_s": "writing results.json",
}


def measure_analysis(folder: Path, size: Size, tell: Callable[[str], None]) -> dict[str, float]:
    """Write a synthetic run unless it is there, and analyse it in a fresh process.

    Returns:
        Seconds per stage and ``total_s``; ``rollouts``, ``trace_tokens`` and ``peak_mb``.

    Raises:
        ConfigurationError: if the folder holds something else.
        AnalysisError: if the analysis fails.
    """
    _write(folder, size, tell)
    tell("analysing in a fresh process")
    command = [sys.executable, "-m", "harness.bench.analysis_stages", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AnalysisError(f"the analysis of {folder} failed: {done.stderr.strip()[-1000:]}")
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**took, "total_s": sum(took[stage] for stage in _STAGES)}


def _write(folder: Path, size: Size, tell: Callable[[str], None]) -> None:
    written = json.dumps({**asdict(size), "layout": _LAYOUT})
    marker = folder / _WRITTEN
    if marker.exists() and marker.read_text(encoding="utf-8") == written:
        tell(f"{folder} is written already")
        return
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} holds another run, or one that was not written to its end: remove it, or "
            "give another --folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    for line in write_run(folder, size):
        tell(f"{time.perf_counter() - start:.0f} s: {line}")
    marker.write_text(written, encoding="utf-8")


def markdown(figures: Mapping[str, float], machine: str) -> str:
    """Lay the figures out as a table."""
    rollouts, tokens = int(figures["rollouts"]), int(figures["trace_tokens"])
    lines = [
        f"{rollouts:,} rollouts with traces of {tokens:,} tokens in all, in a fresh process on one "
        f"core ({machine}).",
        "",
        "| stage | seconds |",
        "| --- | --- |",
        *(f"| {told} | {figures[stage]:.1f} |" for stage, told in _STAGES.items()),
        f"| **all** | **{figures['total_s']:.1f}** |",
        f"| of which the core worked for it | {figures['cpu_s']:.1f} |",
        "",
        f"Most memory: {figures['peak_mb'] / 1000:.2f} GB. The core gave it "
        f"{figures['cpu_s'] / figures['total_s']:.0%} of its time; the rest went to other "
        "processes and to waiting for the disk.",
    ]
    return "\n".join(lines) + "\n"
