"""One diff: what is read and sampled, from a plan to results. Progress is told as it goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.allocator import release_unused
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.diffing.corpus import Corpus
    from harness.diffing.found import DiffResults, Sampled
    from harness.diffing.naming import Scanned
    from harness.diffing.surface import Surfaced, SurfaceRule
    from harness.pairs.loading import LoadedPair

Tell = Callable[[str, int, int | None], object]
"""Is told what is being made, how much was added to it, and of how much in all, where it is new."""

_SUGGESTED = 10


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much is read and sampled."""

    n_prompts: int
    """Neutral prompts that both sides answer."""
    max_tokens: int
    """Of a reply."""
    n_starts: int
    """Prompts whose replies are begun with amplification."""
    n_seeds: int
    """Positions within replies where amplified rollouts begin as well."""
    task_prompts: int = 60
    """Of a task that is swept as well; the shipped files alternate their categories."""
    task_tokens: int = 96
    """Of a reply there."""


# Of the embedded pair some nine minutes of one core: amplify bench blind.
FULL = Budget(n_prompts=300, max_tokens=40, n_starts=64, n_seeds=24)
QUICK = Budget(n_prompts=48, max_tokens=24, n_starts=16, n_seeds=6, task_prompts=24, task_tokens=64)


@dataclass(frozen=True, kw_only=True)
class DiffPlan:
    """What is to be diffed."""

    pair: str
    """A preset, a pair file, or a label spelled by ``model_args``."""
    out: Path
    """Where everything goes; a diff stopped there is gone on with."""
    corpora: tuple[Path, ...] = ()
    """Texts, rows or logs to read; without any, both sides answer the neutral prompts."""
    claims: str | None = None
    """A claims file, or the name of a shipped set."""
    seed: int = 0
    budget: Budget = FULL
    model_args: Mapping[str, object] = field(default_factory=dict)
    """What ``-M`` spells."""
    task: str | None = None
    """One of the project's own tasks, to be swept as well."""

    def __post_init__(self) -> None:
        if self.task is not None:
            from harness.diffing.task_sweep import require_task

            require_task(self.task)
        if self.seed < 0:
            raise ConfigurationError(f"--seed must be 0 or above, not {self.seed}")


