"""A parsed markdown text as its blocks, and what may be asked of one."""

from collections.abc import Sequence

from markdown_it.token import Token

Block = list[Token]
"""A paragraph, list, table or heading with all that is in it."""


def split_blocks(tokens: Sequence[Token]) -> list[Block]:
    """Split tokens at their top level."""
    blocks: list[Block] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def html_token(html: str) -> Token:
    """Return a token that stands for finished HTML."""
    # Plain: Markup would escape all that the renderer puts it together with.
    return Token("html_block", "", 0, content=str(html))


def said(block: Block) -> str:
    """Return a paragraph's or heading's text without its markup; empty for other blocks."""
    if block[0].type not in ("paragraph_open", "heading_open"):
        return ""
    return "".join(child.content for child in block[1].children or [])
