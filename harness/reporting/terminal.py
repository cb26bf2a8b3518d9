"""Results to the terminal: one table and a few sentences, after a sweep."""

from rich.table import Table
from rich.text import Text

from harness.analysis.results import Results
from harness.reporting.constraint_comparison import cells, conditions
from harness.reporting.escape import clean
from harness.reporting.tables import headline


def summary_table(results: Results) -> Table:
    """Show the headline rates, mean length and dose along alpha, under each constraint."""
    names = [curve.name for curve in headline(results)]
    table = Table(title=Text(clean(f"{results.pair}: {results.task}")))
    if results.constrained:
        table.add_column("constraint")
    table.add_column("alpha", justify="right")
    for name in names:
        table.add_column(Text(clean(name)))
    table.add_column("mean tokens", justify="right")
    table.add_column("dose, nats/token")
    for one in conditions(results):
        for alpha in one.alphas:
            shown = [Text("-" if cell is None else str(cell)) for cell in cells(one, alpha, names)]
            constraint = [Text(clean(one.constraint))] if results.constrained else []
            table.add_row(*constraint, f"{alpha:g}", *shown)
    return table


def summary_text(results: Results) -> Text:
    """Show the summary's sentences and the doubts about the data, one a line."""
    lines = [*results.findings.summary, *results.comparison]
    lines += [f"Doubt: {said}" for said in results.data.warnings]
    return Text("\n".join(clean(line) for line in lines))
