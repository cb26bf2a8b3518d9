"""What was asked, as one hash: two runs with the same one were asked the same.

Knows samples as the logs hold them, so that the hash needs no dataset file.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
from inspect_ai.model import ChatMessage


class Asked(Protocol):
    """What a sample asks."""

    @property
    def id(self) -> int | str: ...  # noqa: D102
    @property
    def input(self) -> str | list[ChatMessage]: ...  # noqa: D102
    @property
    def target(self) -> str | list[str]: ...  # noqa: D102
    @property
    def metadata(self) -> dict[str, object] | None: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The prompts behind a report."""

    name: str | None
    """As the task calls it."""
    n_prompts: int
    sha256: str
    """Of the prompts' ids, texts, expected answers and metadata, whatever their order; 64
    hexadecimal digits."""


def prompt_sha256(sample: Asked) -> str:
    """Hash a sample's id, its messages' roles and texts, its target and its metadata.

    Messages get new ids in every run, so those are left out.
    """
    texts = (
        sample.input
        if isinstance(sample.input, str)
        else [[message.role, message.text] for message in sample.input]
    )
    asked = [str(sample.id), texts, sample.target, sample.metadata or {}]
    written = json.dumps(asked, sort_keys=True, ensure_ascii=False, default=str)
    # What no UTF-8 can hold, such as half of a surrogate pair, has to be hashed all the same.
    return hashlib.sha256(written.encode(errors="surrogatepass")).hexdigest()


def dataset(frame: pd.DataFrame) -> Dataset:
    """Join the prompts' hashes, in their order, to one."""
    hashes = sorted(frame["prompt_sha256"].unique())
    return Dataset(
        name=frame.attrs.get("run", {}).get("dataset"),
        n_prompts=frame["sample_id"].nunique(),
        sha256=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
    )


def asked_differently(frame: pd.DataFrame) -> int:
    """Count the prompts that share an id and differ otherwise."""
    return int((frame.groupby("sample_id")["prompt_sha256"].nunique() > 1).sum())
