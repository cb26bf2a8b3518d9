"""``amplify bench nonsense``: without weights, and the NLL of a few texts with them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.corruptions import ORDER, read_texts
from harness.bench.figures import read_line
from harness.bench.nonsense import (
    BASELINE,
    TARGET,
    Case,
    corrupted_cases,
    count_caught,
    with_nll,
)
from harness.cli import main

WORDS = ("bench", "nonsense", "--no-nll", "--repeats", "1")


def test_a_document_without_markers_is_refused_before_anything_is_counted(tmp_path: Path):
    document = tmp_path / "scorers.md"
    document.write_text("no markers\n")
    result = CliRunner().invoke(main, [*WORDS, "--docs", str(document)])
    assert result.exit_code == 2
    assert "<!-- bench nonsense -->" in result.stderr.replace("\n", " ")
    assert "texts" not in result.stdout


def test_the_bench_writes_its_tables_between_the_markers(tmp_path: Path):
    document = tmp_path / "scorers.md"
    document.write_text("Above.\n<!-- bench nonsense -->\nold\n<!-- /bench nonsense -->\nBelow.\n")
    result = CliRunner().invoke(main, [*WORDS, "--docs", str(document)], catch_exceptions=False)
    assert result.exit_code == 0
    found = read_line(result.stdout.splitlines()[-1])
    assert found["loop_line"] == 1.0
    assert found["hard"] == 0.0
    text = document.read_text()
    assert text.startswith("Above.\n<!-- bench nonsense -->\nSeed 0, ")
    assert text.endswith("<!-- /bench nonsense -->\nBelow.\n")
    assert "| loop_line | 0.99 | 79 of 79: 1.000" in text
    assert "old" not in text


@pytest.mark.slow
def test_surprise_parts_shuffled_words_from_sensible_answers():
    sources = [one for one in read_texts("coherent") if 20 <= len(one.text.split()) <= 45][:6]
    texts = {source.text for source in sources}
    prompts = {source.prompt for source in sources}
    shuffled = [
        case
        for case in corrupted_cases(0, 1)
        if case.kind in ORDER and case.source.prompt in prompts
    ]
    sensible = [Case(kind="coherent", corrupted=False, source=source) for source in sources]
    assert len(shuffled) == 3 * len(texts)
    counts = count_caught(with_nll([*sensible, *shuffled], lambda text: None))
    for told in (BASELINE, TARGET):
        assert counts["coherent", told].k == 0
        assert sum(counts[kind, told].k for kind in ORDER) >= 16
