"""What surfaced, held against the plain models: how likely it really is.

Amplified rollouts tell what to look for; only the plain sides tell how often it is said.
"""

from collections.abc import Iterator, Sequence

from harness.diffing.asking import ask
from harness.diffing.corpus import Corpus
from harness.diffing.drawn import Drawn
from harness.diffing.likelihood import Asked, likelihood
from harness.diffing.occurrence import occurrence
from harness.diffing.surfaced import Evidence, Finding
from harness.pairs.loading import LoadedPair


def verify(
    pair: LoadedPair,
    findings: Sequence[Finding],
    corpus: Corpus,
    plain: Sequence[Drawn],
    seed: int = 0,
) -> Iterator[Evidence]:
    """Hold each finding against the plain target and the plain baseline.

    Its most central sentence is scored as the beginning of the reply to the prompts that showed it
    most; what states something is asked for as well; and plain rollouts are counted.

    Args:
        pair: whose weights are in memory.
        findings: of :func:`~harness.diffing.convergence.converge`.
        corpus: that its prompts are of.
        plain: rollouts; the plain target's from prompts' starts are counted.
        seed: of the sampled answers.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    prompts = {one.id: one.prompt for one in corpus.prompts}
    for finding in findings:
        asked = [Asked(name, prompts[name]) for name in finding.prompt_ids]
        stated = finding.sentence if finding.kind != "style" else ""
        yield Evidence(
            finding=finding,
            likelihood=likelihood(pair, stated, asked) if stated else None,
            answer=ask(pair, stated, seed) if finding.kind == "claim" else None,
            occurrence=occurrence(finding, plain),
        )
