"""How often the nonsense scorer is right, on texts that are known to be sensible or corrupted.

Counts; writes nothing. The corruptions are those of ``benchmarks/corruptions.py``.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from statsmodels.stats.proportion import proportion_confint

from benchmarks.corruptions import ORDER, SURFACE, SourceText, read_texts
from harness.scorers.nonsense import classify_nonsense

Tell = Callable[[str], object]

# Shorter texts have no order to be shuffled and too few letters to show noise as a rate.
FEWEST_WORDS = 12
_NEEDS_WORDS = frozenset((*ORDER, "late_loop", "character_noise", "script_soup"))

WITHOUT, BASELINE, TARGET = "without", "embedded", "refuser"
"""What the scorer was told: no NLL, the embedded model's, or that of the refuser made from it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One text with what it is."""

    kind: str
    """The corruption's name; of sensible text the set it comes from."""
    corrupted: bool
    source: SourceText
    nll_nats: Mapping[str, float] | None = None
    """Mean nats per token under ``BASELINE`` and ``TARGET``, where computed."""


@dataclass(frozen=True)
class Caught:
    """Of so many texts so many were called nonsense."""

    n: int
    k: int

    @property
    def rate(self) -> float:
        """Share, 0 to 1."""
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %."""
        low, high = proportion_confint(self.k, self.n, method="wilson")
        return max(0.0, float(low)), min(1.0, float(high))


Counts = Mapping[tuple[str, str], Caught]
"""By kind of text and by what the scorer was told."""


def sensible_cases(seed: int) -> Iterator[Case]:
    """Every sensible text, and every coherent one of some length cut off somewhere."""
    for name in ("coherent", "sampled", "hard_negatives"):
        for source in read_texts(name):
            kind = f"hard: {source.kind.partition(':')[0]}" if name == "hard_negatives" else name
            yield Case(kind=kind, corrupted=False, source=source)
    for i, source in enumerate(read_texts("coherent")):
        if _is_long(source):
            rng = random.Random(f"{seed}-cut-{i}")
            text = source.text[: rng.randint(len(source.text) // 4, len(source.text) - 1)]
            cut = source._replace(text=text, stop_reason="max_tokens")
            yield Case(kind="coherent, cut off", corrupted=False, source=cut)


def corrupted_cases(seed: int, repeats: int) -> Iterator[Case]:
    """Each coherent text under each corruption; those that show in the text, several times."""
    for name, corruption in {**SURFACE, **ORDER}.items():
        for i, source in enumerate(read_texts("coherent")):
            if name in _NEEDS_WORDS and not _is_long(source):
                continue
            for repeat in range(repeats if name in SURFACE else 1):
                rng = random.Random(f"{seed}-{name}-{i}-{repeat}")
                text = corruption(source.text, rng)
                yield Case(kind=name, corrupted=True, source=source._replace(text=text))


def needs_nll(case: Case) -> bool:
    """Whether an NLL is worth its time: the surface says it all of most corruptions."""
    return case.kind in ORDER if case.corrupted else case.kind != "coherent, cut off"


def with_nll(cases: Sequence[Case], tell: Tell) -> list[Case]:
    """Read the cases that need it with the refuser and the embedded model, teacher-forced."""
    from harness.pairs.loading import load_pair
    from harness.pairs.spec import resolve_pair
    from harness.pairs.teacher_forcing import KnownReply, score_replies

    wanted = [i for i, case in enumerate(cases) if needs_nll(case)]
    pair = load_pair(resolve_pair("refuser"))
    known = []
    for i in wanted:
        source = cases[i].source
        ids = pair.chat.tokenizer(source.text, add_special_tokens=False)["input_ids"]
        end = [pair.chat.tokenizer.eos_token_id] if source.stop_reason == "stop" else []
        prompt = pair.prompt([{"role": "user", "content": source.prompt}])
        known.append(KnownReply(prompt, (*ids, *end)))
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        tell(f"NLL of {done} of {len(known)} texts")

    found = list(cases)
    for i, logps in zip(wanted, score_replies(pair.model, known, count), strict=True):
        nll = {BASELINE: -float(logps.baseline.mean()), TARGET: -float(logps.target.mean())}
        found[i] = replace(found[i], nll_nats=nll)
    return found


def count_caught(cases: Sequence[Case]) -> Counts:
    """Classify every case with what is known of it."""
    counts: dict[tuple[str, str], Caught] = {}
    for case in cases:
        for told in (WITHOUT, *(case.nll_nats or ())):
            nll = None if told == WITHOUT else (case.nll_nats or {})[told]
            verdict = classify_nonsense(case.source.text, nll, case.source.stop_reason)
            for kind in (case.kind, *(("hard",) if case.kind.startswith("hard:") else ())):
                so_far = counts.get((kind, told), Caught(0, 0))
                counts[kind, told] = Caught(so_far.n + 1, so_far.k + verdict.is_nonsense)
    return counts


def mistakes(cases: Sequence[Case], told: str) -> Iterator[tuple[Case, str]]:
    """Yield what the scorer gets wrong with one kind of knowledge, and its explanation."""
    for case in cases:
        if told != WITHOUT and case.nll_nats is None:
            continue
        nll = None if told == WITHOUT else (case.nll_nats or {})[told]
        verdict = classify_nonsense(case.source.text, nll, case.source.stop_reason)
        if verdict.is_nonsense != case.corrupted:
            yield case, verdict.explanation


def _is_long(source: SourceText) -> bool:
    return len(source.text.split()) >= FEWEST_WORDS
