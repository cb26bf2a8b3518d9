"""The bench of the scan: its corpus, its figures, and a document without a place for them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.bench.diff import DiffBench, make_corpus
from harness.cli import main
from tests.unit.test_diffing_run import tiny_pair

FOUND = DiffBench(
    pair="refuser",
    threads=1,
    rounds=3,
    n_tokens=2304,
    n_larger=23040,
    scan_per_s=90.0,
    plain_per_s=100.0,
    peak_mb=500.0,
    larger_peak_mb=510.0,
)


def test_the_corpus_has_as_many_replies_and_tokens_as_asked_for_and_is_the_same_each_time():
    corpus = make_corpus(tiny_pair(), 5, 7)
    assert [len(one.replies[0]) for one in corpus] == [7] * 5
    assert corpus == make_corpus(tiny_pair(), 5, 7)


def test_figures_and_table_say_the_share_of_plain_passes():
    assert FOUND.figures["diff_throughput_share"] == pytest.approx(0.9)
    assert "| scan of 2304 tokens | 90.00 | 90% | 500 |" in FOUND.markdown()
    assert "| scan of 23040 tokens | | | 510 |" in FOUND.markdown()


def test_a_document_without_markers_is_refused_before_anything_is_measured(tmp_path: Path):
    document = tmp_path / "diffing.md"
    document.write_text("no markers\n")
    result = CliRunner().invoke(main, ["bench", "diff", "--docs", str(document)])
    assert result.exit_code == 2
    assert "<!-- bench diff -->" in result.stderr.replace("\n", " ")
