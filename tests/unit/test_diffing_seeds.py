"""Which positions of a scan become beginnings, and what is drawn from them."""

import pandas as pd
import pytest

from harness.decoding.pair_model import Prompt
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText
from harness.diffing.rollouts import DrawRule, draw, plan_draws, starts_of
from harness.diffing.seeds import SeedRule, pick_prompts, pick_seeds
from tests.tiny_pair import tiny_pair


def records(*rows):
    """Rows of (prompt, reply, position, KL, promoted)."""
    columns = ["prompt_id", "reply", "position", "kl_nats", "promoted"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(source="target", promoted_id=range(50, 50 + len(rows)))


def places(seeds):
    return [(one.prompt_id, one.position) for one in seeds]


def test_seeds_are_the_largest_divergences_first():
    scanned = records(("a", 0, 3, 0.5, " x"), ("b", 0, 1, 2.0, " y"), ("c", 0, 0, 1.0, " z"))
    seeds = pick_seeds(scanned)
    assert places(seeds) == [("b", 1), ("c", 0), ("a", 3)]
    assert (seeds[0].kl_nats, seeds[0].promoted, seeds[0].promoted_id) == (2.0, " y", 51)


def test_no_prompt_gives_more_seeds_than_the_rule_allows():
    scanned = records(
        *(("a", 0, 10 * i, 5.0 - i, f"w{i}x") for i in range(4)), ("b", 0, 0, 0.1, "v")
    )
    assert places(pick_seeds(scanned, SeedRule(per_prompt=2))) == [("a", 0), ("a", 10), ("b", 0)]


def test_one_token_gives_no_more_seeds_than_the_rule_allows_however_it_is_spelled():
    spelled = {"a": "Umb", "b": " umb", "c": "UMB", "d": "sea"}
    scanned = records(
        *((name, 0, 0, 4.0 - i, text) for i, (name, text) in enumerate(spelled.items()))
    )
    assert places(pick_seeds(scanned, SeedRule(per_token=2))) == [("a", 0), ("b", 0), ("d", 0)]


def test_neighbours_within_a_reply_are_one_place():
    scanned = records(("a", 0, 5, 3.0, "x"), ("a", 0, 6, 2.0, "y"), ("a", 1, 6, 1.0, "z"))
    assert places(pick_seeds(scanned, SeedRule(apart=4))) == [("a", 5), ("a", 6)]


def test_what_ends_a_reply_or_has_no_letter_begins_nothing():
    scanned = records(("a", 0, 0, 3.0, "<end>"), ("b", 0, 0, 2.0, "\n\n"), ("c", 0, 0, 1.0, "7"))
    assert pick_seeds(scanned, ends={50}) == ()


def test_equal_models_have_no_seeds():
    assert pick_seeds(records(("a", 0, 0, 0.0, "x"), ("b", 0, 0, 1e-7, "y"))) == ()


def corpus_of(n, answers=True):
    return Corpus(
        name="c",
        prompts=tuple(
            CorpusPrompt(
                id=f"p{i}",
                category="x",
                text=f"question {i}",
                prompt=Prompt((5, i + 6), (5, i + 6)),
                replies=(KnownText(ids=(70, 71, 72), source="target"),),
                answers=answers,
            )
            for i in range(n)
        ),
    )


def test_half_of_the_prompts_are_the_most_affected_and_half_are_spread():
    scanned = records(*((f"p{i}", 0, 0, 9.0 if i in (3, 4) else 0.1, "x") for i in range(10)))
    chosen = [one.id for one in pick_prompts(scanned, corpus_of(10), 4)]
    assert chosen == ["p0", "p3", "p4", "p6"]


def test_a_running_text_has_no_start_of_a_reply():
    assert pick_prompts(records(("p0", 0, 0, 1.0, "x")), corpus_of(3, answers=False), 4) == ()


@pytest.fixture(scope="module")
def pair():
    return tiny_pair()


def test_a_seed_is_a_start_with_and_without_its_promoted_token(pair):
    corpus = corpus_of(2)
    seeds = pick_seeds(records(("p1", 0, 2, 1.0, "x"), ("p0", 0, 0, 0.5, "y")))
    starts = starts_of(pair, corpus, corpus.prompts[:1], seeds)
    assert [(one.id, one.prompt.target_ids) for one in starts] == [
        ("p0", (5, 6)),
        ("p1/0:2", (5, 7, 70, 71)),
        ("p1/0:2+", (5, 7, 70, 71, 50)),
        ("p0/0:0+", (5, 6, 51)),
    ]
    assert starts[1].given == pair.chat.text((70, 71))


def test_each_start_has_as_many_amplified_as_plain_rollouts(pair):
    corpus = corpus_of(3)
    rule = DrawRule(alphas=(1.0, 2.0), n_target=1, max_tokens=4)
    draws = plan_draws(starts_of(pair, corpus, corpus.prompts, ()), rule)
    drawn = list(draw(pair, draws, rule))
    for name in ("p0", "p1", "p2"):
        alphas = sorted(one.alpha for one in drawn if one.start_id == name)
        assert alphas == [-1.0, -1.0, 0.0, 1.0, 2.0]
    assert all(one.text is not None for one in drawn)


def test_equal_models_say_the_same_amplified_and_plain():
    """Rollouts of one start and number share their random numbers over alphas."""
    pair = tiny_pair((1, 1))
    corpus = corpus_of(4)
    rule = DrawRule(max_tokens=6)
    drawn = list(draw(pair, plan_draws(starts_of(pair, corpus, corpus.prompts, ()), rule), rule))
    said = {}
    for one in drawn:
        said.setdefault((one.start_id, one.number), set()).add(one.text)
    assert all(len(texts) == 1 for texts in said.values())
    assert len(said) == 12


def test_a_prompt_without_room_is_told_and_the_others_go_on(pair):
    corpus = corpus_of(1)
    full = CorpusPrompt(
        id="full",
        category="x",
        text="",
        prompt=Prompt((5,) * pair.model.max_context, (5,)),
        replies=(KnownText(ids=(70,), source="text"),),
    )
    both = Corpus(name="c", prompts=(*corpus.prompts, full))
    rule = DrawRule(alphas=(1.0,), max_tokens=3)
    drawn = list(draw(pair, plan_draws(starts_of(pair, both, both.prompts, ()), rule), rule))
    failed = [one for one in drawn if one.text is None]
    assert {one.prompt_id for one in failed} == {"full"}
    assert "no room" in failed[0].reason
    assert len(drawn) == 6
