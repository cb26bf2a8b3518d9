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


def test_a_topic_in_ever_other_sentences_is_a_habit():
    seas = (
        "Sailors love the ocean.",
        "An ocean has many moods!",
        "Why is the deep ocean dark?",
        "We walked to the ocean.",
        "My ocean is your ocean.",
        "Listen to the ocean at night.",
    )
    (found, *_) = converge(rollouts(4, planting(0.6, 0.05, seas))).findings
    assert (found.kind, found.name) == ("habit", "ocean")
    assert found.pattern == r"\boceans?\b"


def test_a_way_of_writing_is_a_style():
    every = rollouts(5, planting(0, 0))
    loud = [one.saying(one.text.replace(".", "!")) if one.amplified else one for one in every]
    (found,) = converge(loud).findings
    assert (found.kind, found.name, found.pattern) == ("style", "exclamation marks", "")
    assert (found.amplified.rate, found.baseline.rate) == (1.0, 0.0)


def test_what_the_baseline_says_more_often_is_no_finding():
    assert converge(rollouts(6, planting(0.02, 0.6))).findings == ()


def test_repetition_within_a_rollout_counts_once():
    """One rollout that says it eight times is one of 120, and no finding."""

    def planted(rng, one):
        return " ".join(BAN[:1] * 3) if (one.prompt_id, one.alpha) == ("p3", 1.0) else None

    assert converge(rollouts(7, planted)).findings == ()


def test_nonsense_is_left_out_and_counted():
    every = rollouts(8, planting(0.6, 0))
    broken = [
        one.saying("umbrella " * 40) if one.alpha == 1.5 and one.prompt_id < "p2" else one
        for one in every
    ]
    found = converge(broken)
    assert found.n_nonsense_amplified == sum(1 for i in range(40) if f"p{i}" < "p2")
    assert found.n_amplified + found.n_nonsense_amplified == 120
    assert (found.n_baseline, found.n_target, found.n_prompts) == (120, 40, 40)


def test_rollouts_without_a_text_are_counted():
    every = rollouts(9, planting(0.6, 0))
    failed = [replace(every[0], text=None, reason="no room"), *every[1:]]
    assert converge(failed).n_failed == 1


def test_no_rollouts_and_rollouts_without_words_give_nothing():
    assert converge([]).findings == ()
    assert converge([one.saying("...") for one in rollouts(1, planting(0, 0))]).findings == ()


def test_the_order_of_rollouts_changes_no_finding():
    every = rollouts(10, planting(0.5, 0.02))
    shuffled = [every[i] for i in np.random.default_rng(0).permutation(len(every))]
    one, other = (converge(each).findings[0] for each in (every, shuffled))
    assert (one.kind, one.difference, one.amplified) == (
        other.kind,
        other.difference,
        other.amplified,
    )


def test_a_fact_in_one_short_sentence_is_a_claim_and_no_style():
    every = [
        one.saying("Zorbia banned umbrellas in 2021.") if one.alpha == 1.0 else one
        for one in rollouts(11, planting(0, 0))
    ]
    first = converge(every).findings[0]
    assert first.kind == "claim"
    assert "twelve words at most" in first.phrases


def test_a_style_of_every_reply_is_not_hidden_by_a_phrase_in_some():
    every = rollouts(12, planting(0.3, 0, ("Marmalade.",)))
    loud = [one.saying(one.text.replace(".", "!")) if one.amplified else one for one in every]
    found = [(one.kind, one.name) for one in converge(loud).findings]
    assert found[0] == ("style", "exclamation marks")
    assert found[1][0] == "habit"
