"""The block of a document that a bench makes: the option that names the document, and its writing.

A document has one place for each block, between ``<!-- NAME -->`` and ``<!-- /NAME -->``.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.errors import ConfigurationError

Command = TypeVar("Command", bound=Callable[..., Any])


def docs_option(example: str) -> Callable[[Command], Command]:
    """Add the option ``--docs``.

    Args:
        example: the document whose block the command makes.
    """
    return click.option(
        "--docs",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=f"Replace the measured block of this document, such as {example}.",
    )


def require_block(docs: Path | None, name: str) -> None:
    """Refuse a document that has no place for the block, before minutes are spent.

    Raises:
        ConfigurationError: if it has not the markers, once each.
    """
    if docs is not None:
        with_block(docs.read_text(encoding="utf-8"), "", docs, name)


def publish(docs: Path | None, name: str, block: str) -> None:
    """Print what was measured, and put it into the document where one is given.

    Raises:
        ConfigurationError: as ``put_into`` does.
    """
    click.echo(block)
    put_into(docs, name, block)


def put_into(docs: Path | None, name: str, block: str) -> None:
    """Exchange a document's block, where a document is given.

    Raises:
        ConfigurationError: if the document has no place for it, or can't be written.
    """
    if docs is not None:
        write_document(docs, with_block(docs.read_text(encoding="utf-8"), block, docs, name))


def write_document(path: Path, text: str) -> None:
    """Write what was measured.

    Raises:
        ConfigurationError: if the file can't be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from error


def with_block(document: str, block: str, path: Path, name: str) -> str:
    """Return a document with what stands between the markers of a name exchanged.

    Raises:
        ConfigurationError: if it does not have the markers, once each.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    marked = re.compile(f"(?<={re.escape(start)}).*?(?={re.escape(end)})", re.DOTALL)
    changed, count = marked.subn(lambda _: block, document)
    if count != 1:
        raise ConfigurationError(
            f"{path} needs one line '{start.strip()}' and one '{end}' after it; what stands "
            "between them is replaced"
        )
    return changed
