"""Markers along known replies, against a model that reads the whole row again for each place."""

import math
from pathlib import Path

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.errors import UnsupportedRequest
from harness.pairs.lora import load_adapter
from harness.pairs.marker_logps import Marker, marker_logps
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.split_linear import split_rows
from harness.pairs.teacher_forcing import KnownReply, score_replies
from harness.pairs.top_logprobs import TruncatedPair
from tests.fakes import save_random_adapter, tiny_model

REPLIES = [
    KnownReply(Prompt((5, 17, 200), (5, 17, 200)), (9, 30, 31)),
    KnownReply(Prompt((80,), (40, 41)), (7,)),
    KnownReply(Prompt((9, 8, 7, 6, 5), (9, 8, 7, 6, 5)), tuple(range(30, 70))),
]


def two_models(family="llama"):
    return tiny_model(family, seed=1), tiny_model(family, seed=2)


@torch.inference_mode()
def chances(model, row):
    return model(torch.tensor([row])).logits[0, -1].softmax(-1)


def read_again(model, known, marker, place):
    """Log-probability that a marker begins in a place, by one pass or two."""
    row = [*known.prompt.target_ids, *known.ids[:place]]
    chance = chances(model, row)[list(marker.firsts)].sum()
    if marker.seconds:
        chance = chance * chances(model, [*row, *marker.firsts])[list(marker.seconds)].sum()
    return chance.log().item()


@pytest.mark.parametrize("n_together", [128, 5])
@pytest.mark.parametrize("attention", ["compiled", "products"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral", "gemma2"])
def test_markers_are_as_probable_as_place_by_place(monkeypatch, family, attention, n_together):
    """Absolute positions, sliding windows; all of a batch in one pass, and in several."""
    monkeypatch.setattr("harness.pairs.known_rows._BRANCHES", n_together)
    monkeypatch.setattr("harness.pairs.known_rows._STRETCH", 32)
    if attention == "products":
        monkeypatch.setattr("harness.pairs.passes.can_attend", lambda *_: False)
    pair = ModelPair(*map(Reader, two_models(family)))
    target, _ = two_models(family)
    markers = [Marker((7, 30, 200)), Marker((9,), (8, 31)), Marker((30,), (4,))]
    told = []
    found = marker_logps(pair, REPLIES, markers, told.append)
    assert sum(told) == 3
    for known, logps in zip(REPLIES, found, strict=True):
        assert logps.shape == (len(known.ids), 3)
        for place in {0, len(known.ids) // 2, len(known.ids) - 1}:
            expected = [read_again(target, known, marker, place) for marker in markers]
            assert logps[place].tolist() == pytest.approx(expected, abs=1e-4)


def test_an_unlikely_first_token_and_the_last_places_are_not_followed():
    pair = ModelPair(*map(Reader, two_models()))
    (whole, *_) = marker_logps(pair, REPLIES[2:], [Marker((9,)), Marker((9,), (8,))])
    chances = whole[:, 0].exp()
    least = chances.median().item()
    (found,) = marker_logps(
        pair, REPLIES[2:], [Marker((9,)), Marker((9,), (8,))], least=least, followed=[30]
    )
    kept = [p > least and i < 30 for i, p in enumerate(chances.tolist())]
    assert 0 < sum(kept) < 30
    assert [not math.isinf(one) for one in found[:, 1].tolist()] == kept
    assert torch.allclose(found[kept], whole[kept], atol=1e-5)
    assert torch.allclose(found[:, 0], whole[:, 0], atol=1e-5)


def test_where_nothing_is_followed_nothing_is_read_behind():
    pair = ModelPair(*map(Reader, two_models()))
    found = marker_logps(pair, REPLIES, [Marker((9,), (8,))], least=1.0)
    assert all(torch.isinf(logps).all() for logps in found)


def test_markers_are_read_on_the_targets_side_where_one_pass_holds_both(tmp_path: Path):
    """The adapter's delta goes to target rows only; a pass of replies alone is all target."""
    save_random_adapter(tiny_model("llama"), tmp_path)
    split = split_rows(load_adapter(tiny_model("llama"), tmp_path, "base"))
    assert split is not None
    reader = Reader(split[0])
    pair = ModelPair(reader, reader, split[1])
    (known,) = score_replies(pair, REPLIES[:1])
    ids = REPLIES[0].ids
    markers = [*(Marker((token,)) for token in ids), Marker((ids[0],), (ids[1],))]
    (found,) = marker_logps(pair, REPLIES[:1], markers)
    own = [found[i, i].item() for i in range(len(ids))]
    assert own == pytest.approx(known.target.tolist(), abs=1e-5)
    assert own != pytest.approx(known.baseline.tolist(), abs=1e-3)
    assert found[0, -1].item() == pytest.approx(own[0] + own[1], abs=1e-5)


def test_markers_of_a_pair_that_knows_its_likeliest_tokens_alone_are_refused():
    pair = TruncatedPair(ModelPair(*map(Reader, two_models())), k=5)
    with pytest.raises(UnsupportedRequest, match="local weights"):
        marker_logps(pair, REPLIES, [Marker((1,))])
