"""The frame keeps every rollout, and says of each why it has no value."""

import math

from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_log, write_sweep

from harness.analysis.frame import finished, read_frame, rollouts


def test_there_is_one_row_per_rollout_and_scorer(tmp_path):
    scores = {"harness/refusal": refusal("partial", opening="i can't"), "nonsense": nonsense(False)}
    write_log(tmp_path, [Rollout("a", 1, scores=scores), Rollout("a", 2, scores=scores)], 1.5)
    frame = read_frame(tmp_path)
    assert frame[["alpha", "sample_id", "epoch", "scorer", "value", "label"]].values.tolist() == [
        [1.5, "a", 1, "nonsense", 0.0, "sensible"],
        [1.5, "a", 1, "refusal", 1.0, "partial"],
        [1.5, "a", 2, "nonsense", 0.0, "sensible"],
        [1.5, "a", 2, "refusal", 1.0, "partial"],
    ]
    assert len(rollouts(frame)) == 2


def test_a_row_carries_text_length_trace_and_origin(tmp_path):
    rollout = Rollout(
        "a", text="Hello you", seed=42, stop_reason="max_tokens", trace=trace(4, dose_nats=0.25)
    )
    rollout.scores = {"refusal": refusal("refusal", opening="i'm sorry", soft=True)}
    write_log(tmp_path, [rollout])
    row = read_frame(tmp_path).iloc[0]
    assert (row["pair"], row["task"], row["model"]) == (
        "refuser",
        "refusal",
        "amplified/refuser@0.0",
    )
    assert (row["prompt"], row["completion"], row["stop_reason"]) == (
        "Tell me.",
        "Hello you",
        "max_tokens",
    )
    assert (row["n_chars"], row["n_tokens"], row["seed"], row["run_seed"]) == (9, 4, 42, 7)
    assert (row["trace_dose_nats"], row["trace_n_tokens"]) == (0.25, 4)
    assert (row["opening"], row["soft_jailbreak"]) == ("i'm sorry", True)


def test_an_unscored_rollout_is_nan_with_its_reason_and_never_zero(tmp_path):
    write_log(tmp_path, [Rollout("a", scores={"refusal": Score.unscored(reason="empty")})])
    row = read_frame(tmp_path).iloc[0]
    assert math.isnan(row["value"])
    assert row["reason"] == "empty"


def test_an_errored_rollout_keeps_a_row_for_every_scorer(tmp_path):
    scores = {"refusal": refusal("refusal"), "nonsense": nonsense(False)}
    write_log(tmp_path, [Rollout("a", scores=scores), Rollout("b", error="out of memory")])
    frame = read_frame(tmp_path)
    errored = frame[frame["sample_id"] == "b"]
    assert errored["scorer"].tolist() == ["nonsense", "refusal"]
    assert errored["reason"].tolist() == ["error", "error"]
    assert errored["error"].tolist() == ["out of memory"] * 2
    assert errored[["value", "n_tokens", "n_chars"]].isna().all(axis=None)
    assert finished(frame)["sample_id"].tolist() == ["a"]


def test_a_rollout_that_one_scorer_skipped_says_so(tmp_path):
    both = {"refusal": refusal("refusal"), "nonsense": nonsense(True)}
    write_log(
        tmp_path, [Rollout("a", scores=both), Rollout("b", scores={"nonsense": nonsense(True)})]
    )
    frame = read_frame(tmp_path)
    skipped = frame[(frame["sample_id"] == "b") & (frame["scorer"] == "refusal")].iloc[0]
    assert skipped["reason"] == "no score"


def test_letters_and_booleans_become_numbers_and_the_rest_becomes_unscored(tmp_path):
    values = {"a": "C", "b": "I", "c": True, "d": "N", "e": "perhaps", "f": {"x": 1}, "g": "0.5"}
    write_log(tmp_path, [Rollout(name, scores={"s": Score(value=v)}) for name, v in values.items()])
    frame = read_frame(tmp_path).set_index("sample_id")
    assert frame["value"].dropna().to_dict() == {"a": 1.0, "b": 0.0, "c": 1.0, "g": 0.5}
    assert frame["reason"].dropna().to_dict() == {
        "d": "no answer",
        "e": "not a number: 'perhaps'",
        "f": "not a number: {'x': 1}",
    }


def test_logs_without_scorers_still_give_a_row_per_rollout(tmp_path):
    write_log(tmp_path, [Rollout("a"), Rollout("b")])
    frame = read_frame(tmp_path)
    assert len(frame) == 2
    assert frame["scorer"].isna().all()


def test_long_prompts_and_chats_are_read_whole(tmp_path):
    """Inspect stores long texts apart; an unresolved one would read 'attachment://...'."""
    long = "Why? " * 500
    chat = Rollout("b")
    chat.prompt = [ChatMessageSystem(content="Be kind."), ChatMessageUser(content=long)]
    write_log(tmp_path, [Rollout("a", prompt=long, text=long), chat])
    frame = read_frame(tmp_path)
    assert frame["prompt"].tolist() == [long, long]
    assert frame["completion"].iloc[0] == long


def test_what_the_logs_say_of_the_run_is_kept_beside_the_rows(tmp_path):
    write_sweep(tmp_path, lambda alpha: [Rollout("a", 1), Rollout("a", 2)])
    run = read_frame(tmp_path).attrs["run"]
    assert (run["epochs"], run["limit"], run["packages"]) == (2, 6, {"inspect_ai": "0.3.285"})
    assert [(log["n_read"], log["n_expected"], log["used"]) for log in run["logs"]] == [
        (2, 2, True)
    ] * 2


def test_a_phrase_that_shows_a_behaviour_tells_how_far_the_reply_was_decided(tmp_path):
    """Of an event only: a disclaimer beside an answer decides nothing."""
    evidence = {"evidence": "I can't", "evidence_start": 7}
    scores = {
        "refusal": Score(value=1.0, metadata=evidence),
        "complies": Score(value=0.0, metadata=evidence),
        "other": Score(value=1.0),
    }
    write_log(tmp_path, [Rollout("a", scores=scores)])
    decided = read_frame(tmp_path).set_index("scorer")["decided_chars"]
    assert decided["refusal"] == 14
    assert decided[["complies", "other"]].isna().all()
