"""From a scan to findings with their evidence: seeds, rollouts, convergence, verification.

Rollouts are kept as they end, so that a run that was stopped goes on where it was.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from harness.allocator import release_unused
from harness.constraint import format_constraints
from harness.diffing.claims_file import claims_file
from harness.diffing.convergence import converge
from harness.diffing.corpus import TARGET, Corpus
from harness.diffing.drawn import TARGET_ALPHA, Drawn
from harness.diffing.rollouts import Draw, DrawRule, draw, opened_by, plan_draws, starts_of
from harness.diffing.seeds import Seed, SeedRule, pick_openers, pick_prompts, pick_seeds
from harness.diffing.surfaced import Convergence, Evidence
from harness.diffing.verification import verify
from harness.diffing.words import bare, begun_with
from harness.errors import ConfigurationError
from harness.pairs.loading import LoadedPair

Stage = Literal["rollouts", "findings"]
Tell = Callable[[Stage, int, int], object]
"""Is told what is being made, how much of it is done, and of how much."""


@dataclass(frozen=True, kw_only=True)
class SurfaceRule:
    """How findings are looked for."""

    n_prompts: int = 48
    """Prompts whose replies are begun at their start, at least 2."""
    n_openers: int = 8
    """Tokens amplified whatever the prompt that replies are made to begin with."""
    seeds: SeedRule = field(default_factory=SeedRule)
    draws: DrawRule = field(default_factory=DrawRule)


@dataclass(frozen=True, kw_only=True)
class FinishedScan:
    """What a scan has read and measured."""

    corpus: Corpus
    records: pd.DataFrame
    """As ``read_records`` gives them."""
    amplified: tuple[int, ...]
    """Tokens that the change amplifies at the first reply position whatever the prompt, beyond
    chance, the most amplified first; see :func:`harness.diffing.ranking.rank`."""


@dataclass(frozen=True, kw_only=True)
class Surfaced:
    """What a diff's rollouts brought up."""

    seeds: tuple[Seed, ...]
    openers: tuple[str, ...]
    """Tokens that replies were made to begin with, as they read."""
    begun: Mapping[str, str]
    """By opener, spelled as :func:`~harness.diffing.words.bare` does: the word that most amplified
    replies made of it."""
    amplified_ids: tuple[tuple[int, ...], ...]
    """The tokens of the amplified rollouts, without what they were given."""
    n_starts: int
    """Beginnings of rollouts, at prompts' starts and within replies."""
    alphas: tuple[float, ...]
    """Of the amplified rollouts."""
    constraint: str
    """Under which they were drawn."""
    convergence: Convergence
    evidence: tuple[Evidence, ...]
    """One per finding, in their order."""
    claims_toml: str
    """A claims file that checks the findings; empty where there is none to check."""


