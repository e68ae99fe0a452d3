"""The gallery in a real browser: accessible in both themes and widths, and usable by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.ui import gallery

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", gallery.PAGES)
def test_a_page_has_no_accessibility_violation_and_no_sideways_scroll(visit: Visit, path, theme, width):
    page = visit(path, width=width, color_scheme=theme, reduced_motion="reduce")
    found = [(v["id"], [n["target"] for n in v["nodes"]]) for v in Axe().run(page).response["violations"]]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_positions_come_from_data_attributes(visit: Visit):
    page = visit("/gallery")
    job = page.locator(".job", has_text="Fenn")
    track = page.locator(".tr").first
    left, whole = job.bounding_box(), track.bounding_box()
    assert left is not None
    assert whole is not None
    assert (left["x"] - whole["x"]) / whole["width"] == pytest.approx(40 / 300, abs=0.01)
    # a morph swap takes the style attribute away; it comes back
    page.evaluate("document.querySelector('.job').removeAttribute('style')")
    expect(page.locator(".job").first).to_have_attribute("style", "--x: 13.33%; --w: 25%;")


def test_the_palette_opens_with_ctrl_k_and_goes_where_enter_says(visit: Visit):
    page = visit("/gallery")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    with page.expect_request(lambda r: r.url.endswith("/palette") and r.post_data == "q=okaf") as asked:
        page.keyboard.type("okaf")
    assert asked.value.method == "POST"
    assert asked.value.headers["x-csrftoken"] == "sample-token"
    options = page.locator("#palette [role=option]")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-palette-status]")).to_have_text("2 results")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book")


def test_the_picker_fills_name_and_hidden_id_by_keyboard(visit: Visit):
    page = visit("/gallery")
    field = page.get_by_role("combobox", name="Patient")
    with page.expect_request("**/patients/find") as asked:  # the whole address: without what was typed
        field.fill("co")
    assert (asked.value.method, asked.value.post_data) == ("POST", "q=co")
    assert asked.value.headers["x-csrftoken"] == "sample-token"
    assert page.locator("input[name=patient]").input_value() == ""
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("Enter")
    assert page.locator("input[name=patient]").input_value() == "p1"
    assert field.input_value() == "Cole, Agnes"
    expect(field).to_have_attribute("aria-expanded", "false")


def test_single_keys_act_outside_fields_only(visit: Visit):
    page = visit("/gallery")
    page.locator("#id_pickup_time").focus()
    page.keyboard.type("nd?")
    assert page.locator("#id_pickup_time").input_value() == "nd?"
    page.locator("main").focus()
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#decline")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()


def test_j_and_k_walk_a_list_and_numbers_do_the_best_action(visit: Visit):
    page = visit("/gallery")
    page.locator("main").focus()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Switch to Northbound")).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Ask covering physician")).to_be_focused()
    page.keyboard.press("k")
    with page.expect_response("**/somewhere"):
        page.keyboard.press("1")
    assert gallery.POSTS[0][0] == "/somewhere"
    assert gallery.POSTS[0][1]["vendor"] == "northbound"


def test_shortcuts_can_be_turned_off(visit: Visit):
    page = visit("/gallery")
    page.locator("main").focus()
    page.keyboard.press("?")
    page.locator("[data-keys-toggle]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#decline")).to_be_hidden()
    assert any(c["name"] == "keys" and c["value"] == "off" for c in page.context.cookies())


def test_the_theme_is_kept_for_the_next_page(visit: Visit):
    page = visit("/gallery", color_scheme="light")
    page.get_by_role("button", name="Dana Morales").click()
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 20, 21)"
    assert any(c["name"] == "theme" and c["value"] == "dark" for c in page.context.cookies())


def test_a_second_click_sends_nothing(visit: Visit):
    page = visit("/gallery")
    page.route("**/somewhere", lambda route: None)  # the answer never comes
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "POST" and "somewhere" in r.url else None)
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('[data-submit-key] [type=submit]').click()")
    page.wait_for_timeout(200)
    assert len(sent) <= 1


def test_the_top_bar_says_live_then_reconnecting(visit: Visit):
    page = visit("/gallery")
    state = page.locator("[data-live-state]")
    expect(state).to_have_text("Live")
    page.wait_for_timeout(600)
    gallery.ANSWERS["live"] = 0
    expect(state).to_contain_text("Reconnecting, board as of", timeout=12_000)
    gallery.ANSWERS["live"] = 1
    expect(state).to_have_text("Live", timeout=12_000)


def test_a_list_waits_while_someone_points_at_it(visit: Visit):
    page = visit("/gallery")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/rows") else None)
    page.route("**/rows", lambda route: route.fulfill(body="<p>new</p>", content_type="text/html"))
    page.evaluate(
        """() => {
          const list = document.createElement('div');
          list.id = 'rows'; list.textContent = 'old'; list.dataset.liveHold = 'trip';
          list.setAttribute('hx-get', '/rows');
          list.setAttribute('hx-trigger', 'live:refresh from:body, live:show');
          document.querySelector('main').prepend(list);
          document.querySelector('main').scrollTo(0, 0);
          htmx.process(list);
        }"""
    )
    page.locator("#rows").hover()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('live:refresh'))")
    bar = page.get_by_role("button", name="1 trip, show")
    expect(bar).to_be_visible()
    assert asked == []
    page.mouse.move(5, 500)  # the pointer leaves: what waited is shown
    expect(page.locator("#rows")).to_have_text("new")
    expect(bar).to_have_count(0)


def test_a_countdown_speaks_at_three_minutes(visit: Visit):
    page = visit("/gallery")
    page.evaluate(
        """() => {
          const skew = Date.parse(document.querySelector('[data-clock]').dateTime) - performance.timeOrigin;
          const ring = document.querySelectorAll('time[data-countdown]')[1];
          ring.dateTime = new Date(Date.now() + skew + 181500).toISOString();
        }"""
    )
    expect(page.locator("#status")).to_have_text("3 min left to answer", timeout=6000)


def test_a_server_failure_after_a_click_is_told_in_words(visit: Visit):
    page = visit("/gallery")
    page.route("**/fails", lambda route: route.fulfill(status=500, body="no"))
    page.evaluate(
        """() => {
          const b = document.createElement('button'); b.id = 'f'; b.textContent = 'x';
          b.setAttribute('hx-post', '/fails');
          document.querySelector('main').prepend(b); htmx.process(b); b.click();
        }"""
    )
    expect(page.locator("#toasts")).to_contain_text("We could not do this. Try again.")


def test_the_sign_out_warning_comes_two_minutes_before(visit: Visit):
    page = visit("/gallery")
    page.clock.install()
    page.reload()
    page.clock.fast_forward(779_000)
    expect(page.locator("#session-dialog")).to_be_hidden()
    page.clock.fast_forward(3_000)
    expect(page.locator("#session-dialog")).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#session-dialog")).to_be_hidden()


def test_nothing_of_a_page_stays_in_the_browsers_storage(visit: Visit):
    page = visit("/gallery")
    page.wait_for_timeout(300)
    kept = page.evaluate("({...localStorage, ...sessionStorage})")
    # htmx notes the path of the page, and paths name nobody
    assert kept in ({}, {"htmx-current-path-for-history": "/gallery"})
