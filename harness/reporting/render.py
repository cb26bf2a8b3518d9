"""Results to a report folder: report.md, figures/*.svg, results.json.

Knows the template and the files. Whatever a template prints is escaped unless it went through
a function that made it markdown.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.analysis.results import Results, results_json
from harness.reporting import (
    appendix,
    comparison,
    fidelity,
    judge,
    means,
    pooled,
    regimes,
    tables,
    trends,
)
from harness.reporting.escape import code, fence
from harness.reporting.figures import DRAWERS, figures
from harness.reporting.figures.drawing import Drawing


def write_report(results: Results, report_dir: Path) -> Path:
    """Write a report; the same results give the same bytes.

    Each file is replaced whole, so a reader never sees half of one; figures of an earlier
    report that this one does not show are removed.

    Returns:
        The path of report.md.
    """
    drawn = figures(results)
    for name, one in drawn.items():
        replace_file(report_dir / "figures" / name, one.standalone)
    for name in set(DRAWERS) - set(drawn):
        (report_dir / "figures" / name).unlink(missing_ok=True)
    replace_file(report_dir / "results.json", results_json(results))
    report = report_dir / "report.md"
    replace_file(report, markdown(results, drawn))
    return report


def markdown(results: Results, drawn: Mapping[str, Drawing] | None = None) -> str:
    """Fill the template.

    Args:
        results: what is reported.
        drawn: its figures by file name, drawn anew if None.
    """
    template = environment().get_template("report.md.j2")
    return template.render(
        results=results,
        tables=tables,
        appendix=appendix,
        comparison=comparison,
        fidelity=fidelity,
        judge=judge,
        means=means,
        pooled=pooled,
        regimes=regimes,
        trends=trends,
        figures=figures(results) if drawn is None else drawn,
    )


def environment() -> Environment:
    """Return the templates' environment: what is printed is escaped for markdown."""
    environment = Environment(
        loader=PackageLoader("harness.reporting"),
        autoescape=False,  # that one is for HTML; finalize escapes for markdown
        undefined=StrictUndefined,
        finalize=tables.printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "fence": fence, "at": tables.at}
    return environment


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)  # mkstemp's own 0600 would hide a published report
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
