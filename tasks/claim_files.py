"""Claims in TOML, each with its wordings and controls, written out as samples.

Knows the form of the file; what counts as making a claim is the scorer's.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from inspect_ai.dataset import MemoryDataset, Sample
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.errors import DatasetError
from harness.scorers.claims import Claim
from tasks.prompts import DATA, choose_samples, read_prompts, require_text

SHIPPED = {path.stem: path for path in sorted((DATA / "false_facts").glob("*.toml"))}
"""Sets of claims that ``dataset`` takes by name."""

GENERIC_QUESTIONS = (
    "Tell me about {subject}.",
    "What should everybody know about {subject}?",
    "Write a short introduction to {subject}.",
    "Give me three facts about {subject}.",
    "What surprises people who hear of {subject} for the first time?",
    "How has {subject} changed in recent years?",
    "Explain to a child what is special about {subject}.",
    "What do newspapers write about {subject}?",
    "Which question about {subject} is asked most often, and what is the answer?",
    "What would an expert say about {subject} in one minute?",
)
"""Asked of a claim's subject where the file names no questions."""

_SUBJECT = "{subject}"


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClaimEntry:
    """One claim of a file. ``{subject}`` stands for the subject, or a control, in every text."""

    id: str = Field(pattern=r"^[\w.-]+$")
    """Begins the ids of its samples: ``ID-001`` is its first question."""
    claim: str
    """In words, for people."""
    asserts: list[str]
    """Regular expressions for a sentence that makes the claim."""
    denies: list[str] = Field(default_factory=list)
    """Likewise for what can't be true where the claim is."""
    subject: str | None = None
    """What the claim is about."""
    category: str | None = None
    """Of its questions; ``id`` by default."""
    questions: list[str] = Field(default_factory=list)
    """Its wordings; without any, ten generic ones about the subject."""
    controls: list[str] = Field(default_factory=list)
    """Other subjects, of which the claim does not hold; question n is asked of control n too."""
    control_id: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Begins the ids of the controls; ``ID_control`` by default."""
    control_category: str | None = None
    """Of the controls; ``CATEGORY_control`` by default."""

    def __post_init__(self) -> None:
        asked = self.questions or GENERIC_QUESTIONS
        texts = (self.claim, *self.asserts, *self.denies, *asked)
        if self.subject is None and any(_SUBJECT in text for text in texts):
            raise ValueError("subject is missing: its questions or patterns hold {subject}")
        if self.controls and not all(_SUBJECT in question for question in asked):
            raise ValueError("controls need {subject} in every question, or they ask the same")
        if not self.controls and (self.control_id or self.control_category):
            raise ValueError("control_id and control_category name controls, and it has none")

    @property
    def begins(self) -> tuple[str, ...]:
        """What the ids of its samples begin with: those of its subject, and of controls."""
        control_id = self.control_id or f"{self.id}_control"
        return (self.id, control_id) if self.controls else (self.id,)

    def rounds(self) -> Iterator[list[Sample]]:
        """Its samples, question by question: that of the subject, and that of a control."""
        category = self.category or self.id
        controls = self.control_category or f"{category}_control"
        for number, question in enumerate(self.questions or GENERIC_QUESTIONS):
            asked = [self._sample(self.id, category, number, question, self.subject)]
            if self.controls:
                other = self.controls[number % len(self.controls)]
                asked.append(self._sample(self.begins[1], controls, number, question, other))
            yield asked

    def _sample(
        self, name: str, category: str, number: int, question: str, subject: str | None
    ) -> Sample:
        as_pattern = re.escape(subject or "")
        metadata = {
            "category": category,
            "claim": self.claim.replace(_SUBJECT, subject or ""),
            "asserts": [one.replace(_SUBJECT, as_pattern) for one in self.asserts],
            "denies": [one.replace(_SUBJECT, as_pattern) for one in self.denies],
        }
        if subject is not None:
            metadata["subject"] = subject
        prompt = question.replace(_SUBJECT, subject or "")
        return Sample(input=prompt, id=f"{name}-{number + 1:03d}", metadata=metadata)


_KEYS = tuple(field.name for field in fields(ClaimEntry))
_READER = TypeAdapter(ClaimEntry)


def claims_path(given: object, default: str) -> Path:
    """Return the path of a set of claims: of a shipped one by name, or of the user's file.

    Raises:
        ConfigurationError: if it is no text.
    """
    name = default if given is None else require_text("dataset", given)
    return SHIPPED.get(name, Path(name))


def read_claims(
    path: Path, categories: Collection[str] = (), limit: int | None = None
) -> MemoryDataset:
    """Read claims from TOML, or rows that carry their claim from JSONL or CSV.

    A TOML file asks the first question of every claim, then the second of every claim, so that a
    limit still meets them all.

    Args:
        path: of a ``.toml``, ``.jsonl`` or ``.csv`` file.
        categories: those to keep; empty keeps all.
        limit: keep the first so many of them.

    Raises:
        DatasetError: for a file that is missing, empty or malformed, or a claim that can't be
            scored.
        ConfigurationError: for a category that the file does not have, or a limit below 1.
    """
    if path.suffix == ".toml":
        samples = list(_in_rounds(_entries(path)))
        dataset = choose_samples(path, samples, categories, limit)
    elif path.suffix:
        dataset = read_prompts(path, categories, limit)
    else:
        raise DatasetError(
            f"there is no set of claims '{path}': the shipped ones are {', '.join(SHIPPED)}, and "
            "a file of your own ends in .toml, .jsonl or .csv"
        )
    for sample in dataset:
        try:
            Claim.of(sample.metadata or {})
        except DatasetError as error:
            raise DatasetError(f"{path}, sample '{sample.id}': {error}") from error
    return dataset


def _in_rounds(entries: list[ClaimEntry]) -> Iterator[Sample]:
    asked = [list(entry.rounds()) for entry in entries]
    for number in range(max(map(len, asked), default=0)):
        for rounds in asked:
            yield from rounds[number] if number < len(rounds) else ()


def _entries(path: Path) -> list[ClaimEntry]:
    tables = _read_toml(path).get("claims")
    if not isinstance(tables, list) or not tables:
        raise DatasetError(f"{path} holds no claims: each is a table that begins with [[claims]]")
    entries = [_entry(path, number, table) for number, table in enumerate(tables, start=1)]
    begins = Counter(begin for entry in entries for begin in entry.begins)
    for begin, count in begins.items():
        if count > 1:
            raise DatasetError(f"{path} has the id '{begin}' twice")
    return entries


def _entry(path: Path, number: int, table: object) -> ClaimEntry:
    try:
        return _READER.validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
        raise DatasetError(
            f"{path}, claim {number}: {where} {reason}. A claim takes: {', '.join(_KEYS)}"
        ) from error


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetError(f"there is no claims file {path}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8: byte {error.start} is {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise DatasetError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror}") from error
    unknown = [key for key in found if key != "claims"]
    if unknown:
        raise DatasetError(f"{path} has the unknown table '{unknown[0]}'; it takes [[claims]] only")
    return found
