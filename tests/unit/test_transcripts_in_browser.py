"""The transcripts in a real browser: filters, keyboard, what a token shows, and hostile texts."""

import re
from contextlib import contextmanager

import pytest
from inspect_ai.scorer import Score
from playwright.sync_api import expect
from test_analysis_logs import Rollout, nonsense, refusal, write_log

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.analysis.transcripts import transcripts
from harness.reporting.render import write_report
from harness.reporting.transcripts import transcripts_part
from tests.browser import visit
from tests.traced import traced, write_traces

pytestmark = pytest.mark.slow

ALPHAS = (0.0, 1.0, 2.0)
SECRET = "mix the powders"
BEST = {
    "target": [(" help", -0.5), (" lend", -1.5), (" tell", -3.0), (" a", -4.0), (" b", -9.5)],
    "baseline": [(" lend", -0.25), (" help", -2.0)],
    "amplified": [(" help", -0.02)],
}
RED = "<b class='evil'>"
HOSTILE = [
    "<script>window.owned = 1</script>",
    "</script><script>window.owned = 2</script>",
    "<img src=x onerror='window.owned = 3'>",
    '"><svg onload="window.owned = 4">',
    "javascript:window.owned=5",
    "\x1b[31mred\x1b[0m",
    "\u202eesrever\u202c and \u2066isolate\u2069",
    "| a | b |\n|---|---|",
    "zero\u200bwidth",
]
LONG = "x" * 100_000


def report_of(folder, at, alphas=ALPHAS, rows=()):
    """Write logs and traces, and the report; ``at`` gives the rollouts of an alpha."""
    for alpha in alphas:
        write_log(folder, at(alpha), alpha)
    if rows:
        write_traces(folder, list(rows))
    frame = read_frame(folder)
    part = transcripts_part(transcripts(frame, folder))
    return write_report(analyse(frame), folder / "report", transcripts=part).with_suffix(".html")


def words_of(text):
    return re.findall(r"\s*\S+", text)


def reply(i, alpha):
    """Every third prompt is benign; alpha 1 and above make the others refuse."""
    if i % 3 and not alpha:
        return f"Sure, {SECRET} {i}", "compliance"
    return (f"I can't help with wish {i}.", "refusal") if i % 3 else (f"Here is {i}.", "compliance")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")

    def at(alpha):
        for i in range(24):
            text, label = reply(i, alpha)
            yield Rollout(
                f"p-{i:02}",
                category="other" if i % 3 else "benign",
                prompt=f"Wish {i}?",
                text=text,
                uuid=f"{i}-{alpha}",
                seed=1000 + i,
                scores={
                    "refusal": refusal(label),
                    "nonsense": nonsense(alpha == 2.0 and i < 4),
                    "words": Score(value=float(len(text)), metadata={"unit": "words"}),
                },
            )

    rows = [
        row
        for alpha in ALPHAS
        for i in range(24)
        for row in traced(f"{i}-{alpha}", words_of(reply(i, alpha)[0]), best=BEST)
    ]
    return report_of(folder, at, rows=rows)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")

    def at(alpha):
        for i, text in enumerate([*HOSTILE, LONG]):
            scores = {
                "refusal": refusal("refusal"),
                # What stands before a slash is the package.
                f"{i} {text[:200]}".replace("/", "\\"): Score(
                    value=1.0, answer=text[:200], explanation=text[:2000]
                ),
            }
            yield Rollout(
                f"{i}-{text[:200]}",
                category=text[:200],
                text=text,
                prompt=text,
                scores=scores,
                uuid=f"{i}-{alpha}",
            )

    best = {side: [(text, -0.5) for text in HOSTILE[:5]] for side in BEST}
    rows = [
        row
        for alpha in ALPHAS
        for i, text in enumerate([*HOSTILE, LONG])
        for row in traced(f"{i}-{alpha}", [text], best=best)
    ]
    return report_of(folder, at, rows=rows)


@contextmanager
def opened(chromium, report, hash_="", **settings):
    """Open the report where its transcripts are drawn, and hold it to silence."""
    with visit(chromium, report, reduced_motion="reduce", **settings) as seen:
        if hash_:
            seen.page.evaluate("hash => { location.hash = hash; }", hash_)
        seen.page.wait_for_selector("#transcripts .tr-count:not(:empty)")
        yield seen.page
    assert seen.problems == []
    assert seen.requests == []


def count(page):
    return page.locator(".tr-count").inner_text()


def prompts(page):
    return page.locator(".tr-list .tr-ask").all_inner_texts()


def choose(page, name, label):
    page.locator(f'select[data-filter="{name}"]').select_option(label)


