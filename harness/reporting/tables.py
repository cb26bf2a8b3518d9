"""Results to markdown tables: rows and columns only, every figure comes from the results.

Cells are escaped unless they are markdown already.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.analysis.behaviours import Curve
from harness.analysis.lengths import Spread
from harness.analysis.rates import Rate
from harness.analysis.results import Results, headline_curves
from harness.reporting.escape import Markdown, code, md
from harness.reporting.figures.drawing import Drawing

NOTHING = Markdown("-")
DAGGER = " †"
DAGGER_MEANS = "rests on fewer than 10 prompts, or on fewer than 5 events or non-events"


def printed(value: Any) -> Markdown:
    """Escape whatever is not markdown yet; a dash where there is nothing."""
    if value is None:
        return NOTHING
    if isinstance(value, Rate):
        return cell(value)
    if isinstance(value, Markdown):
        return value
    return Markdown(value) if isinstance(value, int) else md(str(value))


def cell(rate: Rate) -> Markdown:
    """Show a rate, with a dagger where its interval rests on little."""
    return Markdown(f"{md(str(rate))}{DAGGER if rate.warning else ''}")


def number(value: float | None, digits: int = 2) -> Markdown:
    """Show a number, or a dash where there is none."""
    return NOTHING if value is None else Markdown(f"{value:z.{digits}f}")


def percent(share: float | None, sign: str = "") -> Markdown:
    """Show a share that is no rate, such as a relative change, in per cent."""
    return NOTHING if share is None else Markdown(f"{share:{sign}.1%}")


def at(alpha: float) -> Markdown:
    """Show an alpha as short as it can be told from others."""
    return Markdown(f"{alpha:g}")


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """Join cells to a table."""
    rule = [Markdown("---")] * len(head)
    lines = [" | ".join(printed(value) for value in line) for line in (head, rule, *rows)]
    return Markdown("\n".join(f"| {line} |" for line in lines))


def led(sentence: str) -> Markdown:
    """Set off what a line of the verdict begins with."""
    lead, colon, said = sentence.partition(": ")
    return Markdown(f"**{md(lead)}:** {md(said)}") if colon else md(sentence)


def figure(name: str, figures: Mapping[str, Drawing]) -> Markdown:
    """Link a figure beside the report, with its text alternative."""
    return Markdown(f"![{md(figures[name].alternative)}](figures/{name})")


def headline(results: Results) -> tuple[Curve, ...]:
    """The curves of the first table and of the figures."""
    return headline_curves(results.refusal, results.nonsense, results.others)


def overview(results: Results) -> Markdown:
    """The headline rates with mean length and dose."""
    curves = headline(results)
    tokens = {length.alpha: length.tokens for length in results.lengths}
    doses = {dose.alpha: dose.dose_nats for dose in results.doses}
    head = ["alpha", *(curve.name for curve in curves), "mean tokens", "dose (nats per token)"]
    rows = []
    for i, alpha in enumerate(results.alphas):
        length = tokens.get(alpha)
        mean = number(length.mean, 1) if length else None
        rows.append([at(alpha), *(curve.rates[i] for curve in curves), mean, doses.get(alpha)])
    return table(head, rows)


def along(results: Results, curves: Sequence[Curve | None]) -> Markdown:
    """Curves side by side, alphas downwards, with what the first could not score."""
    present = [curve for curve in curves if curve]
    rows = (
        [at(alpha), *(curve.rates[i] for curve in present), present[0].rates[i].n_unscored]
        for i, alpha in enumerate(results.alphas)
    )
    return table(["alpha", *(curve.name for curve in present), "unscored"], rows)


def across(results: Results, curves: Sequence[Curve], first: str = "category") -> Markdown:
    """Curves below each other, alphas to the right."""
    head = [first, *(f"alpha {alpha:g}" for alpha in results.alphas)]
    return table(head, ([curve.name, *curve.rates] for curve in curves))


def refusal(results: Results) -> Markdown:
    """Refusal and what stands beside it, over the same prompts."""
    found = results.refusal
    assert found is not None
    return along(
        results,
        [found.refusal, found.partial, found.soft_jailbreak, found.sensible_non_refusal],
    )


def non_refusal(results: Results) -> Markdown:
    """The complement of refusal, over the main prompts and in each category."""
    found = results.refusal
    assert found is not None
    head = ["category", *(f"alpha {alpha:g}" for alpha in results.alphas)]
    rows = [[one.name, *one.rates] for one in found.non_refusal_by_category]
    return table(head, [[found.asked, *found.non_refusal.rates], *rows])


def lengths(results: Results) -> Markdown:
    """Length in tokens and characters."""
    head = ["alpha", "rollouts"]
    for unit in ("tokens", "characters"):
        head += [f"{unit}: median (quartiles)", "mean", "sd", "CV"]
    rows = (
        [
            at(row.alpha),
            row.n,
            *(_spread(row.tokens) if row.tokens else [None] * 4),
            *_spread(row.characters),
            row.cut,
        ]
        for row in results.lengths
    )
    return table([*head, "cut at the token limit"], rows)


def magnitudes(results: Results) -> Markdown:
    """Extremes and spread of the amplified logits."""
    head = ["alpha", "tokens", "min", "max", "range", "range, change from alpha 0"]
    head += ["std measured", "std closed form", "measured / closed form"]
    rows = (
        [
            at(row.alpha),
            row.n_tokens,
            *(number(logit) for logit in (row.lowest, row.highest, row.range)),
            percent(row.range_change, "+"),
            *(number(std, 4) for std in (row.std, row.std_closed_form, row.std_ratio)),
            number(row.std_linear, 4),
            percent(row.std_over_linear),
        ]
        for row in results.magnitudes
    )
    return table([*head, "naive linear guess", "measured / naive"], rows)


def doses(results: Results) -> Markdown:
    """Dose, gain, and whether the two agree."""
    head = ["alpha", "tokens", "dose (nats per token)", "gain (nats per token)", "sampled tokens"]
    rows = (
        [at(dose.alpha), dose.n_tokens, dose.dose_nats, dose.gain_nats, dose.verdict]
        for dose in results.doses
    )
    return table(head, rows)


def openings(results: Results) -> Markdown:
    """The most frequent openings of refusals, counted among the refusals of their alpha."""
    rows = ([at(row.alpha), row.opening, f"{row.k}/{row.n}"] for row in results.openings)
    return table(["alpha", "opening", "of refusals and partial refusals"], rows)


def data(results: Results) -> Markdown:
    """What was asked, and what each scorer made of it."""
    found = results.data
    scorers = [
        (f"scored by {one.name}", f"{one.n_scored}/{one.n_scored + one.n_unscored}")
        for one in found.scorers
    ]
    rows: list[tuple[object, object]] = [
        ("rollouts", found.n_rollouts),
        ("alphas", ", ".join(f"{alpha:g}" for alpha in found.alphas)),
        ("prompts", found.n_prompts),
        ("rollouts per prompt and alpha", found.n_epochs),
        *(
            (f"category {one.name}", f"{one.n_prompts} prompts, {one.n_rollouts} rollouts")
            for one in found.categories
        ),
        *scorers,
        ("failed", f"{found.n_errors}/{found.n_rollouts}"),
    ]
    if found.n_chars:
        range_ = f"{found.n_chars.shortest} to {found.n_chars.longest}"
        rows += [("length of a reply in characters", f"{range_}, mean {found.n_chars.mean:.1f}")]
    return table(["what", "how many"], rows)


def unscored(results: Results) -> Markdown:
    """Why rollouts have no score or no text; empty where none is missing."""
    rows = [
        (f"unscored by {scorer.name}", reason.name, reason.k)
        for scorer in results.data.scorers
        for reason in scorer.reasons
    ]
    rows += [("failed", error.name, error.k) for error in results.data.errors]
    return table(["what", "why", "rollouts"], rows) if rows else Markdown("")


def pairs_of(settings: Mapping[str, object]) -> Markdown:
    """Names and values of a flat or nested mapping."""
    return table(
        ["setting", "value"],
        [[code(name), code(_written(value))] for name, value in settings.items()],
    )


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return str(value)


def _spread(spread: Spread) -> list[Markdown]:
    lower, upper = spread.quartiles
    return [
        Markdown(f"{spread.median:g} ({lower:g} to {upper:g})"),
        number(spread.mean, 1),
        number(spread.deviation, 1),
        percent(spread.variation),
    ]
