"""Regimes as a table; every figure comes from the results."""

from harness.analysis.regimes import Regime
from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import at, percent, table


def places(results: Results) -> Markdown:
    """Where each curve breaks, and how sure that is; empty where none was looked at."""
    head = ["curve", "regime", "alpha", "between swept", "within the sweep", "prompts"]
    rows = [
        [
            one.of,
            one.kind,
            str(one),
            _between(one),
            percent(one.within),
            one.n_prompts,
            one.rule,
            # Where nothing is known the note stands in the place of the alpha.
            None if one.last is None else one.note,
        ]
        for one in results.regimes
    ]
    return table([*head, "where", "note"], rows) if rows else Markdown("")


def _between(one: Regime) -> str | None:
    return None if one.between is None else " and ".join(at(alpha) for alpha in one.between)
