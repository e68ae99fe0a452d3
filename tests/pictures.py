"""Take the README's pictures of a running demo: ``python -m tests.pictures http://127.0.0.1:8000 docs/pictures``."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from django_otp.oath import totp
from playwright.sync_api import Browser, Page, sync_playwright

from logistics.accounts import demo
from tests.journeys.conftest import CHROMIUM, QUIET

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PICTURES = (
    ("board", "dana@cedar-ridge.example", "/board", DESK, "light"),
    ("board-dark", "dana@cedar-ridge.example", "/board", DESK, "dark"),
    ("board-phone", "dana@cedar-ridge.example", "/board", PHONE, "light"),
    ("booking", "dana@cedar-ridge.example", "book", DESK, "light"),
    ("beds", "dana@cedar-ridge.example", "/beds", DESK, "light"),
    ("discharge", "dana@cedar-ridge.example", "discharge", DESK, "light"),
    ("recurring", "dana@cedar-ridge.example", "/standing", DESK, "light"),
    ("choice", "dana@cedar-ridge.example", "choice", DESK, "light"),
    ("forms", "dana@cedar-ridge.example", "/certificates", DESK, "light"),
    ("dispatch", "reggie@cedar-ridge.example", "/dispatch", DESK, "light"),
    ("trip", "reggie@cedar-ridge.example", "trip", DESK, "light"),
    ("offers", "nora@northbound.example", "/offers", DESK, "light"),
    ("driver", "sam@northbound.example", "drive", PHONE, "light"),
    ("scorecard", "alma@cedar-ridge.example", "scorecard", DESK, "light"),
    ("inbox", "ivo@cedar-ridge.example", "/integrations/inbox", DESK, "light"),
)


def sign_in(page: Page, base: str, email: str) -> None:
    """Both steps, as the person."""
    person = next(one for one in demo.PEOPLE if one.email == email)
    page.goto(f"{base}/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.partition("?")[0].endswith("/sign-in"))
    if "/sign-in/code" in page.url:
        page.get_by_label("code").fill(f"{totp(base64.b32decode(person.secret)):06d}")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)


def open_place(page: Page, base: str, place: str) -> None:
    """A path, or a word for a page that is found by clicking."""
    if place.startswith("/"):
        page.goto(base + place)
    elif place == "book":
        page.goto(f"{base}/board")
        page.locator("a[href*='/book?']").first.click()
        page.get_by_role("combobox", name="Destination").fill("willow")
        page.locator("#destination-list [role=option]").first.click()
        page.get_by_text("Now", exact=True).click()
        page.get_by_text("Wheelchair", exact=True).click()
        page.wait_for_timeout(2500)
    elif place == "trip":
        page.goto(f"{base}/trips?status=completed")
        page.locator("table a[href*='/trips/']").first.click()
    elif place == "discharge":
        page.goto(f"{base}/discharges")
        page.locator("table a[href*='/discharges/']").first.click()
    elif place == "choice":
        page.goto(f"{base}/home-health")
        page.locator("table a[href*='/home-health/']").first.click()
        page.locator("a[href$='/choice']").first.click()
    elif place == "scorecard":
        page.goto(f"{base}/scorecards")
        page.locator("a[href*='/scorecards/']").first.click()
    elif place == "drive":
        page.goto(f"{base}/drive")
        legs = page.locator("a[href*='/drive/']")
        if legs.count():
            legs.last.click()
    page.wait_for_timeout(1200)


def take(browser: Browser, base: str, folder: Path, wanted: set[str]) -> None:
    """All pictures (or the named ones)."""
    sessions: dict[str, dict] = {}
    for name, email, place, size, scheme in PICTURES:
        if wanted and name not in wanted:
            continue
        context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=sessions.get(email))
        page = context.new_page()
        if email not in sessions:
            sign_in(page, base, email)
            sessions[email] = context.storage_state()
        open_place(page, base, place)
        page.screenshot(path=str(folder / f"{name}.png"))
        print(name, page.url.removeprefix(base))
        context.close()
    if not wanted or "sign-in" in wanted:
        page = browser.new_page(viewport=DESK)
        page.goto(f"{base}/sign-in")
        page.screenshot(path=str(folder / "sign-in.png"))


def main() -> None:
    """Run."""
    base, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        take(browser, base, folder, set(sys.argv[3:]))
        browser.close()


if __name__ == "__main__":
    main()
