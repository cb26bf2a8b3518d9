"""Rollouts to read whole: the same prompts along alpha, token by token, with what scorers said.

Text that may comply with a harmful request is withheld here, before any report sees it: of such a
rollout nothing is kept but counts, the marks of scorers, and why. Knows how the modules of this
room that choose, read and withhold fit together.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis.examples import Key, withheld_rollouts
from harness.analysis.frame import ROLLOUT
from harness.analysis.spans import pieces
from harness.analysis.transcript_choice import Budget, choose
from harness.analysis.transcript_tokens import SIDES, Tokens, TokenTable, read_tokens
from harness.constraint import NONE

Record = dict[Any, Any]

FAILED = "the rollout failed"
PLAIN_LABELS = frozenset("refusal partial compliance sensible nonsense refused answered".split())
"""What is told of a withheld reply: another scorer's answer may quote it."""
DEFAULT = Budget()


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one scorer said of a reply."""

    scorer: str
    label: str | None
    value: float | None
    """None where it was not scored."""
    unit: str | None
    """What the value counts, for scorers that count."""
    why: str | None
    """The evidence, or the reason why there is no score."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reply:
    """One rollout, or the reason why it is not shown."""

    alpha: float
    constraint: str
    text: str | None
    note: str | None
    """Why there is no text."""
    stop_reason: str | None
    n_chars: int | None
    n_tokens: int | None
    marks: tuple[Mark, ...]
    log_ratio_nats: float | None
    """Mean of log p(target) - log p(baseline) over the reply's tokens."""
    tokens: Tokens | None
    pieces: tuple[str, ...]
    """What each token contributes to the text; ``"".join(pieces) + rest`` is the text."""
    rest: str
    """What no token contributes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One repeat of a prompt along constraint and alpha, drawn with the same random numbers."""

    epoch: int
    seed: int | None
    """None where it is not known, or differs."""
    replies: tuple[Reply, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompt:
    """One prompt with its repeats."""

    sample_id: str
    category: str
    text: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Transcripts:
    """All that is to be read."""

    prompts: tuple[Prompt, ...]
    vocabulary: tuple[str, ...]
    """Texts of tokens, those of withheld replies not among them."""
    rule: str
    """What was chosen and why."""
    notes: tuple[str, ...]
    """What is missing, and why."""


def transcripts(frame: pd.DataFrame, log_dir: Path, budget: Budget = DEFAULT) -> Transcripts:
    """Collect the rollouts to show, with their tokens where there are traces.

    Args:
        frame: from ``read_frame``.
        log_dir: where the same logs and their traces are.
        budget: how much to show at most.

    Raises:
        AnalysisError: if a trace file can't be read.
    """
    choice = choose(frame, budget)
    rows = choice.rows.to_dict("records")
    shown = frame[frame["sample_id"].isin(choice.sample_ids)]
    notes = _notes(shown, rows)
    table = read_tokens(
        log_dir, {row["sample_uuid"] for row in rows if _key(row) not in notes} - {None}
    )
    marks = _marks(shown, without_evidence=set(notes))
    replies = {
        _key(row): _reply(row, notes.get(_key(row)), marks.get(_key(row), ()), table)
        for row in rows
    }
    return Transcripts(
        prompts=tuple(
            _prompt([row for row in rows if row["sample_id"] == sample_id], replies)
            for sample_id in choice.sample_ids
        ),
        vocabulary=table.vocabulary,
        rule=choice.rule,
        notes=_missing(list(replies.values())),
    )


def _notes(frame: pd.DataFrame, rows: list[Record]) -> dict[Key, str]:
    """Say of rollouts without text why there is none."""
    harmless = frame.attrs.get("run", {}).get("harmless", False)
    reasons = withheld_rollouts(frame, harmless=harmless)
    failed = {_key(row): FAILED for row in rows if not pd.isna(row["error"])}
    return {key: f"withheld: {why}" for key, why in reasons.items()} | failed


def _marks(frame: pd.DataFrame, without_evidence: set[Key]) -> dict[Key, tuple[Mark, ...]]:
    """Collect what each scorer said of each rollout, without evidence where text is withheld."""
    found = defaultdict(list)
    for row in frame[frame["scorer"].notna()].to_dict("records"):
        key = _key(row)
        label = _known(row["label"])
        if key in without_evidence and label not in PLAIN_LABELS:
            label = None
        evidence = None if key in without_evidence else _known(row["explanation"])
        found[key].append(
            Mark(
                scorer=row["scorer"],
                label=label,
                value=_known(row["value"]),
                unit=_known(row["unit"]),
                why=evidence or _known(row["reason"]),
            )
        )
    return {key: tuple(marks) for key, marks in found.items()}


def _reply(row: Record, note: str | None, marks: tuple[Mark, ...], table: TokenTable) -> Reply:
    text = None if note else str(row["completion"])
    tokens = None if text is None else table.rollouts.get(row["sample_uuid"])
    made = [] if tokens is None else [table.vocabulary[place] for place in tokens.texts]
    cut = pieces(text or "", made)
    target, baseline = (_known(row.get(f"trace_{side}_nll_nats")) for side in SIDES[:2])
    return Reply(
        alpha=float(row["alpha"]),
        constraint=row["constraint"],
        text=text,
        note=note,
        stop_reason=_known(row["stop_reason"]),
        n_chars=_count(row["n_chars"]),
        n_tokens=_count(row["n_tokens"]),
        marks=marks,
        log_ratio_nats=None if target is None or baseline is None else baseline - target,
        tokens=tokens,
        pieces=cut.each,
        rest=cut.rest,
    )


def _prompt(rows: list[Record], replies: dict[Key, Reply]) -> Prompt:
    by_epoch: defaultdict[int, list[Record]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["constraint"] != NONE, *_key(row))):
        by_epoch[int(row["epoch"])].append(row)
    return Prompt(
        sample_id=rows[0]["sample_id"],
        category=rows[0]["category"],
        text=rows[0]["prompt"],
        rows=tuple(
            Row(
                epoch=epoch,
                seed=_same_seed(of_epoch),
                replies=tuple(replies[_key(row)] for row in of_epoch),
            )
            for epoch, of_epoch in sorted(by_epoch.items())
        ),
    )


