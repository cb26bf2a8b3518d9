"""What the target thinks of marker tokens along plain rollouts that are in the logs.

Knows a loaded pair, Inspect's logs and the traces' token ids. Refuses to estimate.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from inspect_ai.log import EvalSample, read_eval_log
from numpy.typing import NDArray

from harness.analysis.hazard import exposures
from harness.analysis.logs import choose_logs, find_logs
from harness.analysis.markers import (
    TELLS,
    Marker,
    beginnings,
    describe_marker,
    firsts,
    seconds,
)
from harness.analysis.rate_evidence import Evidence
from harness.analysis.true_rate import MarkerReading, readable
from harness.constraint import NONE
from harness.errors import AnalysisError, ConfigurationError, WeightsError
from harness.pairs.loading import LoadedPair
from harness.pairs.marker_logps import Marker as MarkerTokens
from harness.pairs.marker_logps import marker_logps
from harness.pairs.teacher_forcing import KnownReply
from harness.rescoring import conversation, plain_message

_LEAST = 1e-4
"""First tokens that are less likely are not followed: 200 such places would add to 1 in 50."""

Tell = Callable[[float], object]
"""Is told of each finished part which share of the whole it was, 0 to 1."""

_UNREAD = {"events", "store", "timelines", "error_retries"}


def find_marker(evidence: Evidence) -> Marker | str:
    """Take what the behaviour begins with in the amplified rollouts; or say why it is not known."""
    amplified = evidence.amplified
    hits = set(amplified["sample_uuid"][amplified["value"] == 1])
    if not hits:
        return "no amplified rollout shows it, so what it begins with is not known: give --marker"
    mine = evidence.tokens[evidence.tokens["sample_uuid"].isin(hits)]
    by_rollout = {str(uuid): rows for uuid, rows in mine.groupby("sample_uuid", sort=False)}
    counts = beginnings(amplified, by_rollout)
    if not counts:
        return (
            f"scorer '{evidence.scorer}' does not say where in a reply it decides, so what the "
            "behaviour begins with is not known: give --marker"
        )
    ids = firsts(counts)
    texts = mine.drop_duplicates("token_id").set_index("token_id")["token_text"]
    named = [str(texts[i]) for i in ids]
    following: list[tuple[int, ...]] = []
    for first, text in zip(ids, named, strict=True):
        alone = _described(evidence, [first], [text], [()], given=False)
        following.append(() if alone.slope >= TELLS else seconds(counts, first))
    return _described(evidence, ids, named, following, given=False)


def name_marker(evidence: Evidence, pair: LoadedPair, words: Sequence[str]) -> Marker:
    """Take the tokens that words begin with, at a reply's beginning and behind a blank.

    Raises:
        ConfigurationError: if a word has no token.
    """
    ids: dict[int, None] = {}
    for word in words:
        for spelled in (word, f" {word}"):
            of_word = pair.chat.tokenizer(spelled, add_special_tokens=False)["input_ids"]
            texts = pair.chat.tokens(of_word)
            first = next((i for i, text in zip(of_word, texts, strict=True) if text.strip()), None)
            if first is None:
                raise ConfigurationError(f"--marker '{word}' holds no visible token")
            ids[first] = None
    named = list(ids)
    return _described(evidence, named, pair.chat.tokens(named), [()] * len(named), given=True)


def read_marker(
    log_dir: Path,
    evidence: Evidence,
    pair: LoadedPair,
    marker: Marker,
    tell: Tell = lambda share: None,
) -> MarkerReading | str:
    """Ask the target about a marker in every place of the plain rollouts.

    Args:
        log_dir: where the evidence is from.
        evidence: of one scorer.
        pair: that drew the rollouts.
        marker: its tokens' probabilities are summed.
        tell: is told how far the reading is.

    Returns:
        The reading; or why there is none.

    Raises:
        WeightsError: if the pair is not the one that drew the rollouts.
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    plain = readable(evidence)
    if plain.empty:
        return "no rollout was drawn at alpha 0 and temperature 1, without top-p and top-k"
    _require_same_weights(plain, pair)
    prompts = _samples(log_dir, set(plain["sample_uuid"]))
    tokens = evidence.tokens[evidence.tokens["sample_uuid"].isin(prompts)].copy()
    replies = {
        str(uuid): KnownReply(
            pair.prompt([plain_message(one) for one in conversation(prompts[str(uuid)])]),
            tuple(int(i) for i in ids),
        )
        for uuid, ids in tokens.groupby("sample_uuid", sort=False)["token_id"]
    }
    asked = _markers(marker)
    found = marker_logps(
        pair.model,
        list(replies.values()),
        asked,
        lambda n: tell(n / len(replies)),
        least=_LEAST,
        # In the last place that a reply may have, a first token would have no second.
        followed=[limit - 1 for limit in _limits(plain, replies, pair).values()],
    )
    chances = np.concatenate([logps.double().exp().numpy() for logps in found])
    tokens["chance"] = chances.sum(axis=1)
    tokens["mark"] = _marks(tokens, asked, chances)
    return MarkerReading(marker=marker, exposures=exposures(tokens))


