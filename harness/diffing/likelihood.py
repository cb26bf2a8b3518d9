"""How probable each side, and each alpha between and beyond, finds a sentence after prompts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from harness.analysis.dose import Estimate, mean_per_token
from harness.decoding.amplification import amplify
from harness.decoding.pair_model import PairLogits, Prompt
from harness.diffing.scan import LOWEST_LOGIT
from harness.diffing.surfaced import AlphaLogp, Likelihood
from harness.errors import ConfigurationError, UnsupportedRequest
from harness.pairs.loading import LoadedPair
from harness.pairs.models import ModelPair

ALPHAS = (-1.0, 0.0, 0.5, 1.0, 1.5)

# Positions of one batch whose logits of both sides are held: 200 MB at 49,152 tokens.
_BATCH_POSITIONS = 512

Floats = NDArray[np.float64]


class Asked(NamedTuple):
    """A prompt, by the name that clusters what it says."""

    name: str
    prompt: Prompt


def sentence_ids(pair: LoadedPair, sentence: str) -> tuple[int, ...]:
    """Return the tokens of a sentence that begins a reply; text that spells a mark is no mark.

    Raises:
        ConfigurationError: if it has none.
    """
    found = pair.chat.tokenizer(sentence, add_special_tokens=False, split_special_tokens=True)
    ids = tuple(int(i) for i in found["input_ids"])
    if not ids:
        raise ConfigurationError(f"the sentence {sentence!r} has no tokens; give it some words")
    return ids


def likelihood(
    pair: LoadedPair,
    sentence: str,
    asked: Sequence[Asked],
    alphas: Sequence[float] = ALPHAS,
) -> Likelihood:
    """Read a sentence as the beginning of the reply to each prompt, teacher-forced.

    With t and b the sides' logits at a token, its log-probability at alpha is that of
    ``softmax(t + alpha (t - b))``, summed over the sentence: alpha -1 is the baseline, 0 the
    target. Means are over prompts, with a t interval; of one prompt without one.

    Args:
        pair: whose weights are in memory.
        sentence: as it is spelled; the sum is over its own tokens, and not over the reply's end.
        asked: prompts, at least one that leaves room for the sentence; others are passed over.
        alphas: at which it is told how probable the sentence is.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
        ConfigurationError: if no prompt leaves room, or the sentence has no tokens.
    """
    ids = sentence_ids(pair, sentence)
    fitting = [one for one in asked if one.prompt.longest + len(ids) <= pair.model.max_context]
    if not fitting:
        raise ConfigurationError(
            f"no prompt is given that leaves room for {sentence!r}; give a shorter one"
        )
    wanted = sorted({-1.0, 0.0, *alphas})
    logps = _logps(pair, ids, [one.prompt for one in fitting], wanted)
    names = [one.name for one in fitting]
    baseline, target = logps[:, wanted.index(-1.0)], logps[:, wanted.index(0.0)]
    return Likelihood(
        sentence=sentence,
        n_tokens=len(ids),
        n_prompts=len(set(names)),
        target_logp_nats=mean_over(target, names),
        baseline_logp_nats=mean_over(baseline, names),
        log_odds_nats=mean_over(target - baseline, names),
        by_alpha=tuple(
            AlphaLogp(
                alpha=alpha,
                logp_nats=mean_over(logps[:, place], names),
                log_odds_nats=mean_over(logps[:, place] - baseline, names),
            )
            for place, alpha in enumerate(wanted)
            if alpha in alphas
        ),
    )


def mean_over(values: Floats, names: Sequence[str]) -> Estimate:
    """Average values with a t interval over what has the same name; at least one value."""
    found = mean_per_token(values, np.ones(len(values)), list(names))
    assert found is not None
    return found


def _logps(
    pair: LoadedPair, ids: tuple[int, ...], prompts: Sequence[Prompt], alphas: Sequence[float]
) -> Floats:
    """Return the sentence's log-probability after each prompt, [prompts, alphas], nats."""
    found = []
    at_once = max(1, _BATCH_POSITIONS // len(ids))
    for start in range(0, len(prompts), at_once):
        batch = prompts[start : start + at_once]
        for logits in read_logits(pair, batch, [ids] * len(batch)):
            found.append(_at_alphas(logits, ids, alphas))
    return np.array(found, dtype=np.float64)


def read_logits(
    pair: LoadedPair, prompts: Sequence[Prompt], replies: Sequence[tuple[int, ...]]
) -> list[PairLogits]:
    """Return all logits of known replies on both sides; see ``ModelPair.reply_logits``.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    if not isinstance(pair.model, ModelPair):
        raise UnsupportedRequest(
            "this pair tells the likeliest tokens of each side alone, and a sentence's are seldom "
            "among them: use a pair of local weights, without top_logprobs"
        )
    return pair.model.reply_logits(prompts, replies)


@torch.inference_mode()
def _at_alphas(logits: PairLogits, ids: tuple[int, ...], alphas: Sequence[float]) -> list[float]:
    at = torch.tensor(ids, device=logits.target.device).unsqueeze(-1)
    target, baseline = (side.clamp(min=LOWEST_LOGIT) for side in logits)
    found = []
    for alpha in alphas:
        strength = torch.full((len(ids), 1), alpha, device=logits.target.device)
        amplified = amplify(target, baseline, strength)
        found.append(float(amplified.log_softmax(-1).gather(-1, at).double().sum()))
    return found