def run_diff(plan: DiffPlan, tell: Tell = lambda what, n, of: None) -> "tuple[DiffResults, str]":
    """Scan, sample and verify what the folder does not hold yet.

    Returns:
        What is shown, and the findings as a claims file, empty where there are none.

    Raises:
        ConfigurationError: if the plan names what does not exist, or the folder holds another diff.
        DatasetError: for a corpus or a claims file that can't be read.
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    from harness.diffing.claim_moves import claim_moves, stated_claims
    from harness.diffing.summary import summarise
    from harness.diffing.tables import scan_tables
    from harness.diffing.task_sweep import loaded_pair, sweep_task
    from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair
    from harness.pairs.spelling import refuse_unknown

    refuse_unknown("-M", plan.model_args, PAIR_ARGUMENTS)
    spec = resolve_pair(plan.pair, dict(plan.model_args))
    stated = stated_claims(plan.claims) if plan.claims is not None else ()
    _require_files(plan.corpora)
    pair = loaded_pair(plan, spec)
    corpus = _corpus(plan, pair, tell)
    release_unused()  # each part leaves the allocator pieces of sizes that the next has no use for
    scanned = _scanned(plan, pair, corpus, tell)
    release_unused()
    tables = scan_tables(scanned)
    surfaced = None if tables.same else _surfaced(plan, pair, scanned, tell)
    if surfaced is not None:
        tables = scan_tables(_completed(scanned, pair, surfaced))
    tell("claims", 0, len(stated) or None)
    moves = claim_moves(pair, stated, tell=lambda n: tell("claims", n, None)) if stated else ()
    sampled = _sampled(surfaced)
    task = None if plan.task is None or tables.same else sweep_task(plan, tell)
    from harness import __version__
    from harness.diffing.found import DiffResults

    results = DiffResults(
        pair=spec.name,
        weights=pair.fingerprint,
        version=__version__,
        corpus=corpus.name,
        notes=(*corpus.notes, *_not_swept(plan, tables.same)),
        max_tokens=plan.budget.max_tokens,
        seed=plan.seed,
        tables=tables,
        sampled=sampled,
        claims=moves,
        suggested=_suggested(corpus, [one.prompt_id for one in tables.prompts], surfaced),
        has_claims_file=surfaced is not None and bool(surfaced.claims_toml),
        summary=summarise(tables, sampled, task),
        task=task,
    )
    return results, surfaced.claims_toml if surfaced else ""


def _require_files(paths: Sequence[Path]) -> None:
    """Tell of a missing corpus before weights are loaded."""
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"--corpus {path}: there is no such file or folder")


def _corpus(plan: DiffPlan, pair: "LoadedPair", tell: Tell) -> "Corpus":
    """Read what the user gave, and let both sides answer what has no reply yet."""
    from harness.diffing.corpus import joined
    from harness.diffing.own_replies import OwnReplies, own_replies
    from harness.diffing.prompts import NEUTRAL, neutral_prompts
    from harness.diffing.texts import read_given

    given = [read_given(pair, path) for path in plan.corpora]
    asked = [(path.stem, one.asked) for path, one in zip(plan.corpora, given, strict=True)]
    if not given:
        asked = [(NEUTRAL, neutral_prompts()[: plan.budget.n_prompts])]
    how = OwnReplies(max_tokens=plan.budget.max_tokens, seed=plan.seed)
    answered = []
    for name, prompts in asked:
        if prompts:
            tell("replies", 0, 2 * len(prompts))
            file = plan.out / f"replies-{name}.jsonl"
            answered.append(
                own_replies(pair, prompts, how, file, lambda n: tell("replies", n, None), name)
            )
    return joined([*(one.corpus for one in given if one.corpus.prompts), *answered])


def _scanned(plan: DiffPlan, pair: "LoadedPair", corpus: "Corpus", tell: Tell) -> "Scanned":
    from harness.diffing.naming import Scanned
    from harness.diffing.records import read_records
    from harness.diffing.run import run_scan
    from harness.diffing.words import Words

    tell("scan", 0, corpus.n_tokens)
    folder = plan.out / "scan"
    sums = run_scan(pair, corpus, folder, lambda n: tell("scan", n, None))
    records = read_records(folder)
    return Scanned(
        corpus=corpus, sums=sums, records=records, words=Words(records, pair.chat.tokens)
    )


def _completed(scanned: "Scanned", pair: "LoadedPair", surfaced: "Surfaced") -> "Scanned":
    """Name amplified pieces of words by what amplified replies made of them."""
    from harness.diffing.words import Words

    texts = pair.chat.tokens
    words = Words(scanned.records, texts, surfaced.begun, surfaced.amplified_ids)
    return replace(scanned, words=words)


def _surfaced(plan: DiffPlan, pair: "LoadedPair", scanned: "Scanned", tell: Tell) -> "Surfaced":
    from harness.diffing.naming import amplified_tokens
    from harness.diffing.surface import FinishedScan, surface

    done: dict[str, int] = {}

    def told(stage: str, n: int, of: int) -> None:
        tell(stage, n - done.get(stage, 0), None if stage in done else of)
        done[stage] = n

    scan = FinishedScan(
        corpus=scanned.corpus, records=scanned.records, amplified=amplified_tokens(scanned)
    )
    return surface(pair, scan, plan.out, _rule(plan), told)


def _rule(plan: DiffPlan) -> "SurfaceRule":
    from harness.diffing.rollouts import DrawRule
    from harness.diffing.seeds import SeedRule
    from harness.diffing.surface import SurfaceRule

    return SurfaceRule(
        n_prompts=plan.budget.n_starts,
        seeds=SeedRule(n=plan.budget.n_seeds),
        draws=DrawRule(max_tokens=plan.budget.max_tokens, seed=plan.seed),
    )


def _sampled(surfaced: "Surfaced | None") -> "Sampled | None":
    from harness.diffing.found import Sampled

    if surfaced is None:
        return None
    return Sampled(
        n_starts=surfaced.n_starts,
        alphas=surfaced.alphas,
        constraint=surfaced.constraint,
        convergence=surfaced.convergence,
        evidence=surfaced.evidence,
    )


def _not_swept(plan: DiffPlan, same: bool) -> tuple[str, ...]:
    if plan.task is None or not same:
        return ()
    return (f"the task {plan.task} was not swept: of one model every alpha says the same",)


def _suggested(
    corpus: "Corpus", affected: Sequence[str], surfaced: "Surfaced | None"
) -> tuple[str, ...]:
    """Prompts of findings first, then those most affected; only what may be shown."""
    shown = {one.id: one.text for one in corpus.prompts if one.withheld is None and one.text}
    of_findings = [
        name
        for one in (surfaced.evidence if surfaced else ())
        for name in one.finding.prompt_ids[:3]
    ]
    texts = [shown[name] for name in (*of_findings, *affected) if name in shown]
    return tuple(dict.fromkeys(texts))[:_SUGGESTED]
