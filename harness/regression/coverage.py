"""What one of two runs has and the other lacks, and so has no part in their comparison.

Where the reference has what the run lacks at all, such as an alpha, there is nothing to compare and
the verdict is invalid; this tells of what is left out beside a comparison that is made.
"""

from collections.abc import Iterator

from harness.regression.counts import Counts


def left_out(now: Counts, stored: Counts) -> tuple[str, ...]:
    """Say which prompts, alphas and behaviours take no part; nothing where all do.

    Args:
        now: of the run.
        stored: of the reference.
    """
    return tuple(_left_out(now, stored))


def _left_out(now: Counts, stored: Counts) -> Iterator[str]:
    asked, known = set(now.categories), set(stored.categories)
    if missing := len(known - asked):
        yield f"{missing} of the reference's {len(known)} prompts were not asked: they take no part"
    if new := len(asked - known):
        yield f"{new} of the run's {len(asked)} prompts are not in the reference{_RENEW}"
    for what, own, other in (
        ("alpha", [f"{alpha:g}" for alpha in now.alphas], [f"{one:g}" for one in stored.alphas]),
        ("behaviour", sorted(now.seen), sorted(stored.seen)),
    ):
        if more := [one for one in own if one not in other]:
            yield f"the reference lacks {what} {', '.join(more)} of the run{_RENEW}"


_RENEW = ", so nothing of them is compared; --update-references takes them in"
