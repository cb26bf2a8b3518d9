"""A report's markdown as HTML: the same sentences and numbers, with anchors and marked tables.

Knows markdown-it's tokens. Refuses to let anything in the text become live: raw HTML and links
stay text, and the only images are the figures of the report itself, drawn into the page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from harness.reporting.blocks import Block, html_token, said, split_blocks
from harness.reporting.figures.drawing import Drawing
from harness.reporting.html_renderer import PageRenderer
from harness.reporting.inline_svg import StyleClasses, inline_svg
from harness.reporting.table_tokens import dress_tables
from harness.reporting.verdict_box import boxed

TRANSCRIPTS_HERE = "<!-- transcripts -->"
"""Where the page puts its transcripts; no text of a model can be this, for md escapes the <."""
MAX_ID, MAX_ENTRY = 48, 80


@dataclass(frozen=True, kw_only=True)
class PagePart:
    """What stands in the page beyond the markdown, such as the transcripts."""

    title: str
    html: Markup
    """Below its title; without ``style`` and ``on...`` attributes, which the page ignores."""
    css: str
    js: str
    """Runs after the page's own; the document is complete by then."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """An entry of the table of contents."""

    level: int
    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """A report's text, ready to stand in a page."""

    title: str
    html: Markup
    css: str
    """Of the figures."""
    headings: tuple[Heading, ...]
    """All but the title, in their order."""


def document(text: str, figures: Mapping[str, Drawing], part: PagePart | None = None) -> Document:
    """Make HTML of a report.

    Args:
        text: what ``markdown`` gave.
        figures: by file name; an image whose address is ``figures/NAME`` becomes it.
        part: stands where the text says so, or else at the end.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=PageRenderer)
    parser.enable("table").disable(["link", "autolink", "reference", "html_block", "html_inline"])
    blocks = _with_part(split_blocks(parser.parse(text)), part)
    headings = _anchor(blocks)
    classes = StyleClasses()
    blocks = [_drawn(block, figures, classes) for block in blocks]
    tokens = [token for block in boxed(blocks) for token in block]
    dress_tables(tokens)
    return Document(
        title=next((one.text for one in headings if one.level == 1), "Report"),
        html=Markup(parser.renderer.render(tokens, parser.options, {})),
        css=classes.css,
        headings=tuple(one for one in headings if one.level > 1),
    )


def _is_place(block: Block) -> bool:
    # The source of the paragraph: its text would equal that of one with escaped brackets.
    return block[0].type == "paragraph_open" and block[1].content == TRANSCRIPTS_HERE


def _with_part(blocks: list[Block], part: PagePart | None) -> list[Block]:
    """Put the part where the text says so; the mark itself is never shown."""
    place = next((i for i, one in enumerate(blocks) if _is_place(one)), None)
    before, after = (blocks, []) if place is None else (blocks[:place], blocks[place + 1 :])
    if part is None:
        return before + after
    title = [
        Token("heading_open", "h2", 1),
        Token("inline", "", 0, children=[Token("text", "", 0, content=part.title)]),
        Token("heading_close", "h2", -1),
    ]
    return [*before, title, [html_token(part.html)], *after]


def _anchor(blocks: list[Block]) -> list[Heading]:
    """Give every heading an id that no other element of the page has."""
    found: dict[str, Heading] = {}
    for block in blocks:
        if block[0].type != "heading_open":
            continue
        text = said(block)
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:MAX_ID]
        # Models name categories: without the prefix one could be called like a part of the page.
        name, number = f"s-{slug}", 2
        while name in found:
            name, number = f"s-{slug}-{number}", number + 1
        block[0].attrSet("id", name)
        entry = text if len(text) <= MAX_ENTRY else f"{text[: MAX_ENTRY - 1]}…"
        found[name] = Heading(level=int(block[0].tag[1:]), id=name, text=entry)
    return list(found.values())


def _drawn(block: Block, figures: Mapping[str, Drawing], classes: StyleClasses) -> Block:
    """Put a figure where a paragraph shows it."""
    children = block[1].children if block[0].type == "paragraph_open" else None
    if not children or len(children) != 1 or children[0].type != "image":
        return block
    name = str(children[0].attrGet("src")).removeprefix("figures/")
    if name not in figures:
        return block
    drawing = figures[name]
    box = Markup(
        '<figure><div class="plot" tabindex="0" role="region" aria-label="Figure: {}">{}</div>'
        "<figcaption>{}</figcaption></figure>\n"
    )
    return [html_token(box.format(drawing.title, inline_svg(drawing, classes), drawing.title))]
