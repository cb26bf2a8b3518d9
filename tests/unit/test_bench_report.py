"""What a bench prints: tables with every figure that was measured, and nothing else."""

from pathlib import Path

import pytest

from harness.bench.figures import METHODS
from harness.bench.measured_block import with_block
from harness.bench.report import markdown
from harness.decoding.trace import TRACE_FIELDS
from harness.errors import ConfigurationError

DOCS = Path(__file__).parents[2] / "docs" / "performance.md"
FIGURES = {
    "single_fp32_1": 12.0,
    "loop_fp32_6": 38.0,
    "engine_fp32_6": 152.0,
    "engine_fp32_72": 269.0,
    "engine_over_loop_fp32_6": 4.0,
    "trace_cost_pct_fp32_6": 7.5,
    "gemm_peak_fp32": 230.0,
    "bandwidth_gb_s": 21.0,
}


def test_each_number_of_rows_has_its_column():
    text = markdown(FIGURES, ["How it was measured."])
    assert "| tokens per second at rows | 6 | 72 |" in text
    assert "| **engine, all traces** | 152.0 | 269.0 |" in text
    assert "| two-model batched loop | 38.00 |  |" in text
    assert "| engine as the two-model batched loop | 4.000 |  |" in text
    assert "| all traces add | 7.500 |  |" in text


def test_what_was_not_measured_has_no_line():
    text = markdown(FIGURES, [])
    assert "guidance" not in text
    assert "bf16" not in text


def test_facts_come_first_and_the_machine_is_named():
    text = markdown(FIGURES, ["One.", "Two."])
    assert text.startswith("One. Two.\n\n### fp32\n")
    assert "Loop over single rows: 12.00 tokens/s." in text
    assert "Fastest product: 230.0 GFLOP/s. Memory: 21.00 GB/s." in text


def test_bfloat16_is_set_against_float32_where_both_were_measured():
    both = {
        **FIGURES,
        "single_bf16_1": 17.0,
        "engine_bf16_6": 228.0,
        "engine_bf16_over_fp32_6": 1.5,
        "gemm_peak_bf16": 450.0,
    }
    assert "| engine in bf16 as in fp32 | 1.500 |" in markdown(both, [])


def test_the_seed_sweep_is_told_where_it_was_measured():
    sweep = {"rollouts": 432, "tokens": 30000, "s": 150, "rows": 80, "single": 10.0}
    rates = {"engine": 200.0, "engine_over_single": 20.0}
    figures = {f"seed_sweep_{name}_fp32": value for name, value in {**sweep, **rates}.items()}
    assert (
        "Seed sweep, 432 rollouts: 30000 tokens in 150.0 s, 200.0 tokens/s at 80.00 rows a step; "
        "loop over single rows, on a sample: 10.00 tokens/s. The engine is 20.00 times as fast."
    ) in markdown({**FIGURES, **figures}, [])
    assert "Seed sweep" not in markdown(FIGURES, [])


def test_only_what_stands_between_the_markers_changes():
    document = "before\n<!-- bench decode -->\nold\n<!-- /bench decode -->\nafter\n"
    changed = with_block(document, "new \\1\n", Path("p.md"), "bench decode")
    assert changed == "before\n<!-- bench decode -->\nnew \\1\n<!-- /bench decode -->\nafter\n"
    assert with_block(changed, "old\n", Path("p.md"), "bench decode") == document


@pytest.mark.parametrize("document", ["", "<!-- bench decode -->\n", "<!-- /bench decode -->"])
def test_a_document_without_markers_is_refused(document):
    with pytest.raises(ConfigurationError, match=r"p\.md needs one line '<!-- bench decode -->'"):
        with_block(document, "new\n", Path("p.md"), "bench decode")


def test_the_page_has_a_block_to_be_renewed_and_explains_every_method():
    page = DOCS.read_text()
    assert "\nnew\n" in with_block(page, "new\n", DOCS, "bench decode")
    for method in METHODS:
        assert f"\n| `{method}` |" in page
    assert f"all {len(TRACE_FIELDS)} figures per token" in page
