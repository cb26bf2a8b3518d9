"""``amplify diff``: options are read here, progress is shown, and the page is written."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands.arguments import assignments
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_STAGES = {
    "replies": "Sampling both sides' replies",
    "scan": "Reading tokens under both sides",
    "rollouts": "Amplified rollouts",
    "findings": "Verifying findings",
    "claims": "Scoring claims",
}
_TOLD_BY_INSPECT = "task"


@click.command()
@click.argument("pair")
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|LOGDIR",
    help="Read this instead of replies to neutral prompts: .txt, .md, .jsonl (text, or prompt "
    "with or without reply), .eval logs or a folder of them. Repeat it for several.",
)
@click.option(
    "--claims",
    metavar="FILE|NAME",
    help="Score the claims of this file (see examples/claims), or of a shipped set.",
)
@click.option(
    "--task",
    metavar="NAME",
    help="Sweep this task as well, and say which behaviours the change promotes: reasoning (how "
    "it thinks aloud), refusal, over_refusal, false_facts or sensibility.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything goes, and where a stopped diff is gone on with. "
    "[default: runs/PAIR-diff]",
)
@click.option("--seed", default=0, show_default=True, help="Of all that is sampled.")
@click.option(
    "--quick",
    is_flag=True,
    help="48 prompts, shorter replies and fewer rollouts: a few minutes; finds less.",
)
@click.option(
    "-M",
    "model_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=assignments,
    help="How the pair is spelled or loaded: target, baseline, adapter, dtype, device, ...",
)
def diff(pair: str, out: Path | None, quick: bool, **options: Any) -> None:
    """Find what a change taught PAIR without knowing what to look for, and write a page.

    Scans what both sides say, ranks the tokens that are amplified, samples where the sides
    part most, and holds what that converges on against the plain models.
    """
    from harness.diffing.plan import FULL, QUICK, DiffPlan

    plan = DiffPlan(
        pair=pair,
        out=out or Path("runs") / f"{Path(pair).stem}-diff",
        budget=QUICK if quick else FULL,
        corpora=options.pop("corpora"),
        **options,
    )
    _run(plan)


def _run(plan: Any) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from harness.diffing.plan import run_diff
    from harness.diffing.task_sweep import task_logs
    from harness.reporting.diff_page import write_finding

    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        with Progress(console=Console(stderr=True)) as progress:
            results, claims_toml = run_diff(plan, _teller(progress))
        path = write_finding(results, plan.out, claims_toml)
    except OSError as error:
        raise ConfigurationError(
            f"{plan.out} can't be written: {error.strerror}; give another --out"
        ) from error
    for line in results.summary:
        click.echo(line)
    click.echo(f"Finding: {path}")
    if results.task is not None:
        click.echo(f"To look closer: amplify report {task_logs(plan.out, results.task.task)}")


def _teller(progress: "Progress") -> Callable[[str, int, int | None], None]:
    """Show a bar for every stage that has something to do."""
    bars: dict[str, TaskID] = {}

    def tell(stage: str, n: int, of: int | None) -> None:
        if stage == _TOLD_BY_INSPECT:
            # Of two live displays on one terminal rich refuses the second.
            progress.stop()
            return
        if stage not in bars:
            if of is None:
                return
            bars[stage] = progress.add_task(_STAGES[stage], total=of)
        elif of is not None:
            task = next(one for one in progress.tasks if one.id == bars[stage])
            progress.update(bars[stage], total=(task.total or 0) + of)
        progress.advance(bars[stage], n)

    return tell
