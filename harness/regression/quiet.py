"""Keeping Inspect's record of each request out of what a failing test quotes.

Inspect logs the begin and the end of every request and write at a level below debug, for a file of
its own. Pytest catches all levels, so the test that sampled first would quote thousands of lines.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_INSPECT = "inspect_ai"


@contextmanager
def without_traces() -> Iterator[None]:
    """Let only Inspect's own handlers see what it logs below INFO."""
    loggers = logging.getLogger(), logging.getLogger(_INSPECT)
    handlers = {handler for logger in loggers for handler in logger.handlers}
    others = [one for one in handlers if not type(one).__module__.startswith(_INSPECT)]
    for handler in others:
        handler.addFilter(_worth_telling)
    try:
        yield
    finally:
        for handler in others:
            handler.removeFilter(_worth_telling)


def _worth_telling(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO or not record.name.startswith(_INSPECT)
