"""Reading prompt files, JSONL or CSV, into Inspect samples, with errors that name the line."""

import csv
import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from inspect_ai.dataset import MemoryDataset, Sample

from harness.errors import ConfigurationError, DatasetError

DATA = Path(__file__).parent / "data"


def read_prompts(
    path: Path, categories: Collection[str] = (), limit: int | None = None
) -> MemoryDataset:
    """Read a prompt file.

    A row has a ``prompt``, and may have an ``id`` (else its line number), a ``category`` (else
    "uncategorised"), an ``answer`` (a text, a number, or a list of right ones), which becomes the
    sample's target, and further fields, which become its metadata.

    Args:
        path: of a ``.jsonl`` or ``.csv`` file.
        categories: those to keep; empty keeps all.
        limit: keep the first so many of them; the shipped files alternate their categories.

    Raises:
        DatasetError: for a file that is missing, empty, malformed or has an id twice.
        ConfigurationError: for a category that the file does not have, or a limit below 1.
    """
    rows = list(_rows(path))
    samples = [_sample(path, line, row) for line, row in rows]
    _refuse_duplicates(
        path, [(line, str(s.id)) for (line, _), s in zip(rows, samples, strict=True)]
    )
    return choose_samples(path, samples, categories, limit)


def choose_samples(
    path: Path, samples: list[Sample], categories: Collection[str], limit: int | None
) -> MemoryDataset:
    """Keep the first so many samples of some categories.

    Args:
        path: where they were read.
        samples: all of them, each with a ``category`` in its metadata.
        categories: those to keep; empty keeps all.
        limit: None keeps all.

    Raises:
        DatasetError: if there are none.
        ConfigurationError: for a category that no sample has, or a limit below 1.
    """
    if not samples:
        raise DatasetError(f"{path} holds no prompts")
    known = dict.fromkeys(_category(sample) for sample in samples)
    for category in categories:
        if category not in known:
            raise ConfigurationError(
                f"category '{category}' is not in {path}, which has: {', '.join(known)}"
            )
    if categories:
        samples = [sample for sample in samples if _category(sample) in categories]
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigurationError(f"limit must be a whole number of at least 1, not {limit!r}")
    return MemoryDataset(samples[:limit], name=path.stem, location=str(path))


def asked_prompts(
    dataset: object, default: str, category: object, limit: int | None
) -> MemoryDataset:
    """Read what a task's options ask for: the user's own prompt file, or a shipped one.

    Args:
        dataset: the path of the user's own file; None for the shipped one.
        default: the name of the shipped file.
        category: comma-separated categories to keep; None keeps all.
        limit: keep the first so many prompts.

    Raises:
        DatasetError: as ``read_prompts`` does.
        ConfigurationError: if an option is no text, or as ``read_prompts`` does.
    """
    path = prompt_file(dataset, default)
    return read_prompts(path, split_names("category", category), limit)


def split_names(option: str, given: object) -> list[str]:
    """Split a comma-separated option; Inspect hands ``-T category=a,b`` over as a list.

    Raises:
        ConfigurationError: if it is neither text nor a list of texts.
    """
    parts = given if isinstance(given, list) else [given] if given is not None else []
    names = [require_text(option, part) for part in parts]
    return [name.strip() for part in names for name in part.split(",") if name.strip()]


def require_text(option: str, given: object) -> str:
    """Return an option's text; ``-T`` values are YAML, so other things arrive as well.

    Raises:
        ConfigurationError: if it is no text.
    """
    if not isinstance(given, str):
        raise ConfigurationError(
            f"{option} must be text, not {given!r}; put quotes around it: -T {option}='\"...\"'"
        )
    return given


def require_flag(option: str, given: object) -> bool:
    """Return an option that is on or off; ``-T`` reads true, false, yes and no as such.

    Raises:
        ConfigurationError: if it is neither.
    """
    if not isinstance(given, bool):
        raise ConfigurationError(f"{option} must be true or false, not {given!r}")
    return given


def prompt_file(given: object, default: str) -> Path:
    """Return the path of the user's own prompt file, or of a shipped one."""
    return DATA / default if given is None else Path(require_text("dataset", given))


def _category(sample: Sample) -> str:
    return str((sample.metadata or {})["category"])


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    readers = {".jsonl": _jsonl_rows, ".csv": _csv_rows}
    if path.suffix not in readers:
        raise DatasetError(f"{path} is not a prompt file: it must end in .jsonl or .csv")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"there is no prompt file {path}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8: byte {error.start} is {error.reason}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror}") from error
    return readers[path.suffix](path, text)


def _jsonl_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    # Not splitlines(): a JSON string may hold U+2028, which that would split at.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path} line {line} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise DatasetError(f"{path} line {line} must be an object, not {content.strip()[:40]}")
        yield line, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if reader.fieldnames is not None and "prompt" not in reader.fieldnames:
            raise DatasetError(
                f"{path} has no column 'prompt'; its columns are {', '.join(reader.fieldnames)}"
            )
        for row in reader:
            if None in row or None in row.values():
                raise DatasetError(
                    f"{path} line {reader.line_num} has another number of fields than the header"
                )
            yield reader.line_num, {key: value for key, value in row.items() if value}
    except csv.Error as error:
        # The inner reader's count: DictReader's own stands at the row before.
        line = reader.reader.line_num
        raise DatasetError(f"{path} line {line} is not CSV: {error}") from error


def _sample(path: Path, line: int, row: dict[str, object]) -> Sample:
    prompt = row.pop("prompt", None)
    if not isinstance(prompt, str) or not prompt.strip():
        raise DatasetError(f"{path} line {line} needs a 'prompt' that is text, not {prompt!r}")
    if any("\ud800" <= character <= "\udfff" for character in prompt):
        raise DatasetError(f"{path} line {line}: 'prompt' holds half a surrogate pair, not text")
    identifier = row.pop("id", line)
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        raise DatasetError(f"{path} line {line}: 'id' must be text or a number, not {identifier!r}")
    category = row.setdefault("category", "uncategorised")
    if not isinstance(category, str):
        raise DatasetError(f"{path} line {line}: 'category' must be text, not {category!r}")
    answers = _answers(path, line, row.pop("answer", []))
    return Sample(input=prompt, id=str(identifier), target=answers or "", metadata=row)


def _answers(path: Path, line: int, given: object) -> list[str]:
    answers = given if isinstance(given, list) else [given]
    for answer in answers:
        if isinstance(answer, bool) or not isinstance(answer, str | int | float):
            raise DatasetError(
                f"{path} line {line}: 'answer' must be text, a number or a list of them, "
                f"not {given!r}"
            )
    return [str(answer) for answer in answers]


def _refuse_duplicates(path: Path, identifiers: list[tuple[int, str]]) -> None:
    first: dict[str, int] = {}
    for line, identifier in identifiers:
        if identifier in first:
            raise DatasetError(
                f"{path} line {line} has the id '{identifier}' of line {first[identifier]}"
            )
        first[identifier] = line
