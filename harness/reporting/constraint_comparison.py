"""Constraints beside each other as tables; every figure comes from the results."""

from collections.abc import Sequence

from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import at, headline, number, table


def conditions(results: Results) -> tuple[Results, ...]:
    """The main results and those under each constraint."""
    return results, *results.constrained


def constraints(results: Results) -> Markdown:
    """Every constraint beside the others at the same alpha."""
    names = [curve.name for curve in headline(results)]
    head = ["alpha", "constraint", *names, "mean tokens", "dose (nats per token)", "gain"]
    rows = []
    for alpha in sorted({alpha for one in conditions(results) for alpha in one.alphas}):
        for one in conditions(results):
            if alpha in one.alphas:
                figures = [*cells(one, alpha, names), *_what_it_did(one, alpha)]
                rows.append([at(alpha), one.constraint, *figures])
    return table([*head, "strength applied", "target's mass kept"], rows)


def cells(results: Results, alpha: float, names: Sequence[str]) -> list[object]:
    """The rates of the curves of these names, mean tokens and dose, at one alpha."""
    i = results.alphas.index(alpha)
    rates = {curve.name: curve.rates[i] for curve in headline(results)}
    tokens = next((row.tokens for row in results.lengths if row.alpha == alpha), None)
    dose = next((row.dose_nats for row in results.doses if row.alpha == alpha), None)
    mean = number(tokens.mean, 1) if tokens else None
    return [*(rates.get(name) for name in names), mean, dose]


def _what_it_did(results: Results, alpha: float) -> list[object]:
    gain = next((row.gain_nats for row in results.doses if row.alpha == alpha), None)
    applied = next((row for row in results.applied if row.alpha == alpha), None)
    if applied is None:
        return [gain, None, None]
    return [gain, applied.alpha_applied, applied.target_mass_kept]
