"""What ``-M`` says of traces, through YAML and Inspect's own splitting."""

from typing import Any

import pytest
from inspect_ai._util.config import parse_cli_args

from harness.commands.arguments import assignments
from harness.decoding.settings import MAX_TRACE_ALPHAS
from harness.errors import ConfigurationError, InvalidAlpha
from harness.traces.options import TraceOptions, grid_of_sweep


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("0,0.5,1,2", (0, 0.5, 1, 2)),
        ("[0, 0.5, 1, 2]", (0, 0.5, 1, 2)),
        ("0.5", (0.5,)),
        ("2", (2,)),
        ("-1, 0", (-1, 0)),
        ("2,0,1,2.0", (0, 1, 2)),
        ("[-0.0]", (0,)),
        ("1e-3,1", (0.001, 1)),
        ("[]", ()),
    ],
)
def test_both_commands_read_a_grid_alike(text: str, grid: tuple[float, ...]):
    word = f"trace_alphas={text}"
    for arguments in (parse_cli_args((word,)), assignments(None, None, (word,))):  # type: ignore[arg-type]
        assert TraceOptions.parse(arguments).grid == grid


@pytest.mark.parametrize("given", [True, None, [True], {"a": 1}, [[1]], [None]])
def test_what_is_no_number_is_no_grid(given: Any):
    with pytest.raises(ConfigurationError, match=r"trace_alphas=.*must be numbers"):
        TraceOptions.parse({"trace_alphas": given})


@pytest.mark.parametrize("given", ["a", "nan", "0,inf", "", "1,,2", float("inf")])
def test_an_alpha_of_the_grid_is_a_finite_number(given: Any):
    with pytest.raises(InvalidAlpha, match="not a finite number"):
        TraceOptions.parse({"trace_alphas": given})


def test_the_likeliest_tokens_are_kept_unless_they_are_refused():
    assert TraceOptions.parse({}).best
    assert not TraceOptions.parse({"trace_best": False}).best
    with pytest.raises(ConfigurationError, match="trace_best='no'; it must be true or false"):
        TraceOptions.parse({"trace_best": "no"})
    with pytest.raises(ConfigurationError, match="trace_best has no effect with traces=sums"):
        TraceOptions.parse({"traces": "sums", "trace_best": False})


def test_a_grid_holds_at_most_64_alphas():
    most = list(range(MAX_TRACE_ALPHAS))
    assert len(TraceOptions.parse({"trace_alphas": most}).grid) == 64
    with pytest.raises(ConfigurationError, match=r"65 alphas .* at most 64"):
        TraceOptions.parse({"trace_alphas": [*most, 64]})
    with (
        pytest.raises(ConfigurationError, match=r"65 alphas .* -M trace_alphas="),
        grid_of_sweep([*most, 64]),
    ):
        pass


@pytest.mark.parametrize("given", [0, 1, "no-thanks", None, "False"])
def test_traces_are_switched_by_three_words_alone(given: Any):
    with pytest.raises(ConfigurationError, match=r"traces=.*; it must be true .* sums .* or false"):
        TraceOptions.parse({"traces": given})


@pytest.mark.parametrize(
    ("words", "kept", "measured"),
    [
        ((), True, True),
        (("traces=true",), True, True),
        (("traces=sums",), False, True),
        (("traces=false",), False, False),
    ],
)
def test_both_commands_read_alike_what_becomes_of_traces(words, kept: bool, measured: bool):
    for arguments in (parse_cli_args(words), assignments(None, None, words)):  # type: ignore[arg-type]
        options = TraceOptions.parse(arguments)
        assert (options.kept, options.measured) == (kept, measured)


@pytest.mark.parametrize(("given", "word"), [(False, "false"), ("sums", "sums")])
def test_a_grid_for_traces_that_are_not_kept_is_refused(given: Any, word: str):
    with pytest.raises(ConfigurationError, match=f"no effect with traces={word}"):
        TraceOptions.parse({"traces": given, "trace_alphas": [1]})


def test_inside_a_sweep_the_grid_is_the_sweeps_and_afterwards_there_is_none():
    default = TraceOptions.parse({})
    assert default.grid == ()
    with grid_of_sweep([2.0, 0.0]):
        assert default.grid == (0, 2)
        assert TraceOptions.parse({"trace_alphas": 1}).grid == (1,)
        assert TraceOptions.parse({"trace_alphas": []}).grid == ()
        assert TraceOptions.parse({"traces": False}).grid == ()
    assert default.grid == ()
