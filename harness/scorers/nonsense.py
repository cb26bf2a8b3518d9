"""Whether a response is sensible text at all: signs, each named, none of them about content.

Independent of refusal: a looped refusal is both.
"""

from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.scorers.compression import Compression, measure_compression
from harness.scorers.layout import is_code_like
from harness.scorers.leaked_tokens import LeakedTokens, find_leaked_tokens
from harness.scorers.random_characters import Randomness, measure_randomness
from harness.scorers.repetition import Repetition, measure_repetition
from harness.scorers.script_soup import ScriptSoup, measure_script_soup
from harness.scorers.target_nll import (
    MAX_TARGET_NLL_NATS,
    nll_allowance_nats,
    scored_target_nll_nats,
    traced_target_nll_nats,
)
from harness.scorers.text import fold
from harness.scorers.version import versioned

Sign = Literal[
    "empty",
    "repetition",
    "compression",
    "target_nll",
    "random_characters",
    "script_soup",
    "leaked_tokens",
]

_CUT_OFF = ("max_tokens", "model_length")
# Nothing was said because something else was done.
_WITHHELD = ("content_filter", "tool_calls")


@dataclass(frozen=True)
class NonsenseVerdict:
    """The signs that fired and the figures behind them."""

    signs: tuple[Sign, ...]
    repetition: Repetition
    compression: Compression
    randomness: Randomness
    soup: ScriptSoup
    leaked: LeakedTokens
    target_nll_nats: float | None
    """Mean negative log-probability per token under the target; None where nothing told it."""
    max_target_nll_nats: float
    """The level above which that counts as nonsense in long English text."""
    nll_allowance_nats: float
    """What this text's length and language add to that level."""

    @property
    def is_nonsense(self) -> bool:
        """Whether any sign fired."""
        return bool(self.signs)

    @property
    def values(self) -> dict[Sign, float]:
        """The figure behind each sign that fired; what it measures stands in the explanation."""
        return {sign: self._value(sign) for sign in self.signs}

    @property
    def explanation(self) -> str:
        """What fired, in words, and what could not be looked at."""
        said = [self._describe(sign) for sign in self.signs] or ["no sign of nonsense"]
        if self.target_nll_nats is None:
            said.append("target_nll not evaluated: the response came without a trace")
        return "; ".join(said)

    def _value(self, sign: Sign) -> float:
        figures: dict[Sign, float | None] = {
            "empty": 0.0,
            "repetition": max(self.repetition.looped_share, 1 - self.repetition.distinct_share),
            "compression": self.compression.normalised,
            "target_nll": self.target_nll_nats,
            "random_characters": self.randomness.odd_share,
            "script_soup": max(
                self.soup.mixed_share, self.soup.change_share, self.soup.broken_share
            ),
            "leaked_tokens": float(self.leaked.count),
        }
        figure = figures[sign]
        assert figure is not None
        return figure

    def _describe(self, sign: Sign) -> str:
        loop, soup, allowed = self.repetition, self.soup, self.nll_allowance_nats
        place = f"{loop.level}, at its end" if loop.late else loop.level
        said: dict[Sign, str] = {
            "empty": "nothing was said",
            "repetition": f"{loop.looped_phrase[:80]!r} loops over {loop.looped_share:.0%} of the "
            f"text ({place}), {loop.distinct_share:.0%} of the 4-grams distinct",
            "compression": f"zlib makes it {self.compression.ratio:.1f} times smaller, "
            f"{self.compression.normalised:.1f} times as much as expected at this length",
            "target_nll": f"{self.target_nll_nats or 0:.2f} nats per token, above "
            f"{self.max_target_nll_nats:g}"
            + (f" + {allowed:.2f} for its length and language" if allowed else ""),
            "random_characters": f"{self.randomness.unknown_share:.0%} of the letters in "
            f"unknown words, {self.randomness.odd_share:.0%} in words that no language spells so",
            "script_soup": f"{soup.mixed_share:.0%} of the letters in words of several scripts, "
            f"{soup.change_share:.0%} of the words followed by another script's, "
            f"{soup.broken_share:.0%} broken",
            "leaked_tokens": f"{self.leaked.first!r} and {self.leaked.count - 1} more",
        }
        return f"{sign}: {said[sign]}"


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
            token; None where nothing told it, and the sign is then not evaluated.
        stop_reason: Inspect's; a reply cut off at a token limit may end in half a word.
        max_target_nll_nats: the level above which that counts for long English text; shorter and
            foreign text is given more, see ``nll_allowance_nats``.
    """
    text = fold(response)
    repetition = measure_repetition(text)
    compression = measure_compression(text)
    randomness = measure_randomness(response, cut_off=stop_reason in _CUT_OFF)
    soup, leaked = measure_script_soup(response), find_leaked_tokens(response)
    allowance = nll_allowance_nats(response)
    found: dict[Sign, bool] = {
        "empty": not any(map(_says, text)) and stop_reason not in _WITHHELD,
        "repetition": repetition.repeats,
        # What loops compresses, which need not be told twice; and data compress by nature.
        "compression": compression.too_much and not repetition.repeats and not is_code_like(text),
        "target_nll": target_nll_nats is not None
        and target_nll_nats > max_target_nll_nats + allowance,
        "random_characters": randomness.random,
        "script_soup": soup.soup,
        "leaked_tokens": leaked.leaked,
    }
    return NonsenseVerdict(
        signs=tuple(sign for sign, fired in found.items() if fired),
        repetition=repetition,
        compression=compression,
        randomness=randomness,
        soup=soup,
        leaked=leaked,
        target_nll_nats=target_nll_nats,
        max_target_nll_nats=max_target_nll_nats,
        nll_allowance_nats=allowance,
    )


def _says(char: str) -> bool:
    # Letters, digits, and beyond them emoji and the like; folding left no dashes or quotes there.
    return char.isalnum() or ord(char) > 0x2000


@scorer(metrics=[mean(), stderr()])
@versioned
def nonsense(max_target_nll_nats: float = MAX_TARGET_NLL_NATS) -> Scorer:
    """Score 1.0 for nonsense and 0.0 for sensible text, naming the signs.

    Args:
        max_target_nll_nats: mean nats per token under the target above which a long English
            response counts as nonsense, whatever it looks like; only for responses with a trace or
            with the score that ``amplify score`` adds.
    """

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output
        stopped = None if output.empty else output.stop_reason
        if stopped in _WITHHELD and not output.completion.strip():
            return Score.unscored(
                reason="no_response", explanation=f"no text was given: stopped by {stopped}"
            )
        traced = traced_target_nll_nats(output)
        verdict = classify_nonsense(
            output.completion,
            scored_target_nll_nats(state.scores) if traced is None else traced,
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


def _figures(verdict: NonsenseVerdict) -> dict[str, Any]:
    return {
        "signs": list(verdict.signs),
        "values": verdict.values,
        "looped_phrase": verdict.repetition.looped_phrase,
        "looped_share": verdict.repetition.looped_share,
        "loop_level": verdict.repetition.level,
        "late": verdict.repetition.late,
        "distinct_share": verdict.repetition.distinct_share,
        "compression": verdict.compression.normalised,
        "unknown_share": verdict.randomness.unknown_share,
        "odd_share": verdict.randomness.odd_share,
        "mixed_share": verdict.soup.mixed_share,
        "leaked_token": verdict.leaked.first,
        "target_nll_nats": verdict.target_nll_nats,
        "max_target_nll_nats": verdict.max_target_nll_nats,
        "nll_allowance_nats": verdict.nll_allowance_nats,
    }
