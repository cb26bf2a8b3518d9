"""The samples of one log, read for what a row needs of them and nothing else.

Inspect's reader takes 1.2 ms a sample, most of it for the transcript, which no row needs: two
minutes for 100,000 rollouts. A log is a zip with one JSON file per sample; here each is parsed
straight into Inspect's own types of the few fields that are used, which takes 0.06 ms. Where a
log is laid out otherwise than is known here, Inspect's reader reads it.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

# Inspect teaches Python's zipfile zstandard when it is imported.
from inspect_ai.log import EvalError, EvalSample, read_eval_log, resolve_sample_attachments
from inspect_ai.model import ChatMessage, ModelOutput
from inspect_ai.scorer import Score
from pydantic import BaseModel, Field, ValidationError

from harness.analysis.logs import LogInfo, unreadable
from harness.location import local_path

# What a row needs none of; events alone are most of a log.
UNREAD_FIELDS = {"events", "messages", "store", "timelines", "error_retries"}

# How a text that is stored apart begins; the second in logs of early versions.
_REFERENCES = ("attachment://", "tc://")

T = TypeVar("T")


class NeededSample(BaseModel):
    """What a row is made of; the fields are ``EvalSample``'s."""

    id: int | str
    epoch: int
    input: str | list[ChatMessage]
    target: str | list[str] = ""
    output: ModelOutput = Field(default_factory=ModelOutput)
    scores: dict[str, Score] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    uuid: str | None = None
    error: EvalError | None = None
    attachments: dict[str, str] = Field(default_factory=dict)
    score: Any = None
    """Of logs from before a sample had several: Inspect's reader knows where it went."""


class _UnknownLayoutError(Exception):
    """The log is not laid out as is known here."""


def read_samples(info: LogInfo, row: Callable[[NeededSample | EvalSample], T]) -> list[T]:
    """Read a log's samples, one at a time, and keep what is made of each.

    Args:
        info: the log.
        row: what to make of a sample.

    Raises:
        AnalysisError: if the file can't be read.
    """
    try:
        return [row(sample) for sample in _needed(info.path)]
    except _UnknownLayoutError:
        return [row(sample) for sample in _whole(info.path)]


def _needed(path: str) -> Iterator[NeededSample]:
    """Read samples one at a time; errors of whoever takes them are not caught here."""
    try:
        yield from _in_known_layout(path)
    # A damaged file; an encrypted one, or a compression that zipfile lacks, for which it raises a
    # RuntimeError; or a sample with fields of other types.
    except (BadZipFile, RuntimeError, OSError, ValidationError) as error:
        raise _UnknownLayoutError from error


def _in_known_layout(path: str) -> Iterator[NeededSample]:
    file = local_path(path)
    if file is None:
        raise _UnknownLayoutError
    with ZipFile(file) as log:
        # A sample that was logged again stands twice under one name, and the last one counts.
        members = {member.filename: member for member in log.infolist()}
        if "header.json" not in members:
            raise _UnknownLayoutError
        for name, member in members.items():
            if name.startswith("samples/") and name.endswith(".json"):
                sample = NeededSample.model_validate_json(log.read(member))
                if sample.score is not None:
                    raise _UnknownLayoutError
                yield _resolved(sample) if _stored_apart(sample) else sample


def _stored_apart(sample: NeededSample) -> bool:
    """Say whether the input may point at attachments; most are for the transcript only."""
    text = sample.input
    plain = isinstance(text, str) and not text.startswith(_REFERENCES)
    return bool(sample.attachments) and not plain


def _resolved(sample: NeededSample) -> NeededSample:
    """Put the text of a long prompt, which Inspect stores apart, back into its place."""
    stored = EvalSample(
        id=sample.id,
        epoch=sample.epoch,
        input=sample.input,
        target="",
        attachments=sample.attachments,
    )
    return sample.model_copy(update={"input": resolve_sample_attachments(stored, "core").input})


def _whole(path: str) -> list[EvalSample]:
    try:
        log = read_eval_log(path, resolve_attachments="core", exclude_fields=UNREAD_FIELDS)
    # Inspect raises whatever its zip and JSON readers raise; all of it means the same here.
    except Exception as error:
        raise unreadable(path, error) from error
    return log.samples or []
