"""report.html in a real browser: complete, quiet, and deaf to what a model wrote."""

import itertools

import pandas as pd
import pytest
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_log, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting.render import write_report
from tests.browser import visit

pytestmark = pytest.mark.slow

LONG = "x" * 100_000
PAYLOADS = [
    "<script>window.owned = 1</script>",
    "</script></style></title><script>window.owned = 2</script>",
    '<b class="evil" onmouseover="window.owned = 3">bold</b>',
    '<iframe class="evil" srcdoc="<script>parent.owned = 4</script>"></iframe>',
    "<svg class='evil' onload='window.owned = 5'><script>window.owned = 6</script></svg>",
    "[click](javascript:window.owned=7) <javascript:window.owned=8> https://evil.example",
    "![x](http://evil.example/x.png) <img src=x onerror='window.owned = 9'>",
    "&lt;script&gt;window.owned = 10&lt;/script&gt; &#60;b&#62;",
    "{{ 7 * 7 }} {% include 'page.css' %}",
    "`` ` `` <details open ontoggle='window.owned = 11'>",
]
"""Shown to the letter, character by character."""
LAYOUT = [
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "# heading\n\n## heading\n\n- list\n\n> quote",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\u202eesrever\u202c \u2066isolate\u2069 zero\u200bwidth\ufeff",
    "NUL\x00 bell\x07",
    LONG,
]
"""Shown as well, but for what can't be seen."""
EVERY = [*PAYLOADS, *LAYOUT]


def rollouts(alpha):
    """Each text as a reply, a prompt, a name, a category, an opening, a reason, an error."""
    for i, text in enumerate(EVERY):
        category = "benign" if i % 2 else text
        scores = {
            "refusal": refusal("refusal" if i % 3 else "compliance", opening=text),
            "nonsense": nonsense(is_nonsense=i % 4 == 0),
        }
        yield Rollout(
            # The name of a file within the log: NUL ends it, and 65,535 bytes are most.
            f"{i:02}-{text[:2000]}".replace("\0", ""),
            category=category,
            text=text,
            prompt=f"lone HALF surrogate {text}",
            scores=scores,
            config={text: text},
            trace=trace(dose_nats=alpha / 4, amplified_nll_nats=2 - alpha / 4),
        )
    yield Rollout("failed", category="other", error="\n".join(EVERY))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for alpha in (0.0, 1.0):
        write_log(folder, rollouts(alpha), f"amplified/{PAYLOADS[0]}@{alpha:g}", task=PAYLOADS[1])
    frame = read_frame(folder)
    for column in (
        "prompt",
        "completion",
    ):  # no log and no column of text can hold half a character
        halved = [text.replace("HALF", "\ud800") for text in frame[column].astype(object)]
        frame[column] = pd.Series(halved, dtype=object)
    return write_report(analyse(frame), folder / "report").with_suffix(".html")


def replies(alpha):
    for i in range(24):
        category = "benign" if i % 2 else "security_bypass"
        label = "refusal" if i < (16 if alpha else 6) else "compliance"
        yield Rollout(
            f"{category}-{i:02}",
            category=category,
            text=f"Reply {i}",
            scores={"refusal": refusal(label), "nonsense": nonsense(bool(alpha) and i == 0)},
            trace=trace(dose_nats=alpha / 4, amplified_nll_nats=2 - alpha / 4),
        )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    results = analyse(read_frame(write_sweep(folder, replies)))
    return write_report(results, folder / "report").with_suffix(".html")


@pytest.fixture(params=["plain", "hostile"])
def report(request):
    return request.getfixturevalue(request.param)


def test_it_opens_from_a_file_without_a_word_in_the_console_or_a_request(chromium, report):
    with visit(chromium, report) as seen:
        assert seen.page.title()
        seen.page.mouse.move(300, 300)
    assert seen.problems == []
    assert seen.requests == []


