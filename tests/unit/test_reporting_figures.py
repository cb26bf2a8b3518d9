"""Figures that say what they show, in the colours of their reader, and nothing else."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_log

from harness.analysis.dose import Estimate
from harness.analysis.frame import read_frame
from harness.analysis.pooled import PooledCurve, PooledPoint
from harness.analysis.results import analyse
from harness.reporting.figures import figures
from harness.reporting.figures.canvas import _apart, spaced
from harness.reporting.figures.drawing import INK

SVG = "{http://www.w3.org/2000/svg}"
CATEGORIES = ("benign", "security_bypass", "social_engineering")
MONEY = "a$b$ <i>"


def rollouts(alpha):
    """Refusals grow with alpha in every category, nonsense comes at alpha 2."""
    for i in range(24):
        scores = {
            "refusal": refusal("refusal" if i < 4 + 8 * alpha else "compliance"),
            "nonsense": nonsense(alpha == 2 and i % 2 == 0),
            MONEY: Score(value=float(i % 2)),
        }
        figures = {"dose_nats": alpha / 4, "amplified_nll_nats": 2 - alpha / 4}
        yield Rollout(
            f"prompt-{i:02}",
            category=CATEGORIES[i % 3],
            scores=scores,
            trace=trace(10 + i, **figures),
        )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    for alpha in (0.0, 1.0, 2.0):
        write_log(logs, rollouts(alpha), f"amplified/refuser@{alpha:g}")
        write_log(logs, rollouts(alpha / 2), f"amplified/refuser@{alpha:g}:first=2")
    return analyse(read_frame(logs))


@pytest.fixture(scope="module")
def drawn(results):
    return figures(results)


def test_every_figure_of_a_full_sweep_is_drawn(drawn):
    assert sorted(drawn) == [
        "categories.svg",
        "constraints.svg",
        "dose.svg",
        "forest.svg",
        "lengths.svg",
        "rates.svg",
        "rates_by_dose.svg",
        "spread.svg",
        "tradeoff.svg",
    ]


def test_a_figure_says_its_title_and_its_numbers_in_words(results, drawn):
    for one in drawn.values():
        root = ElementTree.fromstring(one.standalone.split("?>")[1])
        assert root.findtext(f"{SVG}title") == one.title
        assert root.findtext(f"{SVG}desc") == one.description
        assert root.get("role") == "img"
    for rate in (*results.refusal.refusal.rates, *results.nonsense.rates):
        assert str(rate).split(" (")[0] in drawn["rates.svg"].description
    assert "At alpha 2 median 21.5 tokens, quartiles 15.75 and 27.25" in (
        drawn["lengths.svg"].description
    )


def test_ids_are_unlike_those_of_any_other_figure(drawn):
    ids = [found for one in drawn.values() for found in re.findall(r'\bid="([^"]+)"', one.inline)]
    assert len(ids) == len(set(ids))
    for one in drawn.values():
        for pointed in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", one.inline):
            assert f'id="{"".join(pointed)}"' in one.inline


def test_ink_is_that_of_the_page_and_nothing_is_drawn_behind_it(drawn):
    for one in drawn.values():
        assert "currentColor" in one.inline
        assert INK not in one.inline
        assert not re.search(r"(fill|stroke): #(000000|ffffff)", one.inline)


def test_a_figure_in_a_page_styles_nothing_outside_of_itself(drawn):
    for one in drawn.values():
        assert "<style" not in one.inline
        assert f"<style>#{one.name}{{color:" in one.standalone
        assert "prefers-color-scheme:dark" in one.standalone


def test_the_same_results_give_the_same_bytes(results, drawn):
    again = figures(results)
    for name, one in drawn.items():
        assert again[name].standalone == one.standalone, name
        assert "202" not in re.sub(r"[\d.]{6,}", "", one.inline.split("<g", 1)[0]), name


def test_a_dollar_sign_and_a_tag_in_a_name_are_text(drawn):
    texts = {element.text for element in ElementTree.fromstring(drawn["rates.svg"].inline).iter()}
    assert MONEY in texts


def test_cells_of_the_categories_hold_their_counts(results, drawn):
    root = ElementTree.fromstring(drawn["categories.svg"].inline)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for curve in results.refusal.categories:
        for rate in curve.rates:
            assert f"{rate.k}/{rate.n}" in texts
            assert f"{rate.rate:.0%}" in texts


def test_effect_against_nonsense_has_a_line_per_constraint(drawn):
    assert "first=2" in drawn["tradeoff.svg"].inline
    assert "81% for 50% nonsense at alpha 0, 1, 2." in drawn["tradeoff.svg"].description


def test_the_forest_marks_discoveries_and_counts_what_it_leaves_to_the_tables(results, drawn):
    told = drawn["forest.svg"].description
    along = [one for one in results.trends if one.regressor == "alpha"]
    assert told.count("a discovery") == sum(one.discovery and bool(one.odds_ratio) for one in along)
    assert re.search(r"\d+ more trends are told in the tables", told)
    assert "refusal: odds ratio" in told


def test_a_trend_off_the_scale_ends_in_an_arrow_and_keeps_its_number(results):
    far = replace(results.trends[0], odds_ratio=50000.0, low=4000.0, high=9e6)
    one = figures(replace(results, trends=(far,)))["forest.svg"]
    assert ">1000 [>1000, >1000]" in one.description


def test_where_sense_ends_is_marked_in_the_rates(results, drawn):
    assert any(one.kind == "sensible" and one.alpha for one in results.regimes)
    assert "nonsense passes 20%" in drawn["rates.svg"].inline


def point(alpha, rate):
    shown = None if rate is None else rate
    return PooledPoint(
        alpha=alpha,
        rate=shown,
        low=shown,
        high=shown,
        n_effective=20.0,
        effective_hits=5.0,
        mean_weight=1.0,
        pareto_k=0.1,
        withheld="few effective rollouts" if rate is None else None,
        direct=None,
    )


def test_a_pooled_line_breaks_where_its_rate_is_withheld(results):
    """Four points on each side of the gap: two strokes, and none across it."""
    rates = [0.1, 0.2, 0.3, 0.4, None, 0.6, 0.7, 0.8, 0.9]
    curve = PooledCurve(
        name="refusal",
        points=tuple(point(i / 4, rate) for i, rate in enumerate(rates)),
        n=72,
        n_prompts=24,
        n_decided_early=0,
        left_out=(),
        note=None,
    )
    one = figures(replace(results, pooled=(curve,)))["pooled.svg"]
    lines = re.findall(r'd="(M [^"]+)"[^>]*style="fill: none; stroke: var', one.inline)
    (longest,) = [line for line in lines if line.count("L ") == 6]
    assert longest.count("M ") == 2
    assert "8 of 9 points of the grid are shown" in one.description


def test_a_model_against_itself_has_no_figure_along_the_dose(results):
    none = Estimate(value=1e-9, low=0.0, high=1e-8)
    flat = tuple(replace(dose, dose_nats=none) for dose in results.doses)
    assert "rates_by_dose.svg" not in figures(replace(results, doses=flat))


def test_without_nonsense_or_traces_the_rest_is_still_drawn(results):
    bare = replace(results, nonsense=None, doses=(), magnitudes=(), constrained=(), trends=())
    assert sorted(figures(bare)) == ["categories.svg", "lengths.svg", "rates.svg"]


def test_labels_that_would_touch_are_pushed_apart_in_their_order():
    placed = _apart([0.99, 1.0, 0.2], [0.1, 0.1, 0.1])
    assert placed[2] == 0.2
    assert placed[1] - placed[0] == pytest.approx(0.1)
    assert placed[1] <= 1.0


def test_ticks_that_would_touch_are_left_out_and_the_first_given_is_kept():
    assert list(spaced({0.0: "", 0.1: "", 8.0: ""}, 24)) == [0.0, 8.0]
