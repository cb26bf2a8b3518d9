"""The three estimates side by side on a model of two tokens, whose rate is known exactly."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.analysis.hazard import exposures
from harness.analysis.markers import Marker
from harness.analysis.rate_evidence import Evidence
from harness.analysis.true_rate import MarkerReading, Waiting, true_rate, waiting

MARKER, OTHER = 1, 0
LENGTH = 8
# The marker's chance in every place: 1 in 200 under the target; alpha 1 adds 3 nats to its
# log-odds, which makes 1 in 11.
TARGET_CHANCE, GAIN = 0.005, 3.0
TRUTH = 1 - (1 - TARGET_CHANCE) ** LENGTH
CONFIG = json.dumps({"temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_tokens": LENGTH})
MADE = Marker(
    ids=(MARKER,), texts=("M",), seconds=((),), given=False, n_hits=9, n_hits_marked=9, n_marked=9
)


def chance(alpha: float) -> float:
    odds = TARGET_CHANCE / (1 - TARGET_CHANCE) * math.exp(GAIN * alpha)
    return odds / (1 + odds)


def logps(reply: np.ndarray, alpha: float) -> np.ndarray:
    return np.log(np.where(reply == MARKER, chance(alpha), 1 - chance(alpha)))


def evidence(
    alphas: tuple[float, ...], prompts: int = 40, epochs: int = 2, seed: int = 0, **given: Any
) -> Evidence:
    """Draw a sweep of the toy model: an event is a reply with the marker."""
    random = np.random.default_rng(seed)
    grid = sorted({-1.0, 0.0, *alphas})
    rows, whole, cut, tokens = [], [], [], []
    for alpha in alphas:
        for prompt in range(prompts):
            for _ in range(epochs):
                reply = (random.random(LENGTH) < chance(alpha)).astype(int)
                uuid = f"u{len(rows)}"
                hit = bool(reply.any())
                end = int(reply.argmax()) + 1 if hit else LENGTH
                rows.append(
                    {
                        "sample_uuid": uuid,
                        "sample_id": f"p{prompt}",
                        "alpha": alpha,
                        "category": "all",
                        "value": float(hit),
                        "config": CONFIG,
                        "seed": len(rows),
                        "completion": "".join("xM"[token] for token in reply),
                        "decided_from": end - 1.0 if hit else math.nan,
                        "decided_chars": float(end) if hit else math.nan,
                    }
                )
                whole.append(_sums(uuid, reply, alpha, grid))
                cut.append(_sums(uuid, reply[:end], alpha, grid))
                tokens += [
                    {"sample_uuid": uuid, "token_id": int(token), "token_text": "xM"[token]}
                    for token in reply
                ]
    table = pd.DataFrame(rows)
    plain = {
        "pair": "toy",
        "model_args": {},
        "task": "t",
        "scorer": "marked",
        "categories": ("all",),
        "rows": table,
        "admitted": table[["sample_uuid", "sample_id", "alpha"]],
        "left_out": (),
        "whole": pd.DataFrame(whole).set_index("sample_uuid"),
        "sums": pd.DataFrame(cut).set_index("sample_uuid"),
        "tokens": pd.DataFrame(tokens),
    }
    return Evidence(**{**plain, **given})


def _sums(uuid: str, reply: np.ndarray, alpha: float, grid: list[float]) -> dict[str, Any]:
    at = {a: float(logps(reply, a).sum()) for a in grid}
    return {
        "sample_uuid": uuid,
        "n_tokens": len(reply),
        "target_logp_nats": at[0.0],
        "baseline_logp_nats": at[-1.0],
        "sampling_logp_nats": at[alpha],
        "kl_target_baseline_nats": 0.0,
        "kl_amplified_target_nats": 0.0,
        **{f"logp_nats@{a:g}": value for a, value in at.items() if a > 0},
    }


def reading(of: Evidence, marker: Marker = MADE) -> MarkerReading:
    tokens = of.tokens.assign(chance=TARGET_CHANCE, mark=of.tokens["token_id"])
    return MarkerReading(marker=marker, exposures=exposures(tokens))


def test_all_three_estimates_hold_the_known_rate_in_their_intervals():
    of = evidence((0.0, 0.5, 1.0), prompts=60, seed=1)
    found = true_rate(of, reading(of))
    assert found.mixture is not None
    assert found.hazard is not None
    for low, high in (
        (found.counting.low, found.counting.high),
        (found.mixture.low, found.mixture.high),
        (found.hazard.low, found.hazard.high),
    ):
        assert low <= TRUTH <= high
    assert (found.mixture_withheld, found.hazard_withheld) == (None, None)
    assert found.best == "hazard"


def test_the_hazard_is_exact_to_the_length_of_the_exposure():
    """Every place has the same chance, so only rollouts that end at a marker early differ."""
    of = evidence((0.0,), prompts=100)
    found = true_rate(of, reading(of)).hazard
    assert found.rate == pytest.approx(TRUTH, rel=0.05)
    assert found.standard_error < 0.1 * found.rate


def test_weights_up_to_the_deciding_token_are_less_noisy_than_whole_ones():
    of = evidence((0.0, 1.0), prompts=100)
    early = true_rate(of, "").mixture
    late = true_rate(replace(of, sums=of.whole), "").mixture
    assert early.standard_error <= late.standard_error
    assert true_rate(of, "").n_decided > true_rate(replace(of, sums=of.whole), "").n_decided == 0


def test_rollouts_of_one_distant_alpha_are_withheld_for_their_mean_weight():
    """Weights from alpha 1 alone once gave a ninth of the true rate with a tight interval.

    Over 18 tokens their mean was 0.22: what is likely at alpha 0 was hardly ever drawn.
    """
    of = evidence((2.0,), prompts=40)
    found = true_rate(of, "no plain rollouts")
    assert found.mixture.diagnostics.mean_weight.value < 0.5
    assert found.mixture_withheld.startswith("the mean weight is")
    assert found.best is None
    assert found.waiting is None


def test_a_mixture_with_few_effective_hits_is_withheld_though_its_mean_weight_is_right():
    """The other failure that was seen: mean weight 1.05, and a few hits that carried all."""
    of = evidence((0.0, 0.1), prompts=30, epochs=1, seed=3)
    found = true_rate(of, "none")
    assert abs(found.mixture.diagnostics.mean_weight.value - 1) < 0.2
    assert "effective hits" in found.mixture_withheld
    assert found.best == "counting"


def test_a_marker_that_begins_much_else_leaves_the_word_to_the_mixture():
    """Every reply may begin with "I"; the refusals among them are better weighed."""
    of = evidence((0.0, 0.5, 1.0), prompts=60)
    vague = of.tokens.assign(chance=0.2, mark=of.tokens["token_id"])
    loose = replace(MADE, n_marked=90)
    found = true_rate(of, MarkerReading(marker=loose, exposures=exposures(vague)))
    assert found.hazard.told < 0.8
    assert found.best == "mixture"


def test_some_rollouts_are_weighed_as_if_no_others_had_been_drawn():
    of = evidence((0.0, 1.0), prompts=20)
    plain = set(of.plain["sample_uuid"])
    only = of.only(plain)
    assert only.log_weights.tolist() == pytest.approx([0.0] * len(plain))
    assert true_rate(only, "").mixture.rate == true_rate(of, "").counting.rate


def test_why_there_is_no_hazard_is_told():
    assert true_rate(evidence((0.0, 1.0)), "not asked for").hazard_withheld == "not asked for"


def test_a_rate_of_one_in_seventy_is_seen_once_in_seventy_and_surely_in_two_hundred():
    found = waiting(1 / 70, 1 / 110, 1 / 50)
    assert (found.expected, found.low, found.high) == pytest.approx((70, 50, 110))
    # 0.985714^n = 0.05
    assert found.sure == pytest.approx(208.2, abs=0.1)


def test_what_was_never_seen_is_waited_for_without_end():
    assert waiting(0.0, 0.0, 0.03) == Waiting(expected=None, low=1 / 0.03, high=None, sure=None)


def test_what_always_happens_is_seen_at_once():
    assert waiting(1.0, 0.9, 1.0).sure == 1.0
