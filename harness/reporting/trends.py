"""Changes from alpha 0 and trends as tables; every figure comes from the results."""

from collections.abc import Sequence

from harness.analysis.differences import Difference
from harness.analysis.results import Results
from harness.analysis.trend_findings import odds
from harness.analysis.trends import Regressor, Trend
from harness.reporting.escape import Markdown, md
from harness.reporting.tables import at, table

DISCOVERY = " ✓"
FEWEST_P = 0.001
UNITS: dict[Regressor, str] = {"alpha": "{:g} alpha", "dose": "{:g} nats per token"}


def changes(results: Results) -> Markdown:
    """Curves below each other, alphas to the right; empty where alpha 0 was not run."""
    if not results.changes:
        return Markdown("")
    head = ["change from alpha 0", *(f"alpha {alpha:g}" for alpha in results.alphas if alpha)]
    rows = (
        [
            one.name,
            *(
                _change(found)
                for alpha, found in zip(results.alphas, one.changes, strict=True)
                if alpha
            ),
        ]
        for one in results.changes
    )
    return table(head, rows)


def along(results: Results, regressor: Regressor) -> Markdown:
    """Trends along one regressor that could be tested; empty where there is none."""
    found = [one for one in results.trends if one.regressor == regressor and _is_shown(one)]
    if not found:
        return Markdown("")
    unit = f"odds ratio per {UNITS[regressor].format(found[0].unit)}"
    head = ["behaviour", "category", "alphas", "events", "prompts", unit, "first to last alpha"]
    rows = (
        [
            one.behaviour,
            one.category,
            _range(one.alphas),
            f"{one.k}/{one.n}",
            one.n_prompts,
            _odds_ratio(one),
            one.change,
            _p(one.p_value, one.p_adjusted, one.discovery),
            _check(one),
            one.note,
        ]
        for one in found
    )
    return table([*head, "p (adjusted)", "check: z (p)", "note"], rows)


def withheld(results: Results, regressor: Regressor) -> Markdown:
    """Why the others could not be tested, by reason; empty where all could."""
    cells: dict[str, list[str]] = {}
    for one in results.trends:
        if one.regressor == regressor and not _is_shown(one):
            cells.setdefault(one.note or "", []).append(f"{one.behaviour} ({one.category})")
    rows = [(note, ", ".join(names)) for note, names in sorted(cells.items())]
    return table(["no trend, because", "of"], rows) if rows else Markdown("")


def lengths(results: Results) -> Markdown:
    """Rank correlations of length with alpha; empty where there is none."""
    if not results.length_trends:
        return Markdown("")
    head = ["length in", "category", "alphas", "rollouts", "prompts", "Spearman's rho"]
    rows = (
        [
            one.measure,
            one.category,
            _range(one.alphas),
            one.n,
            one.n_prompts,
            _interval(one.rho, one.low, one.high),
            _p(one.p_value, one.p_adjusted, one.discovery),
            one.note,
        ]
        for one in results.length_trends
    )
    return table([*head, "p (adjusted)", "note"], rows)


def _is_shown(one: Trend) -> bool:
    return one.p_value is not None or one.turns


def _change(found: Difference | None) -> Markdown | None:
    if found is None:
        return None
    moved = "" if found.method == "unpaired" else f" (↑{found.n_rose} ↓{found.n_fell})"
    return Markdown(f"{md(str(found))}{moved}")


def _range(alphas: Sequence[float]) -> Markdown:
    if not alphas:
        return Markdown("-")
    return Markdown(" to ".join(at(end) for end in dict.fromkeys((alphas[0], alphas[-1]))))


def _odds_ratio(one: Trend) -> str | None:
    if one.odds_ratio is None or one.low is None or one.high is None:
        return None
    return f"{odds(one.odds_ratio)} [{odds(one.low)}, {odds(one.high)}]"


def _interval(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None or low is None or high is None:
        return None
    return f"{value:+.2f} [{low:.2f}, {high:.2f}]"


def _p(p_value: float | None, p_adjusted: float | None, discovery: bool) -> str | None:
    if p_value is None or p_adjusted is None:
        return None
    return f"{_short(p_value)} ({_short(p_adjusted)}){DISCOVERY if discovery else ''}"


def _check(one: Trend) -> str | None:
    if one.check_z is None or one.check_p is None:
        return None
    return f"{one.check_z:+.1f} ({_short(one.check_p)})"


def _short(p: float) -> str:
    return f"<{FEWEST_P:g}" if p < FEWEST_P else f"{p:.3f}"
