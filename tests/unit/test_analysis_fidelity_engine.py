"""Sweeps through the real engine, whole and broken: what did not reach the sampler is found out.

A report was once written by hand on a sweep whose amplified logits had been computed and logged,
and never sampled from. It concluded that amplification changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample

from harness.analysis.calibration import Calibration, calibrations
from harness.analysis.frame import read_frame
from harness.analysis.results import Results, analyse
from harness.analysis.token_sums import token_sums
from harness.constraint import parse_constraint
from harness.decoding import step
from harness.decoding.engine import Engine
from harness.decoding.measure import StepLogits
from harness.decoding.sampling import Draw, SamplingTable, draw
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import TRACE_FIELDS
from harness.errors import DecodingError
from harness.solver import generate_seeded
from tests.fakes import FakePair, request, save_checkpoint, tiny_model

ALPHAS = (0.0, 2.0)
Sweep = Callable[..., Results]
Instead = Callable[[StepLogits], torch.Tensor]
DrawFrom = Callable[..., None]


@pytest.fixture(scope="module")
def pair(llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The model arguments of a pair of tiny random models."""
    target = save_checkpoint(tiny_model("llama", seed=1), tmp_path_factory.mktemp("target"))
    return {"target": str(target), "baseline": str(llama_folder)}


@pytest.fixture
def sweep(pair: dict[str, Any], tmp_path: Path) -> Sweep:
    """Draws twelve prompts at each alpha and analyses the logs and traces that this leaves."""

    def run(alphas: Sequence[float] = ALPHAS) -> Results:
        samples = [Sample(input=f"Question {i}", id=i) for i in range(12)]
        inspect_eval(
            Task(dataset=samples, solver=generate_seeded()),
            model=[f"amplified/tiny@{alpha:g}" for alpha in alphas],
            model_args=pair,
            log_dir=str(tmp_path),
            display="none",
            max_tokens=40,
            seed=3,
            temperature=1.0,
        )
        return analyse(read_frame(tmp_path), log_dir=tmp_path)

    return run


@pytest.fixture
def draw_from(monkeypatch: pytest.MonkeyPatch) -> Iterator[DrawFrom]:
    """Makes the sampler draw from other logits, while the amplified figures are recorded.

    With ``owned_up`` the distribution that drew the tokens is recorded as what it was.
    """
    seen: list[StepLogits] = []
    amplified = step._amplified

    def remembered(*given: Any) -> Any:
        sides, cut = amplified(*given)
        seen.append(sides)
        return sides, cut

    def patch(instead: Instead, *, owned_up: bool = False) -> None:
        def draw_wrongly(
            logits: torch.Tensor, table: SamplingTable, uniform: torch.Tensor, *known: torch.Tensor
        ) -> Draw:
            wrong = draw(instead(seen[-1]), table, uniform)
            if owned_up:
                return wrong
            recorded = draw(logits, table, uniform, *known)
            logp = recorded.probabilities.gather(-1, wrong.tokens[:, None]).squeeze(-1).log()
            return recorded._replace(tokens=wrong.tokens, logp=logp)

        monkeypatch.setattr(step, "_amplified", remembered)
        monkeypatch.setattr(step, "draw", draw_wrongly)

    yield patch
    assert seen


def calibrated(alpha: float, **settings: Any) -> Calibration:
    """Decode 30 rollouts of 40 tokens, and hold them against what is recorded of them."""
    asked = [
        request((1, i % 7), alpha=alpha, seed=i, trace=True, max_tokens=40, **settings)
        for i in range(30)
    ]
    rollouts = Engine(FakePair.by_history(), frozenset()).run(asked)
    tokens = [
        pd.DataFrame(one.trace.figures.numpy(), columns=list(TRACE_FIELDS)).assign(
            sample_uuid=str(i), alpha=alpha
        )
        for i, one in enumerate(rollouts)
        if one.trace is not None
    ]
    frame = pd.DataFrame(
        {
            "constraint": "none",
            "alpha": alpha,
            "sample_id": [str(i) for i in range(30)],
            "sample_uuid": [str(i) for i in range(30)],
            "epoch": 1,
            "seed": range(30),
            "error": None,
        }
    )
    (found,) = calibrations(frame, token_sums(tokens), n_checks=1)
    return found


def failed(results: Results) -> dict[str, list[float]]:
    """The alphas at which each check failed."""
    checks = {
        "calibration": results.calibration,
        "dose": results.doses,
        "strength": results.strengths,
    }
    return {
        name: [one.alpha for one in found if one.verdict == "not as predicted"]  # type: ignore[attr-defined]
        for name, found in checks.items()
    }


def shouts(results: Results) -> bool:
    first = results.findings.summary[0].startswith("FIDELITY FAILED, so trust no rate here")
    assert first == bool(results.failures)
    assert set(results.failures) <= set(results.data.warnings)
    return first


