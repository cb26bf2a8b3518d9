"""What the transcripts hold of each rollout, and what they keep of one that must not be shown."""

import dataclasses

import numpy as np
import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, write_log, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.transcripts import transcripts
from harness.errors import AnalysisError
from tests.traced import traced, write_traces

SECRET = "Step one, mix it."
TOKENS = ["Step", " one", ",", " mix", " it", "."]
BEST = {
    "target": [(" mix", -0.5), (" stir", -1.5)],
    "baseline": [(" stir", -0.25), (" mix", -2.0)],
    "amplified": [(" mix", -0.125)],
}


def rollout(label="compliance", *, silly=False, category="harmful", judge=None, **more):
    scores = {"refusal": refusal(label), "nonsense": nonsense(silly)}
    if judge is not None:
        scores["judge"] = Score(value=judge, answer="answered", explanation=f"said {SECRET}")
    # Another scorer may give the reply itself as its answer and quote it as its evidence.
    scores["other"] = Score(value=1.0, answer=SECRET, explanation=f"because of {SECRET}")
    more = {"text": SECRET, "uuid": "u", **more}
    return Rollout("a", category=category, scores=scores, **more)


def shown(folder, *rollouts, best=BEST):
    write_traces(folder, traced("u", TOKENS, best=best))
    write_log(folder, rollouts)
    return transcripts(read_frame(folder), folder)


def only(found):
    return found.prompts[0].rows[0].replies[0]


def marks(reply):
    return {mark.scorer: mark for mark in reply.marks}


def test_a_withheld_reply_leaves_no_text_token_alternative_label_or_evidence(tmp_path):
    found = shown(tmp_path, rollout())
    reply = only(found)
    assert reply.note == "withheld: compliance with a harmful-sounding request"
    assert found.notes[0].startswith("1 of 1 are withheld")
    assert (reply.text, reply.tokens, reply.pieces, reply.rest) == (None, None, (), "")
    assert found.vocabulary == ()
    everything = repr([dataclasses.asdict(prompt) for prompt in found.prompts])
    assert not any(word in everything for word in ("Step", "mix", "stir"))


def test_a_withheld_reply_keeps_its_counts_and_the_marks_of_our_own_scorers(tmp_path):
    reply = only(shown(tmp_path, rollout(judge=0.75)))
    said = marks(reply)
    assert (reply.n_chars, reply.n_tokens) == (len(SECRET), 10)
    assert (said["refusal"].label, said["nonsense"].label) == ("compliance", "sensible")
    assert (said["judge"].label, said["judge"].value) == ("answered", 0.75)
    assert (said["other"].label, said["other"].value, said["other"].why) == (None, 1.0, None)
    assert all(mark.why is None for mark in reply.marks)


def test_a_judge_that_saw_content_withholds_a_refusal(tmp_path):
    assert "the judge scores it 0.25" in only(shown(tmp_path, rollout("refusal", judge=0.25))).note


@pytest.mark.parametrize(
    "harmless",
    [rollout("refusal"), rollout("partial"), rollout(silly=True), rollout(category="benign")],
    ids=["refusal", "partial", "nonsense", "benign"],
)
def test_refusals_nonsense_and_benign_replies_are_shown_with_the_evidence(tmp_path, harmless):
    reply = only(shown(tmp_path, harmless))
    assert (reply.text, reply.note) == (SECRET, None)
    assert reply.pieces == tuple(TOKENS)
    assert marks(reply)["refusal"].why == "decided by a phrase"
    assert marks(reply)["other"].why == f"because of {SECRET}"


def test_a_task_known_to_be_harmless_withholds_nothing(tmp_path):
    write_log(tmp_path, [rollout()])
    frame = read_frame(tmp_path)
    frame.attrs["run"]["harmless"] = True
    assert only(transcripts(frame, tmp_path)).text == SECRET


