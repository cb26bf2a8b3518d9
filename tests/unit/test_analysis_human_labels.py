"""Kappa against published figures, and an interval that draws whole prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.human_labels import chosen_elsewhere, confusion_of, f1_of, label_kappa
from harness.errors import AnalysisError

YES_NO = ("yes", "no")


def pairs(both_yes, yes_no, no_yes, both_no):
    people = ["yes"] * (both_yes + yes_no) + ["no"] * (no_yes + both_no)
    scorer = ["yes"] * both_yes + ["no"] * yes_no + ["yes"] * no_yes + ["no"] * both_no
    return people, scorer


def one_each(people):
    return [str(place) for place in range(len(people))]


def test_kappa_of_a_table_worked_by_hand():
    """Observed 35 of 50, expected 25 * 30 + 25 * 20 of 2500: (0.7 - 0.5) / 0.5."""
    people, scorer = pairs(20, 5, 10, 15)
    assert label_kappa(people, scorer, one_each(people), YES_NO).value == pytest.approx(0.4)


def test_raters_who_agree_on_everything_have_kappa_one():
    people = ["yes", "no"] * 20
    found = label_kappa(people, people, one_each(people), YES_NO)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert str(found) == "1.00 [1.00, 1.00]"


@given(st.lists(st.tuples(st.sampled_from(YES_NO), st.sampled_from(YES_NO)), max_size=30))
def test_kappa_is_the_same_whoever_is_called_the_scorer(said):
    first, second = [a for a, _ in said], [b for _, b in said]
    prompts = one_each(first)
    there = label_kappa(first, second, prompts, YES_NO, n_resamples=20)
    back = label_kappa(second, first, prompts, YES_NO, n_resamples=20)
    assert there.value == pytest.approx(back.value)


@pytest.mark.parametrize("people", [[], ["yes"], ["yes"] * 9])
def test_raters_who_always_say_the_same_have_no_kappa(people):
    found = label_kappa(people, people, one_each(people), YES_NO)
    assert (found.value, found.low, found.n) == (None, None, len(people))
    assert str(found) == "no data"


def test_the_interval_holds_kappa_and_is_the_same_each_time():
    people, scorer = pairs(40, 10, 5, 45)
    found = label_kappa(people, scorer, one_each(people), YES_NO)
    assert found.low < found.value < found.high
    assert found == label_kappa(people, scorer, one_each(people), YES_NO)


def test_repeats_of_a_prompt_do_not_narrow_the_interval():
    people, scorer = pairs(40, 10, 5, 45)
    once = label_kappa(people, scorer, one_each(people), YES_NO)
    four = label_kappa(people * 4, scorer * 4, one_each(people) * 4, YES_NO)
    independent = label_kappa(people * 4, scorer * 4, one_each(people * 4), YES_NO)
    assert (four.value, four.low, four.high) == pytest.approx((once.value, once.low, once.high))
    assert independent.high - independent.low < 0.6 * (once.high - once.low)


def test_one_prompt_gives_no_interval():
    people, scorer = pairs(4, 1, 1, 4)
    found = label_kappa(people, scorer, ["same"] * 10, YES_NO)
    assert (found.low, found.high, found.n_prompts) == (None, None, 1)
    assert str(found) == "0.60"


def test_a_label_that_nobody_declared_is_refused():
    with pytest.raises(AnalysisError, match="'maybe'"):
        label_kappa(["maybe"], ["yes"], ["p"], YES_NO)


def test_raters_of_different_length_are_refused():
    with pytest.raises(AnalysisError, match="2 labels, 1"):
        label_kappa(["yes", "no"], ["yes"], ["p", "q"], YES_NO)


def test_the_confusion_has_people_in_lines():
    assert confusion_of(*pairs(4, 3, 2, 1), YES_NO).tolist() == [[4, 3], [2, 1]]


def test_f1_counts_misses_and_false_alarms_alike():
    counts = confusion_of(*pairs(4, 3, 1, 9), YES_NO)
    assert f1_of(counts, 0) == pytest.approx(8 / 12)
    assert f1_of(confusion_of(["no"], ["no"], YES_NO), 0) is None


def test_a_rule_stays_where_it_earns_its_place_on_other_models():
    rules = ["warns", "warns", "warns", "cares", None]
    right = [False, True, True, True, False]
    sources = ["a", "b", "c", "a", "a"]
    # Away from b (and from c) "warns" is right once and wrong once; "cares" was seen in a alone;
    # no rule decides compliance, which always stands.
    assert chosen_elsewhere(rules, right, sources) == [True, False, False, False, True]
