"""A comparison of two runs to a report folder: the same files as a run's report has."""

from collections.abc import Mapping
from pathlib import Path

from harness.analysis.results import plain_json
from harness.analysis.run_comparison import RunComparison
from harness.analysis.run_comparison_findings import run_findings
from harness.reporting import run_comparison as tables
from harness.reporting.figures.drawing import Drawing
from harness.reporting.figures.run_comparison import figures_of
from harness.reporting.page import page
from harness.reporting.tables import DAGGER_MEANS, figure
from harness.reporting.templating import environment, explained
from harness.whole_file import replace_file

NUMBERS = "comparison.json"
"""The file that holds every number; its fields are those of ``RunComparison``."""


def write_comparison(
    found: RunComparison, report_dir: Path, *, templates: Path | None = None
) -> Path:
    """Write report.md, report.html, comparison.json and figures; the same runs give the same bytes.

    Args:
        found: everything that is shown.
        report_dir: where the files go.
        templates: folder with files that replace our templates.

    Returns:
        The path of report.md.

    Raises:
        ConfigurationError: if a template of that folder can't be used; nothing is written then.
    """
    drawn = figures_of(found)
    text = comparison_markdown(found, drawn, templates)
    html = page(found, text, drawn, templates=templates, numbers=NUMBERS)
    for old in (report_dir / "figures").glob("compared_*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, one in drawn.items():
        replace_file(report_dir / "figures" / name, one.standalone)
    replace_file(report_dir / NUMBERS, plain_json(found))
    report = report_dir / "report.md"
    replace_file(report, text)
    replace_file(report.with_suffix(".html"), html)
    return report


def comparison_markdown(
    found: RunComparison, drawn: Mapping[str, Drawing], templates: Path | None = None
) -> str:
    """Fill the template."""
    with explained(templates):
        template = environment(templates).get_template("comparison.md.j2")
        return template.render(
            found=found,
            findings=run_findings(found),
            tables=tables,
            figure=figure,
            figures=drawn,
            dagger=DAGGER_MEANS,
        )
