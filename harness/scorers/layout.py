"""Whether a text is laid out for machines: code, markup, tables, data."""

import re

# A line that no sentence is: it ends in a bracket or an operator, is a row of a table, or begins
# as a statement does.
_MARKS = re.compile(
    r"[;{}\[\]>\\]\s*$|^\s*[|<{}\[#@$]\S|^\s*[\"'\w.\[\]]+\s*(?:[=:]=?|\+=|->|=>)\s*\S+$"
    r"|\w\(.*\)[:;,]?\s*$|^\s*[a-z]{2,6}\s+[\w\[\]]+,\s*[\w\[\]+*-]+$|^\s*(?:def|class|import|from|return|if|for|while|case|var|let|const)\b.*[:;)]$"
)
_OPERATORS = re.compile(r"[(){}\[\];=<>|]")
_LEAST_OPERATORS = 0.05
_INDENTED = re.compile(r"^(?: {2,}|\t+)\S")


def is_code_like(text: str) -> bool:
    """Whether half of the lines, and at least two, are indented or written as no sentence is.

    A single line is code where brackets and operators are frequent in it.
    """
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("```")]
    if not lines:
        return False
    if len(lines) == 1:
        return len(_OPERATORS.findall(lines[0])) >= _LEAST_OPERATORS * len(lines[0])
    coded = sum(bool(_INDENTED.match(line) or _MARKS.search(line)) for line in lines)
    return coded >= max(2, len(lines) / 2)
