"""A report's markdown as HTML: the same sentences and numbers, with anchors and marked tables.

Knows markdown-it's tokens. Refuses to let anything in the text become live: raw HTML and links
stay text, and the only images are the figures of the report itself, drawn into the page.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from harness.reporting.figures.drawing import Drawing
from harness.reporting.inline_svg import StyleClasses, inline_svg
from harness.reporting.numbers import marked
from harness.reporting.table_tokens import dress_tables

TRANSCRIPTS_HERE = "<!-- transcripts -->"
"""Where the page puts its transcripts; no text of a model can be this, for md escapes the <."""
SUMMARY = "Summary"
VERDICT_LINES = 5
ALARM = "FAILED, so trust no rate here"
SHOUT = "FIDELITY FAILED"
"""Begins what stands before the verdict's lines where a check of fidelity failed."""
DOUBTS = "Doubts about the data:"
MAX_ID, MAX_ENTRY = 48, 80
MAX_INLINE = 2000
"""Characters of one piece of text, some 25 lines; what is longer scrolls in a box of its own."""

Block = list[Token]
"""A paragraph, list, table or heading with all that is in it."""


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
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    parser.enable("table").disable(["link", "autolink", "reference", "html_block", "html_inline"])
    blocks = _with_part(_blocks(parser.parse(text)), part)
    headings = _anchor(blocks)
    classes = StyleClasses()
    blocks = [_drawn(block, figures, classes) for block in blocks]
    tokens = [token for block in _boxed(blocks) for token in block]
    dress_tables(tokens)
    return Document(
        title=next((one.text for one in headings if one.level == 1), "Report"),
        html=Markup(parser.renderer.render(tokens, parser.options, {})),
        css=classes.css,
        headings=tuple(one for one in headings if one.level > 1),
    )


class _Renderer(RendererHTML):
    """Marks measured values, and loads no image."""

    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        text = tokens[idx].content
        return _boxed_if_long(text, marked(text))

    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        text = tokens[idx].content
        # What ends its line behind a colon is a prompt or a reply.
        quoted = idx == len(tokens) - 1 and idx > 0 and tokens[idx - 1].content.endswith(": ")
        code = '<code class="quoted">{}</code>' if quoted else "<code>{}</code>"
        return _boxed_if_long(text, Markup(code).format(text))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        # The report's own figures have been drawn by now; whatever is left is not ours to load.
        return str(escape(f"[image: {tokens[idx].content}]"))

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        code = Markup(
            '<pre tabindex="0" role="region" aria-label="Command"><code>{}</code></pre>\n'
        )
        return str(code.format(tokens[idx].content))


def _boxed_if_long(text: str, html: Markup) -> str:
    if len(text) <= MAX_INLINE:
        return str(html)
    box = '<span class="long" tabindex="0" role="region" aria-label="Long text">{}</span>'
    return str(Markup(box).format(html))


def _blocks(tokens: Sequence[Token]) -> list[Block]:
    blocks: list[Block] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def _html(html: str) -> Token:
    # Plain: Markup would escape all that the renderer puts it together with.
    return Token("html_block", "", 0, content=str(html))


def _said(block: Block) -> str:
    """Return a paragraph's or heading's text without its markup; empty for other blocks."""
    if block[0].type not in ("paragraph_open", "heading_open"):
        return ""
    return "".join(child.content for child in block[1].children or [])


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
    return [*before, title, [_html(part.html)], *after]


def _anchor(blocks: list[Block]) -> list[Heading]:
    """Give every heading an id that no other element of the page has."""
    found: dict[str, Heading] = {}
    for block in blocks:
        if block[0].type != "heading_open":
            continue
        text = _said(block)
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
    return [_html(box.format(drawing.title, inline_svg(drawing, classes), drawing.title))]


def _boxed(blocks: list[Block]) -> Iterator[Block]:
    """Put the summary's first lines into a box, and mark doubts about the data."""
    for before, block in itertools.pairwise([[_html("")], *blocks]):
        if block[0].type != "bullet_list_open":
            yield block
        elif before[0].tag == "h2" and _said(before) == SUMMARY:
            first, rest = _split(block, VERDICT_LINES + _alarmed(block))
            yield [_html('<div class="verdict">\n'), *first, _html("</div>\n"), *rest]
        else:
            if _said(before) == DOUBTS:
                before[0].attrSet("class", "doubts")
                block[0].attrSet("class", "doubts")
            yield block


def _alarmed(block: Block) -> int:
    """Mark what says that nothing here can be trusted; count what of it is beyond the verdict."""
    items = [i for i, one in enumerate(block) if one.type == "list_item_open" and one.level == 1]
    shouts = 0
    for i in items:
        said = block[i + 2].content
        if ALARM in said:
            block[i].attrSet("class", "failed")
        shouts += SHOUT in said
    return shouts


def _split(block: Block, n: int) -> tuple[Block, Block]:
    """Split a list after its first items."""
    ends = [i for i, one in enumerate(block) if one.type == "list_item_close" and one.level == 1]
    if len(ends) <= n:
        return block, []
    end = ends[n - 1] + 1
    return [*block[:end], block[-1]], [block[0], *block[end:]]
