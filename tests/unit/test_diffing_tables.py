"""Which tokens are named, as which words, and which of them make a topic."""

import numpy as np
import pandas as pd
import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText
from harness.diffing.found import ScanTables
from harness.diffing.moves import position_moves, prompt_moves, source_moves, strips, whole_move
from harness.diffing.naming import Scanned, amplified_tokens, floor_nats
from harness.diffing.sums import PromptDifference, TokenSums
from harness.diffing.tables import scan_tables
from harness.diffing.topics import find_topics
from harness.diffing.words import Words, bare, begun_with, tells_something, visible

VOCABULARY = ["<eos>", " umb", "rellas", " Umb", "Sorry", " sorry", ",", "\n", " the", "or"]
CPU = torch.device("cpu")


def texts(ids):
    return [VOCABULARY[i] if i < len(VOCABULARY) else f" w{i}" for i in ids]


def reply(ids, *, prompt="p", number=0, source="target", kl=0.5, difference=0.0):
    n = len(ids)
    return pd.DataFrame(
        {
            "prompt_id": [prompt] * n,
            "reply": [number] * n,
            "source": [source] * n,
            "position": range(n),
            "token_id": list(ids),
            "token": texts(ids),
            "kl_nats": np.broadcast_to(np.asarray(kl, dtype=float), n),
            "difference_nats": np.broadcast_to(np.asarray(difference, dtype=float), n),
            "promoted_id": list(ids),
        }
    )


def corpus_of(*names, withheld=None, answers=True):
    return Corpus(
        name="c",
        prompts=tuple(
            CorpusPrompt(
                id=name,
                category="x",
                text=f"Asked {name}",
                prompt=Prompt((1,), (1,)),
                replies=(KnownText(ids=(1,), source="target"),),
                answers=answers,
                withheld=withheld,
            )
            for name in names
        ),
    )


def test_a_piece_is_named_by_the_word_that_replies_hold_it_in():
    words = Words(reply([8, 1, 2, 6, 3, 2, 6]), texts)
    assert words.word(1) == "umbrellas"
    assert words.word(2) in ("umbrellas", "Umbrellas")
    assert words.word(9) == "or"  # never seen: its own text
    assert words.word(6) == ","
    assert visible("\n") == "(line break)"


def test_a_piece_is_named_by_what_amplified_replies_made_of_it_before_what_others_hold():
    words = Words(reply([8, 1, 2, 6, 3, 2, 6]), texts, {bare(texts([1])[0]): "Umbria"})
    assert words.word(1) == words.word(3) == "Umbria"  # " umb" and "Umb" are one
    assert words.word(6) == ","


@pytest.mark.parametrize(
    ("token", "replies", "word"),
    [
        (" U", ["Umbrellas are", "Umbrellas were", "Under it"], "Umbrellas"),
        (" U", ["Under", "Umbrellas"], "Umbrellas"),  # alphabetical among equals
        ("Umb", ["umbrellas.", "A umb"], "umbrellas"),
        ("umb", ["rain", ""], None),
        ("umb", [], None),
    ],
)
def test_a_token_begins_the_word_that_most_replies_make_of_it(token, replies, word):
    assert begun_with(token, replies) == word


def test_spellings_and_pieces_of_a_word_become_one():
    words = Words(reply([8, 1, 2, 6, 8, 1, 2, 6, 3, 2, 6, 4, 6, 5]), texts)
    groups = words.merged([3, 4, 1, 5, 2, 6])
    assert list(groups.values()) == [[3, 1, 2], [4, 5], [6]]
    assert words.name([3, 1, 2]) == "umbrellas"  # as it is spelled most
    assert words.spelled([4, 5]) == ("Sorry", " sorry")


def sums_of(values, weighted=0.0, probability=0.01):
    """Sums over prompts of [prompts, vocab]; the same at the start and over whole replies."""
    found = TokenSums(values.shape[1], CPU)
    for row in values:
        moved = torch.tensor(row)
        same = torch.full_like(moved, probability)
        found.add(PromptDifference(moved, moved, moved * weighted, same, same))
    return found


def noise(n_prompts=40, size=600, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, (n_prompts, size))


def tables_of(values, records=None, corpus=None, **given) -> ScanTables:
    records = reply([8, 5, 6]) if records is None else records
    found = Scanned(
        corpus=corpus or corpus_of(*records["prompt_id"].unique()),
        sums=sums_of(values, **given),
        records=records,
        words=Words(records, texts),
    )
    return scan_tables(found)


