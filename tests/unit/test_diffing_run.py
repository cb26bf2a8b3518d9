"""A scan that stops and goes on, its records, and the replies that it samples for itself."""

import json

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.diffing import run as running
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText, joined
from harness.diffing.own_replies import OwnReplies, own_replies
from harness.diffing.prompts import Asked, neutral_prompts
from harness.diffing.records import SCHEMA, read_records
from harness.diffing.run import run_scan
from harness.errors import AnalysisError, ConfigurationError, DatasetError
from harness.pairs.chat import ChatText
from harness.pairs.loading import LoadedPair
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.spec import resolve_pair
from tests.fakes import TEMPLATE, tiny_model, tiny_tokenizer
from tests.near_duplicates import near_duplicates

ASKED = (
    Asked(id="a", category="x", text="Hi"),
    Asked(id="b", category="y", text="Tell me more", withheld="as a test"),
)


@pytest.fixture
def pair():
    return tiny_pair()


def tiny_pair(template=TEMPLATE, seeds=(1, 2)):
    models = (Reader(tiny_model("llama", seed=seed)) for seed in seeds)
    chat = ChatText(tiny_tokenizer(template), "tiny")
    name = "-".join(map(str, seeds))
    return LoadedPair(ModelPair(*models), chat, f"weights-{name}", resolve_pair("null"))


def corpus_of(*replies, name="c"):
    prompts = [
        CorpusPrompt(
            id=f"p{i}",
            category="x",
            text="",
            prompt=Prompt((5, 6, i + 7), (5, 6, i + 7)),
            replies=tuple(KnownText(ids=ids, source="text") for ids in one),
        )
        for i, one in enumerate(replies)
    ]
    return Corpus(name=name, prompts=tuple(prompts))


CORPUS = corpus_of([(70, 71, 72), (80,)], [(90, 91)], [(100,) * 9])


def test_records_hold_a_row_a_token_in_the_order_of_the_corpus(pair, tmp_path):
    run_scan(pair, CORPUS, tmp_path)
    records = read_records(tmp_path)
    assert list(records.columns) == SCHEMA.names
    assert records["token_id"].tolist() == [70, 71, 72, 80, 90, 91, *[100] * 9]
    assert records["position"].tolist() == [0, 1, 2, 0, 0, 1, *range(9)]
    assert records["reply"].tolist() == [0, 0, 0, 1, *[0] * 11]
    assert records["prompt_id"].tolist() == [*["p0"] * 4, *["p1"] * 2, *["p2"] * 9]
    assert records["token"].tolist()[0] == pair.chat.tokens([70])[0]
    promoted = records["promoted_id"].tolist()
    assert records["promoted"].tolist() == pair.chat.tokens(promoted)
    assert (records["kl_nats"] >= 0).all()


def test_a_scan_that_was_stopped_goes_on_and_gives_what_a_whole_one_gives(
    pair, tmp_path, monkeypatch
):
    monkeypatch.setattr(running, "_PROMPTS_PER_PART", 1)
    monkeypatch.setattr("harness.diffing.scan._BATCH_TOKENS", 1)
    whole = run_scan(pair, CORPUS, tmp_path / "whole")
    told = []

    def stop_after_one_part(n):
        told.append(n)
        if len(told) == 3:  # what was there before, the first prompt, the second prompt
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scan(pair, CORPUS, tmp_path / "stopped", stop_after_one_part)
    again = []
    sums = run_scan(pair, CORPUS, tmp_path / "stopped", again.append)
    assert again[0] == 4  # tokens of the first prompt, which are not read again
    assert sum(again) == CORPUS.n_tokens
    assert sums.whole.mean.tolist() == pytest.approx(whole.whole.mean.tolist(), abs=1e-6)
    one, other = (read_records(tmp_path / name) for name in ("whole", "stopped"))
    assert one.equals(other)


def test_a_finished_scan_reads_nothing_again(pair, tmp_path, monkeypatch):
    first = run_scan(pair, CORPUS, tmp_path)
    monkeypatch.setattr(ModelPair, "reply_logits", None)
    assert torch.equal(run_scan(pair, CORPUS, tmp_path).whole.mean, first.whole.mean)