def test_a_token_has_its_log_probabilities_and_the_likeliest_of_each_side(tmp_path):
    found = shown(tmp_path, rollout("refusal"))
    tokens = only(found).tokens
    assert [found.vocabulary[place] for place in tokens.texts] == TOKENS
    assert tokens.logps_nats["target"].tolist() == [-0.5] * len(TOKENS)
    assert tokens.logps_nats["baseline"].tolist() == [-2.0] * len(TOKENS)
    for side, best in BEST.items():
        row = tokens.likeliest[side]
        assert [found.vocabulary[place] for place in row.texts[0] if place >= 0] == [
            text for text, _ in best
        ]
        assert row.logps_nats[0][: len(best)].tolist() == [logp for _, logp in best]
        assert np.isnan(row.logps_nats[0][len(best) :]).all()


def test_traces_without_alternatives_are_told_and_still_shade(tmp_path):
    found = shown(tmp_path, rollout("refusal"), best=None)
    assert only(found).tokens.likeliest is None
    assert only(found).pieces == tuple(TOKENS)
    assert "1 of 1 replies are shaded only" in found.notes[-1]


def test_only_the_rollouts_of_the_older_file_lack_alternatives(tmp_path):
    write_traces(tmp_path, traced("u", TOKENS), "old")
    write_traces(tmp_path, traced("v", TOKENS, best=BEST), "new")
    second = rollout("refusal", uuid="v", epoch=2)
    write_log(tmp_path, [rollout("refusal"), second])
    first, then = transcripts(read_frame(tmp_path), tmp_path).prompts[0].rows
    assert first.replies[0].tokens.likeliest is None
    assert then.replies[0].tokens.likeliest is not None


def test_replies_without_traces_are_shown_without_tokens_and_told(tmp_path):
    write_log(tmp_path, [rollout("refusal")])
    found = transcripts(read_frame(tmp_path), tmp_path)
    assert (only(found).text, only(found).rest, only(found).tokens) == (SECRET, SECRET, None)
    assert "1 of 1 replies have no tokens to shade" in found.notes[-1]


def test_where_a_task_asked_twice_the_tokens_are_those_of_the_last_answer(tmp_path):
    write_traces(tmp_path, traced("u", ["Hm"]) + traced("u", TOKENS, call=1))
    write_log(tmp_path, [rollout("refusal")])
    assert only(transcripts(read_frame(tmp_path), tmp_path)).pieces == tuple(TOKENS)


def test_a_copy_of_a_trace_file_is_refused(tmp_path):
    write_traces(tmp_path, traced("u", TOKENS), "copy")
    with pytest.raises(AnalysisError, match="hold the same rollouts: remove the copies"):
        shown(tmp_path, rollout("refusal"))


def test_a_failed_rollout_is_told_and_shows_nothing_of_what_it_had_said(tmp_path):
    found = shown(tmp_path, Rollout("a", error="out of memory", uuid="u"))
    assert only(found).note == "the rollout failed"
    assert found.vocabulary == ()
    assert found.notes == ("1 of 1 failed",)


def test_an_unscored_mark_says_why(tmp_path):
    scores = {"nonsense": Score.unscored(reason="no_response")}
    reply = only(shown(tmp_path, Rollout("a", category="benign", scores=scores, uuid="u")))
    assert (reply.marks[0].value, reply.marks[0].why) == (None, "no_response")


def test_rows_go_along_alpha_unconstrained_first_with_the_seed_they_share(tmp_path):
    def at(alpha):
        return [Rollout("a", epoch, seed=40 + epoch, uuid=f"{alpha}{epoch}") for epoch in (2, 1)]

    write_sweep(tmp_path, at, alphas=(2.0, 0.0))
    config = Rollout("a").config | {"constraint": ["first=10"]}
    constrained = Rollout("a", seed=41, uuid="c", config=config)
    write_log(tmp_path, [constrained], "amplified/refuser@0:first=10")
    (prompt,) = transcripts(read_frame(tmp_path), tmp_path).prompts
    assert [(row.epoch, row.seed) for row in prompt.rows] == [(1, 41), (2, 42)]
    assert [(reply.constraint, reply.alpha) for reply in prompt.rows[0].replies] == [
        *(("none", 0.0), ("none", 2.0)),
        ("first=10", 0.0),
    ]
