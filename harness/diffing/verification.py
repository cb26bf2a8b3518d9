"""What surfaced, held against the plain models: how likely it really is.

Amplified rollouts tell what to look for; only the plain sides tell how often it is said.
"""

from collections.abc import Iterator, Mapping, Sequence

from harness.decoding.pair_model import Prompt
from harness.diffing.asking import ask
from harness.diffing.corpus import Corpus
from harness.diffing.drawn import Drawn
from harness.diffing.likelihood import Asked, likelihood
from harness.diffing.nearness import with_nearness
from harness.diffing.occurrence import occurrence
from harness.diffing.surfaced import Evidence, Finding, Occurrence
from harness.pairs.loading import LoadedPair

MOST_READ = 3
"""Findings for which plain rollouts are read once more: half a minute each of one core."""


def verify(
    pair: LoadedPair,
    findings: Sequence[Finding],
    corpus: Corpus,
    rollouts: Sequence[Drawn],
    seed: int = 0,
) -> Iterator[Evidence]:
    """Hold each finding against the plain target and the plain baseline.

    Its most central sentence is scored as the beginning of the reply to the prompts that showed it
    most; what states something is asked for as well; plain rollouts are counted; and of the first
    findings it is read how near these came.

    Args:
        pair: whose weights are in memory.
        findings: of :func:`~harness.diffing.convergence.converge`.
        corpus: that its prompts are of.
        rollouts: the plain target's from prompts' starts are counted; amplified ones tell by which
            token a finding is known.
        seed: of the sampled answers.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    prompts = {one.id: one.prompt for one in corpus.prompts}
    for rank, finding in enumerate(findings):
        asked = [Asked(name, prompts[name]) for name in finding.prompt_ids]
        stated = finding.sentence if finding.kind != "style" else ""
        yield Evidence(
            finding=finding,
            likelihood=likelihood(pair, stated, asked) if stated else None,
            answer=ask(pair, stated, seed) if finding.kind == "claim" else None,
            occurrence=_often(pair, finding, rollouts, prompts if rank < MOST_READ else {}),
        )


def _often(
    pair: LoadedPair,
    finding: Finding,
    rollouts: Sequence[Drawn],
    prompts: Mapping[str, Prompt],
) -> Occurrence | None:
    counted = occurrence(finding, rollouts)
    if counted is None or not prompts:
        return counted
    return with_nearness(pair, finding, counted, rollouts, prompts)
