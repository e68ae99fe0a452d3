"""The crew's phone: taps are kept without signal, sent once and in order, and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, expect

from tests.ui import gallery

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE = {"width": 360, "height": 780}


def outbox(page: Page) -> list[dict[str, object]]:
    return page.evaluate("JSON.parse(localStorage.getItem('carrywell.outbox') ?? '[]')")


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait until ``true()``; the page may reload meanwhile, as it does when everything is sent."""
    for _ in range(100):
        with suppress(Error):
            if true():
                return
        page.wait_for_timeout(100)
    raise AssertionError("it never came")


@pytest.fixture
def phone(visit: Visit) -> Page:
    page = visit(
        "/drive/trip",
        **PHONE,
        geolocation={"latitude": 43.073, "longitude": -89.401, "accuracy": 12},
        permissions=["geolocation"],
    )
    page.clock.install()
    page.reload()
    return page


def test_a_tap_shows_the_next_step_and_is_sent_after_ten_seconds(phone: Page):
    phone.get_by_role("button", name="Arrived at pickup").click()
    expect(phone.get_by_role("button", name="Patient on board")).to_be_visible()
    expect(phone.locator(".undo")).to_contain_text("Arrived at pickup")
    assert gallery.POSTS == []
    until(phone, lambda: outbox(phone)[0].get("accuracy_m") == 12)
    tapped = outbox(phone)[0]
    phone.clock.fast_forward(11_000)
    expect(phone.locator(".undo")).to_have_count(0)
    until(phone, lambda: outbox(phone) == [])
    (path, sent), *others = gallery.POSTS
    assert others == []
    assert path == "/drive/7/at-pickup"
    assert sent["idempotency_key"] == tapped["key"]
    assert sent["occurred_at"] == tapped["at"]
    assert (sent["latitude"], sent["accuracy_m"]) == ("43.073000", "12")


def test_a_wrong_tap_is_undone_and_never_sent(phone: Page):
    phone.get_by_role("button", name="Arrived at pickup").click()
    phone.get_by_role("button", name="Undo").click()
    expect(phone.get_by_role("button", name="Arrived at pickup")).to_be_visible()
    phone.clock.fast_forward(30_000)
    assert outbox(phone) == []
    assert gallery.POSTS == []


def test_taps_without_signal_survive_a_reload_and_arrive_once_in_order(phone: Page):
    gallery.ANSWERS["post"] = 503
    phone.get_by_role("button", name="Arrived at pickup").click()
    phone.get_by_role("button", name="Patient on board").click()
    phone.clock.fast_forward(20_000)
    expect(phone.locator("[data-outbox-banner]")).to_contain_text("saved on this phone")
    phone.reload()
    assert len(outbox(phone)) == 2
    gallery.ANSWERS["post"] = 200
    phone.clock.fast_forward(16_000)
    until(phone, lambda: outbox(phone) == [])
    assert [path for path, _ in gallery.POSTS] == ["/drive/7/at-pickup", "/drive/7/on-board"]
    assert len({sent["idempotency_key"] for _, sent in gallery.POSTS}) == 2


def test_a_tap_that_the_server_refuses_is_told_with_its_reason(phone: Page):
    gallery.ANSWERS["post"] = 409
    phone.get_by_role("button", name="Arrived at pickup").click()
    phone.clock.fast_forward(11_000)
    banner = phone.locator("[data-outbox-refused]")
    expect(banner).to_contain_text("was not accepted: the trip was canceled.")
    phone.get_by_role("button", name="Understood").click()
    expect(banner).to_be_hidden()


def test_another_person_on_the_same_phone_does_not_send_the_first_ones_taps(phone: Page):
    phone.get_by_role("button", name="Arrived at pickup").click()
    phone.evaluate(
        """() => {
          const entries = JSON.parse(localStorage.getItem('carrywell.outbox'));
          localStorage.setItem('carrywell.outbox', JSON.stringify(entries.map((e) => ({...e, owner: 'someone'}))));
        }"""
    )
    phone.reload()
    phone.clock.fast_forward(60_000)
    assert gallery.POSTS == []
    assert len(outbox(phone)) == 1


def test_a_signature_becomes_a_picture_and_can_be_cleared(phone: Page):
    canvas = phone.locator("canvas.pad")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    phone.mouse.move(box["x"] + 20, box["y"] + 40)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 120, box["y"] + 60, steps=5)
    phone.mouse.up()
    field = phone.locator("input[name=signature]")
    assert field.input_value().startswith("data:image/png;base64,")
    phone.get_by_role("button", name="Clear").click()
    assert field.input_value() == ""


def test_who_cannot_sign_says_why(phone: Page):
    phone.get_by_role("button", name="Cannot sign").click()
    reason = phone.get_by_label("Why there is no signature")
    expect(reason).to_be_focused()
    expect(phone.locator("canvas.pad")).to_be_hidden()


@pytest.fixture
def kept(visit: Visit) -> Page:
    """The trip's page with a copy kept on the phone, and the signal gone and back."""
    page = visit("/drive/trip", **PHONE)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")  # it controls every page opened from now on
    page.reload()
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="Cedar Ridge, 4 West, bed 3")).to_be_visible()
    page.context.set_offline(False)
    return page


def has_copies(page: Page) -> bool:
    return page.evaluate("caches.has('driver-pages')")


def test_the_kept_page_stands_under_the_same_content_policy(kept: Page):
    headers = kept.evaluate(
        "caches.match('/drive/trip', {cacheName: 'driver-pages'}).then((r) => Object.fromEntries(r.headers))"
    )
    assert headers["content-security-policy"] == gallery.policy()


def test_signing_out_wipes_the_kept_pages(kept: Page):
    kept.evaluate(
        """() => {
          const form = document.createElement('form');
          form.dataset.shiftEnd = ''; form.method = 'post'; form.action = '/sign-out';
          document.body.append(form);
          form.requestSubmit();
        }"""
    )
    until(kept, lambda: ("/sign-out", {}) in gallery.POSTS)
    kept.wait_for_url("**/sign-out")
    kept.goto(kept.url.rsplit("/", 1)[0] + "/sign-in")
    assert not has_copies(kept)


def test_being_signed_out_from_afar_wipes_the_kept_pages_with_the_next_look(kept: Page):
    gallery.ANSWERS["signed_in"] = 0
    kept.reload()
    assert kept.url.endswith("/sign-in")
    assert not has_copies(kept)
    kept.context.set_offline(True)
    with pytest.raises(Error):
        kept.goto(kept.url.replace("/sign-in", "/drive/trip"))


def test_a_copy_from_another_shift_is_not_shown(kept: Page):
    kept.evaluate(
        """async () => {
          const pages = await caches.open('driver-pages');
          const [request] = await pages.keys();
          const old = await pages.match(request);
          const headers = new Headers(old.headers);
          headers.set('X-Kept-At', String(Date.now() - 17 * 3600 * 1000));
          await pages.put(request, new Response(await old.blob(), {headers}));
        }"""
    )
    kept.context.set_offline(True)
    with pytest.raises(Error):
        kept.reload()
