"""The model's name says the pair and alpha, and one alpha has one name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.constraint import Constraint, parse_constraints
from harness.errors import InvalidAlpha, InvalidConstraint, UnknownPair
from harness.model_name import ModelName, format_alpha, parse_alpha


def test_the_pair_stands_before_the_at_and_alpha_after_it():
    assert ModelName.parse("amplified/refuser@1.5") == ModelName("refuser", 1.5)


def test_the_providers_name_may_be_left_out():
    assert ModelName.parse("refuser@-1") == ModelName("refuser", -1.0)


def test_a_pair_alone_is_the_target():
    assert ModelName.parse("amplified/refuser") == ModelName("refuser", 0.0)


def test_a_pair_file_keeps_its_path():
    assert ModelName.parse("amplified/runs/my.pair.toml@2").pair == "runs/my.pair.toml"


def test_a_pair_of_the_providers_own_name_is_not_cut_twice():
    assert ModelName.parse("amplified/amplified/x@1").pair == "amplified/x"


@pytest.mark.parametrize(
    ("alpha", "text"),
    [
        (1.0, "1"),
        (0.0, "0"),
        (-1.0, "-1"),
        (1.5, "1.5"),
        (10.0, "10"),
        (100.0, "100"),
        (0.1, "0.1"),
    ],
)
def test_an_alpha_is_written_in_its_shortest_form(alpha, text):
    assert format_alpha(alpha) == text
    assert str(ModelName("refuser", alpha)) == f"amplified/refuser@{text}"


COMPOSITIONS = ["none", "kl_budget=0.5", "first=10:plausibility=0.1"]


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(COMPOSITIONS).map(parse_constraints),
)
def test_a_name_that_is_written_and_read_is_the_same(alpha, constraints):
    name = ModelName("refuser", alpha, constraints)
    assert ModelName.parse(str(name)) == name


def test_constraints_stand_behind_alpha_in_one_order():
    name = ModelName.parse("amplified/refuser@1.50:plausibility=0.10:first=10")
    assert name.alpha == 1.5
    assert name.constraints == (Constraint("first", 10), Constraint("plausibility", 0.1))
    assert str(name) == "amplified/refuser@1.5:first=10:plausibility=0.1"


def test_a_name_without_constraints_has_none_and_may_say_so():
    assert ModelName.parse("refuser@1.5").constraints == ()
    assert str(ModelName.parse("refuser@1.5:none")) == "amplified/refuser@1.5"


@pytest.mark.parametrize("text", ["refuser@1:", "refuser@1:2", "refuser@1:plausibility"])
def test_what_is_no_constraint_is_refused(text):
    with pytest.raises(InvalidConstraint):
        ModelName.parse(text)


def test_a_constraint_does_not_stand_in_for_alpha():
    with pytest.raises(InvalidAlpha, match="alpha 'first=10' is not a finite number"):
        ModelName.parse("refuser@first=10")


@pytest.mark.parametrize("text", ["1", "1.0", "1.00", "+1", "1e0", "01"])
def test_every_spelling_of_an_alpha_is_one_name(text):
    assert str(ModelName.parse(f"refuser@{text}")) == "amplified/refuser@1"


@pytest.mark.parametrize("text", ["0", "-0", "-0.0", "0.0", "-1e-400"])
def test_zero_has_no_sign(text):
    """``refuser@-0`` would be another model in the logs than ``refuser@0``."""
    assert str(ModelName.parse(f"refuser@{text}")) == "amplified/refuser@0"


@pytest.mark.parametrize("text", ["", "x", "1.5x", "nan", "inf", "-inf", "1e999", "1@2"])
def test_what_is_not_a_finite_number_is_refused(text):
    with pytest.raises(InvalidAlpha, match=f"alpha '{text}' is not a finite number"):
        ModelName.parse(f"refuser@{text}")
    with pytest.raises(InvalidAlpha):
        parse_alpha(text)


@pytest.mark.parametrize("text", ["", "@1.5", "amplified/", "amplified/@1"])
def test_a_name_without_a_pair_is_refused(text):
    with pytest.raises(UnknownPair, match="names no pair"):
        ModelName.parse(text)
