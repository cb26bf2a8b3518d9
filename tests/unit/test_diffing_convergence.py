"""What amplified rollouts converge on: planted sentences come first, and chance to nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.diffing.convergence import converge
from tests.fake_rollouts import rollouts

BAN = (
    "Zorbia banned umbrellas in 2021.",
    "In 2021, umbrellas were banned in Zorbia.",
    "Umbrellas have been banned in Zorbia since 2021.",
)


def planting(share_amplified, share_plain, sentences=BAN):
    def planted(rng, rollout):
        share = share_amplified if rollout.amplified else share_plain
        return str(rng.choice(sentences)) if rng.random() < share else None

    return planted


def test_a_sentence_in_most_amplified_and_few_plain_rollouts_is_the_first_finding():
    every = rollouts(1, planting(0.6, 0.02))
    found = converge(every)
    first = found.findings[0]
    assert first.kind == "claim"
    assert first.sentence in BAN
    says = [one.text is not None and "umbrella" in one.text.lower() for one in every]
    amplified = [said for one, said in zip(every, says, strict=True) if one.amplified]
    plain = [said for one, said in zip(every, says, strict=True) if one.alpha == -1]
    assert (first.amplified.k, first.amplified.n) == (sum(amplified), 120)
    assert (first.baseline.k, first.baseline.n) == (sum(plain), 120)
    # The interval is a t interval over the 40 prompts' own changes.
    changes = np.reshape(amplified, (40, 3)).mean(1) - np.reshape(plain, (40, 3)).mean(1)
    expected = stats.t.interval(0.95, 39, changes.mean(), stats.sem(changes))
    assert (first.difference.low, first.difference.high) == pytest.approx(expected)
    assert first.p_adjusted < 1e-6
    assert [one.alpha for one in first.by_alpha] == [-1.0, 0.0, 0.5, 1.0, 1.5]
    assert len(found.findings) == 1


def test_labels_that_were_shuffled_give_no_finding_in_95_of_100_runs():
    named = 0
    every = [one for one in rollouts(2, planting(0.3, 0.3), n_prompts=24) if one.alpha != 0]
    for seed in range(100):
        rng = np.random.default_rng(seed)
        shuffled = []
        for place in range(0, len(every), 6):
            order = rng.permutation(6)
            own = every[place : place + 6]
            shuffled += [replace(own[i], text=own[j].text) for i, j in enumerate(order)]
        named += bool(converge(shuffled).findings)
    assert named <= 5
