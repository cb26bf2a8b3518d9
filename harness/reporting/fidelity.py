"""The checks of fidelity as tables; every figure comes from the results."""

from harness.analysis.calibration import Band
from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import at, number, table


def calibration(results: Results) -> Markdown:
    """How surprising the sampled tokens of each alpha were, beside how they should be."""
    head = ["alpha", "tokens", "prompts", "entropy (nats per token)", "excess (nats per token)"]
    rows = (
        [
            at(one.alpha),
            one.n_tokens,
            one.n_prompts,
            one.entropy_nats,
            one.excess_nats,
            number(one.z),
            number(one.bound_nats, 4),
            one.verdict,
            one.note,
        ]
        for one in results.calibration
    )
    return table([*head, "z", "excess allowed", "sampled tokens", "note"], rows)


def bands(results: Results) -> Markdown:
    """The same by the entropy of the step; empty where nothing was checked."""
    head = ["alpha", "entropy of the step", "tokens", "mean entropy", "mean surprisal"]
    rows = [
        [
            at(one.alpha),
            _between(band),
            band.n_tokens,
            number(band.entropy_nats, 3),
            number(band.surprisal_nats, 3),
            band.excess_nats,
            number(band.z),
        ]
        for one in results.calibration
        for band in one.bands
    ]
    return table([*head, "excess (nats per token)", "z"], rows) if rows else Markdown("")


def strengths(results: Results) -> Markdown:
    """The alpha of the model's name beside what the steps bear witness to."""
    head = ["alpha", "rollouts", "tokens", "strength recorded", "spread / spread at alpha"]
    rows = (
        [
            at(one.alpha),
            one.n_rollouts,
            one.n_tokens,
            None if one.applied is None else at(one.applied),
            number(one.spread_ratio, 6),
            one.verdict,
        ]
        for one in results.strengths
    )
    return table([*head, "steps"], rows)


def _between(band: Band) -> str:
    if band.high_nats is None:
        return f"{band.low_nats:g} nats and more"
    return f"{band.low_nats:g} to {band.high_nats:g} nats"
