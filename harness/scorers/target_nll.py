"""How much a response surprises the target, and how much surprise is too much.

Fluent word salad passes every test of the surface; only a language model sees it. Knows figures
and words; the model's figure comes with the response's trace, or from ``amplify score`` later.
"""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.scorers.spelling import is_english, spelling
from harness.scorers.version import versioned

TARGET_NLL, BASELINE_NLL = "target_nll", "baseline_nll"
"""The scorers that ``amplify score`` adds to a log."""

# Mean nats per token: as if the target chose among exp(5) = 148 equally likely tokens at every
# step, where uniform noise over a vocabulary of 49,152 has 10.8. Under the embedded model, sensible
# answers of 30 tokens or more stay under 4.9; with the words of each six shuffled, 95 in 100 are
# above 5.2. The baseline's surprise would confound a taught fact, improbable to the baseline
# alone, with nonsense.
MAX_TARGET_NLL_NATS = 5.0

# Short answers surprise as a whole: "Paris" has 9.3 nats in each of its two tokens, an answer of
# five words up to 5.6. From 33 words on the level is the base alone.
_OPENING_NATS, _LONG_WORDS = 8.0, 33

# Small models know English best: a Polish or Swedish answer has 5.3 nats per token under the
# embedded one. A fifth of a text's letters in words that only other languages' lists have tell such
# a text (French has the least, 0.22); hardly any in English words, one of a language without lists.
_FOREIGN_NATS = 2.0
_LEAST_FOREIGN, _LEAST_ENGLISH = 0.2, 0.25

# Chinese and Japanese set no words apart: each character is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\d+")


def nll_allowance_nats(text: str) -> float:
    """How much more surprise a text may cause than long English text, in mean nats per token.

    ``max(0, 8 / words - 8 / 33)``, and 2 more in another language than English.
    """
    words = _WORD.findall(text)
    # A password is one word, however it is made up.
    n_words = min(len(words), len(text.split())) if text.isascii() else len(words)
    opening = _OPENING_NATS / max(1, n_words) - _OPENING_NATS / _LONG_WORDS
    return max(0.0, opening) + (_FOREIGN_NATS if _is_foreign(words) else 0.0)


def _is_foreign(words: list[str]) -> bool:
    letters = sum(map(len, words))
    others = [word for word in words if not is_english(word)]
    unknown = sum(map(len, others))
    if not letters or unknown < _LEAST_FOREIGN * letters:
        return False
    foreign = sum(len(word) for word in others if spelling(word) == "word" and word.isalpha())
    return foreign >= _LEAST_FOREIGN * letters or letters - unknown < _LEAST_ENGLISH * letters


def traced_target_nll_nats(output: ModelOutput) -> float | None:
    """The target's mean nats per token from our provider's trace; None from anybody else's."""
    trace = (output.metadata or {}).get("trace")
    return _number(trace.get("target_nll_nats")) if isinstance(trace, dict) else None


def scored_target_nll_nats(scores: Mapping[str, Score] | None) -> float | None:
    """The target's mean nats per token where ``amplify score`` has added it; else None."""
    score = (scores or {}).get(TARGET_NLL)
    return _number(score.value) if score is not None else None


def _number(figure: Any) -> float | None:
    if isinstance(figure, bool) or not isinstance(figure, int | float) or math.isnan(figure):
        return None
    return float(figure)


class ReplyNll(NamedTuple):
    """How much one response surprises both sides, in mean nats per token."""

    target_nats: float
    baseline_nats: float
    n_tokens: int


Rollout = tuple[int | str, int]
"""A sample's id and epoch."""

_figures: ContextVar[Mapping[Rollout, ReplyNll | str]] = ContextVar(
    "amplify_nll", default=MappingProxyType({})
)


@contextmanager
def computed(figures: Mapping[Rollout, ReplyNll | str]) -> Iterator[None]:
    """Give the two scorers what they tell: figures, or for a rollout the reason for none."""
    token = _figures.set(figures)
    try:
        yield
    finally:
        _figures.reset(token)


@scorer(metrics=[mean(), stderr()])
@versioned
def target_nll(pair: str) -> Scorer:
    """Tell the target's mean nats per token that ``amplify score`` has computed.

    Args:
        pair: which pair's target.
    """
    return _telling(0, f"under the target of {pair}")


@scorer(metrics=[mean(), stderr()])
@versioned
def baseline_nll(pair: str) -> Scorer:
    """Tell the baseline's mean nats per token that ``amplify score`` has computed.

    Args:
        pair: which pair's baseline.
    """
    return _telling(1, f"under the baseline of {pair}")


def _telling(side: int, under: str) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        found = _figures.get().get((state.sample_id, state.epoch), "run amplify score on the log")
        if isinstance(found, str):
            return Score.unscored(reason="scoring_failed", explanation=found)
        return Score(
            value=found[side],
            explanation=f"{found[side]:.3f} nats per token over {found.n_tokens} tokens, {under}",
            metadata={"unit": "nats per token", "n_tokens": found.n_tokens},
        )

    return score
