"""Known replies read at once, against a model that reads the whole row again for every token."""

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.errors import UnsupportedRequest
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.teacher_forcing import KnownReply, score_replies
from harness.pairs.top_logprobs import TruncatedPair
from tests.fakes import tiny_model

REPLIES = [
    KnownReply(Prompt((5, 17, 200), (5, 17, 200)), (9, 30, 31)),
    KnownReply(Prompt((80,), (40, 41)), (7,)),
    KnownReply(Prompt((9, 8, 7, 6, 5), (9, 8, 7, 6, 5)), tuple(range(30, 70))),
]


def read_again(model, prompt, reply):
    """Log-probabilities of a reply's tokens, one whole pass per token."""
    logps = []
    for i, token in enumerate(reply):
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + reply[:i]])).logits[0, -1]
        logps.append(logits.log_softmax(-1)[token].item())
    return logps


def two_models(family="llama"):
    return tiny_model(family, seed=1), tiny_model(family, seed=2)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_each_side_finds_a_reply_as_probable_as_token_by_token(family):
    pair = ModelPair(*map(Reader, two_models(family)))
    target, baseline = two_models(family)
    for known, found in zip(REPLIES, score_replies(pair, REPLIES), strict=True):
        for model, ids, logps in (
            (target, known.prompt.target_ids, found.target),
            (baseline, known.prompt.baseline_ids, found.baseline),
        ):
            assert logps.tolist() == pytest.approx(read_again(model, ids, known.ids), abs=1e-4)


def test_one_model_on_both_sides_finds_them_equally_probable():
    reader = Reader(tiny_model("llama"))
    for one in score_replies(ModelPair(reader, reader), [REPLIES[0], REPLIES[2]]):
        assert one.target.tolist() == one.baseline.tolist()


def test_a_long_row_is_read_in_stretches(monkeypatch):
    pair = ModelPair(*map(Reader, two_models()))
    whole = score_replies(pair, REPLIES)
    monkeypatch.setattr("harness.pairs.known_rows._STRETCH", 16)
    for once, parts in zip(whole, score_replies(pair, REPLIES), strict=True):
        assert parts.target.tolist() == pytest.approx(once.target.tolist(), abs=1e-5)


def test_batches_change_nothing_and_are_told(monkeypatch):
    pair = ModelPair(*map(Reader, two_models()))
    together = score_replies(pair, REPLIES)
    monkeypatch.setattr("harness.pairs.teacher_forcing._BATCH_TOKENS", 1)
    told = []
    alone = score_replies(pair, REPLIES, told.append)
    assert told == [1, 1, 1]
    for one, other in zip(together, alone, strict=True):
        assert one.baseline.tolist() == pytest.approx(other.baseline.tolist(), abs=1e-5)


def test_no_replies_give_nothing():
    assert score_replies(ModelPair(*map(Reader, two_models())), []) == []


def test_a_pair_that_knows_its_likeliest_tokens_alone_is_refused():
    pair = TruncatedPair(ModelPair(*map(Reader, two_models())), k=5)
    with pytest.raises(UnsupportedRequest, match="local weights"):
        score_replies(pair, REPLIES)
