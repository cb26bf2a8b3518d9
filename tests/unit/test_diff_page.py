"""The page of a diff: what it says of nothing and of something, and that text is data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.dose import Estimate
from harness.diffing.found import (
    DiffResults,
    PositionMove,
    PromptMove,
    ScanTables,
    SourceMove,
    Strip,
    StripToken,
    TokenEffect,
    Topic,
    Word,
)
from harness.diffing.naming import named_words
from harness.diffing.summary import summarise
from harness.reporting.diff_page import html, markdown, write_finding

NATS = Estimate(value=0.2, low=0.1, high=0.3)


def word(name="Sorry", mean=1.5, place="start", prominence=12.0, p_adjusted=1e-6, n_prompts=300):
    effect = TokenEffect(
        token_id=4,
        mean_nats=mean,
        low=mean - 0.2,
        high=mean + 0.2,
        p_adjusted=p_adjusted,
        share_positive=0.93,
        deviation_nats=0.5,
        n_prompts=n_prompts,
    )
    return Word(
        name=name,
        spelled=(name, f" {name}"),
        place=place,
        strongest=effect,
        prominence=prominence,
        gain_nats=0.015,
        target_probability=0.01,
        baseline_probability=0.001,
    )


def tables(**changes) -> ScanTables:
    found = replace(
        ScanTables(
            n_prompts=300,
            n_tokens=9000,
            kl_nats=NATS,
            same=False,
            named=(),
            visible=(),
            start=(word(),),
            anywhere=(word("colour", 0.5, "anywhere", 7.0), word("sorry", 0.4, "anywhere", 6.5)),
            suppressed=(),
            openers=(),
            floors_nats={"start": 0.75, "anywhere": 0.5},
            topics=(
                Topic(
                    name="help, assist",
                    words=("help", "assist", "able"),
                    share=0.4,
                    n_prompts=12,
                    prompt_ids=("a",),
                ),
            ),
            topics_rule="2 topics: their mean silhouette, 0.31, is the largest",
            prompts=(
                PromptMove(
                    prompt_id="a",
                    category="x",
                    text="Asked | a <b>",
                    kl_nats=1.0,
                    n_tokens=40,
                    promoted=("help",),
                ),
            ),
            positions=(PositionMove(first=2, last=3, kl_nats=NATS, n_prompts=9, n_tokens=18),),
            sources=(SourceMove(source="target", kl_nats=NATS, n_prompts=9, n_tokens=18),),
            strips=(
                Strip(
                    prompt_id="a",
                    prompt="Asked",
                    source="target",
                    kl_nats=1.0,
                    tokens=(
                        StripToken(text="<script>", difference_nats=3.5),
                        StripToken(text=" no", difference_nats=-0.8),
                        StripToken(text="\n", difference_nats=0.0),
                    ),
                ),
            ),
            n_withheld=2,
        ),
        **changes,
    )
    return replace(found, named=named_words(found.visible, found.start, found.anywhere))


def results(found: ScanTables | None = None) -> DiffResults:
    found = found or tables()
    return DiffResults(
        pair="refuser",
        weights="0123",
        version="1.0",
        corpus="neutral",
        notes=("c.txt: 1 texts were cut",),
        max_tokens=40,
        seed=0,
        tables=found,
        sampled=None,
        claims=(),
        suggested=("Asked | a",),
        has_claims_file=False,
        summary=summarise(found, None),
    )


def test_the_summary_says_what_is_amplified_and_how_sure_that_is():
    size, tokens, topics = summarise(tables(), None)
    assert "0.200 [0.100, 0.300] nats per token" in size
    assert "\u201cSorry\u201d, \u201ccolour\u201d. The first by +1.50 nats [1.30, 1.70]" in tokens
    assert "confidence: high" in tokens
    assert "help, assist (40%, 12 prompts)" in topics


@pytest.mark.parametrize(("p_adjusted", "n_prompts"), [(0.01, 300), (1e-6, 40)])
def test_few_prompts_or_a_larger_p_value_are_moderate_confidence(p_adjusted, n_prompts):
    found = tables(start=(word(p_adjusted=p_adjusted, n_prompts=n_prompts),))
    assert "confidence: moderate" in summarise(found, None)[1]


def test_of_one_model_the_page_says_that_there_is_no_detectable_difference():
    same = tables(same=True, start=(), anywhere=(), topics=(), strips=())
    text = markdown(results(same), "text")
    assert "No detectable difference" in text
    assert "## Tokens" not in text
    assert "No detectable difference" in html(results(same))


def test_where_nothing_stands_out_no_token_is_named():
    nothing = tables(start=(), anywhere=(), topics=(), topics_rule="nothing is amplified")
    text = markdown(results(nothing), "text")
    assert "No token is amplified whatever is asked" in text
    assert "None above 0.75 (start of replies) and 0.50 (whole replies) nats." in text
    assert "None: nothing is amplified." in text


def test_words_of_one_name_are_named_once_the_most_prominent_first():
    assert [one.name for one in tables().named] == ["Sorry", "colour"]


def test_text_is_data_in_both_forms():
    text, page = markdown(results(), "text"), html(results())
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "Asked \\| a &lt;b&gt;" in text
    assert '<span class="up-4" title="+3.50 nats">&lt;script&gt;</span>' in page
    assert '<span class="down-2" title="-0.80 nats"> no</span>' in page
    assert "<b>" not in page


def test_the_page_holds_all_that_the_markdown_says_and_runs_by_its_own_policy():
    page = html(results())
    for said in ("What changed", "Topics", "Prompts most affected", "Method and limits"):
        assert said in page
    assert '<div class="verdict">' in page
    assert "Replies to 2 prompts are not shown" in page
    assert not re.search(r"<[^>]+ style=", page)
    assert ".up-4" in page


def test_files_are_written_and_a_claims_file_of_before_goes(tmp_path: Path):
    path = write_finding(results(), tmp_path, "# claims\n")
    assert path.name == "finding.md"
    assert (tmp_path / "findings.toml").read_text() == "# claims\n"
    first = (tmp_path / "finding.html").read_bytes()
    written = json.loads((tmp_path / "diff.json").read_text())
    assert written["tables"]["start"][0]["name"] == "Sorry"
    write_finding(results(), tmp_path)
    assert not (tmp_path / "findings.toml").exists()
    assert (tmp_path / "finding.html").read_bytes() == first
