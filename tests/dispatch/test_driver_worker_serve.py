"""The script that keeps the crew's pages without signal: served where it may control them, to crews alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import client_of, leg_of
from tests.support import problem_of

pytestmark = pytest.mark.django_db(transaction=True)
DRIVER = "driver@northbound"


def test_the_worker_may_control_the_day_and_what_lies_below_it(cast: Cast) -> None:
    answer = client_of(cast, DRIVER).get("/drive/sw.js")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Service-Worker-Allowed"] == reverse("dispatch:driver_day") == "/drive"
    assert answer["Cache-Control"] == "no-cache"
    assert answer.content == (Path(settings.BASE_DIR) / "static/js/driver-worker.js").read_bytes()


def test_every_page_of_the_crew_names_the_worker(cast: Cast) -> None:
    leg = leg_of(cast, ride.assigned(cast))
    client = client_of(cast, DRIVER)
    for url in ("/drive", f"/drive/{leg.pk}", f"/drive/{leg.pk}/proof"):
        assert 'data-worker="/drive/sw.js"' in problem_of(client.get(url)), url


def test_the_day_ends_with_a_sign_out_that_wipes_the_phone(cast: Cast) -> None:
    page = problem_of(client_of(cast, DRIVER).get("/drive"))
    assert f'action="{reverse("accounts:sign_out")}" data-shift-end' in page


@pytest.mark.parametrize("role", ["case_manager@lakeshore", "vendor_dispatcher@northbound"])
def test_who_drives_nothing_gets_no_worker(cast: Cast, role: str) -> None:
    assert client_of(cast, role).get("/drive/sw.js").status_code == 403
