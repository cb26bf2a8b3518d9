"""The command ``amplify``: arguments are parsed here once, and errors become one clear line.

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

import harness
from harness.bench.command import bench
from harness.commands.rate import rate
from harness.constraint import Constraints, parse_constraints
from harness.errors import AmplifyError, ConfigurationError, InvalidAlpha
from harness.model_name import parse_alpha
from harness.organisms.command import organisms

EXIT_FAILED = 2
"""Exit code of every error that a message explains; click uses 2 for wrong usage as well."""

_console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class _Group(click.Group):
    """Prints the project's own errors as one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AmplifyError as error:
            _console.print(f"[bold red]{type(error).__name__}[/]: ", end="")
            _console.print(str(error), markup=False)
            sys.exit(EXIT_FAILED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(harness.__version__, prog_name="amplify")
def main() -> None:
    """Find what a change taught a language model, by amplifying the difference it made."""


main.add_command(bench)
main.add_command(rate)
main.add_command(organisms)


def _alphas(ctx: click.Context, param: click.Parameter, text: str) -> tuple[float, ...]:
    alphas = tuple(parse_alpha(part.strip()) for part in text.split(",") if part.strip())
    if not alphas:
        raise InvalidAlpha(f"--alphas '{text}' holds no number; write for instance 0,0.5,1")
    return alphas


def _compositions(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[Constraints, ...]:
    return tuple(parse_constraints(text) for text in texts)


def _assignments(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, object]:
    """Read repeated key=value options; values are YAML, as in Inspect's own."""
    values: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"'{text}' is not key=value")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(
                f"the value of '{text}' is not YAML; put quotes around it: {key}='\"...\"'"
            ) from error
    return values


@main.command()
@click.argument("pair")
@click.option(
    "--alphas",
    default="0,0.5,1,2,3",
    show_default=True,
    callback=_alphas,
    help="Comma-separated strengths; 0 is always included.",
)
@click.option(
    "--constraint",
    "constraints",
    multiple=True,
    metavar="KIND=NUMBER[:...]",
    callback=_compositions,
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
    callback=_assignments,
    help="Model argument: target, baseline, adapter, target_system_prompt, dtype, max_rows, ...",
)
@click.option(
    "-T",
    "task_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_assignments,
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
    _write_report(log_dir, report_dir or log_dir.parent / "report")


@main.command()
@click.argument("log_dir", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--compare",
    nargs=2,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="LOGS_A LOGS_B",
    help="Compare two runs instead, by prompt and by dose: two pairs, constraints, quantizations "
    "or versions.",
)
@click.option(
    "--report-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the report goes. [default: 'report' beside the logs; with --compare 'comparison' "
    "beside LOGS_B]",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    help="A folder with templates that replace ours of the same name (docs/reports.md).",
)
def report(
    log_dir: Path | None,
    compare: tuple[Path, Path] | None,
    report_dir: Path | None,
    templates: Path | None,
) -> None:
    """Rebuild the report of a sweep from its logs alone, or compare two."""
    if (log_dir is None) == (compare is None):
        raise click.UsageError("give the log folder of one sweep, or --compare with those of two")
    if compare:
        _write_comparison(compare, report_dir or compare[1].parent / "comparison", templates)
    elif log_dir:
        _write_report(log_dir, report_dir or log_dir.parent / "report", templates)


def _write_comparison(logs: tuple[Path, Path], report_dir: Path, templates: Path | None) -> None:
    from harness.analysis.frame import read_frame
    from harness.analysis.run_comparison import compare_runs
    from harness.analysis.run_comparison_findings import run_findings
    from harness.reporting.escape import clean
    from harness.reporting.render_comparison import write_comparison

    found = compare_runs(*(read_frame(folder) for folder in logs))
    with _explained(report_dir):
        path = write_comparison(found, report_dir, templates=templates)
    for sentence in run_findings(found):
        click.echo(clean(sentence))
    _say_where(path)


def _write_report(log_dir: Path, report_dir: Path, templates: Path | None = None) -> None:
    from harness.analysis.frame import read_frame
    from harness.analysis.results import analyse
    from harness.analysis.transcripts import transcripts
    from harness.reporting.render import write_report
    from harness.reporting.terminal import summary_table, summary_text
    from harness.reporting.transcripts import transcripts_part

    frame = read_frame(log_dir)
    results = analyse(frame, log_dir=log_dir)
    to_read = transcripts(frame, log_dir)
    with _explained(report_dir):
        part = transcripts_part(to_read, templates)
        path = write_report(results, report_dir, transcripts=part, templates=templates)
    console = Console()
    console.print(summary_table(results))
    console.print(summary_text(results))
    _say_where(path)


@contextmanager
def _explained(report_dir: Path) -> Iterator[None]:
    """Say where a report can't be written."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the report can't be written to {report_dir}: {error.strerror}; give another "
            "--report-dir"
        ) from error


def _say_where(report: Path) -> None:
    console = Console()
    console.print(f"Report: {report}", soft_wrap=True, highlight=False)
    console.print(f"In a browser: {report.with_suffix('.html')}", soft_wrap=True, highlight=False)


@main.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--pair", required=True, help="A preset, a pair file, or a label for -M's models.")
@click.option(
    "-M",
    "model_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_assignments,
    help="How the pair is spelled or loaded: target, baseline, adapter, dtype, device, ...",
)
def score(logs: tuple[Path, ...], pair: str, model_args: dict[str, object]) -> None:
    """Add to LOGS of other providers how much their responses surprise PAIR.

    Each response gets target_nll and baseline_nll, mean nats per token, and nonsense is judged
    again with them. Responses stay as they are, and a log is replaced in one step.
    """
    from rich.progress import Progress

    from harness.pairs.loading import load_pair
    from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair
    from harness.pairs.spelling import refuse_unknown
    from harness.rescoring import find_log_files, read_unscored_log, rescore_log

    refuse_unknown("-M", model_args, PAIR_ARGUMENTS)
    spec = resolve_pair(pair, model_args)
    files = find_log_files(logs)
    for file in files:  # before the weights are loaded
        read_unscored_log(file)
    loaded = load_pair(spec)
    with Progress(console=_console) as progress:
        for file in files:
            log = read_unscored_log(file)
            bar = progress.add_task(file.name, total=len(log.samples or []))
            found = rescore_log(file, log, loaded, partial(progress.advance, bar))
            click.echo(
                f"{file}: target_nll {found.target_nll_nats:.2f} nats per token over "
                f"{found.n_scored} responses, {found.n_unscored} without; nonsense "
                f"{found.n_nonsense} of {found.n_scored + found.n_unscored}"
            )


@main.command()
def pairs() -> None:
    """List the pairs that need nothing but the installation."""
    from harness.pairs.spec import presets

    for name, spec in presets().items():
        click.echo(f"{name:14} {spec.description}")