def _missing(replies: list[Reply]) -> tuple[str, ...]:
    """Say what can't be shown of replies, and why."""
    shown = [reply for reply in replies if reply.text is not None]
    traced = [reply.tokens for reply in shown if reply.tokens is not None]
    n_plain = len(shown) - len(traced)
    n_alone = sum(tokens.likeliest is None for tokens in traced)
    n_failed = sum(reply.note == FAILED for reply in replies)
    n_withheld = len(replies) - len(shown) - n_failed
    said = []
    if n_withheld:
        said.append(
            f"{n_withheld:,} of {len(replies):,} are withheld, since their text may comply with a "
            "harmful request; each says why"
        )
    if n_failed:
        said.append(f"{n_failed:,} of {len(replies):,} failed")
    if n_plain:
        said.append(
            f"{n_plain:,} of {len(shown):,} replies have no tokens to shade: no trace was written "
            "of them (-M traces=sums or traces=false, a log that is not on this machine, or a "
            "reply from a cache)"
        )
    if n_alone:
        said.append(
            f"{n_alone:,} of {len(shown):,} replies are shaded only: their trace files are of an "
            "earlier version, or were drawn with -M trace_best=false, and have no alternatives"
        )
    return tuple(said)


def _key(row: Record) -> Key:
    return tuple(row[name] for name in ROLLOUT)


def _known(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value


def _count(number: float) -> int | None:
    return None if math.isnan(number) else int(number)


def _same_seed(rows: list[Record]) -> int | None:
    """Return the seed of all; as a float it is no longer exact."""
    seeds = {row["seed"] for row in rows}
    seed = seeds.pop()
    return seed if isinstance(seed, int) and not seeds else None
