"""``amplify sweep``: sample a pair at several alphas, score it, and write a report."""

from pathlib import Path
from typing import Any

import click

from harness.commands.arguments import assignments, compositions, parsed_alphas
from harness.commands.report import write_report_of


@click.command()
@click.argument("pair")
@click.option(
    "--alphas",
    default="0,0.5,1,2,3",
    show_default=True,
    callback=parsed_alphas,
    help="Comma-separated strengths; 0 is always included.",
)
@click.option(
    "--constraint",
    "constraints",
    multiple=True,
    metavar="KIND=NUMBER[:...]",
    callback=compositions,
    help="Sample under this constraint as well, at every alpha; repeat it for several side by "
    "side. Colons join what shall hold at once: plausibility=0.1:first=10. Kinds: plausibility, "
    "target_top_p, clip, kl_budget, kl_gate, first. 'none', the unconstrained sweep, is always "
    "included.",
)
@click.option(
    "--task",
    default="refusal",
    show_default=True,
    help="refusal, over_refusal, false_facts, sensibility, reasoning, or what inspect eval takes.",
)
@click.option("--epochs", default=1, show_default=True, help="Rollouts per prompt and alpha.")
@click.option("--limit", type=int, help="Ask the first so many prompts.")
@click.option("--max-tokens", type=int, help="Most tokens of a reply; the task's own by default.")
@click.option("--temperature", default=1.0, show_default=True, help="0 takes the likeliest token.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same text.")
@click.option(
    "--strict",
    is_flag=True,
    help="Compute the same number of rows at every step (-M max_rows), so that rounding can't tell "
    "who else is in the batch: for machines where it does. Slower where few rollouts run.",
)
@click.option(
    "--log-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where logs go, and where a stopped sweep is resumed. [default: runs/PAIR-TASK/logs]",
)
@click.option(
    "--report-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the report goes. [default: 'report' beside the logs]",
)
@click.option(
    "-M",
    "model_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=assignments,
    help="Model argument: target, baseline, adapter, target_system_prompt, dtype, max_rows, ...",
)
@click.option(
    "-T",
    "task_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=assignments,
    help="Task argument, such as category=benign or dataset=my.jsonl.",
)
@click.option(
    "--grader",
    metavar="PROVIDER/MODEL",
    help="Let this model judge every reply as well (refusal, false_facts; see "
    "docs/scorers.md). A task of another finds it in Inspect's role grader.",
)
def sweep(
    pair: str,
    task: str,
    strict: bool,
    log_dir: Path | None,
    report_dir: Path | None,
    **options: Any,
) -> None:
    """Sample PAIR at several alphas, score it, and write a report.

    PAIR is a preset (see `amplify pairs`), a pair file (path/to/pair.toml), or a label for
    models spelled by -M.
    """
    from harness.sweep import SweepPlan, run_sweep

    if log_dir is None:
        log_dir = Path("runs") / f"{Path(pair).stem}-{Path(task).name.replace('.py', '')}" / "logs"
    if strict:
        options["model_args"] = {**options["model_args"], "strict": True}
    effort = run_sweep(SweepPlan(pair=pair, task=task, log_dir=log_dir, **options))
    if effort.steps:
        click.echo(effort.sentence())
    write_report_of(log_dir, report_dir or log_dir.parent / "report")
