"""A few rollouts to read: the same prompts and epoch at every alpha, chosen by rule.

Text that may comply with a harmful request is withheld here, before any report sees it: a report
is committed and passed on, and its reader needs to know that the model complied, not how.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis.behaviours import BENIGN, JUDGE
from harness.analysis.frame import ROLLOUT, rollouts
from harness.analysis.openings import REFUSING

N_PROMPTS = 5
MAX_CHARS = 300
SCORERS = ("refusal", "nonsense", JUDGE)
"""What they say of a text decides whether it is shown."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One rollout, shortened, or the reason why its text is not shown."""

    alpha: float
    text: str | None
    note: str | None
    """Why there is no text."""
    n_chars: int | None
    label: str | None
    """What the refusal scorer said."""
    nonsense: bool | None
    """None where it was not scored."""
    judge: float | None
    """The judge's score, 0 to 1; None where it gave none."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One prompt and its rollouts of one epoch along alpha."""

    sample_id: str
    category: str
    prompt: str
    epoch: int
    turns: tuple[Turn, ...]


def examples(frame: pd.DataFrame, *, harmless: bool = False) -> tuple[Example, ...]:
    """Take the first prompt of each category, benign first, at its first epoch.

    Args:
        frame: from ``read_frame``.
        harmless: every prompt of this task is known to be harmless, so that no text need be
            withheld.
    """
    names = sorted(set(frame["category"]), key=lambda name: (name != BENIGN, name))[:N_PROMPTS]
    first = {name: frame["sample_id"][frame["category"] == name].min() for name in names}
    frame = frame[frame["sample_id"].isin(list(first.values()))]
    each = rollouts(frame)
    verdicts = {name: _verdicts(frame, name) for name in SCORERS}
    reasons = withheld_rollouts(frame, harmless=harmless)
    shown = []
    for category, sample_id in first.items():
        rows = each[(each["category"] == category) & (each["sample_id"] == sample_id)]
        rows = rows[rows["epoch"] == rows["epoch"].min()].sort_values("alpha")
        turns = [_turn(row, verdicts, reasons) for row in rows.to_dict("records")]
        prompt = rows["prompt"].iloc[0]
        shown.append(
            Example(
                sample_id=sample_id,
                category=category,
                prompt=shorten(prompt),
                epoch=int(rows["epoch"].iloc[0]),
                turns=tuple(turns),
            )
        )
    return tuple(shown)


def turns_of(frame: pd.DataFrame, rows: pd.DataFrame) -> tuple[Turn, ...]:
    """Show these rollouts of a frame, shortened, or say why they are not shown.

    Args:
        frame: all rows of the run, whose verdicts decide.
        rows: one per rollout that is wanted.
    """
    verdicts = {name: _verdicts(frame, name) for name in SCORERS}
    harmless = frame.attrs.get("run", {}).get("harmless", False)
    reasons = withheld_rollouts(frame, harmless=harmless)
    return tuple(_turn(row, verdicts, reasons) for row in rows.to_dict("records"))


def shorten(text: str) -> str:
    """Cut to the first 300 characters, with an ellipsis where something is missing."""
    return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + "…"


Key = tuple[Any, ...]
"""Of a rollout: its values in the columns ``ROLLOUT``."""


def withheld_rollouts(frame: pd.DataFrame, *, harmless: bool = False) -> dict[Key, str]:
    """Say why the texts of rollouts are not fit to be shown; those that are fit are left out.

    Args:
        frame: from ``read_frame``.
        harmless: as of ``examples``.
    """
    if harmless:
        return {}
    refusals, nonsense, judged = (_verdicts(frame, name) for name in SCORERS)
    found = {}
    for row in rollouts(frame).to_dict("records"):
        key = _key(row)
        silly = bool(nonsense[key]["value"]) if key in nonsense else None
        judge = judged.get(key, {}).get("value")
        if why := withheld(row["category"], refusals.get(key, {}), silly, judge):
            found[key] = why
    return found


def withheld(
    category: str, verdict: dict[str, Any], nonsense: bool | None, judge: float | None = None
) -> str | None:
    """Say why a text is not fit to be shown; None if it is.

    Shown are replies to benign prompts, nonsense, and refusals without content after them. What
    was not scored is treated as the worst it may be. A judge that sees any of what was asked for
    withholds the text whatever the others say; one that sees none opens nothing.
    """
    label = verdict.get("label")
    if category == BENIGN:
        return None
    if judge is not None and judge > 0:
        return f"the judge scores it {judge:.2f}, on a request not marked benign"
    if nonsense:
        return None
    if label is None:
        return "no refusal label, on a request not marked benign"
    if label not in REFUSING:
        return "compliance with a harmful-sounding request"
    if verdict.get("soft_jailbreak"):
        return "refusal with content beside it, to a harmful-sounding request"
    return None


def _turn(
    row: dict[Any, Any], verdicts: dict[str, dict[Any, Any]], reasons: dict[Key, str]
) -> Turn:
    key = _key(row)
    refusal, nonsense = verdicts["refusal"].get(key, {}), verdicts["nonsense"].get(key, {})
    is_nonsense = bool(nonsense["value"]) if nonsense else None
    judged = verdicts[JUDGE].get(key, {}).get("value")
    if row["error"] is not None and not pd.isna(row["error"]):
        return Turn(
            alpha=row["alpha"],
            text=None,
            note="[the rollout failed]",
            n_chars=None,
            label=None,
            nonsense=None,
            judge=None,
        )
    n_chars = len(row["completion"])
    why = reasons.get(key)
    return Turn(
        alpha=row["alpha"],
        text=None if why else shorten(row["completion"]),
        note=f"[withheld: {why}, {n_chars} characters]" if why else None,
        n_chars=n_chars,
        label=refusal.get("label"),
        nonsense=is_nonsense,
        judge=judged,
    )


def _verdicts(frame: pd.DataFrame, scorer: str) -> dict[Any, Any]:
    """Give what a scorer said of each rollout that it could score."""
    rows = frame[(frame["scorer"] == scorer) & frame["value"].notna()]
    return {_key(row): row for row in rows.to_dict("records")}


def _key(row: dict[Any, Any]) -> Key:
    return tuple(row[name] for name in ROLLOUT)
