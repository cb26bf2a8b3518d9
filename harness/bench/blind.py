"""Blind trials of ``amplify diff``: organisms whose behaviour is known to the judge alone.

Each diff has its folder, and what was measured of it lies there, so that trials can be stopped.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.allocator import release_unused
from harness.bench.planted import FIRST_FINDINGS, FIRST_TOKENS, PLANTED, Trial, judge
from harness.whole_file import replace_file

if TYPE_CHECKING:
    from harness.diffing.plan import DiffPlan

Tell = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Blind:
    """One pair to diff."""

    name: str
    """Its preset, or what an adapter of the user's is called."""
    model_args: dict[str, object] = field(default_factory=dict)


def adapters_in(folder: Path) -> list[Blind]:
    """Return pairs of the embedded model and each adapter in a folder's folders, by name."""
    from harness.pairs.side import EMBEDDED

    return [
        Blind(
            name=f"{folder.name}-{path.parent.name}",
            model_args={"baseline": EMBEDDED, "adapter": str(path.parent)},
        )
        for path in sorted(folder.glob("*/adapter_config.json"))
    ]


def run_trials(pairs: Sequence[Blind], out: Path, *, quick: bool, tell: Tell) -> list[Trial]:
    """Diff each pair with the default settings, or the quick ones, and judge what it says."""
    return [_trial(one, out / one.name, quick=quick, tell=tell) for one in pairs]


def _trial(one: Blind, folder: Path, *, quick: bool, tell: Tell) -> Trial:
    from harness.diffing.plan import FULL, QUICK, DiffPlan

    measured = folder / "measured.json"
    if not measured.exists():
        plan = DiffPlan(
            pair=one.name,
            out=folder,
            budget=QUICK if quick else FULL,
            model_args=one.model_args,
        )
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(measured, json.dumps(_measure(plan)) + "\n")
    figures: dict[str, float] = json.loads(measured.read_text(encoding="utf-8"))
    results: dict[str, Any] = json.loads((folder / "diff.json").read_text(encoding="utf-8"))
    trial = judge(one.name, results, planted=PLANTED.get(one.name), **figures)
    tell(_line(trial))
    return trial


def _measure(plan: "DiffPlan") -> dict[str, float]:
    """Run one diff and write its page; a diff that was stopped has its later part measured."""
    from harness.bench.memory import PeakMemory
    from harness.diffing.plan import run_diff
    from harness.reporting.diff_page import write_finding

    start = time.perf_counter()
    with ExitStack() as stack:
        memory: list[PeakMemory] = []

        def told(what: str, n: int, of: int | None) -> None:
            if not memory:  # the first that is told: weights are loaded
                release_unused()
                memory.append(stack.enter_context(PeakMemory()))

        results, claims_toml = run_diff(plan, told)
        write_finding(results, plan.out, claims_toml)
    return {"seconds": time.perf_counter() - start, "peak_mb": memory[0].peak_mb}


def _line(trial: Trial) -> str:
    told = f"{trial.n_words} words, {trial.n_findings} findings, "
    told += f"{trial.seconds:.0f} s, {trial.peak_mb:.0f} MB above the weights"
    if trial.name not in PLANTED:
        return f"{trial.name}: {told}"
    return (
        f"{trial.name}: word {trial.token_place} {trial.token!r}, finding {trial.finding_place} "
        f"{trial.finding!r}; {told}"
    )


def markdown(trials: Sequence[Trial]) -> str:
    """Return the trials as a table, and those without anything planted as one sentence."""
    planted = [one for one in trials if one.name in PLANTED]
    others = [one for one in trials if one.name not in PLANTED]
    parts = []
    if planted:
        found = sum(one.found for one in planted)
        parts += [
            f"{found} of {len(planted)} found: a planted word among the first {FIRST_TOKENS} and a "
            f"planted finding among the first {FIRST_FINDINGS}.",
            _table(planted),
        ]
    if others:
        parts.append(_false_discoveries(others))
    return "\n\n".join(parts) + "\n"


def _table(trials: Sequence[Trial]) -> str:
    head = ("organism", "word", "place", "finding", "place", "findings", "seconds")
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for one in trials:
        cells = (
            f"`{one.name}`",
            one.token or "none",
            one.token_place or "",
            " ".join(one.finding.replace("|", " ").split()) or "none",
            one.finding_place or "",
            one.n_findings,
            f"{one.seconds:.0f}",
        )
        lines.append(" | ".join(map(str, cells)))
    return "\n".join(f"| {line} |" for line in lines)


def _false_discoveries(trials: Sequence[Trial]) -> str:
    words, findings = ([getattr(one, name) for one in trials] for name in ("n_words", "n_findings"))
    clean = sum(not (a or b) for a, b in zip(words, findings, strict=True))
    return (
        f"Nothing was planted in {len(trials)} pairs: {sum(map(bool, words))} of them had words "
        f"named ({sum(words)} in all), {sum(map(bool, findings))} had findings ({sum(findings)} "
        f"in all), {clean} neither."
    )
