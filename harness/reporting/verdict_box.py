"""The boxes of a page that are read first: the verdict, what failed, doubts about the data.

Knows how the summary begins in the text: a list below its heading, and doubts below it.
"""

import itertools
from collections.abc import Iterator, Sequence

from harness.reporting.blocks import Block, html_token, said

SUMMARIES = ("Summary", "What changed")
VERDICT_LINES = 5
ALARM = "FAILED, so trust no rate here"
SHOUT = "FIDELITY FAILED"
"""Begins what stands before the verdict's lines where a check of fidelity failed."""
DOUBTS = "Doubts about the data:"


def boxed(blocks: Sequence[Block]) -> Iterator[Block]:
    """Put the summary's first lines into a box, and mark doubts about the data."""
    for before, block in itertools.pairwise([[html_token("")], *blocks]):
        if block[0].type != "bullet_list_open":
            yield block
        elif before[0].tag == "h2" and said(before) in SUMMARIES:
            first, rest = _split(block, VERDICT_LINES + _alarmed(block))
            yield [html_token('<div class="verdict">\n'), *first, html_token("</div>\n"), *rest]
        else:
            if said(before) == DOUBTS:
                before[0].attrSet("class", "doubts")
                block[0].attrSet("class", "doubts")
            yield block


def _alarmed(block: Block) -> int:
    """Mark what says that nothing here can be trusted; count what of it is beyond the verdict."""
    items = [i for i, one in enumerate(block) if one.type == "list_item_open" and one.level == 1]
    shouts = 0
    for i in items:
        line = block[i + 2].content
        if ALARM in line:
            block[i].attrSet("class", "failed")
        shouts += SHOUT in line
    return shouts


def _split(block: Block, n: int) -> tuple[Block, Block]:
    """Split a list after its first items."""
    ends = [i for i, one in enumerate(block) if one.type == "list_item_close" and one.level == 1]
    if len(ends) <= n:
        return block, []
    end = ends[n - 1] + 1
    return [*block[:end], block[-1]], [block[0], *block[end:]]