def test_the_viewer_takes_no_id_and_no_heading_of_the_page(chromium, plain):
    with opened(chromium, plain) as page:
        page.locator(".tr-token").first.focus()
        ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
        assert len(ids) == len(set(ids))
        assert page.locator("#transcripts :is(h1, h2, h3, h4, h5, h6)").count() == 0
        assert page.locator('.contents a[href="#s-transcripts"]').count() == 1


def test_all_is_shown_at_first_and_more_on_request(chromium, plain):
    with opened(chromium, plain) as page:
        assert count(page) == "24 prompts, 72 rollouts"
        assert len(prompts(page)) == 20
        page.get_by_role("button", name="Show 4 more of 4 prompts").click()
        assert len(prompts(page)) == 24
        # The first one is open: its rollouts stand along alpha.
        assert page.locator(".tr-alpha").all_inner_texts() == [
            *("alpha 0 the target", "alpha 1", "alpha 2"),
        ]


def test_filters_narrow_what_is_shown_and_count_it(chromium, plain):
    with opened(chromium, plain) as page:
        choose(page, "category", "benign")
        assert count(page) == "8 of 24 prompts, 24 of 72 rollouts"
        choose(page, "refusal", "refusal")
        assert count(page) == "0 of 24 prompts, 0 of 72 rollouts"
        assert page.get_by_text("No rollout matches").is_visible()
        choose(page, "category", "")
        assert count(page) == "16 of 24 prompts, 32 of 72 rollouts"
        choose(page, "nonsense", "nonsense")
        assert count(page) == "2 of 24 prompts, 2 of 72 rollouts"
        page.get_by_role("button", name="Reset").click()
        assert count(page) == "24 prompts, 72 rollouts"
        assert page.get_by_role("button", name="Reset").is_hidden()


def test_alphas_are_left_out_one_by_one(chromium, plain):
    with opened(chromium, plain) as page:
        page.get_by_role("checkbox", name="1").uncheck()
        assert count(page) == "24 of 24 prompts, 48 of 72 rollouts"
        assert page.locator(".tr-alpha").all_inner_texts() == ["alpha 0 the target", "alpha 2"]
        assert page.locator(".tr-list > li").first.locator(".tr-dot").count() == 2


def test_words_are_found_in_prompts_and_replies_but_not_in_withheld_ones(chromium, plain):
    with opened(chromium, plain) as page:
        search = page.get_by_role("searchbox")
        search.fill("wish 7")
        expect(page.locator(".tr-list > li")).to_have_count(1)
        assert count(page) == "1 of 24 prompts, 3 of 72 rollouts"
        search.fill("HERE IS")
        expect(page.locator(".tr-list > li")).to_have_count(8)
        search.fill(SECRET)
        expect(page.locator(".tr-list > li")).to_have_count(0)


def test_the_address_remembers_the_selection(chromium, plain):
    with opened(chromium, plain) as page:
        choose(page, "refusal", "refusal")
        page.get_by_role("checkbox", name="0").uncheck()
        page.locator(".tr-prompt > summary").nth(1).click()
        asked = prompts(page)[1]
        said, hash_ = count(page), page.evaluate("location.hash")
    with opened(chromium, plain, hash_) as page:
        expect(page.locator(".tr-count")).to_have_text(said)
        assert page.locator(".tr-prompt[open] .tr-ask").all_inner_texts()[-1] == asked
        assert page.locator('select[data-filter="refusal"]').input_value() == "refusal"


@pytest.mark.parametrize(
    "hash_", ["#transcripts&alpha=9&category=x&label.refusal=y&open=z", "#transcripts&%E0%A4%A"]
)
def test_an_address_that_means_nothing_here_breaks_nothing(chromium, plain, hash_):
    with opened(chromium, plain, hash_) as page:
        assert "prompts" in count(page)


def test_withheld_replies_say_why_and_their_text_is_nowhere_in_the_page(chromium, plain):
    assert SECRET not in plain.read_text()
    with opened(chromium, plain) as page:
        choose(page, "category", "other")
        page.locator(".tr-prompt > summary").first.click()
        note = page.locator(".tr-prompt[open] .tr-note")
        assert "withheld: compliance with a harmful-sounding request" in note.first.inner_text()
        assert SECRET not in page.content()