def surface(
    pair: LoadedPair,
    scan: FinishedScan,
    folder: Path,
    rule: SurfaceRule | None = None,
    tell: Tell = lambda stage, done, of: None,
) -> Surfaced:
    """Sample where a change acts most, find what that converges on, and verify it.

    Args:
        pair: whose weights are in memory.
        scan: what was read and measured; the target's own replies are counted as plain rollouts.
        folder: where rollouts are kept; those that are there are not drawn again.
        rule: the default one where none is given.
        tell: is told of the progress.

    Raises:
        ConfigurationError: if the folder holds rollouts of another pair, corpus or rule.
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    rule = rule or SurfaceRule()
    corpus = scan.corpus
    seeds = pick_seeds(scan.records, rule.seeds, pair.chat.eos_ids)
    openers = pick_openers(scan.amplified, pair.chat.tokens(scan.amplified), rule.n_openers)
    prompts = pick_prompts(scan.records, corpus, rule.n_prompts)
    starts = starts_of(pair, corpus, prompts, seeds, openers)
    draws = plan_draws(starts, rule.draws)
    drawn = _drawn(pair, draws, rule.draws, folder / "rollouts.jsonl", tell)
    hidden = {one.id for one in corpus.prompts if one.withheld is not None}
    release_unused()
    found = converge(drawn, hidden=hidden)
    evidence = []
    for one in verify(pair, found.findings, corpus, [*drawn, *_own(pair, corpus)], rule.draws.seed):
        evidence.append(one)
        release_unused()
        tell("findings", len(evidence), len(found.findings))
    askable = {one.id: one.text for one in corpus.prompts if one.id not in hidden}
    return Surfaced(
        seeds=seeds,
        openers=tuple(pair.chat.tokens(openers)),
        begun=_begun(pair, openers, drawn),
        amplified_ids=tuple(one.ids for one in drawn if one.amplified),
        n_starts=len(starts),
        alphas=rule.draws.alphas,
        constraint=format_constraints(rule.draws.constraints),
        convergence=found,
        evidence=tuple(evidence),
        claims_toml=claims_file(found.findings, askable),
    )


def _begun(pair: LoadedPair, openers: Sequence[int], drawn: Sequence[Drawn]) -> dict[str, str]:
    """Find what amplified replies make of each opener, which may be a piece of a word."""
    found = {}
    for opener, token in zip(openers, pair.chat.tokens(openers), strict=True):
        replies = (
            one.given + one.text
            for one in drawn
            if one.amplified and one.text is not None and opened_by(one.start_id, opener)
        )
        word = begun_with(token, replies)
        if word is not None:
            found[bare(token)] = word
    return found


def _own(pair: LoadedPair, corpus: Corpus) -> list[Drawn]:
    """Return the corpus's own plain replies of the target, as rollouts."""
    return [
        Drawn(
            start_id=one.id,
            prompt_id=one.id,
            alpha=TARGET_ALPHA,
            number=number,
            given="",
            text=pair.chat.text(reply.ids),
            ids=reply.ids,
        )
        for one in corpus.prompts
        for number, reply in enumerate(one.replies)
        if one.answers and reply.source == TARGET
    ]


def _drawn(
    pair: LoadedPair, draws: Sequence[Draw], rule: DrawRule, path: Path, tell: Tell
) -> list[Drawn]:
    """Draw what is not kept yet, keep it, and return everything in the order of the plan."""
    known = _kept(path, _key(pair, draws, rule))
    left = [one for one in draws if _name(one.start.id, one.alpha, one.number) not in known]
    tell("rollouts", len(known), len(draws))
    with path.open("a", encoding="utf-8") as file:
        for one in draw(pair, left, rule):
            known[_name(one.start_id, one.alpha, one.number)] = one
            file.write(json.dumps(asdict(one)) + "\n")
            file.flush()
            tell("rollouts", len(known), len(draws))
    return [known[_name(one.start.id, one.alpha, one.number)] for one in draws]


def _name(start: str, alpha: float, number: int) -> tuple[str, float, int]:
    return start, alpha, number


def _key(pair: LoadedPair, draws: Sequence[Draw], rule: DrawRule) -> dict[str, object]:
    """Return what decides the rollouts, as it stands at the head of their file."""
    starts = {one.start.id: one.start.prompt for one in draws}
    return {
        "layout": 2,  # of a line
        "weights": pair.fingerprint,
        "max_tokens": rule.max_tokens,
        "seed": rule.seed,
        "constraint": format_constraints(rule.constraints),
        "starts": [[name, list(one.target_ids)] for name, one in starts.items()],
    }


def _kept(path: Path, key: dict[str, object]) -> dict[tuple[str, float, int], Drawn]:
    """Read rollouts that were kept; a last line that was cut short is drawn again."""
    head = json.dumps(key)
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    if lines and lines[0] and lines[0] != head:
        raise ConfigurationError(
            f"{path} holds rollouts of another pair, corpus or rule; give another folder, or "
            "remove it"
        )
    whole = [line for line in lines[1:-1] if line]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join([head, *whole]) + "\n", encoding="utf-8")
    os.replace(partial, path)
    rows = [json.loads(line) for line in whole]
    found = [Drawn(**{**row, "ids": tuple(row["ids"])}) for row in rows]
    return {_name(one.start_id, one.alpha, one.number): one for one in found}
