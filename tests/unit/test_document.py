"""Markdown to HTML: the same sentences and numbers, and nothing in them becomes live."""

import re
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from harness.reporting.document import PagePart, document
from harness.reporting.escape import code, md
from harness.reporting.figures.drawing import Drawing
from harness.reporting.numbers import is_numeric, marked
from harness.reporting.tables import DAGGER_MEANS


def figure(name: str = "rates", inner: str = '<path d="M 0 0" style="fill: #ffffff"/>') -> Drawing:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" id="{name}">{inner}</svg>'
    return Drawing(name=name, title="Rates along alpha", description="All 0.", inline=svg)


class Elements(HTMLParser):
    """What elements a page has, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def elements(text: str, **parts) -> Elements:
    return Elements(document(text, parts.pop("figures", {}), **parts).html)


@pytest.mark.parametrize(
    "live",
    [
        "<script>alert(1)</script>",
        '<b onclick="x()">bold</b>',
        "<!-- comment -->",
        "[link](https://example.com)",
        "[link](javascript:alert(1))",
        "<https://example.com>",
        "[ref]\n\n[ref]: https://example.com",
        "![image](https://example.com/x.png)",
        "![image](data:image/png;base64,AAAA)",
        "![image](figures/../secret.svg)",
    ],
)
def test_what_could_become_live_stays_text_even_where_nobody_escaped_it(live):
    page = elements(live, figures={"rates.svg": figure()})
    assert {tag for tag, _ in page.found} == {"p"}
    assert not any(attributes for _, attributes in page.found)


HOSTILE = [
    "<script>window.owned = 1</script>",
    "&lt;b&gt; &amp; &#60;",
    "| a | b |",
    "# heading",
    "```",
    "[x](http://evil.example) ![x](figures/rates.svg)",
    "{{ 7 * 7 }} {% raw %}",
    "75% [62, 85] (45/60) †",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("escaped", [md, code])
def test_escaped_text_is_shown_as_it_was(text, escaped):
    page = elements(f"- {escaped(text)}\n")
    assert " ".join(page.text.split()) == text
    marks = {"b", "span"}
    assert {tag for tag, _ in page.found} - marks <= {"ul", "li", "code"}


def test_a_figure_is_drawn_into_the_page_under_its_title():
    page = elements("![all of it](figures/rates.svg)", figures={"rates.svg": figure()})
    assert [svg["role"] for svg in page.named("svg")] == ["img"]
    assert page.named("img") == []
    assert page.text.strip() == "Rates along alpha"


def test_styles_of_figures_become_classes_because_the_policy_obeys_no_style_attribute():
    made = document("![a](figures/rates.svg)", {"rates.svg": figure()})
    (path,) = Elements(made.html).named("path")
    assert "style" not in path
    assert f".{path['class']}{{fill: #ffffff}}\n" in made.css


def test_the_same_style_in_two_figures_is_one_class():
    figures = {"one.svg": figure("one"), "two.svg": figure("two")}
    page = elements("![a](figures/one.svg)\n\n![b](figures/two.svg)", figures=figures)
    assert [path["class"] for path in page.named("path")] == ["fig-0", "fig-0"]


@pytest.mark.parametrize(
    "inner", ["<script/>", '<image href="http://x"/>', '<g onload="x()"/>', "<a/>"]
)
def test_a_figure_that_would_run_or_load_something_is_refused(inner):
    with pytest.raises(AssertionError, match=r"rates (holds|links)"):
        document("![a](figures/rates.svg)", {"rates.svg": figure(inner=inner)})


def test_headings_have_ids_of_their_own_and_make_the_contents():
    made = document("# T\n\n## Data\n\n### Data\n\n## **Data**, & more\n", {})
    assert made.title == "T"
    assert [(one.level, one.id, one.text) for one in made.headings] == [
        (2, "s-data", "Data"),
        (3, "s-data-2", "Data"),
        (2, "s-data-more", "Data, & more"),
    ]


def test_a_category_called_like_a_part_of_the_page_does_not_take_its_id():
    assert [one.id for one in document("## main\n\n## theme\n", {}).headings] == [
        "s-main",
        "s-theme",
    ]


def test_a_heading_of_any_length_leaves_the_contents_readable():
    made = document(f"## {'x' * 100_000}\n", {})
    assert len(made.headings[0].text) == 80
    assert len(made.headings[0].id) < 60


@pytest.mark.parametrize("written", ["{}", "`{}`", "## {}", "- {}", "| a |\n| - |\n| {} |"])
def test_a_text_of_any_length_scrolls_in_a_box_of_its_own(written):
    page = elements(written.format("x" * 100_000))
    (box,) = page.named("span")
    assert (box["class"], box["tabindex"]) == ("long", "0")
    assert page.text.count("x") == 100_000
    assert elements(written.format("x" * 2000)).named("span") == []


def test_a_prompt_or_reply_behind_a_colon_stands_on_lines_of_its_own():
    page = elements("- alpha 1: `a reply`\n- see (`docs/reports.md`).\n- with `d` and `t`\n")
    assert [code.get("class") for code in page.named("code")] == ["quoted", None, None, None]


def test_the_first_five_lines_of_the_summary_are_the_verdict():
    lines = [f"- line {i}" for i in range(7)]
    html = document("## Summary\n\n" + "\n".join(lines) + "\n\n- a\n", {}).html
    box = re.search(r'<div class="verdict">(.*?)</div>', html, re.DOTALL)
    assert re.findall(r"line \d", box[1]) == [f"line {i}" for i in range(5)]
    assert re.findall(r"line \d", html[box.end() :]) == ["line 5", "line 6"]


def test_a_failed_check_stands_out_before_the_five_lines():
    shout = "- **FIDELITY FAILED, so trust no rate here:** the gain is off.\n"
    lines = "".join(f"- line {i}\n" for i in range(5))
    html = document(f"## Summary\n\n{shout}{lines}- after\n", {}).html
    box = re.search(r'<div class="verdict">(.*?)</div>', html, re.DOTALL)[1]
    assert box.count("<li") == 6
    assert box.count('<li class="failed">') == 1
    assert "after" not in box


def test_a_list_elsewhere_is_no_verdict():
    assert "verdict" not in document("## Summary\n\nwords\n\n- a\n\n## Data\n\n- b\n", {}).html


def test_doubts_about_the_data_stand_out():
    html = document("**Doubts about the data:**\n\n- a log is missing\n", {}).html
    assert html.count('class="doubts"') == 2


TABLE = """
| alpha | rate | tokens | opening |
| --- | --- | --- | --- |
| 0 | 20% [12, 32] (12/60) † | 49.5 | sorry |
| 0.5 | 53% [41, 65] (32/60) † | - | 12 monkeys |
"""


def test_a_table_scrolls_in_a_box_of_its_own_and_says_what_heads_what():
    page = elements(f"## Refusal\n{TABLE}")
    (box,) = page.named("div")
    assert box == {
        "class": "table",
        "tabindex": "0",
        "role": "region",
        "aria-label": "Table: Refusal",
    }
    assert [head["scope"] for head in page.named("th")] == ["col"] * 4 + ["row"] * 2


def test_columns_of_numbers_are_flush_right():
    page = elements(TABLE)
    numeric = [head.get("class") for head in page.named("th") if head["scope"] == "col"]
    assert numeric == ["number", None, "number", None]


def test_every_dagger_is_explained_and_one_a_table_is_a_tab_stop():
    page = elements(f"{TABLE}\n† in a sentence\n{TABLE}")
    daggers = page.named("button")
    assert {one["aria-label"] for one in daggers} == {f"†: {DAGGER_MEANS}"}
    assert [one.get("tabindex") for one in daggers] == [None, "-1", None, "-1"]


@pytest.mark.parametrize("cell", ["0", "-1.5", "+12%", "3/12", "3/12 †", "-", ""])
def test_a_number_a_count_or_nothing_is_numeric(cell):
    assert is_numeric(cell)


@pytest.mark.parametrize("cell", ["1e", "12 monkeys", "20% [12, 32] (12/60)", "--"])
def test_what_is_more_than_a_number_is_not(cell):
    assert not is_numeric(cell)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("75% [62, 85] (45/60)", "75%"),
        ("0.363 [0.294, 0.429] nats", "0.363"),
        ("+58 points [42, 70]", "+58 points"),
        ("-10 points [-3, 26] (↑3 ↓0)", "-10 points"),
        ("3.21 [2.80, 3.62] (60)", "3.21"),
    ],
)
def test_a_measured_value_stands_out_from_its_interval(text, value):
    html = marked(text)
    assert f'<b class="value">{value}</b>' in html
    assert Elements(html).text == text


def test_numbers_without_an_interval_are_left_alone():
    assert marked("up to 1 rollouts at alpha 0.5 [sic] & more") == (
        "up to 1 rollouts at alpha 0.5 [sic] &amp; more"
    )


PART = PagePart(title="Transcripts", html=Markup("<p id='mine'>x</p>"), css="", js="")


def test_transcripts_stand_where_the_text_says_so_with_a_heading_in_the_contents():
    made = document("## Data\n\n<!-- transcripts -->\n\n## Configuration\n", {}, PART)
    assert [one.text for one in made.headings] == ["Data", "Transcripts", "Configuration"]
    assert re.search("Data.*Transcripts.*mine.*Configuration", made.html, re.DOTALL)


def test_transcripts_stand_at_the_end_where_a_template_forgets_them():
    assert document("## Data\n", {}, PART).html.endswith("<p id='mine'>x</p>")


def test_without_transcripts_their_place_is_not_seen():
    assert "transcripts" not in document("## Data\n\n<!-- transcripts -->\n", {}).html


def test_a_model_that_writes_the_mark_gets_no_transcripts():
    made = document(f"{md('<!-- transcripts -->')}\n\n## Data\n", {}, PART)
    assert [one.text for one in made.headings] == ["Data", "Transcripts"]
    assert made.html.startswith("<p>&lt;!-- transcripts --&gt;</p>")
