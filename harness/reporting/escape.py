"""Text is data: what a model or a log says can't become markup, links or terminal commands.

Knows characters only. ``md`` is for names and sentences, ``code`` for model text, ``clean`` for
the terminal; templates escape with ``md`` whatever has not been through one of them.
"""

import re
import unicodedata

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and short ones.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# Controls, formats (bidi overrides, zero-width, tags), surrogates, private use: none is readable.
INVISIBLE = {"Cc", "Cf", "Cs", "Co"}
# Our own intervals stay readable: without a bracket or parenthesis after it, it is no link, and
# where it does not begin its line a colon makes no definition of it.
NUMBER = r"-?\d+(?:\.\d+)?"
INTERVAL = re.compile(rf"\[{NUMBER}, (?:beyond )?{NUMBER}\](?![(\[])")
SPECIAL = re.compile(r"[\\`*\[\]|~$@]|(?<![^\W_])_|_(?![^\W_])")
# What opens a heading, list, rule or quotation at the start of a line; -0.5 is none of them.
BLOCK_START = re.compile(r"^(?:[#=>]|[-+](?=[-\s]|$)|\d+(?=[.)](?:\s|$)))")
HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Markdown(str):
    """Text that is already fit to stand in markdown."""

    __slots__ = ()


def clean(text: str) -> str:
    """Make one readable line: no control, escape or invisible characters, no line breaks."""
    text = re.sub(r"\s", " ", ANSI.sub("", text))
    kept = "".join(c for c in text if unicodedata.category(c) not in INVISIBLE)
    return re.sub(" +", " ", kept).strip()


def md(text: str) -> Markdown:
    """Escape text for one line of markdown or one cell of a table."""
    line, pieces, end = clean(text), [], 0
    for interval in INTERVAL.finditer(line):
        if not interval.start() and line.startswith(":", interval.end()):
            continue
        pieces += [_escaped(line[end : interval.start()]), interval.group()]
        end = interval.end()
    whole = "".join([*pieces, _escaped(line[end:])])
    return Markdown(BLOCK_START.sub(_unblocked, whole))


def code(text: str) -> Markdown:
    """Quote text as a code span outside of tables; nothing in it is interpreted."""
    line = clean(text)
    if not line:
        return Markdown("(empty)")
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{ticks}{pad}{line}{pad}{ticks}")


def fence(text: str, language: str = "") -> Markdown:
    """Quote one line as a code block to copy from."""
    line = clean(text)
    ticks = "`" * max(3, _longest_run(line) + 1)
    return Markdown(f"{ticks}{language}\n{line}\n{ticks}")


def _escaped(text: str) -> str:
    text = SPECIAL.sub(lambda match: "\\" + match.group(), text)
    text = re.sub("[&<>]", lambda match: HTML[match.group()], text)
    # Bare addresses become links by themselves.
    text = text.replace("://", r"\://")
    return re.sub(r"(?i)\b(www)\.", r"\1\\.", text)


def _unblocked(start: re.Match[str]) -> str:
    found = start.group()
    # A digit can't be escaped, so the list marker after it is.
    return f"{found}\\" if found.isdigit() else f"\\{found}"


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall("`+", line)), default=0)
