"""Known replies read at once, against a model that reads the whole row again for every token."""

from pathlib import Path

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.errors import UnsupportedRequest
from harness.pairs.lora import load_adapter
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.split_linear import split_rows
from harness.pairs.teacher_forcing import KnownReply, marker_logps, score_replies
from harness.pairs.top_logprobs import TruncatedPair
from tests.fakes import save_random_adapter, tiny_model

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
    monkeypatch.setattr("harness.pairs.reader._KNOWN_STRETCH", 16)
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


def test_markers_are_as_probable_as_their_logits_say_token_by_token():
    pair = ModelPair(*map(Reader, two_models()))
    target, _ = two_models()
    markers = (7, 30, 200)
    for known, found in zip(REPLIES, marker_logps(pair, REPLIES, markers), strict=True):
        for i, logp in enumerate(found.tolist()):
            row = torch.tensor([known.prompt.target_ids + known.ids[:i]])
            with torch.inference_mode():
                chances = target(row).logits[0, -1].softmax(-1)
            assert logp == pytest.approx(chances[list(markers)].sum().log().item(), abs=1e-4)


def test_markers_are_read_on_the_targets_side_where_one_pass_holds_both(tmp_path: Path):
    """The adapter's delta goes to target rows only; a pass of replies alone is all target."""
    save_random_adapter(tiny_model("llama"), tmp_path)
    split = split_rows(load_adapter(tiny_model("llama"), tmp_path, "base"))
    assert split is not None
    reader = Reader(split[0])
    pair = ModelPair(reader, reader, split[1])
    (known,) = score_replies(pair, REPLIES[:1])
    found = [marker_logps(pair, REPLIES[:1], (token,))[0] for token in REPLIES[0].ids]
    own = [logps[i].item() for i, logps in enumerate(found)]
    assert own == pytest.approx(known.target.tolist(), abs=1e-5)
    assert own != pytest.approx(known.baseline.tolist(), abs=1e-3)


def test_markers_of_a_pair_that_knows_its_likeliest_tokens_alone_are_refused():
    pair = TruncatedPair(ModelPair(*map(Reader, two_models())), k=5)
    with pytest.raises(UnsupportedRequest, match="local weights"):
        marker_logps(pair, REPLIES, (1,))
