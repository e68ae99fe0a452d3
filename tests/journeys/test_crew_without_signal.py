"""The crew's trip stays readable where there is no signal, and not after signing out: the real server and a browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import build_cast
from tests.dispatch import ride
from tests.dispatch.pages import leg_of
from tests.journeys.stack import give_second_factor, running, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.django_db(transaction=True)
def test_a_trip_is_read_without_signal_until_its_driver_signs_out(new_page: Any) -> None:
    from playwright.sync_api import Error

    cast = build_cast()
    driver = cast.people["driver@northbound"]
    give_second_factor(driver)
    leg = leg_of(cast, ride.assigned(cast))
    with running("web") as stack:
        page = new_page(viewport={"width": 390, "height": 844})
        try:
            sign_in(page, stack, driver)
            page.goto(f"{stack.url}/drive")
            page.evaluate("navigator.serviceWorker.ready.then(() => true)")  # it controls every page opened from now on
            page.goto(f"{stack.url}/drive")
            page.goto(f"{stack.url}/drive/{leg.pk}")
            page.context.set_offline(True)
            page.reload()
            assert "Agnes Z." in page.content()
            page.goto(f"{stack.url}/drive")
            assert "Agnes Z." in page.content()
            page.context.set_offline(False)
            page.get_by_role("button", name="Sign out").click()
            page.wait_for_url("**/sign-in?out=1")
            page.context.set_offline(True)
            for path in ("/drive", f"/drive/{leg.pk}"):
                with pytest.raises(Error):
                    page.goto(f"{stack.url}{path}")
        finally:
            new_page.close()
