"""How constraints are spelled, and which numbers they take."""

import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.constraint import (
    CUTTING_KINDS,
    RANGES,
    Constraint,
    Kind,
    canonical,
    format_constraints,
    parse_constraint,
    parse_constraints,
)
from harness.decoding.settings import RolloutSettings
from harness.errors import ConfigurationError, InvalidConstraint

KINDS = get_args(Kind)
PLAUSIBLE, FIRST = Constraint("plausibility", 0.1), Constraint("first", 10)


@st.composite
def constraints(draw):
    kind = draw(st.sampled_from(KINDS))
    if kind == "first":
        return Constraint(kind, draw(st.integers(1, 10**6)))
    most = min(RANGES[kind].most, 1e6)
    return Constraint(kind, draw(st.floats(1e-6, most, exclude_max=True)))


def test_a_composition_is_read_part_by_part():
    assert parse_constraints("plausibility=0.1:first=10") == (FIRST, PLAUSIBLE)


def test_one_composition_has_one_spelling_whatever_the_order_it_was_given_in():
    for text in (
        "plausibility=0.1:first=10",
        "first=10:plausibility=0.1",
        " first = 10.0 :plausibility=1e-1",
    ):
        assert format_constraints(parse_constraints(text)) == "first=10:plausibility=0.1"


def test_none_is_no_constraint_and_no_constraint_is_none():
    assert parse_constraints("none") == ()
    assert format_constraints(()) == "none"


@given(st.lists(constraints(), max_size=6, unique_by=lambda one: one.kind))
def test_a_composition_that_is_written_and_read_is_the_same(composed):
    assert parse_constraints(format_constraints(composed)) == canonical(composed)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("plausability", "plausibility"), ("kl-budget", "kl_budget"), ("top_p", "target_top_p")],
)
def test_an_unknown_kind_is_refused_with_the_nearest_one(given, meant):
    with pytest.raises(
        InvalidConstraint, match=f"unknown constraint '{given}'. Did you mean '{meant}'?"
    ):
        parse_constraint(f"{given}=0.1")


def test_a_kind_that_is_like_none_is_refused_with_all_of_them():
    with pytest.raises(InvalidConstraint) as raised:
        parse_constraint("xyz=1")
    assert "'xyz'. Known are" in str(raised.value)
    for kind in KINDS:
        assert kind in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "plausibility=0",
        "plausibility=1.1",
        "plausibility=-0.1",
        "plausibility=nan",
        "plausibility=",
        "plausibility",
        "plausibility=x",
        "plausibility=0.1=2",
        "target_top_p=1",
        "target_top_p=0",
        "first=0",
        "first=1.5",
        "first=-1",
        "first=inf",
        "clip=0",
        "clip=inf",
        "kl_budget=-1",
        "kl_budget=inf",
        "kl_gate=0",
        "kl_gate=nan",
    ],
)
def test_a_number_out_of_its_range_is_refused_with_what_it_may_be(text):
    kind, _, number = text.partition("=")
    with pytest.raises(InvalidConstraint) as raised:
        parse_constraints(text)
    assert str(raised.value).startswith(f"constraint {kind}={number}")
    assert RANGES[kind].says in str(raised.value)


@pytest.mark.parametrize(
    "text", ["plausibility=1", "plausibility=1e-30", "target_top_p=0.999", "first=1", "clip=1e9"]
)
def test_the_ends_of_each_range_are_allowed(text):
    assert len(parse_constraints(text)) == 1


def test_a_kind_given_twice_is_refused_with_both_numbers():
    with pytest.raises(InvalidConstraint, match=r"first=1 and first=2 can't both hold"):
        parse_constraints("first=2:plausibility=0.1:first=1")


@pytest.mark.parametrize("text", ["", ":", "first=1:", "none:first=1", "first=1:none"])
def test_a_part_that_is_no_constraint_is_refused(text):
    with pytest.raises(InvalidConstraint, match="unknown constraint"):
        parse_constraints(text)


def test_a_rollouts_settings_refuse_a_kind_given_twice():
    with pytest.raises(ConfigurationError, match="can't both hold"):
        RolloutSettings(constraints=(FIRST, PLAUSIBLE, Constraint("first", 3)))


def test_a_rollout_has_no_constraint_unless_it_is_asked_for():
    assert RolloutSettings().constraints == ()


def test_every_kind_says_what_it_takes():
    assert set(RANGES) == set(KINDS)
    assert set(CUTTING_KINDS) < set(KINDS)
    assert math.inf not in {RANGES[kind].most for kind in CUTTING_KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_documentation(kind):
    root = Path(__file__).parents[2]
    page = (root / "docs" / "constraints.md").read_text()
    assert f"### {kind}\n" in page
    assert f"| `{kind}` |" in page
    assert f"`{kind}=" in (root / "README.md").read_text()
