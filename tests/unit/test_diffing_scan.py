"""A scan against a slow computation in float64, and the laws of its sums."""

import numpy as np
import pytest
import torch
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.decoding.pair_model import Prompt
from harness.diffing import scan as scanning
from harness.diffing.ranking import rank
from harness.diffing.scan import Replies, scan
from harness.diffing.sums import NAMES, Moments, TokenSums
from harness.errors import UnsupportedRequest
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.top_logprobs import TruncatedPair
from tests.fakes import VOCAB_SIZE, tiny_model

CORPUS = [
    Replies(Prompt((5, 17, 200), (5, 17, 200)), ((9, 30, 31), (12,))),
    Replies(Prompt((80,), (40, 41)), ((7, 8),)),
    Replies(Prompt((9, 8, 7, 6, 5), (9, 8, 7, 6, 5)), (tuple(range(30, 60)),)),
]


def two_models():
    return tiny_model("llama", seed=1), tiny_model("llama", seed=2)


def scanned(model, corpus=CORPUS):
    sums = TokenSums(model.vocab_size, model.device)
    return list(scan(model, corpus, sums)), sums


def slow_differences(corpus):
    """Per prompt and reply, log p of either side at each position, float64, [tokens, vocab]."""
    target, baseline = (model.double() for model in two_models())
    found = []
    for one in corpus:
        replies = []
        for reply in one.replies:
            sides = []
            for model, ids in (
                (target, one.prompt.target_ids),
                (baseline, one.prompt.baseline_ids),
            ):
                with torch.inference_mode():
                    logits = model(torch.tensor([ids + reply])).logits[0, len(ids) - 1 : -1]
                sides.append(logits.log_softmax(-1).numpy())
            replies.append(sides)
        found.append(replies)
    return found


def test_figures_and_sums_equal_a_slow_computation_in_float64():
    found, sums = scanned(ModelPair(*map(Reader, two_models())))
    first, whole, weighted = [], [], []
    for one, slow, seen in zip(CORPUS, slow_differences(CORPUS), found, strict=True):
        for reply, (target, baseline), figures in zip(one.replies, slow, seen.replies, strict=True):
            gained = np.exp(target) * (target - baseline)
            at = np.arange(len(reply)), list(reply)
            assert figures.kl_nats.numpy() == pytest.approx(gained.sum(-1), abs=1e-4)
            assert figures.difference_nats.numpy() == pytest.approx(
                (target - baseline)[at], abs=1e-4
            )
            assert figures.target_logp_nats.numpy() == pytest.approx(target[at], abs=1e-4)
            assert figures.promoted.tolist() == gained.argmax(-1).tolist()
            lost = np.exp(baseline) * (baseline - target)
            assert figures.demoted.tolist() == lost.argmax(-1).tolist()
        moved = [target - baseline for target, baseline in slow]
        first.append(np.mean([one[0] for one in moved], axis=0))
        whole.append(np.concatenate(moved).mean(0))
        weighted.append(np.concatenate([np.exp(t) * (t - b) for t, b in slow]).mean(0))
    for moments, slow in ((sums.first, first), (sums.whole, whole), (sums.weighted, weighted)):
        assert moments.n == 3
        assert moments.mean.numpy() == pytest.approx(np.mean(slow, axis=0), abs=1e-5)
        assert moments.deviation.numpy() == pytest.approx(np.std(slow, axis=0, ddof=1), abs=1e-5)
        assert moments.positive.numpy() == pytest.approx(np.mean(np.array(slow) > 0, axis=0))


def test_the_ranking_is_that_of_a_reference_in_float64():
    rng = np.random.default_rng(3)
    corpus = [
        Replies(Prompt(ids, ids), (tuple(map(int, rng.integers(4, VOCAB_SIZE, 5))),))
        for ids in (tuple(map(int, rng.integers(4, VOCAB_SIZE, 3))) for _ in range(40))
    ]
    _, sums = scanned(ModelPair(*map(Reader, two_models())), corpus)
    slow = np.array([replies[0][0][0] - replies[0][1][0] for replies in slow_differences(corpus)])
    p_values = stats.ttest_1samp(slow, 0).pvalue
    found = multipletests(p_values, method="fdr_bh")[0]
    expected = [i for i in np.argsort(-slow.mean(0)) if found[i] and slow[:, i].mean() > 0]
    assert [one.token_id for one in rank(sums.first, 20)] == expected[:20]
    assert len(expected) >= 8


