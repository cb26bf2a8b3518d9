"""``amplify score``: how much another provider's responses surprise a pair, added to their log.

Knows Inspect's logs and a loaded pair. Scores are appended by Inspect's own functions; responses
stay as they are, and a log is replaced only by a complete one.
"""

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from inspect_ai import score
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import ChatMessage, get_model

from harness.errors import AnalysisError, PromptTooLong, UnsupportedRequest
from harness.pairs.loading import LoadedPair
from harness.pairs.teacher_forcing import KnownReply, score_replies
from harness.scorers.nonsense import nonsense
from harness.scorers.target_nll import (
    TARGET_NLL,
    ReplyNll,
    Rollout,
    baseline_nll,
    computed,
    target_nll,
    traced_target_nll_nats,
)

SUFFIXES = (".eval", ".json")

# Of what Inspect measures scoring with: nothing may ask the model that gave the responses.
_NO_MODEL = "none/none"


class Rescored(NamedTuple):
    """What was added to a log."""

    n_scored: int
    n_unscored: int
    target_nll_nats: float
    """Mean over the scored responses of their mean nats per token; NaN without any."""
    n_nonsense: int
    """Of all responses, by all signs."""


def find_log_files(given: Sequence[Path]) -> list[Path]:
    """Return the log files among paths, those in folders included.

    Raises:
        AnalysisError: if a path holds none.
    """
    found: list[Path] = []
    for path in given:
        files = sorted(path.rglob("*.eval")) if path.is_dir() else [path]
        files = [one for one in files if one.suffix in SUFFIXES and not one.name.startswith(".")]
        if not files:
            raise AnalysisError(
                f"{path} holds no log: give .eval or .json files that Inspect has written, or "
                "folders with .eval files"
            )
        found += files
    return list(dict.fromkeys(found))


def read_log(path: Path) -> EvalLog:
    """Read a log that holds samples.

    Raises:
        AnalysisError: if it can't be read, or holds none.
    """
    try:
        log = read_eval_log(str(path))
    # Inspect raises whatever its zip and JSON readers raise; all of it means the same here.
    except Exception as error:
        raise AnalysisError(f"the log {path} can't be read: {error}") from error
    if not log.samples:
        raise AnalysisError(f"the log {path} holds no samples: run its task again")
    return log


def read_unscored_log(path: Path) -> EvalLog:
    """Read a log that surprise can be added to.

    Raises:
        AnalysisError: if it can't be read, holds no samples, or has the figures already.
    """
    log = read_log(path)
    samples = log.samples or []
    if any(TARGET_NLL in (sample.scores or {}) for sample in samples):
        raise AnalysisError(
            f"the log {path} has {TARGET_NLL} already; to score it under another pair, give a copy "
            "from before"
        )
    if all(traced_target_nll_nats(sample.output) is not None for sample in samples):
        raise AnalysisError(
            f"the log {path} holds rollouts of {log.eval.model}, whose traces tell the target's "
            "surprise already; amplify score is for the logs of other providers"
        )
    return log


def rescore_log(
    path: Path, log: EvalLog, pair: LoadedPair, tell: Callable[[int], object] = lambda n: None
) -> Rescored:
    """Append ``target_nll``, ``baseline_nll`` and ``nonsense`` and write the log in its place.

    Args:
        path: where the log was read from.
        log: as ``read_unscored_log`` gives it; it is changed.
        pair: whose sides read the responses.
        tell: is told of each finished part how many responses it held.

    Raises:
        UnsupportedRequest: if the pair's sides are known by their likeliest tokens alone.
        AnalysisError: if the log can't be written.
    """
    assert log.samples is not None
    figures = _figures(log, pair, tell)
    # Scoring would build the roles' models, which may want keys; they go back in afterwards.
    roles, log.eval.model_roles = log.eval.model_roles, None
    name = pair.spec.name
    with computed(figures):
        scored = score(
            log,
            [target_nll(name), baseline_nll(name), nonsense()],
            model=get_model(_NO_MODEL),
            action="append",
            display="none",
            copy=False,
        )
    scored.eval.model_roles = roles
    _replace(path, scored)
    told = [one for one in figures.values() if isinstance(one, ReplyNll)]
    latest = [_latest(sample, "nonsense") for sample in scored.samples or []]
    return Rescored(
        n_scored=len(told),
        n_unscored=len(figures) - len(told),
        target_nll_nats=math.fsum(one.target_nats for one in told) / len(told)
        if told
        else math.nan,
        n_nonsense=sum(value == 1.0 for value in latest),
    )


