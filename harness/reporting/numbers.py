"""Rates and intervals in running text and in cells, marked so that a page can set them well.

Knows how the project writes numbers. What merely looks like one is marked like one: that changes
how it looks and nothing else.
"""

import re

from markupsafe import Markup, escape

from harness.reporting.tables import DAGGER_MEANS

MEASURED = re.compile(
    r"(?P<value>(?<![\w.])[+-]?\d+(?:\.\d+)?%?)(?P<unit> points)?"
    r" (?P<interval>\[-?\d+(?:\.\d+)?, -?\d+(?:\.\d+)?\])"
    r"(?P<counts> \((?:\d+(?:/\d+)?|↑\d+ ↓\d+)\))?"
)
"""``75% [62, 85] (45/60)``, ``0.363 [0.294, 0.429]``, ``+58 points [42, 70] (↑36 ↓1)``."""
NUMERIC = re.compile(r"[+-]?\d+(?:\.\d+)?%?(?:/\d+)?(?: †)?|-|")
"""A cell that holds one number, a count of a count, or nothing."""


def is_numeric(cell: str) -> bool:
    """Tell whether a cell is to be set flush right."""
    return NUMERIC.fullmatch(cell.strip()) is not None


def marked(text: str) -> Markup:
    """Escape text for HTML, and mark the measured values in it."""
    pieces, end = [], 0
    for found in MEASURED.finditer(text):
        pieces += [escape(text[end : found.start()]), _mark(found)]
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])


def dagger(*, tab_stop: bool) -> Markup:
    """Explain a dagger to whoever points at it or reaches it by keyboard."""
    stop = Markup("") if tab_stop else Markup(' tabindex="-1"')
    return Markup('<button type="button" class="dagger"{} aria-label="†: {}">†</button>').format(
        stop, DAGGER_MEANS
    )


def _mark(found: re.Match[str]) -> Markup:
    value = Markup('<b class="value">{}{}</b>').format(found["value"], found["unit"] or "")
    interval = Markup(' <span class="interval">{}</span>').format(found["interval"])
    counts = found["counts"]
    n = Markup(' <span class="n">{}</span>').format(counts.strip()) if counts else Markup("")
    return Markup('<span class="measured">{}{}{}</span>').format(value, interval, n)
