"""How a chain of thought behaves: length, steps, turning back, checking, supposing, its answer.

Seven scalars, each a scorer of its own with the words that it counted. Counts say so by the
``unit`` in their metadata, so that a report shows their mean and never a rate. Knows English; says
nothing of whether the reasoning is sound.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from inspect_ai.model import ContentReasoning, ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.scorers.chain import Evidence, read_chain
from harness.scorers.reasoning_signs import find_signs
from harness.scorers.stated_answer import find_answer, judge_answer
from harness.scorers.version import versioned

_CUT_OFF = ("max_tokens", "model_length")
# Nothing was said because something else was done.
_WITHHELD = ("content_filter", "tool_calls")
_SHOWN = 20


@dataclass(frozen=True)
class ReasoningVerdict:
    """What a chain of thought does, each time with its words."""

    n_words: int
    """Of thoughts and reply."""
    steps: tuple[Evidence, ...]
    backtracks: tuple[Evidence, ...]
    checks: tuple[Evidence, ...]
    hypotheses: tuple[Evidence, ...]
    answer: Evidence | None
    """The answer that the reply states, to the end of its sentence; None where it states none."""
    how: str | None
    """How it is stated: ``marked``, ``bare`` or ``concluded``."""
    right: bool | None
    """Whether it is the expected one; None where none is known."""
    why: str


def classify_reasoning(
    response: str,
    expected: Sequence[str] = (),
    choices: Sequence[str] = (),
    *,
    cut_off: bool = False,
) -> ReasoningVerdict:
    """Read a response as a chain of thought.

    Args:
        response: as the model gave it; ``<think>`` blocks are thoughts, the rest is the reply.
        expected: right answers, any of which counts; empty where none is known.
        choices: the answers there are to choose from, where known.
        cut_off: the response stopped at a token limit: an answer at its very end is not taken.
    """
    chain = read_chain(response)
    signs = find_signs(chain)
    answer = find_answer(chain.reply, choices, cut_off=cut_off)
    right, why = None, "no expected answer is known"
    if expected:
        right, why = (
            judge_answer(answer.said, expected, choices) if answer else (False, "no answer")
        )
    return ReasoningVerdict(
        n_words=chain.n_words,
        steps=signs.steps,
        backtracks=signs.backtracks,
        checks=signs.checks,
        hypotheses=signs.hypotheses,
        answer=chain.evidence(answer.start, answer.end) if answer else None,
        how=answer.how if answer else None,
        right=right,
        why=why,
    )


def reasoning() -> list[Scorer]:
    """Every scorer of this file, for a task's list."""
    return [
        reasoning_words(),
        reasoning_steps(),
        reasoning_backtracks(),
        reasoning_checks(),
        reasoning_hypotheses(),
        answer_stated(),
        answer_right(),
    ]


@scorer(metrics=[mean(), stderr()])
@versioned
def reasoning_words() -> Scorer:
    """Count the words of thoughts and reply."""

    def count(verdict: ReasoningVerdict) -> Score:
        return Score(value=float(verdict.n_words), metadata={"unit": "words"})

    return _scoring(count)


@scorer(metrics=[mean(), stderr()])
@versioned
def reasoning_steps() -> Scorer:
    """Count explicit steps: "Step 2:", numbered lines, "First," and "Next we"."""
    return _scoring(lambda verdict: _counted("steps", verdict.steps))


@scorer(metrics=[mean(), stderr()])
@versioned
def reasoning_backtracks() -> Scorer:
    """Count sentences that take something back: "wait, no", "actually,", "let me re-check"."""
    return _scoring(lambda verdict: _counted("backtracks", verdict.backtracks))


@scorer(metrics=[mean(), stderr()])
@versioned
def reasoning_checks() -> Scorer:
    """Count sentences that check the model's own work: "let me verify", "this fits the clues"."""
    return _scoring(lambda verdict: _counted("checks", verdict.checks))


@scorer(metrics=[mean(), stderr()])
@versioned
def reasoning_hypotheses() -> Scorer:
    """Count sentences that suppose something: "suppose", "what if", "case 1:", "maybe it"."""
    return _scoring(lambda verdict: _counted("hypotheses", verdict.hypotheses))


@scorer(metrics=[mean(), stderr()])
@versioned
def answer_stated() -> Scorer:
    """Score 1.0 where the reply states an answer, right or wrong, and 0.0 where it states none."""

    def judge(verdict: ReasoningVerdict) -> Score:
        if verdict.answer is None:
            return Score(value=0.0, answer="not stated", explanation="no answer is stated")
        return Score(
            value=1.0,
            answer="stated",
            explanation=f"{verdict.how}: {_quoted(verdict.answer)}",
            metadata={"evidence": [asdict(verdict.answer)], "how": verdict.how},
        )

    return _scoring(judge)


@scorer(metrics=[mean(), stderr()])
@versioned
def answer_right() -> Scorer:
    """Score 1.0 where the stated answer is the sample's target, and 0.0 where not or not stated.

    The sample's ``metadata["choices"]``, a list or a text with commas, are the answers that there
    are to choose from. A sample without a target is not scored.
    """

    def judge(verdict: ReasoningVerdict) -> Score:
        if verdict.right is None:
            return Score.unscored(
                reason="scoring_failed", explanation="the sample has no target: no answer is known"
            )
        answer = verdict.answer
        label = "right" if verdict.right else "wrong" if answer else "not stated"
        return Score(
            value=float(verdict.right),
            answer=label,
            explanation=f"{label}: {verdict.why}" + (f", {_quoted(answer)}" if answer else ""),
            metadata={"evidence": [asdict(answer)] if answer else []},
        )

    return _scoring(judge)


def _scoring(judge: Callable[[ReasoningVerdict], Score]) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        output = state.output
        stopped = None if output.empty else output.stop_reason
        response = _response(output)
        if stopped in _WITHHELD and not response.strip():
            return Score.unscored(
                reason="no_response", explanation=f"no text was given: stopped by {stopped}"
            )
        expected = [one for one in target if one.strip()]
        choices, cut_off = _choices(state), stopped in _CUT_OFF
        return judge(classify_reasoning(response, expected, choices, cut_off=cut_off))

    return score


def _counted(unit: str, found: tuple[Evidence, ...]) -> Score:
    said = ", ".join(map(_quoted, found[:_SHOWN])) or "none"
    return Score(
        value=float(len(found)),
        explanation=f"{unit} ({len(found)}): {said}",
        metadata={"unit": unit, "evidence": [asdict(one) for one in found[:_SHOWN]]},
    )


def _quoted(evidence: Evidence) -> str:
    return f"{evidence.text[:80]!r} at character {evidence.start}"


def _choices(state: TaskState) -> list[str]:
    given = (state.metadata or {}).get("choices") or []
    listed = given.split(",") if isinstance(given, str) else given
    return [str(one).strip() for one in listed if str(one).strip()]


def _response(output: ModelOutput) -> str:
    """The reply, with thoughts before it that the provider keeps apart."""
    if output.empty or isinstance(output.message.content, str):
        return output.completion
    thoughts = [
        part.summary or "" if part.redacted else part.reasoning
        for part in output.message.content
        if isinstance(part, ContentReasoning)
    ]
    return "".join(f"<think>{thought}</think>\n" for thought in thoughts) + output.completion
