"""Results to the terminal: one table and a few sentences, after a sweep."""

from rich.table import Table
from rich.text import Text

from harness.analysis.results import Results, headline_curves
from harness.reporting.escape import clean


def summary_table(results: Results) -> Table:
    """Show the headline rates, mean length and dose along alpha."""
    curves = headline_curves(results.refusal, results.nonsense, results.others)
    doses = {dose.alpha: dose.dose_nats for dose in results.doses}
    tokens = {length.alpha: length.tokens for length in results.lengths}
    table = Table(title=Text(clean(f"{results.pair}: {results.task}")))
    table.add_column("alpha", justify="right")
    for curve in curves:
        table.add_column(Text(clean(curve.name)))
    table.add_column("mean tokens", justify="right")
    table.add_column("dose, nats/token")
    for i, alpha in enumerate(results.alphas):
        length, dose = tokens.get(alpha), doses.get(alpha)
        table.add_row(
            f"{alpha:g}",
            *(Text(str(curve.rates[i])) for curve in curves),
            f"{length.mean:.1f}" if length else "-",
            Text(str(dose)) if dose else "-",
        )
    return table


def summary_text(results: Results) -> Text:
    """Show the summary's sentences and the doubts about the data, one a line."""
    lines = [*results.findings.summary, *(f"Doubt: {said}" for said in results.data.warnings)]
    return Text("\n".join(clean(line) for line in lines))
