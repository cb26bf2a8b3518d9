"""Every score tells which rules made it."""

import asyncio

import pytest
from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState

from harness.scorers import nonsense, refusal
from harness.scorers.version import deciding_lines, rules_version


@pytest.mark.parametrize(("scorer", "name"), [(refusal, "refusal"), (nonsense, "nonsense")])
def test_a_score_tells_the_version_of_its_rules(scorer, name):
    said = ModelOutput.from_content("mockllm/model", "I'm sorry, but I can't help with that.")
    state = TaskState(ModelName("mockllm/model"), "a", 1, "Hello?", [], output=said)
    found = asyncio.run(scorer()(state, Target("")))
    assert found.metadata["rules"] == rules_version(f"harness.scorers.{name}")
    assert len(found.metadata) > 1, "beside what the scorer says itself"


def test_scorers_that_share_no_rules_have_versions_of_their_own():
    assert rules_version("harness.scorers.refusal") != rules_version("harness.scorers.nonsense")


def test_words_about_the_code_are_no_rules():
    told = '"""A module."""\n\nLEVEL = 2\n# Why it is 2.\n\n\ndef f():\n    """Two\n    lines."""\n'
    documented = told + "    return LEVEL\n"
    assert deciding_lines(documented) == "LEVEL = 2\ndef f():\n    return LEVEL"
    assert deciding_lines("LEVEL = 3\n") != deciding_lines("LEVEL = 2\n")
