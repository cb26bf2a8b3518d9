"""Results to a report folder: report.md, report.html, figures/*.svg, results.json.

Knows the files. Whatever a template prints is escaped unless it went through a function that made
it markdown.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.analysis.results import Results, results_json
from harness.reporting import (
    appendix,
    constraint_comparison,
    fidelity,
    judge,
    means,
    pooled,
    regimes,
    tables,
    trends,
)
from harness.reporting.document import PagePart
from harness.reporting.figures import DRAWERS, figures
from harness.reporting.figures.drawing import Drawing
from harness.reporting.page import page
from harness.reporting.templating import environment, explained
from harness.whole_file import replace_file


def write_report(
    results: Results,
    report_dir: Path,
    *,
    transcripts: PagePart | None = None,
    templates: Path | None = None,
) -> Path:
    """Write a report; the same results give the same bytes.

    Each file is replaced whole, so a reader never sees half of one; figures of an earlier
    report that this one does not show are removed.

    Args:
        results: everything that is shown.
        report_dir: where the files go; report.html is beside report.md.
        transcripts: shown in report.html.
        templates: folder with files that replace our templates.

    Returns:
        The path of report.md.

    Raises:
        ConfigurationError: if a template of that folder can't be used; nothing is written then.
    """
    drawn = figures(results)
    text = markdown(results, drawn, templates)
    html = page(results, text, drawn, transcripts=transcripts, templates=templates)
    for name, one in drawn.items():
        replace_file(report_dir / "figures" / name, one.standalone)
    for name in set(DRAWERS) - set(drawn):
        (report_dir / "figures" / name).unlink(missing_ok=True)
    replace_file(report_dir / "results.json", results_json(results))
    report = report_dir / "report.md"
    replace_file(report, text)
    replace_file(report.with_suffix(".html"), html)
    return report


def markdown(
    results: Results,
    drawn: Mapping[str, Drawing] | None = None,
    templates: Path | None = None,
) -> str:
    """Fill the template.

    Args:
        results: what is reported.
        drawn: its figures by file name, drawn anew if None.
        templates: folder with files that replace our templates.
    """
    with explained(templates):
        template = environment(templates).get_template("report.md.j2")
        return template.render(
            results=results,
            tables=tables,
            appendix=appendix,
            comparison=constraint_comparison,
            fidelity=fidelity,
            judge=judge,
            means=means,
            pooled=pooled,
            regimes=regimes,
            trends=trends,
            figures=figures(results) if drawn is None else drawn,
        )
