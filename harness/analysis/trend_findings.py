"""All trends of a sweep with their false discoveries kept in check, and what may be said of them.

A sentence names a trend only where it stands after Benjamini and Hochberg, with its effect size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.analysis.behaviours import Curve
from harness.analysis.breaks import NONSENSE_LEVEL
from harness.analysis.dose import Dose
from harness.analysis.frame import ROLLOUT
from harness.analysis.grid import OVERALL, grid
from harness.analysis.length_trends import LengthTrend, length_trends
from harness.analysis.rates import SIGNIFICANCE
from harness.analysis.sense import compared_alpha, sensible_up_to
from harness.analysis.trends import Regressor, Trend, adjusted, is_discovery, trends

NEEDED = [
    *(*ROLLOUT, "category", "scorer", "value", "label", "soft_jailbreak", "unit", "error"),
    *("n_tokens", "n_chars", "stop_reason"),
]


LENGTHS = " (lengths included)"


@dataclass(frozen=True, kw_only=True)
class AllTrends:
    """The trends of one sweep under one constraint."""

    alphas: tuple[float, ...]
    """What they are over, but for nonsense, which is followed over all alphas."""
    left_out: tuple[float, ...]
    """Alphas above these, where too much is nonsense."""
    nonsense_known: bool
    """False where nonsense was not scored, so that no alpha could be left out for it."""
    sensible: bool
    """False where even at the last of these alphas too much is nonsense, as none is better."""
    trends: tuple[Trend, ...]
    lengths: tuple[LengthTrend, ...]


def all_trends(
    frame: pd.DataFrame,
    alphas: tuple[float, ...],
    nonsense: Curve | None,
    doses: Sequence[Dose],
) -> AllTrends:
    """Look for trends of every behaviour in every category, and adjust their p values.

    One family along alpha, lengths included, and one along dose.
    """
    over = trend_alphas(alphas, nonsense)
    # pandas copies attrs at every step and carries every column along: most of the time, else.
    frame = frame[NEEDED].copy()
    frame.attrs = {}
    found, lengths = trends(grid(frame, alphas), alphas, over, doses), length_trends(frame, over)
    along = [one for one in found if one.regressor == "alpha"]
    p_alpha = adjusted([one.p_value for one in along] + [one.p_value for one in lengths])
    with_dose = [one for one in found if one.regressor == "dose"]
    p_dose = adjusted([one.p_value for one in with_dose])
    return AllTrends(
        alphas=over,
        left_out=tuple(alpha for alpha in alphas if alpha not in over),
        nonsense_known=nonsense is not None,
        sensible=nonsense is None or over[-1] == sensible_up_to(alphas, nonsense),
        trends=tuple(
            replace(one, p_adjusted=p, discovery=is_discovery(p))
            for one, p in zip([*along, *with_dose], p_alpha[: len(along)] + p_dose, strict=True)
        ),
        lengths=tuple(
            replace(one, p_adjusted=p, discovery=is_discovery(p))
            for one, p in zip(lengths, p_alpha[len(along) :], strict=True)
        ),
    )


def trend_alphas(alphas: tuple[float, ...], nonsense: Curve | None) -> tuple[float, ...]:
    """Choose the alphas that trends are over: up to where the text still makes sense.

    Beyond that a behaviour may fall because nothing readable is left, and one line through the
    rise and the fall would tell neither. At least up to the alpha that sentences compare with 0;
    all of them where nonsense was not scored.
    """
    if nonsense is None:
        return alphas
    last = compared_alpha(alphas, sensible_up_to(alphas, nonsense))
    return alphas if last is None else tuple(alpha for alpha in alphas if alpha <= last)


def trend_findings(found: AllTrends, names: Sequence[str]) -> tuple[str, ...]:
    """Say which of the named behaviours move along alpha, and which can't be told as one trend."""
    main = [
        one
        for one in found.trends
        if one.regressor == "alpha" and one.category == OVERALL and one.behaviour in names
    ]
    moving = [_move(one) for one in main if one.discovery]
    said = []
    if moving:
        said.append(f"Along alpha {', '.join(moving)}.")
    said += [f"For {one.behaviour} {one.note}." for one in main if one.turns]
    return tuple(said)


def section_findings(found: AllTrends) -> tuple[str, ...]:
    """Say over which alphas trends are, and how many were found."""
    said = [_range(found)]
    regressors: tuple[Regressor, ...] = ("alpha", "dose")
    counts = {one: _counts(found, one) for one in regressors}
    told = [
        f"{n_found} of {n_tested} tested along {regressor}{LENGTHS if regressor == 'alpha' else ''}"
        for regressor, (n_tested, n_found) in counts.items()
        if n_tested
    ]
    if told:
        said.append(
            f"Discoveries: {', '.join(told)}; about one in {1 / SIGNIFICANCE:.0f} of such is false."
        )
    if not any(one.regressor == "dose" for one in found.trends):
        said.append("None is along dose: the logs tell no dose at two alphas of 0 and above.")
    return tuple(said)


def _range(found: AllTrends) -> str:
    over = ", ".join(f"{alpha:g}" for alpha in found.alphas)
    if not found.sensible:
        return (
            f"Trends are over alpha {over}, though more than {NONSENSE_LEVEL:.0%} is "
            "nonsense there already: what they show may be the end of sense and no behaviour."
        )
    if not found.nonsense_known:
        return f"Trends are over all alphas ({over}): nonsense was not scored."
    if not found.left_out:
        return f"Trends are over all alphas ({over})."
    out = ", ".join(f"{alpha:g}" for alpha in found.left_out)
    return (
        f"Trends are over alpha {over}. At {out}, where more than {NONSENSE_LEVEL:.0%} is "
        "nonsense or a lower alpha has as much, only nonsense itself is followed."
    )


def _counts(found: AllTrends, regressor: Regressor) -> tuple[int, int]:
    tested = [
        one.discovery
        for one in found.trends
        if one.regressor == regressor and one.p_value is not None
    ]
    if regressor == "alpha":
        tested += [one.discovery for one in found.lengths if one.p_value is not None]
    return len(tested), sum(tested)


def _move(trend: Trend) -> str:
    """Say what a discovery does, by odds ratio or else by its change in points."""
    over = f"{trend.alphas[0]:g} to {trend.alphas[-1]:g}"
    if trend.odds_ratio is None or trend.low is None or trend.high is None:
        return f"{trend.behaviour} moves by {trend.change} ({over})"
    verb = "rise" if trend.odds_ratio > 1 else "fall"
    effect = f"{odds(trend.odds_ratio)} [{odds(trend.low)}, {odds(trend.high)}]"
    return f"the odds of {trend.behaviour} {verb}, times {effect} per unit ({over})"


def odds(ratio: float) -> str:
    """Show an odds ratio to three digits; beyond a thousand or a thousandth, as that."""
    if ratio > 1000:
        return ">1000"
    if ratio < 0.001:
        return "<0.001"
    return f"{ratio:.{max(0, 2 - math.floor(math.log10(ratio)))}f}"