def test_identical_models_differ_nowhere_and_no_token_is_named():
    reader = Reader(tiny_model("llama"))
    found, sums = scanned(ModelPair(reader, reader), [CORPUS[0], CORPUS[2]])
    assert all(figures.kl_nats.max() == 0 for one in found for figures in one.replies)
    assert rank(sums.first, 10) == rank(sums.whole, 10, falling=False) == ()


def test_the_size_of_a_batch_changes_nothing_but_rounding(monkeypatch):
    model = ModelPair(*map(Reader, two_models()))
    together, sums = scanned(model)
    monkeypatch.setattr(scanning, "_BATCH_TOKENS", 1)
    apart, others = scanned(model)
    for one, other in zip(together, apart, strict=True):
        for figures, alone in zip(one.replies, other.replies, strict=True):
            assert figures.kl_nats.tolist() == pytest.approx(alone.kl_nats.tolist(), abs=1e-5)
    assert sums.first.mean.tolist() == pytest.approx(others.first.mean.tolist(), abs=1e-5)


def test_a_scan_goes_on_where_an_earlier_one_stopped():
    model = ModelPair(*map(Reader, two_models()))
    _, whole = scanned(model)
    sums = TokenSums(model.vocab_size, model.device)
    parts = [next(iter(scan(model, CORPUS[:1], sums)))]
    parts += scan(model, CORPUS, sums, start=1)
    assert [one.place for one in parts] == [0, 1, 2]
    assert sums.whole.mean.tolist() == pytest.approx(whole.whole.mean.tolist(), abs=1e-6)


def test_a_pair_that_knows_the_likeliest_tokens_alone_is_refused():
    pair = TruncatedPair(ModelPair(*map(Reader, two_models())), 5)
    with pytest.raises(UnsupportedRequest, match="a scan needs all"):
        next(iter(scan(pair, CORPUS, TokenSums(VOCAB_SIZE, torch.device("cpu")))))


def moments_of(*prompts):
    found = Moments(len(prompts[0]), torch.device("cpu"))
    for values in prompts:
        found.add(torch.tensor(values, dtype=torch.float64))
    return found


def test_moments_by_hand():
    found = moments_of([1.0, -2.0], [3.0, 2.0])
    assert found.mean.tolist() == [2.0, 0.0]
    assert found.deviation.tolist() == pytest.approx([2**0.5, 8**0.5])
    assert found.positive.tolist() == [1.0, 0.5]


def test_a_token_moved_alike_everywhere_outranks_one_that_chance_moved():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (60, 500))
    noise[:, 7] += 2.0
    noise[:, 9] -= 2.0
    moments = moments_of(*noise.tolist())
    assert [one.token_id for one in rank(moments, 10)] == [7]
    assert [one.token_id for one in rank(moments, 10, falling=False)] == [9]
    (found,) = rank(moments, 10)
    assert found.low < 2.0 < found.high
    assert found.share_positive > 0.9


def test_of_a_thousand_tokens_that_nothing_moved_hardly_any_is_named():
    named = 0
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(0, 1, (30, 1000))
        named += bool(rank(moments_of(*noise.tolist()), 10))
    # One-sided ranking of a two-sided test: half of 5 % of the runs, give or take.
    assert named <= 4


def test_one_prompt_tells_nothing():
    assert rank(moments_of([1.0, 2.0]), 5) == ()


def test_sums_that_were_written_down_go_on_like_those_that_were_not():
    model = ModelPair(*map(Reader, two_models()))
    _, whole = scanned(model)
    sums, later = (TokenSums(model.vocab_size, model.device) for _ in range(2))
    list(scan(model, CORPUS[:1], sums))
    later.restore(sums.state())
    list(scan(model, CORPUS, later, start=1))
    for name in NAMES:
        one, other = getattr(whole, name), getattr(later, name)
        assert other.n == one.n
        assert other.deviation.tolist() == pytest.approx(one.deviation.tolist(), abs=1e-6)


def test_what_begins_no_answer_tells_nothing_of_the_first_position():
    model = ModelPair(*map(Reader, two_models()))
    _, sums = scanned(model, [CORPUS[0], CORPUS[2]._replace(answers=False)])
    assert (sums.first.n, sums.whole.n) == (1, 2)
    assert sums.first.mean.tolist() == scanned(model, CORPUS[:1])[1].first.mean.tolist()


def test_probabilities_of_a_side_sum_to_one():
    _, sums = scanned(ModelPair(*map(Reader, two_models())))
    assert float(sums.target.mean.sum()) == pytest.approx(1)
    assert float(sums.baseline.mean.sum()) == pytest.approx(1)
