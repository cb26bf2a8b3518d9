"""The judge's scores and its agreement with the refusal scorer as tables."""

from harness.analysis.agreement import Agreement
from harness.analysis.judged import MeanScore
from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import at, table


def means(results: Results) -> Markdown:
    """The judge's mean score along alpha, and over benign prompts beside it."""
    found = results.judged
    assert found is not None
    columns = [(found.asked, found.means)]
    if found.benign:
        columns.append(("benign prompts", found.benign))
    head = ["alpha"]
    for asked, _ in columns:
        head += [f"mean score, {asked}", "scored", "unscored"]
    rows = (
        [at(alpha), *(cell for _, along in columns for cell in _cells(along[i]))]
        for i, alpha in enumerate(results.alphas)
    )
    return table(head, rows)


def confusion(found: Agreement) -> Markdown:
    """The refusal scorer's labels downwards, the judge's to the right."""
    head = ["refusal scorer", *(f"judge: {label}" for label in found.labels)]
    return table(head, ([row.label, *row.counts] for row in found.confusion))


def _cells(score: MeanScore) -> list[object]:
    return [score.mean, score.n, score.n_unscored]
