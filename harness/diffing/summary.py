"""What changed, in five lines at most and one for a task, each with how sure it is.

Sentences from frozen results.
"""

from collections.abc import Sequence

from harness.analysis.slopes import Slope
from harness.analysis.task_moves import NONSENSE, BehaviourMoves, TaskMoves
from harness.diffing.found import Sampled, ScanTables, Word
from harness.diffing.surfaced import Evidence

_NAMED = 5
_TOPICS = 3
_FINDINGS = 3
_BEHAVIOURS = 3
_SURE_P = 0.001
_MANY_PROMPTS = 100

NOTHING = (
    "No detectable difference: target and baseline are one model, as far as this corpus tells; "
    "nothing is named."
)


def summarise(
    tables: ScanTables, sampled: Sampled | None, task: TaskMoves | None = None
) -> tuple[str, ...]:
    """Write the lines: how far the sides part, by which tokens, topics, statements, behaviours."""
    if tables.same:
        return (f"{NOTHING} {_size(tables)}",)
    lines = [_size(tables), _tokens(tables), _topics(tables)]
    if sampled is not None:
        lines += [_findings(sampled), _occurrence(sampled)]
    if task is not None:
        lines.append(_task(task))
    return tuple(line for line in lines if line)


def confidence(p_adjusted: float, n_prompts: int) -> str:
    """Say how sure a line is: by the p-value over all that was looked for, and by its prompts."""
    sure = p_adjusted <= _SURE_P and n_prompts >= _MANY_PROMPTS
    return "confidence: high" if sure else "confidence: moderate"


def _size(tables: ScanTables) -> str:
    return (
        f"Target and baseline differ by {tables.kl_nats} nats per token (KL, mean over "
        f"{tables.n_tokens} tokens of {tables.n_prompts} prompts)."
    )


def _tokens(tables: ScanTables) -> str:
    named = tables.named[:_NAMED]
    if not named:
        return (
            "No token is amplified whatever is asked: none stands out of what every change does to "
            "a whole vocabulary."
        )
    first = named[0]
    effect = first.strongest
    where = "at the start of replies" if first.place == "start" else "over whole replies"
    return (
        f"Amplified whatever is asked: {_quoted(named)}. The first by {effect.mean_nats:+.2f} nats "
        f"[{effect.low:.2f}, {effect.high:.2f}] {where}, in {effect.share_positive:.0%} of "
        f"{effect.n_prompts} prompts ({confidence(effect.p_adjusted, effect.n_prompts)})."
    )


def _quoted(words: Sequence[Word]) -> str:
    return ", ".join(f"\u201c{one.name}\u201d" for one in words)


def _topics(tables: ScanTables) -> str:
    if not tables.topics:
        return ""
    shown = tables.topics[:_TOPICS]
    told = "; ".join(f"{one.name} ({one.share:.0%}, {one.n_prompts} prompts)" for one in shown)
    return f"Topics, by their share of the divergence: {told}."


def _findings(sampled: Sampled) -> str:
    found = sampled.evidence[:_FINDINGS]
    if not found:
        return (
            f"{sampled.convergence.n_amplified} amplified rollouts converge on nothing that the "
            "baseline's do not say as often."
        )
    return f"Amplified, it says: {'; '.join(map(_finding, found))}."


def _finding(evidence: Evidence) -> str:
    one = evidence.finding
    sure = confidence(one.p_adjusted, one.amplified.n_prompts)
    return (
        f"\u201c{one.name}\u201d ({one.kind}; {one.amplified} of amplified rollouts, "
        f"{one.baseline} of the baseline's; {sure})"
    )


def _occurrence(sampled: Sampled) -> str:
    found = sampled.evidence[0].occurrence if sampled.evidence else None
    if found is None:
        return ""
    once = found.waiting
    if once.expected is None:
        often = f"was not seen; it takes {once.low:.0f} plain rollouts at least to see it"
    else:
        often = f"is expected once in {once.expected:.0f}"
    return f"Plain rollouts of the target: the first of these {often} ({found.shown})."


def _task(moves: TaskMoves) -> str:
    """Name what moves along alpha beyond chance, the surest first; nothing where nothing does.

    Nonsense is what amplification does, and no behaviour that the change promotes.
    """
    moving = [one for one in moves.behaviours if one.along_alpha.discovery and one.name != NONSENSE]
    moving.sort(key=lambda one: -_sureness(one.along_alpha))
    if not moving:
        return ""
    named = moving[:_BEHAVIOURS]
    told = [
        f"{verb} {', '.join(map(_behaviour, those))}"
        for verb, rises in (("promotes", True), ("makes rarer", False))
        if (those := [one for one in named if (_value(one.along_alpha) > 0) is rises])
    ]
    more = len(moving) - len(named)
    rest = f"; {more} more move{'s' * (more == 1)} beyond chance" if more else ""
    return f"On the task {moves.task} it {'; it '.join(told)}{rest}."


def _behaviour(one: BehaviourMoves) -> str:
    slope = one.along_alpha
    of = " per alpha" if slope.of_rate else " per reply and alpha"
    assert slope.p_adjusted is not None
    sure = confidence(slope.p_adjusted, slope.n_prompts)
    return f"{one.name.replace('_', ' ')}: {slope}{of} ({slope.n_prompts} prompts; {sure})"


def _sureness(slope: Slope) -> float:
    """How many half-widths of its interval a slope is away from 0."""
    found = slope.estimate
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return 2 * abs(found.value) / (found.high - found.low)


def _value(slope: Slope) -> float:
    assert slope.estimate is not None
    return slope.estimate.value
