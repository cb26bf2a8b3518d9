"""A diff's results to its folder: finding.md, finding.html, diff.json, findings.toml.

Computes nothing. The page is made from the markdown, with replies shaded by their differences.
"""

from pathlib import Path

from markupsafe import Markup

from harness.analysis.results import plain_json
from harness.diffing.found import DiffResults, Strip
from harness.reporting import diff_findings, diff_tables, diff_task
from harness.reporting.diff_tables import hidden
from harness.reporting.document import PagePart, document
from harness.reporting.escape import clean
from harness.reporting.page import shell
from harness.reporting.templating import environment, read_plain
from harness.whole_file import replace_file

_SHADES_NATS = (0.25, 0.75, 1.5, 3.0)


def write_finding(results: DiffResults, folder: Path, claims_toml: str = "") -> Path:
    """Write the page of a diff and what stands beside it; equal results give equal bytes.

    Args:
        results: what is shown.
        folder: where the files go.
        claims_toml: the findings as claims; none is written where it is empty.

    Returns:
        The path of finding.md.
    """
    replace_file(folder / "finding.md", markdown(results, "text"))
    replace_file(folder / "finding.html", html(results))
    replace_file(folder / "diff.json", plain_json(results))
    if claims_toml:
        replace_file(folder / "findings.toml", claims_toml)
    else:
        (folder / "findings.toml").unlink(missing_ok=True)
    return folder / "finding.md"


def markdown(results: DiffResults, strips: str) -> str:
    """Fill the template; replies stand in it as ``text``, or their place is marked (``part``)."""
    template = environment().get_template("diff.md.j2")
    return template.render(
        results=results, diff=diff_tables, said=diff_findings, task_tables=diff_task, strips=strips
    )


def html(results: DiffResults) -> str:
    """Make the page."""
    part = None
    if results.tables.strips:
        part = PagePart(
            title="Most affected replies, token by token",
            html=_strips(results),
            css=read_plain("diff.css"),
            js="",
        )
    made = document(markdown(results, "part"), {}, part)
    return shell("diff.html.j2", made, results, numbers="diff.json", part=part)


def _strips(results: DiffResults) -> Markup:
    intro = Markup(
        "<p>Orange is what the change made likelier, blue what it made rarer; the darkest from "
        "{} nats on. Point at a token for its number.{}</p>\n"
    ).format(f"{_SHADES_NATS[-1]:g}", hidden(results.tables))
    return intro + Markup("").join(_strip(one) for one in results.tables.strips)


def _strip(strip: Strip) -> Markup:
    head = Markup('<p class="strip-head"><strong>{}</strong> ({}, {} nats per token)</p>\n').format(
        clean(strip.prompt or strip.prompt_id), strip.source, f"{strip.kl_nats:.3f}"
    )
    tokens = Markup("").join(_token(one.text, one.difference_nats) for one in strip.tokens)
    return head + Markup('<p class="strip">{}</p>\n').format(tokens)


def _token(text: str, moved: float) -> Markup:
    shade = sum(abs(moved) >= step for step in _SHADES_NATS)
    # Blanks at a token's ends are part of what is read; whatever is invisible is not.
    shown = f"{' ' * text[:1].isspace()}{clean(text)}" if text.strip() else "⏎ "
    if not shade:
        return Markup('<span title="{}">{}</span>').format(f"{moved:+.2f} nats", shown)
    side = "up" if moved > 0 else "down"
    return Markup('<span class="{}-{}" title="{}">{}</span>').format(
        side, shade, f"{moved:+.2f} nats", shown
    )