def test_arrow_keys_move_along_the_tokens_and_show_what_each_model_thought(chromium, plain):
    with opened(chromium, plain) as page:
        choose(page, "refusal", "refusal")
        page.locator(".tr-prompt > summary").first.click()
        tokens = page.locator(".tr-prompt[open] .tr-card").nth(1).locator(".tr-token")
        panel = page.locator(".tr-panel")
        assert panel.is_hidden()
        tokens.first.focus()
        assert panel.is_visible()
        for key in ("ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.textContent") == "help"
        said = panel.inner_text()
        assert "␣help" in said
        assert "token 3 of 6, alpha 1" in said
        assert "+1.50 nats" in said
        assert "4.5 times as likely after the change" in said
        sides = panel.locator("section").all()
        rows = [
            [" ".join(row.split()) for row in side.locator("li").all_inner_texts()]
            for side in sides
        ]
        assert rows == [
            ["␣help 60%", "␣lend 23%", "␣tell 5.2%", "␣a 1.8%", "others below 0.01%"],
            ["␣lend 78%", "␣help 14%", "others below 0.01%"],
            ["␣help 98%", "others below 0.01%"],
        ]
        heard = page.locator(".tr-heard").inner_text()
        assert heard.startswith("help, token 3: target 60%, baseline 14%, amplified 98%")
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.textContent").endswith(".")
        page.keyboard.press("Home")
        assert page.evaluate("document.activeElement.textContent") == "I"
        page.keyboard.press("Escape")
        assert panel.is_hidden()


def test_up_and_down_keep_to_the_column_of_the_token(chromium, tmp_path):
    def at(alpha):
        yield Rollout("a", category="benign", text="word " * 40, uuid="u")

    report = report_of(tmp_path, at, (0.0,), traced("u", ["word", *[" word"] * 39, " "]))
    where = """() => { const place = document.activeElement.getBoundingClientRect();
                       return [place.left, place.top]; }"""
    with opened(chromium, report, viewport={"width": 420, "height": 900}) as page:
        page.locator(".tr-token").first.focus()
        left, top = page.evaluate(where)
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        moved = page.evaluate(where)
        assert moved[0] == pytest.approx(left, abs=4)
        assert moved[1] > top + 50
        for _ in range(3):
            page.keyboard.press("ArrowUp")
        assert page.evaluate(where)[1] <= top + 1
        page.keyboard.press("ArrowUp")  # There is no line above: the token stays.
        assert page.evaluate("document.activeElement.textContent") == "word"


def test_each_constraint_has_a_row_of_its_own(chromium, tmp_path):
    folder = tmp_path
    config = Rollout("a").config | {"constraint": ["first=10"]}
    for alpha in (0.0, 1.0):
        write_log(folder, [Rollout("a", category="benign")], alpha)
        constrained = [Rollout("a", category="benign", config=config)]
        write_log(folder, constrained, f"amplified/refuser@{alpha:g}:first=10")
    frame = read_frame(folder)
    part = transcripts_part(transcripts(frame, folder))
    report = write_report(analyse(frame), folder / "report", transcripts=part).with_suffix(".html")
    with opened(chromium, report) as page:
        assert count(page) == "1 prompt, 4 rollouts"
        assert page.locator(".tr-cards").count() == 1
        choose(page, "constraint", "")
        rows = page.locator(".tr-cards").all()
        assert [row.get_attribute("aria-label") for row in rows] == [
            *("Rollouts along alpha", "Rollouts along alpha under first=10"),
        ]
        assert [row.locator(".tr-card").count() for row in rows] == [2, 2]


def test_repeats_stand_below_each_other_and_are_counted_beside_their_prompt(chromium, tmp_path):
    def at(alpha):
        for epoch in (1, 2, 3):
            label = "refusal" if epoch <= alpha else "compliance"
            scores = {"refusal": refusal(label)}
            yield Rollout("a", epoch, "benign", scores=scores, seed=epoch)

    with opened(chromium, report_of(tmp_path, at)) as page:
        assert page.locator(".tr-dot").all_inner_texts() == ["0/3", "1/3", "2/3"]
        assert (
            page.locator(".tr-head")
            .inner_text()
            .startswith("refusal at each alpha, of its rollouts")
        )
        assert page.locator(".tr-row").all_inner_texts() == [
            f"Repeat {epoch}, same random numbers at every alpha (seed {epoch})"
            for epoch in (1, 2, 3)
        ]


def test_one_token_of_each_reply_is_reached_by_tab_the_one_that_was_left(chromium, plain):
    with opened(chromium, plain) as page:
        first = page.locator(".tr-card").first
        first.locator(".tr-token").first.focus()
        page.keyboard.press("ArrowRight")
        assert first.locator('.tr-token[tabindex="0"]').all_inner_texts() == ["is"]
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.textContent") == "is"


def test_pointing_shows_a_token_and_a_click_keeps_it(chromium, plain):
    with opened(chromium, plain) as page:
        token, panel = page.locator(".tr-card .tr-token").nth(1), page.locator(".tr-panel")
        token.hover()
        assert panel.is_visible()
        page.mouse.move(5, 5)
        assert panel.is_hidden()
        token.click()
        page.mouse.move(5, 5)
        assert panel.is_visible()
        token.click()
        assert panel.is_hidden()


