"""What a scan reads: prompts with replies whose tokens are known, and where they come from.

Knows ids, names and counts. Sampling replies, reading files and reading logs fill it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.decoding.pair_model import Prompt
from harness.diffing.scan import Replies

TARGET, BASELINE, TEXT = "target", "baseline", "text"
"""Whose words a reply is; one of a log is named by the log's model."""


@dataclass(frozen=True, kw_only=True)
class KnownText:
    """One reply, or stretch of a text, whose tokens are known."""

    ids: tuple[int, ...]
    """At least one; a closing end-of-sequence token included."""
    source: str
    """``target``, ``baseline`` (sampled for this scan), ``text`` (of a file), or the model of a
    log, such as ``amplified/refuser@1``."""


@dataclass(frozen=True, kw_only=True)
class CorpusPrompt:
    """A prompt with what was said to it, or what precedes a stretch of a text."""

    id: str
    """Unique within the corpus."""
    category: str
    text: str
    """What was asked; empty for a stretch of a text."""
    prompt: Prompt
    replies: tuple[KnownText, ...]
    """At least one."""
    answers: bool = True
    """Whether replies begin an answer; a stretch of a text begins anywhere."""
    withheld: str | None = None
    """Why no page may show its replies, or what is sampled after it; None where one may."""

    @property
    def n_tokens(self) -> int:
        """Tokens that are scored."""
        return sum(len(one.ids) for one in self.replies)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Everything that a scan reads, in its order."""

    name: str
    prompts: tuple[CorpusPrompt, ...]
    notes: tuple[str, ...] = ()
    """What was cut or left out, counted, in sentences."""

    @property
    def n_tokens(self) -> int:
        """Tokens that are scored."""
        return sum(one.n_tokens for one in self.prompts)

    @property
    def replies(self) -> list[Replies]:
        """The form that :func:`harness.diffing.scan.scan` takes."""
        return [
            Replies(one.prompt, tuple(reply.ids for reply in one.replies), one.answers)
            for one in self.prompts
        ]

    @property
    def fingerprint(self) -> str:
        """Of all ids, names and their order, 16 hexadecimal digits."""
        rows = [
            [one.id, one.prompt.target_ids, one.prompt.baseline_ids, one.answers]
            + [(reply.source, reply.ids) for reply in one.replies]
            for one in self.prompts
        ]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def joined(corpora: Sequence[Corpus]) -> Corpus:
    """Put corpora one behind the other.

    Ids that two of them have are told apart by the corpus's name.
    """
    taken: set[str] = set()
    prompts: list[CorpusPrompt] = []
    for corpus in corpora:
        for one in corpus.prompts:
            name, number = one.id, 2
            while name in taken:
                name, number = f"{corpus.name}:{one.id}:{number}", number + 1
            taken.add(name)
            prompts.append(replace(one, id=name))
    return Corpus(
        name=" + ".join(one.name for one in corpora),
        prompts=tuple(prompts),
        notes=tuple(note for one in corpora for note in one.notes),
    )
