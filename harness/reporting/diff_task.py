"""The behaviours of the task that a diff swept, as tables; every figure comes from the results."""

from harness.analysis.dose import Estimate
from harness.analysis.rates import Rate
from harness.analysis.slopes import Slope
from harness.analysis.task_moves import BehaviourMoves, PlainChange, TaskMoves
from harness.reporting.escape import Markdown
from harness.reporting.means import mean_cell
from harness.reporting.tables import cell, table

_SIDES = {-1.0: " (baseline)", 0.0: " (target)"}


def title(moves: TaskMoves) -> str:
    """What the section is headed by."""
    return "How it reasons" if moves.task == "reasoning" else f"How it does the task {moves.task}"


def values(moves: TaskMoves) -> Markdown:
    """Every behaviour at every alpha, with the dose above them and what was cut below."""
    alphas = [f"alpha {alpha:g}{_SIDES.get(alpha, '')}" for alpha in moves.alphas]
    head = ["behaviour", *alphas, "target minus baseline"]
    rows = [
        [
            _measured_in(one),
            *(cell(at) if isinstance(at, Rate) else mean_cell(at) for at in one.values),
            _plain(one.plain),
        ]
        for one in moves.behaviours
    ]
    dose = ["dose (nats per token)", *moves.doses_nats, None]
    cut = ["cut at the token limit", *moves.cut, None]
    return table(head, [dose, *rows, cut])


def slopes(moves: TaskMoves) -> Markdown:
    """Every behaviour's slopes, or why there are none."""
    head = ["behaviour", "slope per 1 alpha", "beyond chance"]
    head += ["slope per 0.1 nats of dose", "beyond chance", "prompts", "note"]
    return table(
        head,
        (
            [
                _measured_in(one),
                *_slope(one.along_alpha),
                *_slope(one.along_dose),
                one.along_alpha.n_prompts,
                _notes(one),
            ]
            for one in moves.behaviours
        ),
    )


def _measured_in(one: BehaviourMoves) -> str:
    # The scorer's name may say already what it counts.
    said = one.unit is None or one.name.endswith(one.unit)
    return one.name if said else f"{one.name} ({one.unit})"


def _plain(plain: PlainChange) -> str | None:
    found = plain.change
    if not isinstance(found, Estimate):
        return plain.note if found is None else str(found)
    return f"{found.value:+.2f} [{found.low:.2f}, {found.high:.2f}]"


def _slope(one: Slope) -> list[str | None]:
    if one.estimate is None:
        return [None, None]
    return [str(one), "yes" if one.discovery else "no"]


def _notes(one: BehaviourMoves) -> str | None:
    along, with_dose = one.along_alpha.note, one.along_dose.note
    if along == with_dose:
        return along
    told = [f"alpha: {along}"] if along else []
    return "; ".join([*told, f"dose: {with_dose}"] if with_dose else told)
