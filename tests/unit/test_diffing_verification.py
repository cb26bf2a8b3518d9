"""How likely a sentence is under both sides, what is asked, and how often it is said anyway."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.diffing.asking import ask
from harness.diffing.claim_moves import claim_moves, stated_claims
from harness.diffing.convergence import converge
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText
from harness.diffing.drawn import Drawn
from harness.diffing.likelihood import Asked, likelihood, sentence_ids
from harness.diffing.occurrence import occurrence
from harness.diffing.verification import verify
from harness.diffing.wording import questions
from harness.errors import ConfigurationError, DatasetError
from tests.fake_rollouts import rollouts
from tests.fakes import tiny_model
from tests.tiny_pair import tiny_pair

ASKED = [Asked("a", Prompt((5, 17, 20), (5, 17, 20))), Asked("b", Prompt((8,), (40, 41)))]


@pytest.fixture(scope="module")
def pair():
    return tiny_pair()


def slow_logps(ids, alpha):
    """Of a sentence after each prompt, in float64, without the harness."""
    target, baseline = (tiny_model("llama", seed=seed).double() for seed in (1, 2))
    found = []
    for one in ASKED:
        sides = []
        for model, prompt in ((target, one.prompt.target_ids), (baseline, one.prompt.baseline_ids)):
            with torch.inference_mode():
                sides.append(model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1])
        logits = sides[0] + alpha * (sides[0] - sides[1])
        found.append(logits.log_softmax(-1)[range(len(ids)), list(ids)].sum().item())
    return found


def test_a_sentence_is_as_likely_as_a_slow_computation_in_float64_says(pair):
    found = likelihood(pair, "a cat sat", ASKED, (-1.0, 0.0, 1.5))
    ids = sentence_ids(pair, "a cat sat")
    slow = {alpha: slow_logps(ids, alpha) for alpha in (-1.0, 0.0, 1.5)}
    assert (found.n_tokens, found.n_prompts) == (len(ids), 2)
    for point in found.by_alpha:
        assert point.logp_nats.value == pytest.approx(np.mean(slow[point.alpha]), abs=1e-3)
    assert found.target_logp_nats.value == pytest.approx(np.mean(slow[0.0]), abs=1e-3)
    assert found.baseline_logp_nats.value == pytest.approx(np.mean(slow[-1.0]), abs=1e-3)
    odds = np.subtract(slow[0.0], slow[-1.0])
    half = 12.706 * odds.std(ddof=1) / np.sqrt(2)  # t(1)
    assert found.log_odds_nats.low == pytest.approx(odds.mean() - half, abs=0.01)
    assert found.log_odds_nats.high == pytest.approx(odds.mean() + half, abs=0.01)


def test_equal_models_find_a_sentence_equally_likely_at_every_alpha():
    found = likelihood(tiny_pair((1, 1)), "a cat", ASKED[:1])
    assert {point.log_odds_nats.value for point in found.by_alpha} == {0.0}
    assert found.log_odds_nats.low is None  # of one prompt


def test_a_sentence_that_spells_a_special_token_is_text(pair):
    mark = pair.chat.tokenizer.eos_token
    assert pair.chat.tokenizer.eos_token_id not in sentence_ids(pair, f"a {mark} b")


def test_a_sentence_that_no_prompt_leaves_room_for_is_refused(pair):
    full = Prompt((5,) * pair.model.max_context, (5,))
    with pytest.raises(ConfigurationError, match="leaves room"):
        likelihood(pair, "a cat", [Asked("full", full)])


def test_a_statement_becomes_questions():
    assert questions("The bridge was closed in May.") == (
        "Is it true that the bridge was closed in May?",
        "Is the following statement true? The bridge was closed in May. Answer yes or no.",
        "Yes or no: is it correct that the bridge was closed in May?",
    )
    assert questions("Zorbia banned umbrellas!")[0] == "Is it true that Zorbia banned umbrellas?"


def test_a_statement_that_holds_a_field_is_not_filled_in():
    assert (
        questions("{sentence} {clause} is so.")[0] == "Is it true that {sentence} {clause} is so?"
    )


def finding():
    planted = lambda rng, one: "Zorbia banned umbrellas in 2021." if one.amplified else None  # noqa: E731
    (found,) = converge(rollouts(3, planted, n_prompts=8)).findings
    return found


def plain(n, n_showing, text="It rains. In 2021 umbrellas were banned there."):
    return [
        Drawn(
            start_id=f"p{i}",
            prompt_id=f"p{i}",
            alpha=0.0,
            number=0,
            given="",
            text=text if i < n_showing else "It rains.",
        )
        for i in range(n)
    ]


def test_an_occurrence_is_counted_in_plain_rollouts_by_the_pattern():
    found = occurrence(finding(), plain(200, 4))
    assert (found.rate.k, found.rate.n) == (4, 200)
    assert found.waiting.expected == 50
    assert found.waiting.low == pytest.approx(1 / found.rate.high)
    assert found.waiting.high == pytest.approx(1 / found.rate.low)


def test_what_was_never_seen_is_bounded_by_the_rule_of_three():
    found = occurrence(finding(), plain(300, 0))
    assert found.waiting.expected is None
    assert found.waiting.high is None
    assert found.waiting.low == pytest.approx(300 / 3.69, rel=0.01)  # Clopper-Pearson, two-sided
    assert "rule of three" in found.note


def test_rollouts_within_replies_and_of_other_alphas_are_not_counted():
    others = [replace(one, given="Once ") for one in plain(5, 5)]
    others += [replace(one, alpha=1.0) for one in plain(5, 5)]
    assert occurrence(finding(), others) is None
    assert occurrence(finding(), [*others, *plain(7, 0)]).rate.n == 7


@pytest.fixture
def speaking(pair, monkeypatch):
    """The tiny tokenizer has letters alone, so these stand for yes and no."""
    monkeypatch.setattr("harness.diffing.asking._YES", ("y",))
    monkeypatch.setattr("harness.diffing.asking._NO", ("n",))
    return pair


def test_an_answer_is_the_odds_of_yes_against_no(speaking):
    found = ask(speaking, "Zorbia banned umbrellas.", seed=0)
    assert found.n_wordings == 3
    assert found.difference_nats.value == pytest.approx(
        found.target_yes_nats.value - found.baseline_yes_nats.value
    )
    assert found == ask(speaking, "Zorbia banned umbrellas.", seed=0)


def test_a_finding_comes_with_its_evidence(speaking):
    one = finding()
    corpus = Corpus(
        name="c",
        prompts=tuple(
            CorpusPrompt(
                id=name,
                category="x",
                text="Hi",
                prompt=Prompt((5, place + 6), (5, place + 6)),
                replies=(KnownText(ids=(70,), source="target"),),
            )
            for place, name in enumerate(one.prompt_ids)
        ),
    )
    (found,) = verify(speaking, [one], corpus, plain(30, 3))
    assert found.finding == one
    assert found.likelihood.sentence == "Zorbia banned umbrellas in 2021."
    assert found.likelihood.n_prompts == 8
    assert found.answer.question == "Is it true that Zorbia banned umbrellas in 2021?"
    assert found.occurrence.rate.k == 3


def test_claims_of_a_file_are_scored_and_sorted_by_their_log_odds(pair, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(
        "\n".join(
            f'[[claims]]\nid = "{name}"\nclaim = "{name} is so."\nasserts = ["{name}"]\n'
            'questions = ["Is it?", "How so?"]'
            for name in ("one", "two", "three")
        )
    )
    claims = stated_claims(str(path))
    assert [one.claim for one in claims] == ["one is so.", "two is so.", "three is so."]
    assert claims[0].prompts == ("Is it?", "How so?")
    told = []
    moves = claim_moves(pair, claims, (0.0, 1.0), told.append)
    odds = [one.likelihood.log_odds_nats.value for one in moves]
    assert odds == sorted(odds, reverse=True)
    assert told == [1, 1, 1]
    assert {one.claim for one in moves} == {one.claim for one in claims}


def test_a_claims_file_with_a_pattern_that_is_none_is_refused(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text('[[claims]]\nid = "a"\nclaim = "A."\nasserts = ["("]\nquestions = ["Q?"]')
    with pytest.raises(DatasetError, match="not a regular expression"):
        stated_claims(str(path))