def _markers(marker: Marker) -> list[MarkerTokens]:
    """Take together the tokens that tell the behaviour by themselves."""
    parted = list(zip(marker.ids, marker.seconds, strict=True))
    alone = tuple(first for first, after in parted if not after)
    pairs = [MarkerTokens((first,), after) for first, after in parted if after]
    return [MarkerTokens(alone), *pairs] if alone else pairs


def _marks(
    tokens: pd.DataFrame, asked: Sequence[MarkerTokens], chances: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return how many tokens the marker has that was drawn in each place, 0 where none was.

    Where the first of two is less likely than ``_LEAST``, its marker does not count, neither as a
    chance nor as drawn: that is known before the place is drawn, so what is left is as unbiased.
    """
    drawn = tokens["token_id"]
    after = drawn.groupby(tokens["sample_uuid"]).shift(-1, fill_value=-1)
    mark = np.zeros(len(tokens), dtype=np.int64)
    for number, one in enumerate(asked):
        here = drawn.isin(one.firsts)
        if one.seconds:
            here &= after.isin(one.seconds) & (chances[:, number] > 0)
        mark[here.to_numpy()] = 2 if one.seconds else 1
    return mark


def _limits(
    plain: pd.DataFrame, replies: Mapping[str, KnownReply], pair: LoadedPair
) -> dict[str, int]:
    """Return how many tokens each reply could have had at the most."""
    asked = {
        str(uuid): int(json.loads(config)["max_tokens"])
        for uuid, config in zip(plain["sample_uuid"], plain["config"], strict=True)
    }
    return {
        uuid: min(asked[uuid], pair.model.max_context - reply.prompt.longest)
        for uuid, reply in replies.items()
    }


def _described(
    evidence: Evidence,
    ids: Sequence[int],
    texts: Sequence[str],
    following: Sequence[tuple[int, ...]],
    *,
    given: bool,
) -> Marker:
    tokens = evidence.tokens
    drawn, rollout = tokens["token_id"], tokens["sample_uuid"]
    after = drawn.groupby(rollout).shift(-1, fill_value=-1)
    has = pd.Series(False, index=tokens.index)
    for first, seconds_of in zip(ids, following, strict=True):
        has |= (drawn == first) & (after.isin(seconds_of) if seconds_of else True)
    marked = {str(uuid): bool(one) for uuid, one in has.groupby(rollout).any().items()}
    return describe_marker(ids, texts, following, evidence.amplified, marked, given=given)


def _require_same_weights(plain: pd.DataFrame, pair: LoadedPair) -> None:
    drawn = {json.loads(text).get("weights") for text in plain["config"]}
    if drawn != {pair.fingerprint}:
        told = ", ".join(sorted(str(one) for one in drawn))
        raise WeightsError(
            f"the rollouts were drawn with weights {told}, and the pair '{pair.spec.name}' has "
            f"{pair.fingerprint}: they have changed since. Sweep again, or give --no-hazard"
        )


def _samples(log_dir: Path, uuids: set[str]) -> dict[str, EvalSample]:
    infos = [
        info
        for info in choose_logs(find_logs(log_dir))
        if info.alpha == 0 and info.constraint == NONE
    ]
    found: dict[str, EvalSample] = {}
    for info in infos:
        try:
            log = read_eval_log(info.path, resolve_attachments="core", exclude_fields=_UNREAD)
        # Inspect raises whatever its zip and JSON readers raise; all of it means the same here.
        except Exception as error:
            raise AnalysisError(f"the log {info.path!r} can't be read ({error})") from error
        found |= {str(one.uuid): one for one in log.samples or [] if one.uuid in uuids}
    return found
