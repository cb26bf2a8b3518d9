"""A real headless browser, and a visit to a page that tells all that went wrong.

Knows Playwright. A page is opened as a file, as a reader opens it; no request may leave it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Return the path of a Chromium of this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Run the browser; without a GPU or a sandbox, which a container's root can't have."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, and what must stay empty."""

    page: Page
    problems: list[str] = field(default_factory=list)
    """What the console said, errors of scripts, violations of the page's policy."""
    requests: list[str] = field(default_factory=list)
    """What the page asked for besides itself."""


@contextmanager
def visit(browser: Browser, file: Path, **settings: Any) -> Iterator[Visit]:
    """Open a page.

    Args:
        browser: from ``open_browser``.
        file: an HTML file.
        settings: of Playwright's context, such as viewport and color_scheme.
    """
    with browser.new_context(offline=True, **settings) as context:
        seen = Visit(context.new_page())
        address = file.resolve().as_uri()

        def refuse(route: Any) -> None:
            seen.requests.append(route.request.url)
            route.abort()

        context.route(lambda url: url.partition("#")[0] != address, refuse)
        seen.page.on("console", lambda said: seen.problems.append(f"{said.type}: {said.text}"))
        seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
        seen.page.on("popup", lambda popup: seen.requests.append(popup.url))
        seen.page.goto(address)
        yield seen
