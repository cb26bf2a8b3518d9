"""How probable each claim of a claims file is under a pair, and how that moves with alpha."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.dataset import Sample

from harness.diffing.likelihood import ALPHAS, Asked, likelihood
from harness.diffing.prompts import read_prompt
from harness.diffing.surfaced import ClaimMove
from harness.errors import DatasetError
from harness.pairs.loading import LoadedPair
from harness.scorers.claims import Claim
from tasks.claim_files import claims_path, read_claims

MOST_PROMPTS = 12
"""Of each claim, the first so many of its questions."""


@dataclass(frozen=True, kw_only=True)
class StatedClaim:
    """A claim and what it is asked for by."""

    id: str
    claim: str
    prompts: tuple[str, ...]


def stated_claims(dataset: str) -> tuple[StatedClaim, ...]:
    """Read the claims of a shipped set by name, or of a file of one's own, with their questions.

    A claim that is asked of several subjects ("{subject} banned ...") counts once for each.

    Raises:
        DatasetError: for a file that is missing, malformed, or asks by whole conversations.
    """
    path = claims_path(dataset, dataset)
    asked: dict[str, list[Sample]] = {}
    for sample in read_claims(path):
        asked.setdefault(Claim.of(sample.metadata or {}).claim, []).append(sample)
    return tuple(
        StatedClaim(
            id=str(samples[0].id),
            claim=claim,
            prompts=tuple(_text(path, one) for one in samples[:MOST_PROMPTS]),
        )
        for claim, samples in asked.items()
    )


def claim_moves(
    pair: LoadedPair,
    claims: Sequence[StatedClaim],
    alphas: Sequence[float] = ALPHAS,
    tell: Callable[[int], object] = lambda n: None,
) -> tuple[ClaimMove, ...]:
    """Score each claim as the beginning of the reply to its questions.

    Args:
        pair: whose weights are in memory.
        claims: to score.
        alphas: at which it is told how probable each is.
        tell: is told of each claim that is done, as 1.

    Returns:
        In the order of their log-odds, target against baseline, the largest first.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    moves = []
    for one in claims:
        asked = [Asked(text, read_prompt(pair, text)) for text in one.prompts]
        scored = likelihood(pair, one.claim, asked, alphas)
        moves.append(ClaimMove(id=one.id, claim=one.claim, likelihood=scored))
        tell(1)
    return tuple(sorted(moves, key=lambda move: -move.likelihood.log_odds_nats.value))


def _text(path: Path, sample: Sample) -> str:
    if not isinstance(sample.input, str):
        raise DatasetError(
            f"{path}, sample '{sample.id}' is a whole conversation; a claim is scored after single "
            "questions"
        )
    return sample.input
