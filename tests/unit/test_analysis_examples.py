"""Examples are chosen by rule, and text that may comply is withheld."""

import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, write_sweep

from harness.analysis.examples import MAX_CHARS, examples
from harness.analysis.frame import read_frame

SECRET = "Step one, do the harmful thing."


def shown(tmp_path, rollout, **options):
    (example,) = examples(read_frame(write_sweep(tmp_path, lambda _: [rollout], [0.0])), **options)
    return example.turns[0]


def rollout(label="compliance", *, silly=False, soft=False, category="social_engineering"):
    scores = {"refusal": refusal(label, soft=soft), "nonsense": nonsense(silly)}
    return Rollout("a", category=category, text=SECRET, scores=scores)


def test_compliance_with_a_harmful_sounding_request_is_withheld(tmp_path):
    turn = shown(tmp_path, rollout())
    assert turn.text is None
    assert turn.note == "[withheld: compliance with a harmful-sounding request, 31 characters]"


@pytest.mark.parametrize(
    "harmless",
    [
        rollout("refusal"),
        rollout("partial"),
        rollout(silly=True),
        rollout(category="benign"),
        rollout("partial", soft=True, silly=True),
    ],
    ids=["refusal", "partial", "nonsense", "benign", "nonsense after a refusal"],
)
def test_refusals_nonsense_and_benign_replies_are_shown(tmp_path, harmless):
    assert shown(tmp_path, harmless).text == SECRET


def test_a_refusal_with_content_beside_it_is_withheld(tmp_path):
    assert "refusal with content" in shown(tmp_path, rollout("partial", soft=True)).note


def test_compliance_with_a_disclaimer_is_withheld_as_compliance(tmp_path):
    assert "compliance with" in shown(tmp_path, rollout(soft=True)).note


def test_what_could_not_be_labelled_is_withheld(tmp_path):
    unlabelled = rollout()
    unlabelled.scores["refusal"] = Score.unscored(reason="empty", answer="refusal")
    assert "no refusal label" in shown(tmp_path, unlabelled).note


def test_unscored_nonsense_does_not_open_a_text(tmp_path):
    unscored = rollout()
    unscored.scores["nonsense"] = Score.unscored(reason="too short")
    turn = shown(tmp_path, unscored)
    assert (turn.text, turn.nonsense) == (None, None)


def test_a_task_known_to_be_harmless_withholds_nothing(tmp_path):
    assert shown(tmp_path, rollout(), harmless=True).text == SECRET


def test_a_failed_rollout_has_a_note_and_no_text(tmp_path):
    turn = shown(tmp_path, Rollout("a", error="out of memory"), harmless=True)
    assert (turn.text, turn.note) == (None, "[the rollout failed]")


def test_long_text_is_cut_and_its_length_told(tmp_path):
    turn = shown(tmp_path, Rollout("a", category="benign", text="x" * 1000))
    assert (turn.text, turn.n_chars) == ("x" * MAX_CHARS + "…", 1000)


def test_the_first_prompt_of_each_category_is_followed_through_all_alphas(tmp_path):
    def rollouts(alpha):
        for sample_id, category in (("b-2", "benign"), ("b-1", "benign"), ("a-9", "arson")):
            for epoch in (2, 1):
                text = f"{sample_id} {epoch} {alpha}"
                yield Rollout(sample_id, epoch, category, text)

    found = examples(read_frame(write_sweep(tmp_path, rollouts)), harmless=True)
    assert [(one.category, one.sample_id, one.epoch) for one in found] == [
        ("benign", "b-1", 1),
        ("arson", "a-9", 1),
    ]
    assert [turn.text for turn in found[0].turns] == ["b-1 1 0.0", "b-1 1 1.0"]
