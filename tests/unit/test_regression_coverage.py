"""What has no part in a comparison is told, never left out in silence."""

from test_regression_counts import frame, row

from harness.regression.checks import check_frame, questions_of
from harness.regression.counts import counts_of
from harness.regression.coverage import left_out
from harness.regression.reference import reference_of

RUN = frame(row("f1", 0.0, 1.0), row("f2", 0.0, 0.0))
MORE = frame(
    *(row(name, alpha, 1.0) for name in ("f1", "f2", "f3") for alpha in (0.0, 0.5)),
    *(row(name, alpha, 1.0, scorer="nonsense") for name in ("f1", "f2") for alpha in (0.0, 0.5)),
)


def test_nothing_is_said_where_all_is_compared():
    assert left_out(counts_of(RUN), counts_of(RUN)) == ()


def test_prompts_of_the_reference_that_were_not_asked_are_counted():
    told = left_out(counts_of(RUN), counts_of(MORE))
    assert told == ("1 of the reference's 3 prompts were not asked: they take no part",)


def test_what_the_reference_lacks_is_named():
    prompts, alphas, behaviours = left_out(counts_of(MORE), counts_of(RUN))
    assert prompts.startswith("1 of the run's 3 prompts are not in the reference, so nothing of")
    assert alphas.startswith("the reference lacks alpha 0.5 of the run")
    assert behaviours.startswith("the reference lacks behaviour nonsense of the run")
    assert behaviours.endswith("--update-references takes them in")


def test_a_verdict_carries_it_as_a_note():
    stored = reference_of(RUN)
    checked = check_frame(MORE, stored, questions_of(stored.counts, margin=0.05))
    assert len(checked.verdict.notes) == 3
