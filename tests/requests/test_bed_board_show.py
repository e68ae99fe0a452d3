"""The bed board: each bed's state, filters, and how much it asks of the database."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.requests.models import Bed, Encounter
from logistics.requests.selectors import beds
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.requests.ward import admit, foresee
from tests.support import act_as, signed_in


def states(cast: Cast) -> dict[str, str]:
    with act_as(cast.staff()):
        units = list(Unit.objects.select_related("facility"))
        return {cell.label: cell.state for column in beds.bed_board(units) for cell in column.cells}


def test_each_bed_says_what_its_patients_leaving_means(cast: Cast) -> None:
    now = clock.now()
    admit(cast, bed="01", family="Marsh")
    foresee(cast, admit(cast, bed="02", family="Grant"))
    booked = foresee(cast, admit(cast, bed="03", family="Diaz"), level="WC", pickup_at=now + dt.timedelta(hours=1))
    riding = foresee(cast, admit(cast, bed="04", family="Petrov"), level="WC", pickup_at=now)
    held = foresee(cast, admit(cast, bed="05", family="Abbott"), level="WC")
    early = foresee(cast, admit(cast, bed="06", family="Silva"))
    admit(cast, bed="07", family="Tate", stay={"status": "on_leave"})
    admit(cast, bed="08", family="Levin", stay={"temporary_location": "Radiology"})
    admit(cast, bed="09", family="Zhou", stay={"expected_discharge_at": now + dt.timedelta(seconds=5)})
    admit(cast, bed="10", family="Webb", stay={"status": "discharged", "discharged_at": now})
    with act_as(cast.staff()):
        Bed.objects.create(unit=cast.units["4W@lakeshore"], code="4W^11", label="4W-11")
        for request, path in (
            (booked, ["requested", "scheduled"]),
            (riding, ["requested", "scheduled", "in_progress"]),
            (held, ["held"]),
            (early, ["requested"]),
        ):
            for to in path:
                request_to(request, to)
    shown = states(cast)
    late_evening = clock.local(now + dt.timedelta(seconds=5), "America/Chicago").date() != clock.today(
        "America/Chicago"
    )
    assert shown == {
        "4W-01": "in_house", "4W-02": "ready", "4W-03": "booked", "4W-04": "under_way", "4W-05": "held",
        "4W-06": "ready", "4W-07": "off_ward", "4W-08": "off_ward", "4W-09": "in_house" if late_evening else "leaving",
        "4W-10": "left", "4W-11": "vacant",
    }  # fmt: skip


def test_a_bed_that_was_left_and_taken_again_shows_who_is_there(cast: Cast) -> None:
    left = admit(cast, bed="01", family="Webb", stay={"status": "discharged", "discharged_at": clock.now()})
    here = admit(cast, bed="01", family="Ochoa")
    assert states(cast) == {"4W-01": "in_house"}
    html = signed_in(cast.people["case_manager@lakeshore"]).get(reverse("requests:beds")).content.decode()
    assert "Ochoa" in html
    assert "Webb" not in html
    assert str(here.patient_id) in html
    assert str(left.patient_id) not in html


def test_the_board_narrows_by_unit_and_state_and_shows_surnames_only(cast: Cast) -> None:
    foresee(cast, admit(cast, unit="4W", bed="02", family="Grant", given="Leroyson"))
    admit(cast, unit="4E", bed="03", family="Quinn")
    client, url = signed_in(cast.people["case_manager@lakeshore"]), reverse("requests:beds")
    every = client.get(url).content.decode()
    assert "Grant" in every
    assert "Quinn" in every
    assert "Leroyson" not in every
    east = client.get(f"{url}?unit={cast.units['4E@lakeshore'].pk}").content.decode()
    assert "Quinn" in east
    assert "Grant" not in east
    ready = client.get(f"{url}?state=ready").content.decode()
    assert "Grant" in ready
    assert "Quinn" not in ready
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Grant" in part


def test_a_full_house_costs_five_queries(cast: Cast) -> None:
    for number in range(40):
        encounter = admit(cast, bed=f"{number:02d}", family=f"Person{number}")
        if number % 3 == 0:
            foresee(cast, encounter)
    with act_as(cast.staff()):
        units = list(Unit.objects.select_related("facility"))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            columns = beds.bed_board(units)
        assert Encounter.objects.count() == 40
    assert len(asked) <= 5, [query["sql"][:90] for query in asked]
    assert sum(column.total for column in columns) == 40


def test_another_health_systems_beds_are_not_there(cast: Cast) -> None:
    admit(cast, slug="prairie", family="Prairieperson")
    client = signed_in(cast.people["case_manager@lakeshore"])
    html = client.get(f"{reverse('requests:beds')}?unit={cast.units['4W@prairie'].pk}").content.decode()
    assert "Prairieperson" not in html
    for role in ("vendor_dispatcher@northbound", "biller@lakeshore"):
        assert signed_in(cast.people[role]).get(reverse("requests:beds")).status_code == 403
