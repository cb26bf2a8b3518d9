"""How near plain rollouts came to a finding that they hardly ever show: its hazard.

The token that tells a finding best is found in the amplified rollouts, and the target is asked how
likely it was in every place of the plain ones.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.deciding import token_at, token_ends, tokens_to
from harness.analysis.hazard import HazardRate, exposures, hazard_rate
from harness.decoding.pair_model import Prompt
from harness.diffing.drawn import Drawn
from harness.diffing.occurrence import plain_replies, shows
from harness.diffing.surfaced import Finding, Occurrence
from harness.pairs.loading import LoadedPair
from harness.pairs.marker_logps import Marker, marker_logps
from harness.pairs.teacher_forcing import KnownReply

Floats = NDArray[np.float64]

_NEARLY = 0.5

ENOUGH_EVENTS = 10
"""Plain rollouts that show a finding, from which counting them says enough."""


@dataclass(frozen=True, kw_only=True)
class TellingToken:
    """A token of a finding's phrase, and how well it tells the finding."""

    id: int
    coverage: float
    """Share of the amplified rollouts that show the finding whose phrase has it."""
    slope: float
    """Share of the amplified rollouts with it, anywhere, that show the finding with it."""
    place: float
    """Its mean place in the phrase, in tokens from 0."""

    @property
    def score(self) -> float:
        """How well it tells the finding, 0 to 1."""
        return self.coverage * self.slope


def with_nearness(
    pair: LoadedPair,
    finding: Finding,
    counted: Occurrence,
    rollouts: Sequence[Drawn],
    prompts: Mapping[str, Prompt],
) -> Occurrence:
    """Add how often the plain target shows a finding by how near its rollouts came to it.

    With h_t the target's chance of the telling token in place t of a plain rollout, their sum up to
    the first such token counts for the event; see :func:`~harness.analysis.hazard.hazard_rate`.

    Args:
        pair: whose weights are in memory.
        finding: that was counted.
        counted: in the plain rollouts; where it was seen often enough it is returned as it is.
        rollouts: amplified ones, that show what tells it; and the plain target's, that are read.
        prompts: of the corpus, by their ids.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    plain = [one for one in plain_replies(rollouts) if one.ids]
    if not finding.pattern or not plain or (counted.rate.k or 0) >= ENOUGH_EVENTS:
        return counted
    telling = telling_token(pair, finding, [one for one in rollouts if one.amplified and one.ids])
    if telling is None:
        return counted
    found = _hazard(
        pair, plain, np.array(shows(finding, plain), dtype=np.float64), prompts, telling
    )
    (token,) = pair.chat.tokens((telling.id,))
    return replace(counted, hazard=found, token=token, hazard_withheld=found.verdict())


def telling_token(
    pair: LoadedPair, finding: Finding, amplified: Sequence[Drawn]
) -> TellingToken | None:
    """Choose the token of a finding's phrase that tells it well and stands early in it.

    How well is the product of coverage and slope. Of those that tell it half as well as the best
    the earliest is taken: later ones are unlikely until it has been said, so that no plain rollout
    would be near the finding until it is in the midst of it.

    Args:
        pair: whose tokens they are.
        finding: with a pattern.
        amplified: rollouts with their tokens.

    Returns:
        None where the pattern stands in no rollout as it is spelled.
    """
    spans = [_span(pair, finding.pattern, one) for one in amplified]
    in_phrase: Counter[int] = Counter()
    places: Counter[int] = Counter()
    for ids in spans:
        for token in dict.fromkeys(ids or ()):
            in_phrase[token] += 1
            places[token] += (ids or []).index(token)
    anywhere = Counter(token for one in amplified for token in set(one.ids))
    n_hits = sum(ids is not None for ids in spans)
    found = [
        TellingToken(
            id=token,
            coverage=count / n_hits,
            slope=count / anywhere[token],
            place=places[token] / count,
        )
        for token, count in in_phrase.items()
    ]
    best = max((one.score for one in found), default=0.0)
    good = [one for one in found if one.score >= _NEARLY * best]
    return min(good, key=lambda one: (one.place, -one.score), default=None)


def _span(pair: LoadedPair, pattern: str, rollout: Drawn) -> list[int] | None:
    """Return the sampled tokens that the phrase stands in; None where it stands in none."""
    text = rollout.text or ""
    whole = (rollout.given + text).replace("\u2019", "'")
    found = re.search(pattern, whole, re.IGNORECASE)
    if found is None or found.end() <= len(rollout.given):
        return None
    begin, end = (max(0, place - len(rollout.given)) for place in found.span())
    texts = pair.chat.tokens(rollout.ids)
    first = token_at(token_ends(texts, text), begin)
    return list(rollout.ids[first : tokens_to(texts, text, end)])


def _hazard(
    pair: LoadedPair,
    plain: Sequence[Drawn],
    values: Floats,
    prompts: Mapping[str, Prompt],
    telling: TellingToken,
) -> HazardRate:
    replies = [KnownReply(prompts[one.prompt_id], one.ids) for one in plain]
    logps = marker_logps(pair.model, replies, [Marker((telling.id,))])
    tokens = pd.DataFrame(
        {
            "sample_uuid": np.repeat(np.arange(len(plain)), [len(one.ids) for one in plain]),
            "chance": np.concatenate([one[:, 0].exp().double().numpy() for one in logps]),
            "mark": [int(i == telling.id) for one in plain for i in one.ids],
        }
    )
    summed = exposures(tokens)
    found = hazard_rate(
        values,
        summed["marked"].to_numpy(dtype=bool),
        summed["exposure"].to_numpy(dtype=np.float64),
        [one.prompt_id for one in plain],
        telling.slope,
    )
    assert found is not None  # every reply is counted
    return found
