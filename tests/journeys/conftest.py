"""A browser for the journeys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

# Playwright's own event loop runs in this thread; the tests use the database between its calls.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Headless Chromium from the system; without one the browser tests are skipped by name.

    One per module: Playwright's event loop must not outlive the tests that need it.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: install it to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=QUIET,
        )
        yield instance
        instance.close()


@pytest.fixture
def new_page(browser) -> Iterator:
    """``new_page(**context options)`` opens a page in a context of its own; CSP violations fail the test."""
    contexts, problems = [], []

    def make(**options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on("console", lambda message: _note(message, problems))
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    def close() -> None:
        while contexts:
            contexts.pop().close()

    # Pages that outlive their server only report that it is gone: a journey closes them first.
    make.close = close
    yield make
    close()
    assert not problems, problems


def _note(message, problems: list[str]) -> None:
    text = message.text
    # A live stream that ends with its server reports a bare event; the page reconnects by itself.
    expected = "Failed to load resource" in text or text == "[object Event]"
    if "Content Security Policy" in text or (message.type == "error" and not expected):
        problems.append(text)