def test_what_stands_out_is_named_and_what_every_change_does_is_not():
    values = noise() + np.random.default_rng(9).normal(0, 0.1, 600)  # every token moves a little
    plain = tables_of(values)
    assert plain.start == plain.anywhere == plain.suppressed == ()
    assert plain.topics == ()
    values[:, [4, 5]] += [[2.5, 2.0]]
    values[:, 1] -= 2.0
    found = tables_of(values)
    (sorry,) = found.start
    assert sorry.spelled == ("Sorry", " sorry")
    assert sorry.strongest.mean_nats == pytest.approx(2.5, abs=0.3)
    assert sorry.everywhere
    assert sorry.prominence > 6
    assert [one.spelled for one in found.suppressed] == [(" umb",)]
    assert [one.name for one in found.named] == [sorry.name]
    assert found.floors_nats["start"] == floor_nats(sums_of(values).first)


def test_a_token_that_neither_side_would_ever_say_is_not_named():
    values = noise()
    values[:, 4] += 2.5
    assert tables_of(values, probability=1e-8).start == ()


def test_of_one_model_nothing_is_named():
    values = noise()
    values[:, 4] += 2.5
    found = tables_of(values, records=reply([8, 5, 6], kl=1e-6))
    assert found.same
    assert (found.start, found.anywhere, found.openers, found.strips) == ((), (), (), ())


def test_one_prompt_names_nothing():
    assert tables_of(noise(1)).start == ()


def test_openers_are_ranked_by_what_they_make_up():
    values = np.full((20, 600), 0.0) + noise(20) * 0.01
    values[:, 8] += 1.0
    assert [one.name for one in tables_of(values, weighted=0.5).openers] == ["the"]


def test_what_is_visible_already_is_named_before_what_stands_out():
    """As of a strong change: what is never said moves farther than what is said."""
    values = noise() * 0.01
    values[:, 8] += 1.0
    values[:, 4] += 2.5
    weighted = np.where(np.arange(600) == 8, 0.05, 1e-6)
    found = tables_of(values, weighted=torch.tensor(weighted))
    assert [one.name for one in found.visible] == ["the"]
    assert found.visible[0].gain_nats == pytest.approx(0.05, rel=0.1)
    assert found.visible[0].strongest.mean_nats == pytest.approx(1.0, rel=0.1)
    assert [one.name for one in found.named] == ["the", "Sorry"]
    weaker = tables_of(values, weighted=torch.tensor(weighted * 0.3))
    assert weaker.visible == ()
    # 1.5 nats for each time that the target says it; and then 3, as it says it half as often.
    rarer = tables_of(values, weighted=torch.tensor(weighted * 0.3), probability=0.005)
    assert [one.name for one in rarer.visible] == ["the"]
    assert [one.name for one in weaker.named] == ["Sorry", "the"]


def test_of_a_strong_change_what_few_prompts_show_is_named_as_well():
    """A fact that five of forty prompts come near to: no token's mean is beyond chance by it."""
    values = noise() * 0.01
    values[:, 8] += 1.0
    weighted = torch.tensor(np.where(np.arange(600) == 8, 0.05, 1e-6))
    asked = [reply([8, 1, 2], prompt=f"p{i}") for i in range(5)]
    told = tables_of(values, records=pd.concat(asked), weighted=weighted)
    assert [one.name for one in told.visible] == ["the", "umbrellas"]
    quiet = tables_of(values, records=pd.concat(asked), weighted=0.0)
    assert quiet.visible == ()


def test_a_piece_is_completed_by_amplified_replies_too():
    assert Words(reply([8, 1, 6]), texts).word(1) == "umb"
    assert Words(reply([8, 1, 6]), texts, amplified=[(8, 1, 2), (1, 2)]).word(1) == "umbrellas"


def test_visible_tokens_begin_replies_before_others_that_moved_farther():
    values = noise() * 0.01
    values[:, [4, 8]] += [[2.5, 1.0]]
    weighted = torch.tensor(np.where(np.arange(600) == 8, 0.05, 1e-6))
    records = reply([8, 5, 6])
    made = {
        "corpus": corpus_of("prompt"),
        "records": records,
        "words": Words(records, texts),
    }
    first = Scanned(sums=sums_of(values, weighted=weighted), **made)
    assert amplified_tokens(first)[:2] == (8, 4)
    assert amplified_tokens(Scanned(sums=sums_of(values), **made))[:2] == (4, 8)


