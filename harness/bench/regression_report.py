"""The tables of ``amplify bench regression``."""

from collections.abc import Sequence

from harness.analysis.rates import Rate
from harness.bench.regression import LOOKS, WAYS, AlarmRow, PowerRow


def report(
    n_models: int,
    kinds: Sequence[str],
    alarms: Sequence[AlarmRow],
    peeking: Sequence[AlarmRow],
    power: Sequence[PowerRow],
) -> str:
    """Return what stands in docs/regression.md."""
    parts = [
        f"Of {n_models:,} simulated models that did **not** change, so many were called regressed "
        f"({len(WAYS)} checks at once over the same prompts, 95 % intervals):",
        _table(["rule", *kinds], [[row.rule, *map(_share, row.rates)] for row in alarms]),
        f"The same at 100 prompts with {LOOKS} looks at growing data, stopping at an alarm:",
        _table(["rule", "called regressed"], [[row.rule, _share(row.rates[0])] for row in peeking]),
        f"One of the {len(WAYS)} checks truly fell by twice the margin, and the run had as many "
        "prompts as the formula above asks for:",
        _table(
            ["margin", "rollouts a prompt", "sd of a prompt's change", "prompts", "caught"],
            [
                [
                    f"{100 * row.margin:g} points",
                    str(row.epochs),
                    f"{row.sd:.2f}",
                    f"{row.n_prompts:,}",
                    _share(row.caught),
                ]
                for row in power
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _share(rate: Rate) -> str:
    assert rate.rate is not None
    assert rate.low is not None
    assert rate.high is not None
    return f"{100 * rate.rate:.1f} % [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
