"""``amplify report``: a sweep's report from its logs alone, or two sweeps beside each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from harness.errors import ConfigurationError


@click.command()
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
        write_report_of(log_dir, report_dir or log_dir.parent / "report", templates)


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


def write_report_of(log_dir: Path, report_dir: Path, templates: Path | None = None) -> None:
    """Analyse a log folder, write its report, and say what it comes to."""
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