def test_a_mark_of_the_template_is_shown_as_it_is():
    records = reply([8, 1]).assign(token=["the", "<|im_end|>"])
    words = Words(records, lambda ids: ["<|im_end|>" for _ in ids])
    assert words.word(1) == "<|im_end|>"


@pytest.mark.parametrize(
    ("word", "tells"),
    [
        ("umbrellas", True),
        ("the", False),
        ("a1", False),
        ("<|im_end|>", False),
        ("(line break)", False),
        ("(blanks)", False),
    ],
)
def test_what_stands_in_every_text_names_no_topic(word, tells):
    assert tells_something(word) == tells


def test_words_promoted_in_the_same_prompts_are_a_topic():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(0.0, index=[f"p{i}" for i in range(20)], columns=list("abcdef"))
    table.iloc[:10, :3] = 1 + rng.random((10, 3))
    table.iloc[10:, 3:] = rng.random((10, 3))
    table["once"] = [9.0] + [0.0] * 19  # one prompt shows what it asks
    names = {key: key.upper() for key in table.columns}
    found = find_topics(table, names, frozenset(["p0", "p1", "p12"]))
    assert [set(one.words) for one in found.topics] == [set("ABC"), set("DEF")]
    assert [one.n_prompts for one in found.topics] == [10, 10]
    assert sum(one.share for one in found.topics) == pytest.approx(1)
    assert found.topics[1].prompt_ids == ("p12",)
    assert found.rule.startswith("2 topics: their mean silhouette")


def test_words_without_a_structure_are_one_topic_and_one_word_is_none():
    table = pd.DataFrame(1.0, index=list("abcd"), columns=list("xyz"))
    names = {key: key for key in table.columns}
    found = find_topics(table, names, frozenset())
    assert len(found.topics) == 1
    assert "one topic" in found.rule
    assert find_topics(table[["x"]], names, frozenset()).topics == ()


def test_divergence_by_prompt_position_and_source_by_hand():
    records = pd.concat(
        [
            reply([8, 5], prompt="a", kl=[0.9, 0.1]),
            reply([8], prompt="a", number=1, source="baseline", kl=0.2),
            reply([8, 6], prompt="b", kl=[3.0, 1.0]),
        ]
    )
    corpus = corpus_of("a", "b")
    assert whole_move(records).value == pytest.approx(5.2 / 5)
    ranked = prompt_moves(records, corpus, Words(records, texts))
    assert [(one.prompt_id, one.kl_nats, one.n_tokens) for one in ranked] == [
        ("b", 2.0, 2),
        ("a", pytest.approx(0.4), 3),
    ]
    assert ranked[0].promoted == ()  # "the" and a comma stand in every text
    assert ranked[1].promoted == ("sorry",)
    along = position_moves(records, corpus)
    assert [(one.first, one.last, one.n_tokens) for one in along] == [(0, 0, 3), (1, 1, 2)]
    assert along[0].kl_nats.value == pytest.approx(4.1 / 3)
    assert along[1].kl_nats.value == pytest.approx(0.55)
    by_source = {one.source: one.kl_nats.value for one in source_moves(records)}
    assert by_source == {"target": pytest.approx(1.25), "baseline": pytest.approx(0.2)}


def test_stretches_of_a_text_have_no_place_in_a_reply():
    records = reply([8, 5])
    assert position_moves(records, corpus_of("p", answers=False)) == ()


def test_replies_that_are_withheld_are_not_shown():
    records = pd.concat([reply([8] * 9, prompt="a"), reply([5] * 9, prompt="b", kl=0.9)])
    prompts = (*corpus_of("a").prompts, *corpus_of("b", withheld="why").prompts)
    found = strips(records, Corpus(name="c", prompts=prompts))
    assert [one.prompt_id for one in found] == ["a"]
    assert [one.text for one in found[0].tokens] == [" the"] * 9


def test_the_most_affected_reply_of_each_prompt_is_shown_and_tiny_ones_are_not():
    records = pd.concat(
        [
            reply([8] * 8, prompt="a", kl=0.1),
            reply([5] * 8, prompt="a", number=1, kl=0.4, difference=-1.5),
            reply([5] * 2, prompt="b", kl=9.0),
        ]
    )
    (strip,) = strips(records, corpus_of("a", "b"))
    assert strip.kl_nats == pytest.approx(0.4)
    assert {one.difference_nats for one in strip.tokens} == {-1.5}