def test_nothing_that_a_model_wrote_becomes_an_element_or_runs(chromium, hostile):
    with visit(chromium, hostile) as seen:
        page = seen.page
        for code in page.locator("main code").all()[:40]:
            code.hover(force=True)
        found = page.evaluate(
            """() => [...document.querySelectorAll("*")].filter((one) =>
                one.matches(".evil, iframe, img, object, embed, form, base, video, audio") ||
                [...one.attributes].some(({name, value}) =>
                    name.startsWith("on") || name === "style" || /^\\s*javascript:/i.test(value)))
                .map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert found == []
        links = page.eval_on_selector_all("a, area", "all => all.map(a => a.getAttribute('href'))")
        assert links
        assert all(link.startswith("#") for link in links)
        assert page.evaluate("window.owned") is None
    assert seen.problems == []


def test_what_a_model_wrote_is_shown_to_the_letter(chromium, hostile):
    with visit(chromium, hostile) as seen:
        shown = " ".join(seen.page.locator("main").inner_text().split())
        title = seen.page.title()
    assert PAYLOADS[0] in title
    for text in [*PAYLOADS, "| a | b | |---|---|", "# heading ## heading - list > quote"]:
        assert text in shown, text
    for text in ["red link", "esrever isolate zerowidth", "NUL bell", "lone surrogate"]:
        assert text in shown, text
    assert not set("\x00\x07\x1b\u202e\u200b") & set(shown)


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_the_page_never_scrolls_sideways(chromium, report, width):
    with visit(chromium, report, viewport={"width": width, "height": 800}) as seen:
        wide = seen.page.evaluate(
            "[document.documentElement.scrollWidth, document.body.scrollWidth]"
        )
        assert max(wide) <= width
        tall = seen.page.evaluate("document.documentElement.scrollHeight")
    # 100,000 characters alone are 4,000 lines at the narrowest: they scroll in boxes.
    assert tall < 40_000


def test_every_figure_has_a_text_alternative(chromium, plain):
    with visit(chromium, plain) as seen:
        figures = seen.page.locator("figure svg")
        assert figures.count() >= 2
        for figure in figures.all():
            assert figure.get_attribute("role") == "img"
        names = [seen.page.get_by_role("img").nth(i) for i in range(figures.count())]
        assert all(len(one.aria_snapshot()) > len("- img") for one in names)


def test_headings_rise_by_one_under_one_title(chromium, report):
    with visit(chromium, report) as seen:
        tags = seen.page.eval_on_selector_all(
            "h1, h2, h3, h4, h5, h6", "all => all.map(one => Number(one.tagName[1]))"
        )
    assert tags[0] == 1
    assert tags.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(tags))


def test_no_two_elements_share_an_id(chromium, report):
    with visit(chromium, report) as seen:
        ids = seen.page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_turns_light_to_dark_and_back(chromium, plain, scheme):
    ground = "getComputedStyle(document.body).backgroundColor"
    with visit(chromium, plain, color_scheme=scheme) as seen:
        button = seen.page.get_by_role("button", name="Dark")
        at_first = seen.page.evaluate(ground)
        assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
        button.click()
        assert seen.page.evaluate(ground) != at_first
        assert button.get_attribute("aria-pressed") == str(scheme == "light").lower()
        button.click()
        assert seen.page.evaluate(ground) == at_first


def test_figures_take_the_ink_of_the_page_in_light_and_dark(chromium, plain):
    ink = "getComputedStyle(document.querySelector('figure svg text')).fill"
    inks = []
    for scheme in ("light", "dark"):
        with visit(chromium, plain, color_scheme=scheme) as seen:
            assert seen.page.evaluate(ink) == seen.page.evaluate(
                "getComputedStyle(document.body).color"
            )
            inks.append(seen.page.evaluate(ink))
    assert inks[0] != inks[1]


def test_a_keyboard_reaches_the_report_the_theme_and_every_box_that_scrolls(chromium, plain):
    with visit(chromium, plain) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"
        boxes = page.locator(".table, .plot, pre")
        assert boxes.count() > 5
        assert {box.get_attribute("tabindex") for box in boxes.all()} == {"0"}
        assert all(box.get_attribute("aria-label") for box in boxes.all())


def test_a_dagger_says_what_it_means_on_focus_and_escape_hides_it(chromium, plain):
    with visit(chromium, plain) as seen:
        tip = seen.page.locator("#tip")
        assert tip.is_hidden()
        seen.page.locator(".dagger").first.focus()
        assert "fewer than 10 prompts" in tip.inner_text()
        seen.page.keyboard.press("Escape")
        assert tip.is_hidden()
        seen.page.locator(".dagger").first.hover()
        assert tip.is_visible()


def test_the_contents_lead_to_every_section(chromium, report):
    with visit(chromium, report) as seen:
        dead = seen.page.evaluate(
            """() => [...document.querySelectorAll(".contents a")]
                .filter((a) => !document.getElementById(a.hash.slice(1))).length"""
        )
        assert dead == 0
        assert seen.page.locator(".contents a").count() == seen.page.locator("h2, h3").count()


def test_on_paper_nothing_is_cut_off_there_are_no_controls_and_the_page_is_light(chromium, plain):
    a4 = {"width": 700, "height": 1000}
    with visit(chromium, plain, color_scheme="dark", viewport=a4) as seen:
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert seen.page.locator(".contents").is_hidden()
        assert seen.page.get_by_role("button", name="Dark").is_hidden()
        paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= a4["width"]
    assert paper == "rgb(255, 255, 255)"
