"""Hostile text stays text, judged by a real markdown parser."""

import pytest
from markdown_it import MarkdownIt

from harness.reporting.escape import clean, code, fence, md

HOSTILE = {
    "link": "[click](http://evil.example)",
    "reference link": "[click][1] and [1]: http://evil.example",
    "image": "![x](http://evil.example/pixel.png)",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "entity": "&lt;b&gt; &#60;script&#62;",
    "autolink": "<http://evil.example>",
    "bare address": "http://evil.example and www.evil.example and HTTPS://evil.example",
    "mail address": "me@evil.example and mailto:me@evil.example",
    "heading": "# Results",
    "list": "- item",
    "numbered list": "1. item",
    "quotation": "> said",
    "rule": "---",
    "setext": "===",
    "emphasis": "*a* **b** _c_ ~~d~~ __e__",
    "code": "`rm -rf` ``` and ````",
    "table": "a | b | c",
    "maths": "$x$ $$y$$",
    "lines": "one\n\n# two\r\n- three\u2028four\x0bfive",
    "backslashes": "\\[a\\](b) \\\\ \\`",
    "an interval as a link": "[62, 85](http://evil.example)",
    "an interval as a definition": "[62, 85]: http://evil.example",
    "an interval before a colon": "at 2.52 [2.07, 2.89]: http://evil.example",
    "an interval without an end": "5.20 [3.60, beyond 8](http://evil.example)",
}
PARSER = MarkdownIt("gfm-like")


def visible(markdown):
    """Parse, demand that there is one paragraph of plain text, and return that text."""
    blocks = PARSER.parse(markdown)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = {piece.type for piece in blocks[1].children}
    assert kinds <= {"text", "text_special", "code_inline"}, kinds
    return "".join(piece.content for piece in blocks[1].children)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_escaped_text_reads_as_it_was_and_does_nothing(text):
    assert visible(md(text)) == clean(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_quoted_text_reads_as_it_was_and_does_nothing(text):
    assert visible(code(text)) == clean(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_escaped_text_stays_in_its_cell(text):
    rows = PARSER.render(f"| a | b |\n| --- | --- |\n| {md(text)} | end |\n")
    assert rows.count("<td>") == 2
    assert "<td>end</td>" in rows


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_block_to_copy_holds_one_line_and_nothing_else(text):
    (block,) = PARSER.parse(fence(text, "sh"))
    assert (block.type, block.content) == ("fence", clean(text) + "\n")


def test_bare_addresses_are_broken_so_that_no_renderer_links_them():
    assert md("see http://a.example or www.b.example") == r"see http\://a.example or www\.b.example"


def test_terminal_sequences_are_removed():
    assert clean("\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07") == "red link"
    assert clean("\x9b31mred\x07\x08") == "31mred"


def test_invisible_and_reordering_characters_are_removed():
    assert clean("pay\u202egnp.exe\u2066\u200b\ufeff\U000e0041") == "paygnp.exe"


def test_our_own_rates_stay_readable():
    assert (
        md("75% [62, 85] (45/60), +4 points [-9, 17]") == "75% [62, 85] (45/60), +4 points [-9, 17]"
    )
    assert md("0.31 [0.28, 0.34]") == "0.31 [0.28, 0.34]"
    assert md("social_engineering") == "social_engineering"
    assert md("-0.5") == "-0.5"


def test_empty_text_is_said_to_be_empty():
    assert code(" \n\u200b") == "(empty)"


@pytest.mark.parametrize(
    "text", ["up to 2.52 [2.07, 2.89]: more", "5.20 [3.60, beyond 8]", "-3 points [-13, 7]"]
)
def test_our_own_intervals_stand_in_markdown_as_they_are(text):
    assert md(f"It is {text}") == f"It is {text}"
