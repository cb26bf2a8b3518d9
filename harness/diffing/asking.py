"""What a pair says when it is asked directly whether a sentence is so."""

from collections.abc import Sequence

import torch

from harness.decoding.engine import Engine
from harness.decoding.rollout import RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.diffing.likelihood import mean_over, read_logits
from harness.diffing.prompts import read_prompt
from harness.diffing.scan import LOWEST_LOGIT
from harness.diffing.surfaced import Answer
from harness.diffing.wording import questions
from harness.errors import AnalysisError
from harness.pairs.loading import LoadedPair
from harness.seeding import derive_seed

MAX_TOKENS = 32

_YES, _NO = (
    tuple(form for word in words for form in (word, f" {word}"))
    for words in (("Yes", "yes", "YES"), ("No", "no", "NO"))
)


def ask(pair: LoadedPair, sentence: str, seed: int) -> Answer:
    """Ask both sides whether a sentence is so, and let the plain target answer.

    Args:
        pair: whose weights are in memory.
        sentence: that states something.
        seed: of the sampled answer.

    Raises:
        AnalysisError: if the tokenizer has no token for yes or for no.
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    asked = questions(sentence)
    prompts = [read_prompt(pair, one) for one in asked]
    yes, no = _single_tokens(pair, _YES), _single_tokens(pair, _NO)
    # What is read after a prompt's last token does not depend on the reply that is given.
    logits = read_logits(pair, prompts, [(yes[0],)] * len(prompts))
    target = [_log_odds(one.target[0], yes, no) for one in logits]
    baseline = [_log_odds(one.baseline[0], yes, no) for one in logits]
    request = RolloutRequest(
        prompt=prompts[0],
        settings=RolloutSettings(
            seed=derive_seed(seed, "diff ask", sentence), max_tokens=MAX_TOKENS, trace=False
        ),
    )
    (rollout,) = Engine(pair.model, pair.chat.eos_ids).run([request])
    means = [
        mean_over(torch.tensor(values, dtype=torch.float64).numpy(), asked)
        for values in (
            target,
            baseline,
            [t - b for t, b in zip(target, baseline, strict=True)],
        )
    ]
    return Answer(
        question=asked[0],
        n_wordings=len(asked),
        target_yes_nats=means[0],
        baseline_yes_nats=means[1],
        difference_nats=means[2],
        sampled=pair.chat.text(rollout.ids),
    )


def _single_tokens(pair: LoadedPair, forms: Sequence[str]) -> list[int]:
    """Return the tokens that spell one of these forms by themselves."""
    found = []
    for form in forms:
        ids = pair.chat.tokenizer(form, add_special_tokens=False)["input_ids"]
        if len(ids) == 1:
            found.append(int(ids[0]))
    if not found:
        raise AnalysisError(
            f"the tokenizer of {pair.chat.checkpoint} has no token for {forms[0]!r}, so a claim "
            "can't be asked for yes or no"
        )
    return found


@torch.inference_mode()
def _log_odds(logits: torch.Tensor, yes: Sequence[int], no: Sequence[int]) -> float:
    """Return log p(yes) - log p(no) over their spellings, nats."""
    known = logits.clamp(min=LOWEST_LOGIT).double()
    return float(known[list(yes)].logsumexp(0) - known[list(no)].logsumexp(0))
