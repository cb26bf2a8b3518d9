"""Names, units and the documentation of a trace file's columns."""

import re
from pathlib import Path

import pytest

from harness.decoding.trace import SIDES, TRACE_FIELDS
from harness.traces.layout import (
    ROLLOUT_COLUMNS,
    SCHEMA_VERSION,
    TOKEN_COLUMNS,
    best_columns,
    figure_column,
    grid_alphas,
    grid_column,
)

DOCS = (Path(__file__).parents[2] / "docs" / "traces.md").read_text()


def test_the_documentation_lists_every_column_with_its_type_and_unit_in_the_files_order():
    documented = re.findall(r"^\| `([\w@]+)` \| ([\w<>]+) \| ([\w ]*?) ?\|", DOCS, re.MULTILINE)
    columns = [*ROLLOUT_COLUMNS, *TOKEN_COLUMNS, *map(figure_column, TRACE_FIELDS)]
    grid = grid_column(0)._replace(name="logp_nats@ALPHA")
    best = [column for side in SIDES for column in best_columns(side)]
    assert documented == [tuple(column) for column in (*columns, grid, *best)]


def test_the_documentation_names_the_schema_version():
    assert f"Schema version {SCHEMA_VERSION}." in DOCS


@pytest.mark.parametrize(
    ("alpha", "name"),
    [
        (0.0, "logp_nats@0"),
        (1.5, "logp_nats@1.5"),
        (-1.0, "logp_nats@-1"),
        (1e22, "logp_nats@1e+22"),
    ],
)
def test_a_grid_column_is_named_by_its_alpha_and_read_back(alpha: float, name: str):
    assert grid_column(alpha).name == name
    assert grid_alphas(["alpha", name, "target_logp_nats"]) == (alpha,)


def test_the_alphas_of_grid_columns_come_in_numerical_order():
    assert grid_alphas(["logp_nats@10", "logp_nats@-1", "logp_nats@9"]) == (-1, 9, 10)