def test_a_whole_sweep_passes_every_check_at_every_alpha(sweep: Sweep):
    results = sweep((-1.0, 0.0, 2.0))
    assert failed(results) == {"calibration": [], "dose": [], "strength": []}
    assert [one.verdict for one in results.calibration] == ["as predicted"] * 3
    assert [one.verdict for one in results.strengths] == ["as predicted"] * 3
    assert [one.n_tokens for one in results.calibration] == [row.n_tokens for row in results.doses]
    assert max(abs(one.z or 9) for one in results.calibration) < 4
    assert not shouts(results)


def test_amplified_logits_that_never_reached_the_sampler_are_found_out(
    sweep: Sweep, draw_from: DrawFrom
):
    draw_from(lambda sides: sides.target)
    results = sweep()
    assert failed(results) == {"calibration": [2.0], "dose": [2.0], "strength": []}
    assert shouts(results)


def test_tokens_that_are_recorded_as_the_targets_fail_the_dose(sweep: Sweep, draw_from: DrawFrom):
    """They follow the distribution that is recorded, and the gain shows that it is another."""
    draw_from(lambda sides: sides.target, owned_up=True)
    results = sweep()
    assert failed(results) == {"calibration": [], "dose": [2.0], "strength": []}
    assert shouts(results)


def lose_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are laid out for decoding as if alpha 0 had been asked for."""
    part = step._part

    def without(settings: Sequence[RolloutSettings], *given: Any) -> Any:
        return part([replace(one, alpha=0.0) for one in settings], *given)

    monkeypatch.setattr(step, "_part", without)


def test_an_alpha_that_is_lost_on_its_way_is_found_out(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
):
    """Every figure is then of alpha 0 and fits every other; only the model's name knows better."""
    lose_alpha(monkeypatch)
    results = sweep()
    assert failed(results) == {"calibration": [], "dose": [], "strength": [2.0]}
    assert [one.applied for one in results.strengths] == [0.0, 0.0]
    assert shouts(results)


def test_a_lost_alpha_that_is_recorded_as_asked_is_found_out_by_the_spread(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
):
    lose_alpha(monkeypatch)
    measure = step.measure_step

    def claimed(*given: Any, **more: Any) -> torch.Tensor:
        figures = measure(*given, **more)
        figures[:, TRACE_FIELDS.index("alpha_applied")] = 2.0
        return figures

    monkeypatch.setattr(step, "measure_step", claimed)
    results = sweep((2.0,))
    (one,) = results.strengths
    assert (one.applied, one.verdict) == (2.0, "not as predicted")
    assert one.spread_ratio is not None
    assert one.spread_ratio < 0.9
    assert shouts(results)


WHOLE: list[dict[str, Any]] = [
    {},
    {"temperature": 0.6},
    {"constraints": (parse_constraint("kl_budget=0.5"),)},
]
CUT: list[dict[str, Any]] = [
    {"top_p": 0.8},
    {"top_k": 3},
    {"constraints": (parse_constraint("plausibility=0.2"),)},
]


@pytest.mark.parametrize("shape", WHOLE + CUT, ids=str)
def test_calibration_holds_whatever_shaped_the_distribution(shape: dict[str, Any]):
    one = calibrated(2.0, **shape)
    assert one.verdict == "as predicted"
    assert one.n_tokens == 30 * 40
    assert one.z is not None
    assert abs(one.z) < 4


def quarter(sides: StepLogits) -> torch.Tensor:
    """The amplified logits of a quarter of the alpha."""
    return sides.target + 0.25 * sides.alpha * sides.difference


@pytest.mark.parametrize("shape", WHOLE, ids=str)
def test_tokens_of_another_alpha_are_found_out(draw_from: DrawFrom, shape: dict[str, Any]):
    """At another temperature the dose can't be checked, and this is the only check."""
    draw_from(quarter)
    assert calibrated(2.0, **shape).verdict == "not as predicted"


@pytest.mark.parametrize("shape", CUT, ids=str)
def test_tokens_that_could_not_be_drawn_are_refused_by_the_engine(
    draw_from: DrawFrom, shape: dict[str, Any]
):
    draw_from(quarter)
    with pytest.raises(DecodingError, match="not finite"):
        calibrated(2.0, **shape)


def test_greedy_decoding_is_checked_exactly():
    one = calibrated(2.0, temperature=0.0)
    assert one.excess_nats is not None
    assert (one.excess_nats.value, one.z, one.verdict) == (0.0, None, "as predicted")


def test_a_sampler_that_ignores_chance_is_found_out(draw_from: DrawFrom):
    """Greedy decoding under the name of sampling gives tokens that are too likely."""
    draw_from(lambda sides: sides.amplified * 1e6)
    one = calibrated(0.5)
    assert one.verdict == "not as predicted"
    assert one.excess_nats is not None
    assert one.excess_nats.value < 0
