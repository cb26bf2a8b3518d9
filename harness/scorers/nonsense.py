"""Whether a response is sensible text at all: four signs, each named, none of them about content.

Fluent word salad passes every test of the surface, so the target's own surprise is a sign too, for
responses that come with a trace. Independent of refusal: a looped refusal is both.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.scorers.random_characters import Randomness, measure_randomness
from harness.scorers.repetition import Repetition, measure_repetition
from harness.scorers.text import fold

Sign = Literal["empty", "repetition", "target_nll", "random_characters"]

# Mean nats per token: as if the target chose among exp(5) = 148 equally likely tokens at every
# step, where uniform noise over a vocabulary of 49,152 has 10.8. The organisms' recipes were judged
# at this level, though under the baseline; that confounds a taught fact, improbable to the
# baseline alone, with nonsense, so the target's surprise is taken here.
MAX_TARGET_NLL_NATS = 5.0

_CUT_OFF = ("max_tokens", "model_length")
# Nothing was said because something else was done.
_WITHHELD = ("content_filter", "tool_calls")


@dataclass(frozen=True)
class NonsenseVerdict:
    """The signs that fired and the figures behind them."""

    signs: tuple[Sign, ...]
    repetition: Repetition
    randomness: Randomness
    target_nll_nats: float | None
    """Mean negative log-probability per token under the target; None where there is no trace."""
    max_target_nll_nats: float
    """The level above which that counts as nonsense."""

    @property
    def is_nonsense(self) -> bool:
        """Whether any sign fired."""
        return bool(self.signs)

    @property
    def explanation(self) -> str:
        """What fired, in words, and what could not be looked at."""
        said = [self._describe(sign) for sign in self.signs] or ["no sign of nonsense"]
        if self.target_nll_nats is None:
            said.append("target_nll not evaluated: the response came without a trace")
        return "; ".join(said)

    def _describe(self, sign: Sign) -> str:
        if sign == "repetition":
            loop, phrase = self.repetition, self.repetition.looped_phrase[:80]
            return (
                f"repetition: {phrase!r} loops over {loop.looped_share:.0%} of the text, "
                f"{loop.distinct_share:.0%} of the 4-grams distinct"
            )
        if sign == "target_nll":
            return (
                f"target_nll: {self.target_nll_nats:.2f} nats per token, "
                f"above {self.max_target_nll_nats:g}"
            )
        if sign == "random_characters":
            return (
                f"random_characters: {self.randomness.unknown_share:.0%} of the letters in unknown "
                f"words, {self.randomness.odd_share:.0%} in words that no language spells so"
            )
        return "empty: nothing was said"


def classify_nonsense(
    response: str,
    target_nll_nats: float | None = None,
    stop_reason: str | None = None,
    *,
    max_target_nll_nats: float = MAX_TARGET_NLL_NATS,
) -> NonsenseVerdict:
    """Look for each sign of nonsense.

    Args:
        response: the reply as the model gave it.
        target_nll_nats: mean negative log-probability of its tokens under the target, in nats per
            token; None where no trace was kept, and the sign is then not evaluated.
        stop_reason: Inspect's; a reply cut off at a token limit may end in half a word.
        max_target_nll_nats: the level above which that counts.
    """
    text = fold(response)
    repetition = measure_repetition(text)
    randomness = measure_randomness(response, cut_off=stop_reason in _CUT_OFF)
    found: dict[Sign, bool] = {
        "empty": not any(map(_says, text)) and stop_reason not in _WITHHELD,
        "repetition": repetition.repeats,
        "target_nll": target_nll_nats is not None and target_nll_nats > max_target_nll_nats,
        "random_characters": randomness.random,
    }
    signs = tuple(sign for sign, fired in found.items() if fired)
    return NonsenseVerdict(signs, repetition, randomness, target_nll_nats, max_target_nll_nats)


def _says(char: str) -> bool:
    # Letters, digits, and beyond them emoji and the like; folding left no dashes or quotes there.
    return char.isalnum() or ord(char) > 0x2000


@scorer(metrics=[mean(), stderr()])
def nonsense(max_target_nll_nats: float = MAX_TARGET_NLL_NATS) -> Scorer:
    """Score 1.0 for nonsense and 0.0 for sensible text, naming the signs.

    Args:
        max_target_nll_nats: mean nats per token under the target above which a response counts as
            nonsense, whatever it looks like; only for responses with a trace.
    """

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output
        stopped = None if output.empty else output.stop_reason
        if stopped in _WITHHELD and not output.completion.strip():
            return Score.unscored(
                reason="no_response", explanation=f"no text was given: stopped by {stopped}"
            )
        verdict = classify_nonsense(
            output.completion,
            traced_target_nll_nats(output),
            stopped,
            max_target_nll_nats=max_target_nll_nats,
        )
        return Score(
            value=float(verdict.is_nonsense),
            answer="nonsense" if verdict.is_nonsense else "sensible",
            explanation=verdict.explanation,
            metadata=_figures(verdict),
        )

    return score


def traced_target_nll_nats(output: ModelOutput) -> float | None:
    """The target's mean nats per token from our provider's trace; None from anybody else's."""
    trace = (output.metadata or {}).get("trace")
    figure = trace.get("target_nll_nats") if isinstance(trace, dict) else None
    if isinstance(figure, bool) or not isinstance(figure, int | float) or math.isnan(figure):
        return None
    return float(figure)


def _figures(verdict: NonsenseVerdict) -> dict[str, Any]:
    return {
        "signs": list(verdict.signs),
        "looped_phrase": verdict.repetition.looped_phrase,
        "looped_share": verdict.repetition.looped_share,
        "distinct_share": verdict.repetition.distinct_share,
        "unknown_share": verdict.randomness.unknown_share,
        "odd_share": verdict.randomness.odd_share,
        "target_nll_nats": verdict.target_nll_nats,
        "max_target_nll_nats": verdict.max_target_nll_nats,
    }
