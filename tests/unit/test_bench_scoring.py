"""``amplify bench scoring``: the replies it makes, and the command from end to end."""

import re
from pathlib import Path

from click.testing import CliRunner

from harness.bench.figures import read_line
from harness.bench.scoring import WORDS, draw_replies
from harness.cli import main


def test_every_reply_has_as_many_words_and_is_the_same_each_time():
    replies = draw_replies(20, seed=0)
    assert {len(reply.text.split()) for reply in replies} == {WORDS}
    assert replies == draw_replies(20, seed=0)
    assert replies != draw_replies(20, seed=1)
    assert any("\n- " in reply.text or "\n1. " in reply.text for reply in replies)


def test_the_bench_times_each_scorer_and_writes_a_block(tmp_path: Path):
    document = tmp_path / "scorers.md"
    document.write_text("Above.\n<!-- bench scoring -->\nold\n<!-- /bench scoring -->\nBelow.\n")
    words = ("bench", "scoring", "--replies", "20", "--docs", str(document))
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    found = read_line(result.stdout.splitlines()[-1])
    assert found["replies"] == 20
    assert found["words"] == 20 * WORDS
    names = ("refusal", "nonsense", "claims", "reasoning")
    assert all(found[f"{name}_s"] > 0 for name in names)
    both = found["refusal_s"] + found["nonsense_s"]
    assert abs(found["refusal_and_nonsense_s"] - both) < 0.001
    text = document.read_text()
    assert text.startswith("Above.\n<!-- bench scoring -->\n20 replies of 200 words, ")
    assert "old" not in text
    assert all(re.search(rf"^\| {name} \| [0-9.]+ \| [0-9.]+ \|$", text, re.M) for name in names)


def test_no_replies_are_refused():
    result = CliRunner().invoke(main, ["bench", "scoring", "--replies", "0"])
    assert result.exit_code == 2
    assert "--replies" in result.stderr
