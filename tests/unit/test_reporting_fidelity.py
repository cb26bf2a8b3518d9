"""A report says first of all where a sweep is not what it says, and shows where curves break."""

import re
from dataclasses import replace

import pytest
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_log, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting.render import markdown

ALPHAS = [0.0, 1.0, 2.0]


def rollouts(alpha, gain_share):
    """Twenty prompts; refusal levels off and nonsense begins, and the gain is so much of a dose."""
    for i in range(20):
        scores = {
            "refusal": refusal("refusal" if i < {0: 2, 1: 16, 2: 16}[alpha] else "compliance"),
            "nonsense": nonsense(i < {0: 0, 1: 2, 2: 12}[alpha]),
        }
        figures = {"dose_nats": alpha / 4, "amplified_nll_nats": 2 - gain_share * alpha / 4}
        figures |= {"alpha_applied": alpha, "sampling_entropy_nats": 2 - 0.9 * alpha}
        yield Rollout(f"p{i:02}", scores=scores, trace=trace(**figures), seed=i)


@pytest.fixture
def report(tmp_path):
    def of(gain_share):
        write_sweep(tmp_path, lambda alpha: rollouts(alpha, gain_share), ALPHAS)
        return markdown(analyse(read_frame(tmp_path), log_dir=tmp_path))

    return of


def section(text, name):
    return re.search(rf"^## {name}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)[1]


def test_a_sweep_that_is_not_what_it_says_begins_its_summary_with_that(report):
    """A hand-written report concluded from such a sweep that amplification changes nothing."""
    text = report(-1.0)
    summary = section(text, "Summary").strip()
    assert re.match(
        r"- \W*FIDELITY FAILED, so trust no rate here:\W* at alpha 1, 2 the sampled", summary
    )
    assert "**It did not:**" in section(text, "Fidelity")


def test_a_sweep_that_is_says_what_was_checked_and_what_was_not(report):
    text = report(1.0)
    assert "FIDELITY" not in text
    told = section(text, "Fidelity")
    assert "No check that could be made failed." in told
    assert "was not checked: there are no trace files." in told
    assert "The steps of alpha 0, 1, 2 were amplified by just that." in told


def test_regimes_stand_in_a_table_with_the_sentences_that_they_allow(report):
    told = section(report(1.0), "Regimes")
    assert "- Text is sensible up to alpha 1.20 [" in told
    assert "| nonsense | sensible | 1.20 [" in told
    assert "| refusal | saturation | 0.90 [" in told
    assert "- The entropy per token falls below 50% of alpha 0's at alpha 1.11 [1.11, 1.11]" in told


def test_a_failure_under_a_constraint_is_named_with_it(tmp_path):
    for share, under in ((1.0, ""), (-1.0, ":clip=1")):
        for alpha in ALPHAS:
            given = [
                replace(one, config={**one.config, "constraint": under.strip(":").split()})
                for one in rollouts(alpha, share)
            ]
            write_log(tmp_path, given, f"amplified/refuser@{alpha:g}{under}")
    first = analyse(read_frame(tmp_path)).findings.summary[0]
    assert first.startswith("Under clip=1: FIDELITY FAILED, so trust no rate here: at alpha 1, 2")
