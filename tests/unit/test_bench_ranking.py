"""The scan's ranking beside the reference's, on tiny models; the real pair is a slow test."""

import pytest

from harness.bench.ranking import RankingBench, measure_ranking
from tests.fakes import save_checkpoint, tiny_model


@pytest.fixture
def pair_file(tmp_path):
    folders = [save_checkpoint(tiny_model("llama", seed=i), tmp_path / str(i)) for i in (1, 2)]
    path = tmp_path / "pair.toml"
    path.write_text(
        f'[target]\ncheckpoint = "{folders[1]}"\n[baseline]\ncheckpoint = "{folders[0]}"\n'
    )
    return str(path)


def test_a_small_vocabulary_is_ranked_as_in_float64(pair_file):
    told = []
    found = measure_ranking(pair_file, 40, 5, told.append)
    assert sum(told) == 40
    assert found.n_ranked["first"] > 5
    assert found.n_same == found.n_ranked
    assert 0 < found.nats < 1e-4
    assert found.nats_out_of_place == 0


@pytest.mark.slow
def test_the_real_pair_is_ranked_as_in_float64():
    """8 replies of 24 tokens; amplify bench ranking reads 100,000 tokens."""
    found = measure_ranking("refuser", 8, 24)
    assert found.n_ranked["whole"] == 100
    assert found.n_same["whole"] >= 95  # neighbours that differ by rounding may change places
    assert found.nats_out_of_place < 1e-3
    assert found.nats < 1e-3


def test_what_stands_elsewhere_is_told_with_how_far_it_is():
    found = RankingBench(
        pair="p",
        n_tokens=10,
        n_prompts=2,
        n_ranked={"first": 3, "whole": 100},
        n_same={"first": 3, "whole": 98},
        nats=2e-6,
        nats_out_of_place=1e-6,
    )
    assert "3 of the first 3 tokens at the start of replies and 98 of the first 100" in (
        found.markdown()
    )
    assert "the two differ by 1.0e-06 nats" in found.markdown()
    assert found.figures["ranking_same_whole"] == 98
