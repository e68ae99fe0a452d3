"""A real Chromium on the gallery pages. Without a Chromium on the machine these tests are skipped by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.ui import gallery

CHROMIUM = next(filter(None, (shutil.which(n) for n in ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a server for the gallery pages."""
    with gallery.serving() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: its event loop must not outlive the tests that need it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the browser tests of the interface kit did not run")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """``visit(path, width=, height=, **context)`` opens a page and fails the test on any script or CSP error."""
    gallery.ANSWERS.update(post=200, live=1, signed_in=1)
    gallery.POSTS.clear()
    opened: list[Any] = []
    errors: list[str] = []

    def visit(path: str, *, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(site + path)
        return page

    yield visit
    gallery.ANSWERS["live"] = 0  # streams end, so that the server can stop
    for context in opened:
        context.close()
    assert errors == []
