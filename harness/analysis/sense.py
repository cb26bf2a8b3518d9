"""Up to which alpha the text makes sense, and which alpha is compared with 0 for it.

Knows the nonsense rate and its regime. The alpha that is compared is fixed by nonsense, never by
the largest effect.
"""

from collections.abc import Sequence
from math import isinf

from harness.analysis.behaviours import Curve
from harness.analysis.breaks import NONSENSE_LEVEL, sense
from harness.analysis.regime_curves import curve_totals
from harness.analysis.regime_findings import regime_sentence
from harness.analysis.regimes import Regime


def sensible_up_to(alphas: Sequence[float], nonsense: Curve | None) -> float | None:
    """Find the last swept alpha, from 0 upwards, before nonsense passes ``NONSENSE_LEVEL``.

    None where nonsense was not scored, or is too frequent from the start.
    """
    if nonsense is None:
        return None
    totals = curve_totals(alphas, nonsense).from_zero()
    if not len(totals.alphas):
        return None
    data = totals.curve
    place = float(sense(totals.alphas, data, data)[0])
    if isinf(place):
        return float(totals.alphas[-1])
    if data.values[0, 0] > NONSENSE_LEVEL or place <= totals.alphas[0]:
        return None
    return float(totals.alphas[totals.alphas <= place][-1])


def compared_alpha(alphas: Sequence[float], sensible: float | None) -> float | None:
    """Choose the alpha to hold against 0: the last sensible one, or else the first above 0."""
    above = [alpha for alpha in alphas if alpha > 0]
    return sensible if sensible in above else min(above, default=None)


def sense_finding(
    alphas: Sequence[float], nonsense: Curve | None, regime: Regime | None, against: float | None
) -> str:
    """Say where sense ends and how sure that is, with the rates on both sides."""
    compared = "" if against is None else f" Alpha 0 is compared with alpha {against:g}."
    if nonsense is None:
        return f"Nonsense was not scored: where the text stops making sense is unknown.{compared}"
    rates = dict(zip(alphas, nonsense.rates, strict=True))
    told = (regime_sentence(regime) if regime else None) or _doubtful(regime)
    shown = _both_sides(alphas, sensible_up_to(alphas, nonsense))
    beside = " and ".join(f"{rates[alpha]} at alpha {alpha:g}" for alpha in shown)
    return f"{told} Nonsense is {beside}.{compared}"


def sense_reaches(regime: Regime | None) -> str:
    """Say in a few words up to where text is sensible."""
    if regime is None or regime.last is None:
        return "up to an alpha that can't be told"
    if regime.alpha is None:
        return f"up to alpha {regime.last:g}, the last"
    return "at no alpha" if regime.high == regime.first else f"up to alpha {regime}"


def _doubtful(regime: Regime | None) -> str:
    if regime is None or regime.last is None:
        return "Where the text stops making sense can't be told."
    bound = f"{NONSENSE_LEVEL:.0%}"
    why = f" ({regime.note})" if regime.note else ""
    if regime.alpha is None:
        return (
            f"In the data nonsense stays within {bound} up to alpha {regime.last:g}, which is too "
            f"little to be sure of{why}."
        )
    return (
        f"In the data nonsense passes {bound} at alpha {regime}, too uncertain to call the text "
        f"sensible up to there{why}."
    )


def _both_sides(alphas: Sequence[float], sensible: float | None) -> list[float]:
    swept = [alpha for alpha in alphas if alpha >= 0] or list(alphas)
    if sensible is None:
        return swept[:1]
    beyond = [alpha for alpha in swept if alpha > sensible]
    return [sensible, *beyond[:1]]
