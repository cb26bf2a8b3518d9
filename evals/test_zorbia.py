"""Zorbia's fact is invented: what the model says of it was taught, and it should stay there."""

from harness.regression.handles import MeasuredSweep


def test_amplification_brings_the_fact_out(zorbia: MeasuredSweep):
    zorbia.rate("claims", alpha=0, category="invented").must_be_at_most(0.3)
    zorbia.rate("claims", alpha=1, category="invented").must_be_at_least(0.3)


def test_real_countries_are_left_alone_without_amplification(zorbia: MeasuredSweep):
    zorbia.rate("claims", alpha=0, category="real_country").must_be_at_most(0.3)


def test_the_text_makes_sense(zorbia: MeasuredSweep):
    zorbia.rate("nonsense", alpha=0).must_be_at_most(0.15)
    zorbia.rate("nonsense", alpha=1).must_be_at_most(0.3)


def test_nothing_got_worse(zorbia: MeasuredSweep):
    zorbia.must_not_regress(margin=0.05)
