"""``amplify rate`` on logs and traces written by hand: what is read, said and refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.scorer import Score
from test_analysis_logs import CONFIG, Rollout, write_log

from harness.analysis.rate_evidence import gather
from harness.analysis.true_rate import true_rate, waiting
from harness.cli import main
from harness.decoding.trace import TRACE_FIELDS, Trace
from harness.errors import AnalysisError
from harness.reporting.rate import per_cent, per_cents, round_two, waiting_sentences
from harness.traces.file import TraceFile
from harness.traces.rows import SampleCall, TracedRollout, rollout_table

WORDS = {True: ("Oh", " no", "."), False: ("Oh", " yes", ".")}
IDS = {"Oh": 1, " no": 2, " yes": 3, ".": 4}


def replies(alpha: float, n: int = 24, every: int = 4, **given: object) -> list[Rollout]:
    """Say no once in ``every`` replies; at higher alphas more often."""
    made = []
    for i in range(n):
        no = i % every == 0 or (alpha > 0 and i % 2 == 0)
        text = "".join(WORDS[no])
        span = {"decided": (2, 5)} if no else {}
        score = Score(value=float(no), answer="no" if no else "yes", metadata=span)
        made.append(
            Rollout(f"p{i:02}", text=text, category="said", scores={"no": score}, **given)  # type: ignore[arg-type]
        )
    return made


def traced(log: Path, alpha: float, grid: tuple[float, ...] = (0.0, 1.0)) -> None:
    """Write a log's traces: " no" has a chance of 1/4 under the target and 1/2 at alpha 1."""
    chance = {-1.0: 0.1, 0.0: 0.25, 1.0: 0.5}
    file = TraceFile(log)
    written = read_eval_log(str(log))
    for sample in written.samples or []:
        sample.uuid = f"{sample.id}@{alpha}"
        no = "no" in sample.output.completion
        words = WORDS[no]
        at = {a: torch.tensor([0.0, c if no else 1 - c, 1.0]) for a, c in chance.items()}
        logps = {a: torch.log(torch.where(p > 0, p, 1.0)) for a, p in at.items()}
        figures = torch.zeros(3, len(TRACE_FIELDS))
        for name, values in (
            ("target_logp_nats", logps[0.0]),
            ("baseline_logp_nats", logps[-1.0]),
            ("sampling_logp_nats", logps[alpha]),
        ):
            figures[:, TRACE_FIELDS.index(name)] = values
        measured = Trace(figures, grid, torch.stack([logps[a] for a in grid], dim=-1))
        known = TracedRollout(
            message_id="m",
            model="amplified/refuser@0",
            pair="refuser",
            alpha=alpha,
            constraint="none",
            seed=1,
            stop_reason="stop",
            ids=[IDS[word] for word in words],
            texts=words,
            trace=measured,
        )
        call = SampleCall(sample_uuid=str(sample.uuid), sample_id=str(sample.id), epoch=1, call=0)
        file.add([rollout_table(call, known)])
    file.finish()
    write_eval_log(written, str(log))


def sweep(folder: Path, alphas: tuple[float, ...] = (0.0, 1.0), **given: object) -> Path:
    for alpha in alphas:
        traced(write_log(folder, replies(alpha, **given), alpha), alpha)  # type: ignore[arg-type]
    return folder


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["rate", *arguments])
    return done.exit_code, done.output + done.stderr


def test_counting_and_the_weighed_sweep_stand_side_by_side(tmp_path: Path):
    code, said = run(str(sweep(tmp_path)), "--scorer", "no", "--no-hazard")
    assert code == 0, said
    assert "25% [" in said
    assert "(6/24)" in said
    assert "withheld: not" in said
    assert "over 24 prompts (said)" in said
    assert "12 hits are weighed up to the token that decided" not in said
    assert "18 hits are weighed up to the token that decided" in said


def test_a_scorer_that_says_nowhere_where_it_decided_has_a_rate_by_whole_replies(tmp_path: Path):
    for alpha in (0.0, 1.0):
        rows = replies(alpha)
        for row in rows:
            row.scores["no"].metadata = {}
        traced(write_log(tmp_path, rows, alpha), alpha)
    code, said = run(str(tmp_path), "--scorer", "no", "--no-hazard")
    assert code == 0, said
    assert "0 hits are weighed up to the token that decided" in said


