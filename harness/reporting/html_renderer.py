"""markdown-it's renderer for a page: values stand out, long text scrolls, no image is loaded."""

from collections.abc import Sequence

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from harness.reporting.numbers import marked

MAX_INLINE = 2000
"""Characters of one piece of text, some 25 lines; what is longer scrolls in a box of its own."""


class PageRenderer(RendererHTML):
    """Renders tokens; its methods are named after their types."""

    # Each returns a plain str: Markup would escape all that the renderer puts it together with.
    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Mark the values in it."""
        text = tokens[idx].content
        return _boxed_if_long(text, marked(text))

    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Give what ends its line behind a colon, a prompt or a reply, lines of its own."""
        text = tokens[idx].content
        quoted = idx == len(tokens) - 1 and idx > 0 and tokens[idx - 1].content.endswith(": ")
        code = '<code class="quoted">{}</code>' if quoted else "<code>{}</code>"
        return _boxed_if_long(text, Markup(code).format(text))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Say that there is one: the report's own are drawn by now, and no other is loaded."""
        return str(escape(f"[image: {tokens[idx].content}]"))

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Box it, since a command is copied whole."""
        code = Markup(
            '<pre tabindex="0" role="region" aria-label="Command"><code>{}</code></pre>\n'
        )
        return str(code.format(tokens[idx].content))


def _boxed_if_long(text: str, html: Markup) -> str:
    if len(text) <= MAX_INLINE:
        return str(html)
    box = '<span class="long" tabindex="0" role="region" aria-label="Long text">{}</span>'
    return str(Markup(box).format(html))