def _figures(
    log: EvalLog, pair: LoadedPair, tell: Callable[[int], object]
) -> Mapping[Rollout, ReplyNll | str]:
    figures: dict[Rollout, ReplyNll | str] = {}
    known: dict[Rollout, KnownReply] = {}
    ends = not log.eval.model_generate_config.stop_seqs
    for sample in log.samples or []:
        key = (sample.id, sample.epoch)
        try:
            known[key] = known_reply(sample, pair, ends=ends)
        except (UnsupportedRequest, PromptTooLong) as error:
            figures[key] = str(error)
            tell(1)
    for key, logps in zip(
        known, score_replies(pair.model, list(known.values()), tell), strict=True
    ):
        target, baseline = (-float(side.double().mean()) for side in logps)
        finite = math.isfinite(target) and math.isfinite(baseline)
        figures[key] = (
            ReplyNll(target, baseline, len(logps.target))
            if finite
            else "the pair's logits are not finite"
        )
    return figures


def known_reply(sample: EvalSample, pair: LoadedPair, *, ends: bool) -> KnownReply:
    """Return a response's tokens after the conversation that it answers, as the pair reads both.

    Args:
        sample: of a log.
        pair: whose tokens they become.
        ends: whether a response that stopped ended with the token that ends replies.

    Raises:
        UnsupportedRequest: if there is no response, or the pair can't read the conversation.
        PromptTooLong: if both together exceed the pair's context.
    """
    if sample.error is not None:
        raise UnsupportedRequest(f"the sample ended with an error: {sample.error.message:.200}")
    text = sample.output.completion
    if not text:
        raise UnsupportedRequest("the response is empty, so it has no tokens to be surprised by")
    tokenizer = pair.chat.tokenizer
    ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
    # A trace counts the token that ends a reply; a stop string leaves none.
    if ends and sample.output.stop_reason == "stop" and tokenizer.eos_token_id is not None:
        ids = (*ids, tokenizer.eos_token_id)
    known = KnownReply(pair.prompt([plain_message(one) for one in conversation(sample)]), ids)
    if known.n_tokens > pair.model.max_context:
        raise PromptTooLong(
            f"prompt and response have {known.n_tokens} tokens and the pair's context holds "
            f"{pair.model.max_context}"
        )
    return known


def conversation(sample: EvalSample) -> list[ChatMessage]:
    """Return what stood before the response.

    Raises:
        UnsupportedRequest: if the log does not hold it.
    """
    messages = sample.messages
    while messages and messages[-1].role == "assistant":
        messages = messages[:-1]
    if not messages:
        raise UnsupportedRequest("the log does not say what the response answers")
    return messages


def plain_message(message: ChatMessage) -> dict[str, str]:
    """Return a message as role and text.

    Raises:
        UnsupportedRequest: for tool calls and media, which a pair can't read.
    """
    if message.role == "tool" or getattr(message, "tool_calls", None):
        raise UnsupportedRequest("the conversation holds tool calls, which the pair can't read")
    if not isinstance(message.content, str) and any(
        part.type not in ("text", "reasoning") for part in message.content
    ):
        raise UnsupportedRequest("the conversation holds more than text, which the pair can't read")
    return {"role": message.role, "content": message.text}


def _latest(sample: EvalSample, scorer: str) -> object:
    """The score that was added last: Inspect numbers those of one name."""
    named = [one for name, one in (sample.scores or {}).items() if name.startswith(scorer)]
    return named[-1].value if named else None


def _replace(path: Path, log: EvalLog) -> None:
    """Write a log beside its old self and exchange them in one step.

    Raises:
        AnalysisError: if that fails; the old log is whole then.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        write_eval_log(log, str(partial))
        shutil.copymode(path, partial)
        os.replace(partial, path)
    except OSError as error:
        raise AnalysisError(
            f"the log {path} can't be written: {error.strerror}; it is as it was"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
