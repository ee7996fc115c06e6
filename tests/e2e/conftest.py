"""A headless Chromium for the browser tests. Without one they are skipped, and say so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


class Tab:
    """A page in a profile of its own, which remembers everything that went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.errors.append(said.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def ask(self, text: str) -> None:
        """Type into the chat's own box and press Enter."""
        box = self.page.locator("xiaoer-chat textarea")
        box.fill(text)
        box.press("Enter")


OpenTab = Callable[..., Tab]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser a module, closed with it: Playwright's loop must not outlive its tests."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("No chromium on PATH: install it (apt-get install chromium) to run the browser tests.")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install .[test])")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_tab(browser: Any) -> Iterator[OpenTab]:
    """Opens an address in a fresh profile. Errors in the console fail the test unless it empties `errors` itself."""
    opened: list[Tab] = []

    def opens(url: str, *, phone: bool = False, locale: str = "en-GB", **options: Any) -> Tab:
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone, locale=locale, **options)
        context.set_default_timeout(15_000)
        tab = Tab(context.new_page())
        opened.append(tab)
        tab.page.goto(url)
        return tab

    yield opens
    errors = [error for tab in opened for error in tab.errors]
    for tab in opened:
        tab.page.context.close()
    assert errors == []
