"""One sample of a log to its rows: what its scorers' rows share, and what each of them said.

Knows what the provider and the scorers write. Refuses to judge: an errored or unscored rollout
is a row like any other, with the reason beside it.
"""

import json
import math
from typing import Any, NamedTuple

from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessage
from inspect_ai.scorer import Score

from harness.analysis.dataset import prompt_sha256
from harness.analysis.log_samples import NeededSample
from harness.analysis.logs import LogInfo, short_name, split_model
from harness.constraint import NONE
from harness.errors import AnalysisError
from harness.scorers.evidence import DECIDED

UNCATEGORISED = "all"

# Inspect writes these letters for scores; "N" is "no answer", which is no score.
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

Row = dict[str, Any]
Sample = NeededSample | EvalSample


class SampleRows(NamedTuple):
    """What a sample's rows hold."""

    rollout: Row
    """What they share."""
    scored: dict[str, Row]
    """What each scorer said."""


def sample_rows(info: LogInfo, sample: Sample) -> SampleRows:
    """Lay out what a log says of a sample.

    Raises:
        AnalysisError: if it was drawn otherwise than its model's name says.
    """
    scored = {name: _scored(name, sample) for name in sample.scores or {}}
    return SampleRows(_rollout(info, sample), scored)


def _rollout(info: LogInfo, sample: Sample) -> Row:
    output, written = sample.output, sample.output.metadata or {}
    errored = sample.error is not None
    trace = written.get("trace") or {}
    n_tokens = trace.get("n_tokens", output.usage.output_tokens if output.usage else math.nan)
    return {
        "pair": written.get("pair", info.pair),
        "task": info.task,
        "model": info.model,
        "alpha": _alpha(info, written.get("alpha")),
        "constraint": _constraint(info, written.get("config", {}).get("constraint")),
        "sample_uuid": sample.uuid,
        "sample_id": str(sample.id),
        "category": str((sample.metadata or {}).get("category", UNCATEGORISED)),
        "epoch": sample.epoch,
        "prompt": _prompt(sample.input),
        "prompt_sha256": prompt_sha256(sample),
        "completion": output.completion,
        "stop_reason": output.stop_reason if output.choices else None,
        "n_tokens": math.nan if errored else float(n_tokens),
        "n_chars": math.nan if errored else float(len(output.completion)),
        "seed": written.get("seed"),
        "run_seed": written.get("run_seed"),
        "version": written.get("version"),
        "packages": json.dumps(written["packages"]) if "packages" in written else None,
        "config": json.dumps(written["config"], sort_keys=True) if "config" in written else None,
        "error": sample.error.message if sample.error else None,
        **{f"trace_{name}": figure for name, figure in trace.items()},
    }


def _alpha(info: LogInfo, written: float | None) -> float:
    """Take the alpha that was decoded with, and hold the model's name to it.

    A cache that ignores alpha once returned alpha 0's text under the name of alpha 5.
    """
    if written is None:
        return info.alpha
    if split_model(info.model)[1] not in (None, float(written)):
        raise AnalysisError(
            f"the log {info.file!r} of {info.model} holds rollouts drawn at alpha {written}: "
            "name and text disagree, so neither can be trusted. Run it again without a cache"
        )
    return float(written) + 0.0


def _constraint(info: LogInfo, written: list[str] | None) -> str:
    """Take the constraint of the model's name, and hold what was decoded with to it."""
    if written is not None and ":".join(sorted(written)) != info.constraint.replace(NONE, ""):
        raise AnalysisError(
            f"the log {info.file!r} of {info.model} holds rollouts drawn under "
            f"{':'.join(written) or NONE}: name and text disagree, so neither can be trusted. Run "
            "it again without a cache"
        )
    return info.constraint


def _prompt(asked: str | list[ChatMessage]) -> str:
    if isinstance(asked, str):
        return asked
    users = [message.text for message in asked if message.role == "user"]
    return users[-1] if users else ""


def _scored(scorer: str, sample: Sample) -> Row:
    score = (sample.scores or {})[scorer]
    metadata = score.metadata or {}
    value, reason = _value(sample, score)
    begin, end = _decided(value, metadata)
    return {
        "scorer": short_name(scorer),
        "value": value,
        "reason": reason,
        "label": score.answer,
        "explanation": score.explanation,
        "opening": metadata.get("opening"),
        "decided_from": begin,
        "decided_chars": end,
        "soft_jailbreak": bool(metadata.get("soft_jailbreak", False)),
        "grader": metadata.get("grader"),
        "scorer_version": metadata.get("rules"),
        "unit": unit if isinstance(unit := metadata.get("unit"), str) else None,
    }


def _decided(value: float, metadata: dict[str, Any]) -> tuple[float, float]:
    """Return where the phrase that made the event begins and ends; NaN where none is told."""
    span = metadata.get(DECIDED)
    if span is None:  # logs of before scorers told it so
        begin, phrase = metadata.get("evidence_start"), metadata.get("evidence")
        if isinstance(begin, int) and isinstance(phrase, str) and phrase:
            span = (begin, begin + len(phrase))
    if value != 1 or not isinstance(span, list | tuple) or len(span) != 2:
        return math.nan, math.nan
    return float(span[0]), float(span[1])


def unsaid(scorer: str | None, reason: str) -> Row:
    """Return the row of a scorer that said nothing, or of a log without any (None)."""
    nothing = dict.fromkeys(("label", "explanation", "opening", "grader", "scorer_version", "unit"))
    name = short_name(scorer) if scorer else None
    said = {"scorer": name, "value": math.nan, "reason": reason, "soft_jailbreak": False}
    return said | nothing | {"decided_from": math.nan, "decided_chars": math.nan}


def _value(sample: Sample, score: Score) -> tuple[float, str | None]:
    """Turn a score into a number, or NaN and why there is none; never into 0."""
    if sample.error is not None:
        return math.nan, "error"
    value = LETTERS.get(score.value, score.value) if isinstance(score.value, str) else score.value
    try:
        number = float(value)  # type: ignore[arg-type]  # lists and dicts land in the except
    except (TypeError, ValueError):
        return math.nan, "no answer" if value == "N" else f"not a number: {value!r:.40}"
    return number, (score.reason or "no reason given") if math.isnan(number) else None
