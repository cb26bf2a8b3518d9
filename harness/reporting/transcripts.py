"""The transcripts as a part of a page: their data as one string, and what draws them.

Knows which files make the viewer, in which order. Texts of models reach the page as data only:
encoded here, and turned to text nodes there.
"""

from pathlib import Path

from markupsafe import Markup

from harness.analysis.transcripts import Transcripts
from harness.reporting.document import PagePart
from harness.reporting.templating import explained, html_environment, read_plain
from harness.reporting.transcript_encoding import encode

FOLDER = "transcripts"
SCRIPTS = ("decode", "text", "filters", "toolbar", "reply", "list", "panel", "main")
"""Each uses names of those before it."""


def transcripts_part(transcripts: Transcripts, templates: Path | None = None) -> PagePart:
    """Make the viewer of transcripts.

    Args:
        transcripts: what is to be read.
        templates: folder with files that replace ours.

    Raises:
        ConfigurationError: if a template of that folder can't be used.
    """
    with explained(templates):
        shell = html_environment(templates).get_template(f"{FOLDER}/{FOLDER}.html.j2")
        html = shell.render(transcripts=transcripts, data=encode(transcripts))
    scripts = [read_plain(f"{FOLDER}/{name}.js", templates) for name in SCRIPTS]
    return PagePart(
        title="Transcripts",
        html=Markup(html),
        css=read_plain(f"{FOLDER}/{FOLDER}.css", templates),
        js="\n".join(['"use strict";', "(() => {", *scripts, "})();", ""]),
    )
