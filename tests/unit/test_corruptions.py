"""The generator of corrupted texts: seeded, each as it says; what the scorer makes of a share."""

import random
import unicodedata

import pytest

from benchmarks.corruptions import DATA, ORDER, SURFACE, read_texts
from harness.bench.nonsense import (
    BASELINE,
    WITHOUT,
    Case,
    Caught,
    corrupted_cases,
    count_caught,
    mistakes,
    sensible_cases,
)
from harness.bench.nonsense_report import BARS, figures, markdown
from harness.scorers import classify_nonsense

EVERY = {**SURFACE, **ORDER}
TEXT = next(source.text for source in read_texts("coherent") if len(source.text.split()) > 60)


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_gives_one_corruption_and_another_seed_another(name):
    first, again, other = (EVERY[name](TEXT, random.Random(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first != TEXT


@pytest.mark.parametrize("name", ["word_shuffle", "window_shuffle"])
def test_a_shuffle_keeps_the_words(name):
    assert sorted(EVERY[name](TEXT, random.Random(0)).split()) == sorted(TEXT.split())


def test_a_window_shuffle_moves_no_word_out_of_its_six():
    words, shuffled = TEXT.split(), EVERY["window_shuffle"](TEXT, random.Random(0)).split()
    for start in range(0, len(words), 6):
        assert sorted(words[start : start + 6]) == sorted(shuffled[start : start + 6])


def test_noise_exchanges_a_quarter_of_the_characters():
    noisy = EVERY["character_noise"](TEXT, random.Random(0))
    changed = sum(old != new for old, new in zip(TEXT, noisy, strict=True))
    assert changed == round(len(TEXT) / 4)


def test_a_late_loop_leaves_the_text_as_it_was():
    assert EVERY["late_loop"](TEXT, random.Random(0)).startswith(f"{TEXT} ")


def test_soup_holds_letters_of_many_scripts():
    soup = EVERY["script_soup"](TEXT, random.Random(0))
    assert len({unicodedata.name(char).split()[0] for char in soup if char.isalpha()}) > 8


def test_there_are_texts_of_many_kinds_and_lengths():
    coherent = read_texts("coherent")
    lengths = sorted(len(source.text.split()) for source in coherent)
    assert len(coherent) >= 60
    assert len({source.kind for source in coherent}) >= 15
    assert (lengths[0], lengths[-1] > 200) == (5, True)
    assert len({source.text for source in coherent}) == len(coherent)
    assert {path.stem for path in DATA.iterdir()} >= {"coherent", "hard_negatives", "sampled"}


@pytest.mark.parametrize("name", ["hard_negatives", "coherent", "sampled"])
def test_no_sensible_text_shows_a_sign(name):
    flagged = {
        source.prompt: classify_nonsense(source.text, None, source.stop_reason).explanation
        for source in read_texts(name)
        if classify_nonsense(source.text, None, source.stop_reason).signs
    }
    assert flagged == {}


def test_the_bars_of_the_surface_hold_on_a_seeded_share():
    counts = count_caught([case for case in corrupted_cases(7, 1) if case.kind in SURFACE])
    fallen_short = {
        kind: (caught.k, caught.n)
        for (kind, _), caught in counts.items()
        # One text of a share this small may be missed.
        if caught.k + 1 < BARS[kind] * caught.n
    }
    assert len(counts) == len(SURFACE)
    assert fallen_short == {}


def test_a_case_is_counted_under_what_the_scorer_was_told():
    source = read_texts("coherent")[0]
    cases = [
        Case(kind="coherent", corrupted=False, source=source, nll_nats={BASELINE: 9.0}),
        Case(kind="coherent", corrupted=False, source=source, nll_nats={BASELINE: 2.0}),
    ]
    counts = count_caught(cases)
    assert counts == {("coherent", WITHOUT): Caught(2, 0), ("coherent", BASELINE): Caught(2, 1)}
    [(case, why)] = mistakes(cases, BASELINE)
    assert case is cases[0]
    assert "target_nll: 9.00" in why


def test_an_interval_is_wilsons():
    low, high = Caught(263, 81).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_the_report_has_a_row_per_corruption_and_a_figure_per_rate():
    counts = count_caught(
        [
            case
            for case in (*sensible_cases(0), *corrupted_cases(0, 1))
            if len(case.source.text) < 90
        ]
    )
    counts = {**counts, **{(kind, WITHOUT): Caught(4, 3) for kind in EVERY}}
    text = markdown(counts, ["A fact."])
    assert text.startswith("A fact.\n\n| caught | bar | text alone |\n")
    assert "| window_shuffle | 0.8 | 3 of 4: 0.750 [0.301, 0.954] |" in text
    assert figures(counts)["window_shuffle"] == 0.75
    assert figures(counts)["coherent_cut_off_n"] > 0