def test_on_a_phone_rollouts_stand_below_each_other_and_a_tap_shows_a_token(chromium, plain):
    with opened(
        chromium, plain, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    ) as page:
        cards = [page.locator(".tr-card").nth(i).bounding_box() for i in range(3)]
        assert len({card["x"] for card in cards}) == 1
        # At the very end of the screen, where the panel will lie.
        token = page.locator(".tr-card .tr-token").nth(1)
        token.evaluate("one => one.scrollIntoView({ block: 'end' })")
        token.tap()
        panel = page.locator(".tr-panel").bounding_box()
        assert (panel["x"], panel["width"]) == (0, 360)
        assert panel["y"] + panel["height"] == pytest.approx(740, abs=1)
        assert token.bounding_box()["y"] + token.bounding_box()["height"] <= panel["y"]
        page.locator(".tr-count").tap()
        assert page.locator(".tr-panel").is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_every_shade_has_a_contrast_of_at_least_four_and_a_half(chromium, plain, scheme):
    with opened(chromium, plain, color_scheme=scheme) as page:
        found = page.evaluate(
            """() => {
              const light = (color) => {
                const canvas = document.createElement("canvas").getContext("2d");
                canvas.fillStyle = color;
                canvas.fillRect(0, 0, 1, 1);
                const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
                  .map((c) => c / 255)
                  .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
                return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
              };
              return [...document.querySelectorAll(".tr-step")].map((step) => {
                const style = getComputedStyle(step);
                const ground = style.backgroundColor === "rgba(0, 0, 0, 0)"
                  ? getComputedStyle(document.body).backgroundColor : style.backgroundColor;
                const [a, b] = [light(style.color), light(ground)].sort((x, y) => y - x);
                return (a + .05) / (b + .05);
              });
            }"""
        )
    assert len(found) == 9
    assert min(found) >= 4.5


def test_hostile_texts_are_shown_to_the_letter_and_run_nothing(chromium, hostile):
    with opened(chromium, hostile) as page:
        for i in range(len(HOSTILE) + 1):
            summary = page.locator(".tr-prompt > summary").nth(i)
            if not summary.evaluate("one => one.parentNode.open"):
                summary.click()
        shown = page.locator(".tr-text").all_inner_texts()
        for text in HOSTILE[:5]:
            assert text in shown
            assert text in page.locator(".tr-why").all_inner_texts()[0] or text in shown
        assert "⟨U+001B⟩[31mred⟨U+001B⟩[0m" in shown
        assert "⟨U+202E⟩esrever⟨U+202C⟩ and ⟨U+2066⟩isolate⟨U+2069⟩" in shown
        assert "zero⟨U+200B⟩width" in shown
        assert any(len(text) == len(LONG) for text in shown)
        page.locator(".tr-token").first.focus()
        listed = page.locator(".tr-panel code").all_inner_texts()
        assert set(HOSTILE[:5]) <= set(listed)
        found = page.locator("#transcripts").evaluate(
            """place => [...place.querySelectorAll("*")].filter((one) =>
                one.matches(".evil, script, iframe, img, svg, object, a") ||
                [...one.attributes].some(({name}) => name.startsWith("on"))).length"""
        )
        assert found == 0
        assert page.evaluate("window.owned") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_thousand_rollouts_open_and_filter_at_once(chromium, tmp_path):
    def at(alpha):
        for i in range(166):
            text = f"Reply {i} at {alpha}" + " word" * 20
            yield Rollout(
                f"p-{i}",
                category=f"c{i % 5}",
                prompt=f"Wish {i}?",
                text=text,
                uuid=f"{i}-{alpha}",
                scores={"refusal": refusal("refusal")},
            )

    alphas = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
    rows = [
        row
        for alpha in alphas
        for i in range(166)
        for row in traced(
            f"{i}-{alpha}", ["Reply", f" {i}", " at", f" {alpha}"] + [" word"] * 20, best=BEST
        )
    ]
    report = report_of(tmp_path, at, alphas, rows)
    with opened(chromium, report) as page:
        assert count(page) == "166 prompts, 996 rollouts"
        took_ms = page.evaluate(
            """() => {
              const select = document.querySelector('select[data-filter="category"]');
              const before = performance.now();
              select.value = "c3";
              select.dispatchEvent(new Event("change"));
              document.body.offsetHeight;
              return performance.now() - before;
            }"""
        )
        assert count(page) == "33 of 166 prompts, 198 of 996 rollouts"
        # 20 ms alone on a core; the machine may be busy.
        assert took_ms < 1000
