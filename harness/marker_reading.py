"""What the target thinks of marker tokens along plain rollouts that are in the logs.

Knows a loaded pair, Inspect's logs and the traces' token ids. Refuses to estimate.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from inspect_ai.log import EvalSample, read_eval_log

from harness.analysis.hazard import exposures
from harness.analysis.logs import choose_logs, find_logs
from harness.analysis.markers import Marker, covering, describe_marker, first_tokens
from harness.analysis.rate_evidence import Evidence
from harness.analysis.true_rate import MarkerReading, readable
from harness.constraint import NONE
from harness.errors import AnalysisError, ConfigurationError, WeightsError
from harness.pairs.loading import LoadedPair
from harness.pairs.teacher_forcing import KnownReply, marker_logps
from harness.rescoring import conversation, plain_message

_UNREAD = {"events", "store", "timelines", "error_retries"}


def find_marker(evidence: Evidence) -> Marker | str:
    """Take what the behaviour begins with in the amplified rollouts; or say why it is not known."""
    amplified = evidence.amplified
    hits = set(amplified["sample_uuid"][amplified["value"] == 1])
    if not hits:
        return "no amplified rollout shows it, so what it begins with is not known: give --marker"
    mine = evidence.tokens[evidence.tokens["sample_uuid"].isin(hits)]
    by_rollout = {str(uuid): rows for uuid, rows in mine.groupby("sample_uuid", sort=False)}
    counts = first_tokens(amplified, by_rollout)
    if not counts:
        return (
            f"scorer '{evidence.scorer}' does not say where in a reply it decides, so what the "
            "behaviour begins with is not known: give --marker"
        )
    ids = covering(counts)
    texts = mine.drop_duplicates("token_id").set_index("token_id")["token_text"]
    return _described(evidence, ids, [str(texts[i]) for i in ids], given=False)


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
    return _described(evidence, list(ids), pair.chat.tokens(list(ids)), given=True)


def read_marker(
    log_dir: Path,
    evidence: Evidence,
    pair: LoadedPair,
    marker: Marker,
    tell: Callable[[int], object] = lambda n: None,
) -> MarkerReading | str:
    """Ask the target about a marker in every place of the plain rollouts.

    Args:
        log_dir: where the evidence is from.
        evidence: of one scorer.
        pair: that drew the rollouts.
        marker: its tokens' probabilities are summed.
        tell: is told of each finished part how many rollouts it held.

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
    found = marker_logps(pair.model, list(replies.values()), marker.ids, tell)
    tokens["marker_logp_nats"] = [value for logps in found for value in logps.tolist()]
    return MarkerReading(marker=marker, exposures=exposures(tokens, marker.ids))


def _described(
    evidence: Evidence, ids: Sequence[int], texts: Sequence[str], *, given: bool
) -> Marker:
    has = evidence.tokens["token_id"].isin(ids).groupby(evidence.tokens["sample_uuid"]).any()
    marked = {str(uuid): bool(one) for uuid, one in has.items()}
    return describe_marker(ids, texts, evidence.amplified, marked, given=given)


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