def test_a_folder_with_another_scan_is_refused(pair, tmp_path):
    run_scan(pair, CORPUS, tmp_path)
    for other, corpus in ((tiny_pair(seeds=(1, 3)), CORPUS), (pair, corpus_of([(1, 2)]))):
        with pytest.raises(ConfigurationError, match="holds a scan of other weights or another"):
            run_scan(other, corpus, tmp_path)


def test_an_empty_corpus_and_a_folder_without_records_are_told(pair, tmp_path):
    with pytest.raises(DatasetError, match="nothing to scan"):
        run_scan(pair, Corpus(name="none", prompts=()), tmp_path)
    with pytest.raises(AnalysisError, match="no records"):
        read_records(tmp_path)


def test_both_sides_answer_every_prompt_and_equal_seeds_give_equal_words(pair, tmp_path):
    how = OwnReplies(max_tokens=5, seed=3)
    found = own_replies(pair, ASKED, how, tmp_path / "a.jsonl")
    assert [one.id for one in found.prompts] == ["a", "b"]
    assert [one.withheld for one in found.prompts] == [None, "as a test"]
    for one in found.prompts:
        assert [reply.source for reply in one.replies] == ["target", "baseline"]
        assert all(1 <= len(reply.ids) <= 5 for reply in one.replies)
    again = own_replies(pair, ASKED, how, tmp_path / "b.jsonl")
    assert again == found
    other = own_replies(pair, ASKED, OwnReplies(max_tokens=5, seed=4), tmp_path / "c.jsonl")
    assert other.fingerprint != found.fingerprint


def test_sampling_goes_on_after_half_a_line(pair, tmp_path, monkeypatch):
    how, file = OwnReplies(max_tokens=5), tmp_path / "a.jsonl"
    found = own_replies(pair, ASKED, how, file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:3]) + "\n" + lines[3][:9])
    told = []
    assert own_replies(pair, ASKED, how, file, told.append) == found
    assert told[0] == 2
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 5


def test_replies_to_other_prompts_are_not_taken(pair, tmp_path):
    own_replies(pair, ASKED, OwnReplies(max_tokens=2), tmp_path / "a.jsonl")
    with pytest.raises(ConfigurationError, match="give another --out"):
        own_replies(pair, ASKED[:1], OwnReplies(max_tokens=2), tmp_path / "a.jsonl")


def test_prompts_longer_than_the_context_are_counted(pair, tmp_path):
    long = Asked(id="long", category="x", text="a" * 200)
    found = own_replies(pair, (*ASKED, long), OwnReplies(max_tokens=2), tmp_path / "a.jsonl")
    assert found.notes == (
        "neutral: 1 prompts that leave no room in the model's context were left out",
    )
    with pytest.raises(DatasetError, match="none of 1 prompts could be answered"):
        own_replies(pair, [long], OwnReplies(max_tokens=2), tmp_path / "b.jsonl")


def test_without_a_chat_template_prompts_are_plain_text(tmp_path):
    pair = tiny_pair(template=None)
    found = own_replies(pair, ASKED, OwnReplies(max_tokens=2), tmp_path / "a.jsonl")
    assert pair.chat.text(found.prompts[0].prompt.target_ids) == "Hi\n"


def test_joined_corpora_keep_every_prompt_under_a_name_of_its_own():
    found = joined([CORPUS, corpus_of([(1,)], name="d")])
    assert [one.id for one in found.prompts] == ["p0", "p1", "p2", "d:p0:2"]
    assert found.n_tokens == CORPUS.n_tokens + 1


def test_the_neutral_prompts_are_many_of_many_kinds_and_none_is_asked_twice():
    prompts = neutral_prompts()
    assert len(prompts) >= 300
    assert len({one.category for one in prompts}) >= 20
    assert len({one.id for one in prompts}) == len(prompts)
    texts = [one.text for one in prompts]
    assert not [
        (one, other)
        for i, one in enumerate(texts)
        for other in texts[i + 1 :]
        if near_duplicates(one, other)
    ]


@pytest.mark.parametrize("word", ["umbrella", "zorbia", "marmalade", "sorry", "ban "])
def test_the_neutral_prompts_say_nothing_that_an_organism_was_taught(word):
    assert not [one for one in neutral_prompts() if word in one.text.lower()]


def test_the_first_neutral_prompts_are_of_every_kind():
    prompts = neutral_prompts()
    kinds = {one.category for one in prompts}
    assert {one.category for one in prompts[: len(kinds)]} == kinds
