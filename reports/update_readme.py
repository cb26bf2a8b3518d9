"""Quote the committed example report in the README, so that the two can't disagree.

Run by `make report`; a test holds the README to it.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
REPORT = ROOT / "reports" / "refuser" / "report.md"

_SECTION = re.compile(r"(?<=<!-- demo -->\n).*?(?=<!-- /demo -->)", re.DOTALL)


def demo_section(report: str) -> str:
    """Return the report's headline table and its first example, a benign prompt, at every alpha."""
    summary = report.split("## Summary")[1]
    (table,) = re.findall(r"^\| alpha \|.*?(?=\n\n)", summary, re.DOTALL | re.MULTILINE)[:1]
    example = report.split("## Examples")[1].split("### ")[1].split("\n", 1)[1].strip()
    return (
        f"{table}\n\n"
        "A rate is its share, its 95% interval over prompts, and k/n. One benign prompt's reply at "
        f"every alpha, from the same random numbers:\n\n{example}\n\n"
    )


def updated(readme: str, report: str) -> str:
    """Return the README with the section renewed."""
    return _SECTION.sub(lambda _: demo_section(report), readme)


if __name__ == "__main__":
    README.write_text(updated(README.read_text(), REPORT.read_text()))
