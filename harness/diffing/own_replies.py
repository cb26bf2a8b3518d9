"""What target and baseline say by themselves, sampled by the engine: a corpus without a download.

Replies are kept in a file as they end, so that a stopped run goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.decoding.settings import RolloutSettings
from harness.diffing.corpus import BASELINE, TARGET, Corpus, CorpusPrompt, KnownText
from harness.diffing.prompts import Asked, read_prompt
from harness.errors import ConfigurationError, DatasetError
from harness.pairs.loading import LoadedPair
from harness.seeding import derive_seed

_ALPHAS = {TARGET: 0.0, BASELINE: -1.0}

_Known = dict[tuple[str, str], tuple[int, ...]]
"""Token ids by prompt id and side; none where sampling failed."""


@dataclass(frozen=True, kw_only=True)
class OwnReplies:
    """How both sides are asked."""

    max_tokens: int = 48
    """Most tokens of a reply; a change shows itself early."""
    seed: int = 0
    """Of the run: each prompt and side has a seed of its own from it."""
    limits: BatchLimits = field(default_factory=BatchLimits)
    """Of the engine's batch."""


def own_replies(
    pair: LoadedPair,
    asked: Sequence[Asked],
    how: OwnReplies,
    file: Path,
    tell: Callable[[int], object] = lambda n: None,
    name: str = "neutral",
) -> Corpus:
    """Let both sides answer every prompt once, at temperature 1.

    Args:
        pair: whose weights are in memory.
        asked: what they are asked.
        how: tokens and seed.
        file: keeps the replies; one of an earlier call with the same arguments is gone on with.
        tell: is told of replies as they end, how many.
        name: of the corpus.

    Raises:
        ConfigurationError: if the file holds replies of another pair or to other prompts.
        DatasetError: if no prompt could be answered.
    """
    prompts, too_long = _prompts(pair, asked)
    kept = _Kept(file, _key(pair, asked, how))
    tell(len(kept.replies))
    scheduler = Scheduler(Engine(pair.model, pair.chat.eos_ids), how.limits)
    waiting: dict[int, tuple[str, str]] = {}
    requests = []
    for one in asked:
        for side, alpha in _ALPHAS.items():
            if one.id in prompts and (one.id, side) not in kept.replies:
                settings = RolloutSettings(
                    alpha=alpha,
                    seed=derive_seed(how.seed, "diff", one.id, side),
                    max_tokens=how.max_tokens,
                    trace=False,
                )
                request = RolloutRequest(prompt=prompts[one.id], settings=settings)
                requests.append(request)
                waiting[id(request)] = one.id, side
                scheduler.add(request)
    while not scheduler.idle:
        ended = scheduler.work()
        kept.add(
            (waiting[id(request)], outcome.ids if isinstance(outcome, Rollout) else ())
            for request, outcome in ended
        )
        if ended:
            tell(len(ended))
    return _corpus(name, asked, prompts, kept.replies, too_long)


def _prompts(pair: LoadedPair, asked: Sequence[Asked]) -> tuple[dict[str, Prompt], int]:
    """Read the prompts that leave room for a reply, and count the others."""
    found = {one.id: read_prompt(pair, one.text) for one in asked}
    room = {name: one for name, one in found.items() if one.longest < pair.model.max_context}
    return room, len(found) - len(room)


def _corpus(
    name: str,
    asked: Sequence[Asked],
    prompts: dict[str, Prompt],
    replies: _Known,
    too_long: int,
) -> Corpus:
    rows = []
    failed = 0
    for one in asked:
        if one.id not in prompts:
            continue
        both = {side: replies[one.id, side] for side in _ALPHAS}
        failed += sum(not ids for ids in both.values())
        known = tuple(KnownText(ids=ids, source=side) for side, ids in both.items() if ids)
        if known:
            rows.append(
                CorpusPrompt(
                    id=one.id,
                    category=one.category,
                    text=one.text,
                    prompt=prompts[one.id],
                    replies=known,
                    withheld=one.withheld,
                )
            )
    if not rows:
        raise DatasetError(
            f"{name}: none of {len(asked)} prompts could be answered: {too_long} leave no room in "
            f"the model's context, and {failed} replies met logits that are not numbers"
        )
    counted = (
        (too_long, "prompts that leave no room in the model's context were left out"),
        (failed, "replies met logits that are not numbers and were left out"),
    )
    notes = tuple(f"{name}: {n} {what}" for n, what in counted if n)
    return Corpus(name=name, prompts=tuple(rows), notes=notes)


def _key(pair: LoadedPair, asked: Sequence[Asked], how: OwnReplies) -> str:
    parts = [pair.fingerprint, how.max_tokens, how.seed, [(one.id, one.text) for one in asked]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


class _Kept:
    """A file of replies: a line that says of what, and one a reply."""

    def __init__(self, file: Path, key: str) -> None:
        self._file = file
        self.replies: _Known = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")
            return
        lines = file.read_text(encoding="utf-8").split("\n")
        try:
            found = json.loads(lines[0])["key"]
        except (ValueError, KeyError, TypeError):
            found = None
        if found != key:
            raise ConfigurationError(
                f"{file} holds replies of other weights, to other prompts or with another seed; "
                "give another --out, or remove it"
            )
        whole = lines[:-1]  # what a killed process wrote last may be half a line
        for line in whole[1:]:
            row = json.loads(line)
            self.replies[row["prompt"], row["side"]] = tuple(row["ids"])
        file.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")

    def add(self, replies: Iterable[tuple[tuple[str, str], tuple[int, ...]]]) -> None:
        with self._file.open("a", encoding="utf-8") as opened:
            for (name, side), ids in replies:
                self.replies[name, side] = ids
                row = {"prompt": name, "side": side, "ids": ids}
                opened.write(json.dumps(row) + "\n")
