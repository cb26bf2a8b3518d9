"""The sentences about regimes: each is only written where its interval allows it.

Knows regimes. A place is told where at least 97.5 % of resamples have it within the sweep, and
its absence where at most 2.5 % do.
"""

from collections.abc import Iterable

from harness.analysis.breaks import COLLAPSED, FALLEN, NONSENSE_LEVEL, REACHED, RISEN
from harness.analysis.regimes import Regime

SENSE = f"nonsense passes {NONSENSE_LEVEL:.0%}"


def regime_findings(regimes: Iterable[Regime]) -> tuple[str, ...]:
    """Say of each regime what its interval allows."""
    said = [regime_sentence(one) for one in regimes]
    return tuple(sentence for sentence in said if sentence)


def regime_sentence(one: Regime) -> str | None:
    """Write one regime's sentence; None where the interval allows nothing."""
    if one.within is None:
        return None
    if one.kind == "sensible":
        return _sense(one)
    if one.kind in ("saturation", "fall back"):
        return _change(one) if one.high is not None and one.change_told else None
    return _entropy(one)


def _sense(one: Regime) -> str | None:
    if one.alpha is None:
        return (
            f"Text is sensible in the whole sweep: nonsense stays within {NONSENSE_LEVEL:.0%} up "
            f"to alpha {one.last:g}."
            if one.absence_told
            else None
        )
    if one.high is not None and one.high == one.first:
        return f"More than {NONSENSE_LEVEL:.0%} is nonsense from alpha {one.first:g} on."
    if one.high is not None:
        return f"Text is sensible up to alpha {one}, where {SENSE}."
    if one.low is not None and one.first is not None and one.low > one.first:
        return (
            f"Text is sensible up to alpha {one.low:.2f} at least: in the data {SENSE} at "
            f"{one.alpha:.2f}, but perhaps only beyond the sweep's {one.last:g}."
        )
    return None


def _change(one: Regime) -> str:
    name = "The dose" if one.of == "dose" else _capital(one.of)
    if one.kind == "saturation":
        verb = "grows" if one.of == "dose" else "rises" if one.direction == "up" else "falls"
        return (
            f"{name} hardly {verb} beyond alpha {one}, where {REACHED:.0%} of its largest change "
            "from alpha 0 is reached."
        )
    extreme = "highest" if one.direction == "up" else "lowest"
    return (
        f"{name} is {extreme} at alpha {one} and turns back: at alpha {one.last:g} at most "
        f"{FALLEN:.0%} of its change from alpha 0 is left."
    )


def _entropy(one: Regime) -> str | None:
    collapses = one.kind == "entropy collapse"
    share = f"{COLLAPSED if collapses else RISEN:.0%}"
    if one.high is not None:
        verb, means = (
            ("falls below", "replies that grow alike")
            if collapses
            else ("rises above", "word salad")
        )
        return (
            f"The entropy per token {verb} {share} of alpha 0's at alpha {one}, which makes for "
            f"{means}."
        )
    if one.absence_told:
        verb = "fall below" if collapses else "rise above"
        return f"The entropy per token does not {verb} {share} of alpha 0's up to {one.last:g}."
    return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
