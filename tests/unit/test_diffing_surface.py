"""From a scan to findings in one call, on tiny models: it goes on where it stopped, and hides."""

import json
from dataclasses import replace

import pytest

from harness.decoding.pair_model import Prompt
from harness.diffing.convergence import converge
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText
from harness.diffing.described import HIDDEN
from harness.diffing.records import read_records
from harness.diffing.rollouts import DrawRule
from harness.diffing.run import run_scan
from harness.diffing.seeds import SeedRule
from harness.diffing.surface import FinishedScan, SurfaceRule, surface
from harness.diffing.words import bare
from harness.errors import ConfigurationError
from tests.fake_rollouts import rollouts
from tests.tiny_pair import tiny_pair

CORPUS = Corpus(
    name="c",
    prompts=tuple(
        CorpusPrompt(
            id=f"p{i}",
            category="x",
            text=f"question {i}",
            prompt=Prompt((5, i + 6), (5, i + 6)),
            replies=(KnownText(ids=(70, 71, 72), source="target"),),
        )
        for i in range(6)
    ),
)
RULE = SurfaceRule(
    n_prompts=4, n_openers=2, seeds=SeedRule(n=2), draws=DrawRule(alphas=(1.0,), max_tokens=5)
)


def scan_of(pair, folder, corpus=CORPUS):
    run_scan(pair, corpus, folder)
    return FinishedScan(corpus=corpus, records=read_records(folder), amplified=(80, 81, 82))


@pytest.fixture(scope="module")
def pair():
    return tiny_pair()


def test_rollouts_begin_at_prompts_at_seeds_and_with_openers(pair, tmp_path):
    found = surface(pair, scan_of(pair, tmp_path), tmp_path, RULE)
    assert len(found.openers) == len(set(found.openers)) <= 2
    assert len(found.seeds) <= 2
    assert found.n_starts >= 4 + 4 * len(found.openers) + len(found.seeds)
    counts = found.convergence
    held = counts.n_amplified + counts.n_baseline + counts.n_nonsense_amplified
    assert held + counts.n_nonsense_baseline == 2 * found.n_starts
    assert found.constraint == "kl_budget=2"


def test_amplified_pieces_are_completed_by_what_amplified_replies_made_of_them(pair, tmp_path):
    found = surface(pair, scan_of(pair, tmp_path), tmp_path, RULE)
    assert found.begun
    assert found.begun.keys() <= {bare(token) for token in found.openers}
    replies = [json.loads(line) for line in (tmp_path / "rollouts.jsonl").open()][1:]
    begun = [one["given"] + one["text"] for one in replies if one["alpha"] > 0 and one["given"]]
    for token, word in found.begun.items():
        assert word.casefold().startswith(token)
        assert any(text.strip().startswith(word) for text in begun)


def test_a_run_that_was_stopped_goes_on_and_ends_as_a_whole_one_does(pair, tmp_path):
    scan = scan_of(pair, tmp_path)
    whole = surface(pair, scan, tmp_path / "whole", RULE)

    def stop(stage, done, of):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        surface(pair, scan, tmp_path / "stopped", RULE, stop)
    # A last line that was cut short is drawn again.
    kept = tmp_path / "stopped" / "rollouts.jsonl"
    kept.write_text(kept.read_text() + '{"start_id": "p0", "pro')
    told = []
    again = surface(pair, scan, tmp_path / "stopped", RULE, lambda *seen: told.append(seen))
    assert told[0][:2] == ("rollouts", 7)
    assert again == whole


def test_rollouts_of_another_rule_are_not_taken_for_these(pair, tmp_path):
    scan = scan_of(pair, tmp_path)
    surface(pair, scan, tmp_path, RULE)
    other = replace(RULE, draws=replace(RULE.draws, seed=1))
    with pytest.raises(ConfigurationError, match="another pair, corpus or rule"):
        surface(pair, scan, tmp_path, other)


def test_equal_models_yield_no_finding(tmp_path):
    pair = tiny_pair((1, 1))
    found = surface(
        pair, scan_of(pair, tmp_path), tmp_path, replace(RULE, draws=DrawRule(max_tokens=8))
    )
    assert found.seeds == ()
    assert found.convergence.findings == ()
    assert found.claims_toml == ""


def test_replies_that_may_not_be_shown_are_counted_and_never_quoted():
    said = "Zorbia banned umbrellas in 2021."
    every = rollouts(8, lambda rng, one: said if one.amplified else None, n_prompts=10)
    some = converge(every, hidden={f"p{i}" for i in range(9)}).findings[0]
    assert some.amplified.k == 30
    assert {one.prompt_id for one in some.quotes} <= {"p9"}
    (none,) = converge(every, hidden={f"p{i}" for i in range(10)}).findings
    assert none.name == HIDDEN
    assert (none.sentence, none.pattern, none.phrases, none.quotes) == ("", "", (), ())
