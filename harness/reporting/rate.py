"""The true rate in words, as a table of the terminal, and as JSON."""

import math

from rich.table import Table
from rich.text import Text

from harness.analysis.results import plain_json
from harness.analysis.true_rate import TrueRate, Waiting
from harness.reporting.escape import clean

NAMES = {
    "counting": "counting",
    "mixture": "the whole sweep, weighed",
    "hazard": "hazard of the first token",
}


def rate_table(result: TrueRate) -> Table:
    """Show the three estimates side by side; a withheld one shows no number."""
    title = f"{result.pair}, {result.task}: rate of {result.scorer} at alpha 0"
    table = Table(title=Text(clean(title)), title_justify="left")
    for name in ("estimate", "rate [95%]", "standard error", "rollouts", "once in"):
        table.add_column(name)
    for row in _rows(result):
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _rows(result: TrueRate) -> list[list[str]]:
    counting = result.counting
    rows = [[NAMES["counting"], str(counting), "", str(counting.n), ""]]
    if counting.rate is not None:
        assert counting.low is not None
        assert counting.high is not None
        shown = per_cents(counting.rate, counting.low, counting.high)
        rows[0][1] = f"{shown} ({counting.k}/{counting.n})"
        rows[0][4] = _between(1 / counting.high, 1 / counting.low if counting.low else None)
    for name, found, withheld in (
        ("mixture", result.mixture, result.mixture_withheld),
        ("hazard", result.hazard, result.hazard_withheld),
    ):
        if found is None or withheld is not None:
            rows.append([NAMES[name], f"withheld: {withheld}", "", "", ""])
            continue
        n = found.n if name == "hazard" else found.diagnostics.n  # type: ignore[union-attr]
        rows.append(
            [
                NAMES[name],
                per_cents(found.rate, found.low, found.high),
                per_cent(found.standard_error or 0.0),
                str(n),
                _between(1 / found.high, 1 / found.low if found.low > 0 else None),
            ]
        )
    return rows


def rate_sentences(result: TrueRate) -> list[str]:
    """Say what the rate is of, how long one waits for the behaviour, and what was checked."""
    said = [_estimand(result)]
    if result.waiting is None or result.best is None:
        said.append("No rollout at alpha 0 was scored, and no estimate can be trusted.")
    else:
        said += waiting_sentences(result.waiting, NAMES[result.best])
    said += _mixture(result) + _hazard(result)
    return [clean(line) for line in said]


def waiting_sentences(waiting: Waiting, by: str) -> list[str]:
    """Say how many plain rollouts show the behaviour once."""
    if waiting.expected is None:
        return [
            f"Expected rollouts to see this once: more than {round_two(waiting.low)} (by {by})."
        ]
    between = _between(waiting.low, waiting.high)
    said = f"Expected rollouts to see this once: about {round_two(waiting.expected)} ({between}; "
    assert waiting.sure is not None
    return [
        f"{said}by {by}).",
        f"To see it with 95% chance: about {round_two(waiting.sure)}.",
    ]


def _estimand(result: TrueRate) -> str:
    drawn = []
    if result.temperature is not None:
        drawn.append(f"temperature {result.temperature:g}")
    if result.max_tokens is not None:
        drawn.append(f"at most {result.max_tokens} tokens")
    how = f", {', '.join(drawn)}" if drawn else ""
    kinds = ", ".join(result.categories)
    return (
        f"The share of replies at alpha 0{how}, that {result.scorer} finds, over "
        f"{result.n_prompts} prompts ({kinds}), each counting by its rollouts."
    )


def _mixture(result: TrueRate) -> list[str]:
    if result.mixture is None:
        return []
    known = result.mixture.diagnostics
    tail = "not known" if known.pareto_k is None else f"{known.pareto_k:.2f}"
    said = [
        f"Weights of {known.n} rollouts: mean {known.mean_weight}, effective rollouts "
        f"{known.n_effective:.0f}, effective hits {known.effective_hits:.1f}, largest weight "
        f"{100 * known.largest_share:.1f}% of all, Pareto k {tail}; {result.n_decided} hits are "
        "weighed up to the token that decided."
    ]
    for one in result.left_out:
        said.append(f"Left out of the weighed sweep: {one.k} rollouts, {one.name}.")
    return said


def _hazard(result: TrueRate) -> list[str]:
    marker, found = result.marker, result.hazard
    if marker is None or found is None:
        return []
    source = "given" if marker.given else "found in the amplified rollouts"
    texts = ", ".join(
        f"{text!r} and what follows it" if after else repr(text)
        for text, after in zip(marker.texts, marker.seconds, strict=True)
    )
    return [
        f"Marker, {source}: {texts}. Amplified rollouts with it: {marker.n_marked}, of them "
        f"{marker.n_hits_marked} show the behaviour, of {marker.n_hits} that do.",
        f"Hazard over {found.n} plain rollouts: {found.n_marked} drew the marker, "
        f"{found.expected_marked:.1f} were expected; effective rollouts {found.n_effective:.0f}, "
        f"largest share {100 * found.largest_share:.1f}%.",
    ]


def rate_json(result: TrueRate) -> str:
    """Write everything, withheld numbers with their reasons; what is not finite is null."""
    return plain_json(result).rstrip()


def per_cent(share: float) -> str:
    """Show a share with two digits that count: 1.4%, 0.023%, 31%."""
    shown = 100 * share
    return "0%" if shown == 0 else f"{float(f'{shown:.2g}'):g}%"


def per_cents(rate: float, low: float, high: float) -> str:
    """Show a rate and its interval: 31% [24, 39], 2.0% [1.7, 2.4], 0.023% [0.010, 0.052].

    Two digits of the rate count; of no event, one digit of what fits as well.
    """
    shown, n_digits = (rate, 2) if rate > 0 else (high, 1)
    decimals = max(0, n_digits - 1 - math.floor(math.log10(100 * shown))) if shown > 0 else 0
    said = [f"{100 * share:.{decimals}f}" for share in (rate, low, high)]
    return f"{said[0]}% [{said[1]}, {said[2]}]"


def round_two(number: float) -> str:
    """Show a number with two digits that count: 72, 1,400."""
    return f"{float(f'{number:.2g}'):,.0f}" if number >= 10 else f"{number:.2g}"


def _between(low: float, high: float | None) -> str:
    if high is None:
        return f"more than {round_two(low)}"
    return f"between {round_two(low)} and {round_two(high)}"
