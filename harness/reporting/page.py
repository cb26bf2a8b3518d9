"""report.html: one file that holds all it needs, made from the text of report.md.

Knows the shell and its security policy: nothing is loaded, and no style or script runs but those
whose hashes stand in the page.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from markupsafe import Markup

from harness.analysis.configuration import Configuration
from harness.errors import ConfigurationError
from harness.reporting.document import Document, PagePart, document
from harness.reporting.figures.drawing import Drawing
from harness.reporting.templating import explained, html_environment, read_plain


class Titled(Protocol):
    """What a page's frame says of the report in it: results of one run, or of two."""

    @property
    def pair(self) -> str: ...  # noqa: D102
    @property
    def task(self) -> str: ...  # noqa: D102
    @property
    def configuration(self) -> Configuration: ...  # noqa: D102


def page(
    results: Titled,
    text: str,
    figures: Mapping[str, Drawing],
    *,
    transcripts: PagePart | None = None,
    templates: Path | None = None,
    numbers: str = "results.json",
) -> str:
    """Make the page.

    Args:
        results: what the text was made from.
        text: the report's markdown.
        figures: by file name, drawn where the text shows them.
        transcripts: stand where the text has ``<!-- transcripts -->``.
        templates: folder with files that replace ours.
        numbers: the file beside the page that holds every number.

    Raises:
        ConfigurationError: if a template of that folder can't be used.
    """
    made = document(text, figures, transcripts)
    return shell(
        "page.html.j2", made, results, numbers=numbers, part=transcripts, templates=templates
    )


def shell(
    name: str,
    made: Document,
    results: object,
    *,
    numbers: str,
    part: PagePart | None = None,
    templates: Path | None = None,
) -> str:
    """Put a document into the page's frame, with its styles, scripts and policy.

    Args:
        name: of the frame's template.
        made: the text.
        results: what the text was made from.
        numbers: the file beside the page that holds every number.
        part: what stands in the text beyond it.
        templates: folder with files that replace ours.
    """
    styles = [read_plain("page.css", templates), made.css]
    scripts = [read_plain("page.js", templates)]
    if part:
        styles.append(part.css)
        scripts.append(part.js)
    with explained(templates):
        frame = html_environment(templates).get_template(name)
        return frame.render(
            document=made,
            results=results,
            numbers=numbers,
            styles=_embedded(styles, "style"),
            scripts=_embedded(scripts, "script"),
            policy=policy(styles, scripts),
        )


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Write the page's Content-Security-Policy."""
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src {_hashes(styles)}",
            f"script-src {_hashes(scripts)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hashes(texts: Sequence[str]) -> str:
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _embedded(texts: Sequence[str], element: str) -> list[Markup]:
    """Vouch that no text ends its own element early."""
    for text in texts:
        if f"</{element}" in text.lower():
            raise ConfigurationError(
                f"page.{'css' if element == 'style' else 'js'} holds </{element}, which would end "
                "it within the page; split the word there"
            )
    return [Markup(text) for text in texts]