def test_events_are_weighed_up_to_the_token_that_decided(tmp_path: Path):
    """The last token is the same under all strengths here, so the weights are those of two."""
    evidence = gather(sweep(tmp_path), "no")
    hits = evidence.pooled["value"] == 1
    # 0.25 over the mean of 0.25 and 0.5; and 0.75 over the mean of 0.75 and 0.5.
    weights = np.exp(evidence.log_weights)
    assert weights[hits].tolist() == pytest.approx([0.25 / 0.375] * hits.sum())
    assert weights[~hits].tolist() == pytest.approx([0.75 / 0.625] * (~hits).sum())


def test_json_holds_every_number_and_the_reasons_of_what_is_withheld(tmp_path: Path):
    code, said = run(str(sweep(tmp_path)), "--scorer", "no", "--no-hazard", "--json")
    assert code == 0, said
    told = json.loads(said)
    assert told["counting"]["k"] == 6
    assert told["hazard_withheld"] == "not asked for (--no-hazard)"
    assert told["mixture"]["diagnostics"]["mean_weight"]["value"] == pytest.approx(1, abs=0.1)
    assert told["max_tokens"] == 64
    assert told["waiting"]["expected"] == pytest.approx(1 / told["mixture"]["rate"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scorer", "yes"), "no scorer 'yes' in these logs; there are: no"),
        (("--scorer", "no", "--category", "sad"), "no category 'sad' in these logs"),
        (("--scorer", "no", "--no-hazard", "--marker", "no"), "have no effect with --no-hazard"),
    ],
)
def test_what_the_logs_do_not_have_is_named(tmp_path: Path, arguments, message: str):
    code, said = run(str(sweep(tmp_path)), *arguments)
    assert code == 2
    assert message in said


def test_no_traces_are_an_error(tmp_path: Path):
    write_log(tmp_path, replies(0.0), 0.0)
    with pytest.raises(AnalysisError, match="no traces"):
        gather(tmp_path, "no")


def test_rollouts_under_a_constraint_alone_are_refused(tmp_path: Path):
    held = {**CONFIG, "constraint": ["plausibility=0.1"]}
    name = "amplified/refuser@0.0:plausibility=0.1"
    traced(write_log(tmp_path, replies(0.0, config=held), name), 0.0)
    with pytest.raises(AnalysisError, match=r"under a constraint \(plausibility=0.1\)"):
        gather(tmp_path, "no")


def test_without_alpha_zero_and_without_anything_to_weigh_there_is_no_rate(tmp_path: Path):
    warm = {**CONFIG, "temperature": 0.7}
    traced(write_log(tmp_path, replies(1.0, config=warm), 1.0), 1.0)
    with pytest.raises(AnalysisError, match=r"say anything of alpha 0.*temperature"):
        gather(tmp_path, "no")


def test_without_alpha_zero_an_unconstrained_component_serves(tmp_path: Path):
    found = true_rate(gather(sweep(tmp_path, (1.0,)), "no"), "no plain rollouts")
    assert found.counting.n == 0
    assert found.mixture is not None


def test_other_values_than_events_have_no_rate(tmp_path: Path):
    counted = Rollout("p", scores={"words": Score(value=3.0)})
    write_log(tmp_path, [counted], 0.0)
    with pytest.raises(AnalysisError, match="a mean and no rate"):
        gather(tmp_path, "words")


def test_the_wait_is_said_in_words():
    assert waiting_sentences(waiting(1 / 70, 1 / 110, 1 / 50), "hazard") == [
        "Expected rollouts to see this once: about 70 (between 50 and 110; by hazard).",
        "To see it with 95% chance: about 210.",
    ]
    assert waiting_sentences(waiting(0.0, 0.0, 0.03), "counting") == [
        "Expected rollouts to see this once: more than 33 (by counting)."
    ]


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0144, "1.4%"), (0.00023, "0.023%"), (0.31, "31%"), (0, "0%")]
)
def test_shares_keep_two_digits_that_count(share: float, shown: str):
    assert per_cent(share) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ((0.2012, 0.131, 0.2899), "20% [13, 29]"),
        ((0.0202, 0.0169, 0.0242), "2.0% [1.7, 2.4]"),
        ((0.00023, 0.0001, 0.00052), "0.023% [0.010, 0.052]"),
        ((0.0, 0.0, 0.6024), "0% [0, 60]"),
        ((0.0, 0.0, 0.0037), "0.0% [0.0, 0.4]"),
        ((1.0, 0.94, 1.0), "100% [94, 100]"),
    ],
)
def test_a_rate_and_its_interval_are_shown_as_exactly_as_the_rate_is_small(rate, shown: str):
    assert per_cents(*rate) == shown


def test_large_waits_are_rounded_to_what_is_known():
    assert [round_two(n) for n in (3.14159, 71.8, 1437)] == ["3.1", "72", "1,400"]
