"""How often plain rollouts of the target show a finding, and how many it takes to see it once."""

import re
from collections.abc import Sequence

from harness.analysis.rates import rate_of, rule_of_three
from harness.diffing.drawn import TARGET_ALPHA, Drawn
from harness.diffing.sentences import split
from harness.diffing.styles import STYLES
from harness.diffing.surfaced import Finding, Occurrence


def occurrence(finding: Finding, rollouts: Sequence[Drawn]) -> Occurrence | None:
    """Count a finding in plain rollouts of the target that begin where the prompt ends.

    A claim or a habit is counted by its pattern, sentence by sentence, a style by its sign.

    Args:
        finding: what to count.
        rollouts: of any alpha and start; all but the plain target's from prompts' starts are left
            out, and so is what has no text.

    Returns:
        None where there is nothing to count in, or no pattern to count by.
    """
    plain = plain_replies(rollouts)
    if not plain or not (finding.pattern or finding.kind == "style"):
        return None
    showing = shows(finding, plain)
    rate = rate_of([float(one) for one in showing], [one.prompt_id for one in plain])
    return Occurrence(rate=rate, note=rule_of_three(rate))


def plain_replies(rollouts: Sequence[Drawn]) -> list[Drawn]:
    """Return the plain target's rollouts that begin where their prompt ends, and have a text."""
    return [
        one
        for one in rollouts
        if one.alpha == TARGET_ALPHA and not one.given and one.text is not None
    ]


def shows(finding: Finding, rollouts: Sequence[Drawn]) -> list[bool]:
    """Say of each rollout whether it shows a finding.

    Args:
        finding: what to look for.
        rollouts: with a text each.
    """
    if finding.kind == "style":
        return [STYLES[finding.name](one.text or "") for one in rollouts]
    pattern = re.compile(finding.pattern, re.IGNORECASE)
    having = {one.rollout for one in split(rollouts) if pattern.search(one.reading)}
    return [place in having for place in range(len(rollouts))]
