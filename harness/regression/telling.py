"""Which rollouts tell most of a failed check: those on its wrong side, the clearest prompts first.

Knows counts and frames. What of a text may be shown is not decided here.
"""

import pandas as pd

from harness.analysis.rates import Rate
from harness.regression.counts import events_of

N_TRANSCRIPTS = 3


def telling(
    frame: pd.DataFrame,
    behaviour: str,
    alpha: float,
    wrong: float,
    now: Rate,
    before: Rate | None = None,
) -> pd.DataFrame:
    """Pick up to three rollouts on the wrong side, each of another prompt.

    With a reference they are of prompts whose share of wrong rollouts grew, the largest growth
    first; without one, the largest share first. Among equals: the share over all alphas, the id.

    Args:
        frame: of one constraint, from ``read_frame``.
        behaviour: what was checked.
        alpha: where.
        wrong: the event's value that is on the wrong side, 0 or 1.
        now: what was checked; only its prompts are looked at.
        before: what it was compared with; prompts that it lacks had no part in that.
    """
    shares = _shares(now, wrong)
    if before is not None:
        shares = (shares - _shares(before, wrong)).dropna()
        shares = shares[shares > 0]
    rows = events_of(frame)[behaviour]
    rows = rows[rows["sample_id"].isin(shares.index)]
    everywhere = (rows["event"] == wrong).groupby(rows["sample_id"]).mean()
    found = rows[(rows["alpha"] == alpha) & (rows["event"] == wrong)].drop_duplicates("sample_id")
    found = found.assign(
        share=found["sample_id"].map(shares), everywhere=found["sample_id"].map(everywhere)
    )
    found = found.sort_values(["share", "everywhere", "sample_id"], ascending=[False, False, True])
    return found.head(N_TRANSCRIPTS)


def _shares(rate: Rate, wrong: float) -> pd.Series:
    """Return each prompt's share of rollouts on the wrong side."""
    events = pd.Series(rate.by_prompt.k / rate.by_prompt.n, index=rate.by_prompt.prompts)
    return events if wrong else 1 - events
