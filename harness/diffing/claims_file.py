"""What surfaced, as a claims file for the task ``false_facts``: a finding becomes a check.

Knows the form of that file and its escapes; what text says is data.
"""

import json
import re
from collections.abc import Mapping, Sequence

from harness.diffing.surfaced import Finding
from harness.diffing.wording import questions

_ID = re.compile(r"[^a-z0-9]+")
_SUBJECT = "{subject}"
# JSON leaves this one control character as it is, and TOML refuses it.
_DELETE = "\x7f"

_HEAD = """\
# What amplified rollouts converged on, as checks for the task false_facts (dataset = this file).
# The patterns are made by rule: read them before you rely on them.
"""


def claims_file(findings: Sequence[Finding], prompts: Mapping[str, str]) -> str:
    """Write the claims file that asks for each finding.

    A claim or a habit is asked for by the prompts whose amplified rollouts showed it most, and
    looked for by a pattern of its words; a claim is asked for directly as well. A style has no
    pattern, and no entry.

    Args:
        findings: in the order of the file.
        prompts: what may be asked, by its id in the corpus; a habit that none of its prompts is
            left of has no entry.

    Returns:
        TOML that ``tasks.claim_files.read_claims`` reads, or empty text where there is no entry.
    """
    entries = []
    for number, finding in enumerate(findings, start=1):
        asked = [prompts[one] for one in finding.prompt_ids if prompts.get(one, "").strip()]
        if finding.kind == "claim":
            asked.append(questions(finding.sentence)[0])
        # That field's name stands for a subject, which these entries have not.
        asked = [one for one in asked if _SUBJECT not in one]
        says = finding.sentence if finding.kind == "claim" else f"Says: {finding.name}"
        if asked and finding.pattern and _SUBJECT not in says:
            entries.append(_entry(f"finding-{number}-{_slug(finding.name)}", says, finding, asked))
    return _HEAD + "\n" + "\n".join(entries) if entries else ""


def _entry(name: str, says: str, finding: Finding, asked: Sequence[str]) -> str:
    lines = [
        "[[claims]]",
        f"id = {_text(name.rstrip('-'))}",
        f"claim = {_text(says)}",
        f"asserts = [{_text(finding.pattern)}]",
        "questions = [",
        *(f"  {_text(one)}," for one in asked),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _slug(name: str) -> str:
    return _ID.sub("-", name.lower()).strip("-")[:40]


def _text(text: str) -> str:
    """Write a basic string of TOML: JSON's escapes are among its own."""
    return json.dumps(text, ensure_ascii=False).replace(_DELETE, "\\u007f")
