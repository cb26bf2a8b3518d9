"""Tables of a page: what each cell is the head of, which columns hold numbers, what † means.

Knows markdown-it's tokens of tables, which hold a row for the head and one per row of the body.
"""

from collections.abc import Sequence

from markdown_it.token import Token
from markupsafe import Markup

from harness.reporting.numbers import dagger, is_numeric

Cell = tuple[Token, Token, Token]
"""What opens it, what is in it, what closes it."""


def dress_tables(tokens: list[Token]) -> None:
    """Dress every table in place, each in a box that scrolls by itself and says what it is of."""
    starts = [i for i, token in enumerate(tokens) if token.type == "table_open"]
    ends = [i for i, token in enumerate(tokens) if token.type == "table_close"]
    boxed = []
    for start, end in zip(starts, ends, strict=True):
        _dress(_rows(tokens[start:end]))
        boxed.append((start, end, _title(tokens[:start])))
    box = Markup('<div class="table" tabindex="0" role="region" aria-label="Table: {}">\n')
    for start, end, title in reversed(boxed):
        tokens.insert(end + 1, Token("html_block", "", 0, content="</div>\n"))
        tokens.insert(start, Token("html_block", "", 0, content=str(box.format(title))))


def _title(before: Sequence[Token]) -> str:
    """Return the heading that a table stands under."""
    for i in reversed(range(len(before))):
        if before[i].type == "heading_open":
            return "".join(child.content for child in before[i + 1].children or [])[:80]
    return "report"


def _rows(tokens: Sequence[Token]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for i, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append((token, tokens[i + 1], tokens[i + 2]))
    return rows


def _dress(rows: list[list[Cell]]) -> None:
    head, *body = rows
    for opening, _, _ in head:
        opening.attrSet("scope", "col")
    for first, *_ in body:
        first[0].tag = first[2].tag = "th"
        first[0].attrSet("scope", "row")
    for column in zip(head, *body, strict=True):
        if len(column) > 1 and all(is_numeric(text.content) for _, text, _ in column[1:]):
            for opening, _, _ in column:
                opening.attrSet("class", "number")
    daggers = 0
    for row in body:
        for _, text, _ in row:
            daggers += _explain(text, is_first=daggers == 0)


def _explain(cell: Token, *, is_first: bool) -> int:
    """Explain the dagger that ends a cell; one a table is reached by tab, all by pointer."""
    last = (cell.children or [])[-1:]
    if not last or last[0].type != "text" or not last[0].content.endswith("†"):
        return 0
    last[0].content = last[0].content.removesuffix("†").rstrip() + " "
    sign = Token("html_inline", "", 0, content=str(dagger(tab_stop=is_first)))
    assert cell.children is not None
    cell.children.append(sign)
    return 1
