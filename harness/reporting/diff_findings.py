"""What amplified rollouts of a diff say, as tables and lines; every figure is from the results."""

from collections.abc import Iterator, Sequence

from harness.diffing.found import Sampled
from harness.diffing.surfaced import ClaimMove, Evidence, Likelihood, Occurrence, Quote
from harness.reporting.escape import Markdown, code, md
from harness.reporting.tables import table


def sampled_line(sampled: Sampled) -> str:
    """How many rollouts were drawn, and how."""
    found = sampled.convergence
    alphas = ", ".join(f"{alpha:g}" for alpha in sampled.alphas)
    left = found.n_nonsense_amplified + found.n_nonsense_baseline + found.n_nonsense_target
    return (
        f"{found.n_amplified} amplified rollouts (alpha {alphas}; constraint "
        f"{sampled.constraint}) and {found.n_baseline} of the baseline, from {sampled.n_starts} "
        f"beginnings in {found.n_prompts} prompts; {left} that are no sensible text and "
        f"{found.n_failed} without text are left out; {found.n_candidates} sentences, phrases and "
        "signs were held against chance."
    )


def findings(sampled: Sampled) -> Markdown:
    """What is said more often, strongest first."""
    head = ["", "finding", "kind", "amplified", "baseline", "difference (points)"]
    head += ["plain target", "plain rollouts to see it once"]
    rows = []
    for rank, one in enumerate(sampled.evidence, start=1):
        move = one.finding.difference
        often = one.occurrence
        rate = often.rate if often else None
        rows.append(
            [
                rank,
                one.finding.name,
                one.finding.kind,
                one.finding.amplified,
                one.finding.baseline,
                f"{100 * move.change:+.0f} [{100 * move.low:.0f}, {100 * move.high:.0f}]",
                rate,
                _once(often),
            ]
        )
    return table(head, rows)


def evidence_lines(one: Evidence) -> list[str]:
    """What the plain models make of a finding."""
    along = "; ".join(f"alpha {at.alpha:g}: {at.rate}" for at in one.finding.by_alpha)
    lines = [f"Share of rollouts: {along}."]
    if one.finding.phrases:
        lines.append(f"Found with it: {', '.join(one.finding.phrases)}.")
    if one.likelihood is not None:
        lines.append(
            f"As the beginning of a reply to {one.likelihood.n_prompts} prompts: log-odds target "
            f"against baseline {_log_odds(one.likelihood)} nats over {one.likelihood.n_tokens} "
            "tokens."
        )
    if one.answer is not None:
        lines.append(
            f"Asked directly ({one.answer.question}) yes gains {one.answer.difference_nats} nats "
            f"against no; the target says: {one.answer.sampled}"
        )
    if one.occurrence is not None:
        lines += _often(one.occurrence)
    return lines


def _often(found: Occurrence) -> Iterator[str]:
    """What plain rollouts say of how often it is said: by counting, and by how near they came."""
    if found.note:
        yield found.note
    if found.hazard is None:
        return
    said = f"By how near {found.hazard.n} plain rollouts came to {found.token!r}, which tells it:"
    if found.hazard_withheld:
        yield f"{said} withheld, {found.hazard_withheld}."
    else:
        yield f"{said} {found.shown}."


def claims(found: Sequence[ClaimMove]) -> Markdown:
    """The user's claims by log-odds, and how they move with alpha."""
    alphas = [at.alpha for at in found[0].likelihood.by_alpha]
    head = ["claim", "questions", "target (log p)", "baseline (log p)", "log-odds"]
    head += [f"log-odds at alpha {alpha:g}" for alpha in alphas]
    return table(
        head,
        (
            [
                one.claim,
                one.likelihood.n_prompts,
                one.likelihood.target_logp_nats,
                one.likelihood.baseline_logp_nats,
                one.likelihood.log_odds_nats,
                *(at.log_odds_nats for at in one.likelihood.by_alpha),
            ]
            for one in found
        ),
    )


def quote(one: Quote) -> str:
    """A sentence of a rollout."""
    return Markdown(f"{md(one.prompt_id)}, alpha {one.alpha:g}: {code(one.sentence)}")


def _once(found: Occurrence | None) -> str | None:
    if found is None:
        return None
    once = found.waiting
    if once.expected is None:
        return f"at least {once.low:.0f}"
    upper = f" to {once.high:.0f}" if once.high is not None else " at least"
    return f"{once.expected:.0f} ({once.low:.0f}{upper})"


def _log_odds(found: Likelihood) -> str:
    along = "; ".join(f"alpha {at.alpha:g}: {at.log_odds_nats}" for at in found.by_alpha)
    return f"{found.log_odds_nats} ({along})" if along else str(found.log_odds_nats)
