"""Inspect's record of each request goes to its own file, not into a failing test's output."""

import logging

import pytest

from harness.regression.quiet import without_traces


@pytest.mark.parametrize(
    ("name", "level", "told"),
    [
        ("inspect_ai.model", 5, False),
        ("inspect_ai.model", logging.WARNING, True),
        ("somebody.else", 5, True),
    ],
)
def test_what_inspect_says_below_info_is_kept_from_others(caplog, name, level, told):
    logger = logging.getLogger(name)
    caplog.set_level(1, logger=name)
    with without_traces():
        logger.log(level, "begin")
    assert (caplog.messages == ["begin"]) is told


def test_afterwards_everything_is_told_again(caplog):
    caplog.set_level(1, logger="inspect_ai.model")
    with without_traces():
        pass
    logging.getLogger("inspect_ai.model").log(5, "begin")
    assert caplog.messages == ["begin"]
