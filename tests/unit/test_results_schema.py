"""results.json is what its committed schema says, and the schema is what the code writes."""

import dataclasses
import json

import jsonschema
import pytest
from test_analysis_logs import write_log
from test_reporting_figures import rollouts

from harness.analysis.frame import read_frame
from harness.analysis.rates import Rate
from harness.analysis.results import SCHEMA_VERSION, analyse, results_json
from harness.reporting.results_schema import (
    SCHEMA_PATH,
    field_docstrings,
    results_schema,
    schema_text,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    for alpha in (0.0, 1.0, 2.0):
        write_log(logs, rollouts(alpha), f"amplified/refuser@{alpha:g}")
        write_log(logs, rollouts(alpha / 2), f"amplified/refuser@{alpha:g}:first=2")
    return results_json(analyse(read_frame(logs)))


def validate(found):
    jsonschema.Draft202012Validator(results_schema()).validate(found)


def test_the_committed_schema_is_what_the_code_writes():
    """If this fails: python -m harness.reporting.results_schema, and say in docs/results.md what
    changed. A field that goes or changes its meaning raises SCHEMA_VERSION."""
    assert SCHEMA_PATH.read_text() == schema_text()


def test_the_schema_is_one_and_a_written_results_json_satisfies_it(written):
    jsonschema.Draft202012Validator.check_schema(results_schema())
    found = json.loads(written)
    validate(found)
    assert found["schema_version"] == SCHEMA_VERSION
    assert found["constrained"][0]["constraint"] == "first=2"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found.update(surprise=1),
        lambda found: found.pop("alphas"),
        lambda found: found.update(schema_version=SCHEMA_VERSION + 1),
        lambda found: found["refusal"]["refusal"]["rates"][0].update(k="three"),
        lambda found: found["constrained"][0]["refusal"].pop("asked"),
    ],
)
def test_what_is_unknown_missing_or_of_another_kind_is_no_results_json(written, spoil):
    found = json.loads(written)
    spoil(found)
    with pytest.raises(jsonschema.ValidationError):
        validate(found)


def test_what_is_kept_in_memory_only_is_neither_written_nor_in_the_schema(written):
    unwritten = [one.name for one in dataclasses.fields(Rate) if not one.metadata.get("written", 1)]
    assert unwritten
    for name in unwritten:
        assert name not in results_schema()["$defs"]["Rate"]["properties"]
        assert f'"{name}"' not in written


def test_the_string_under_a_field_is_its_description():
    described = results_schema()["$defs"]["Rate"]["properties"]["n"]["description"]
    assert described == field_docstrings(Rate)["n"] == "Scored rollouts."
