"""The section on pooled rates: what stands in its table, and what is said of gaps."""

import dataclasses

import pytest
from test_analysis_logs import Rollout, refusal, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.pooled import PooledCurve, PooledPoint
from harness.analysis.results import analyse
from harness.analysis.summary import Count
from harness.reporting import pooled
from harness.reporting.render import markdown

SHOWN = PooledPoint(
    alpha=0.0,
    rate=0.25,
    low=0.1,
    high=0.42,
    n_effective=61.4,
    effective_hits=15.0,
    mean_weight=1.01,
    pareto_k=None,
    withheld=None,
    direct=None,
)
GAP = dataclasses.replace(
    SHOWN, alpha=1.0, rate=None, low=None, high=None, withheld="only 2.0 effective | hits"
)


@pytest.fixture
def results(tmp_path):
    def rollouts(alpha):
        return [Rollout(str(i), scores={"refusal": refusal("refusal")}) for i in range(3)]

    found = analyse(read_frame(write_sweep(tmp_path, rollouts)))
    direct = found.refusal.refusal.rates
    points = (
        dataclasses.replace(SHOWN, direct=direct[0]),
        dataclasses.replace(SHOWN, alpha=0.5),
        dataclasses.replace(GAP, direct=direct[1]),
    )
    one = PooledCurve(
        name="refusal",
        points=points,
        n=6,
        n_prompts=3,
        n_decided_early=6,
        left_out=(Count(name="no trace", k=1),),
        note=None,
    )
    none = dataclasses.replace(one, name="nonsense", points=(), note="nothing could be pooled")
    return dataclasses.replace(found, pooled=(one, none))


def test_the_table_holds_the_sweeps_own_alphas_with_direct_and_pooled_rates(results):
    lines = pooled.at_sweep(results).splitlines()
    assert lines[2:] == [
        "| refusal | 0 | 100% [29, 100] (3/3) † | 25% [10, 42] | 61 | - |",
        "| refusal | 1 | 100% [29, 100] (3/3) † | - | 61 | only 2.0 effective \\| hits |",
    ]


def test_curves_without_points_and_rollouts_left_out_are_named_with_their_reason(results):
    text = markdown(results)
    assert "- nonsense is not pooled: nothing could be pooled." in text
    assert "- 1 rollout not pooled: no trace." in text
    assert "- Refusal: 6 rollouts of 3 prompts give 2 of 3 points" in text


def test_a_report_without_traces_has_no_such_section(results):
    text = markdown(dataclasses.replace(results, pooled=()))
    assert "Every rollout at every alpha" not in text
