"""The main job on real input: from a hospital's messages to a proven, charged trip, through the real processes.

MLLP listener, relay, worker, web server, PostgreSQL, Redis and a browser all run; nothing is called in place.
"""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import expect

from billing.models import Charge
from dispatch.models import LegEvent, MatchExplanation, Offer, Proof, Run, Trip
from integrations.models import InboundMessage, MessageEffect
from logistics.core.models import AuditEntry, OutboxDelivery
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, ServiceRequest
from tests.cast import Cast
from tests.journeys.dump import readable
from tests.journeys.stack import Stack, running, sign_in, wait_until
from tests.journeys.world import build_world, send
from tests.support import act_as

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.django_db(transaction=True)
def test_a_discharge_message_becomes_a_proven_and_charged_ride(new_page) -> None:
    cast = build_world()
    with running("web", "relay", "mllp") as stack, contextlib.closing(new_page):
        stack.wait_for_mllp()
        _messages_wait_for_the_worker(cast, stack)
        stack.start("worker")
        _a_draft_appears(cast)
        _the_case_manager_books(cast, stack, new_page())
        trip = _the_engine_asks_a_vendor(cast)
        vendor_page = new_page()
        _the_vendor_accepts_and_assigns(cast, stack, vendor_page, trip)
        _the_crew_drives_and_proves(cast, stack, new_page(viewport={"width": 390, "height": 844}), trip)
        _the_trip_is_charged_once(cast, trip)
        _everything_is_on_record(cast, trip)
        _the_trip_page_tells_the_story(cast, stack, new_page(), trip)
    _nothing_that_identifies_the_patient_can_be_read_off_the_disk(cast)


def _messages_wait_for_the_worker(cast: Cast, stack: Stack) -> None:
    answers = send(stack.mllp_port, "a01-admit", "a16-pending-discharge")
    assert [b"MSA|AA|LM0001" in answers[0], b"MSA|AA|LM0008" in answers[1]] == [True, True]
    with act_as(cast.staff()):
        assert list(InboundMessage.objects.order_by("id").values_list("event", "state")) == [
            ("ADT^A01", "received"),
            ("ADT^A16", "received"),
        ]
        assert ServiceRequest.objects.count() == 0


def _a_draft_appears(cast: Cast) -> None:
    def drafted() -> bool:
        with act_as(cast.staff()):
            return ServiceRequest.objects.filter(status="draft").exists()

    wait_until(drafted, 60, "the draft")
    with act_as(cast.staff()):
        assert ServiceRequest.objects.count() == 1
        assert set(InboundMessage.objects.values_list("state", "outcome")) == {("done", "applied")}
        assert MessageEffect.objects.filter(message__event="ADT^A16").exists()
        assert Encounter.objects.get().unit == cast.units["5C@lakeshore"]


def _the_case_manager_books(cast: Cast, stack: Stack, page) -> None:
    sign_in(page, stack, cast.people["case_manager@lakeshore"])
    page.wait_for_url("**/board")
    page.get_by_role("link", name="Book a ride for Okonjo-Reyes, Delphine").click()
    page.get_by_role("combobox", name="Destination").fill("willow")
    page.locator("#destination-list [role=option]").first.click()
    page.get_by_text("Now", exact=True).click()
    page.get_by_text("Wheelchair", exact=True).click()
    button = page.locator("#book-submit")
    expect(button).to_contain_text("$")
    assert page.locator("#preview").get_by_text("Wheelchair van").first.is_visible()
    button.dblclick()  # a double click books once
    page.wait_for_url(lambda url: "/book" not in url)


def _the_engine_asks_a_vendor(cast: Cast) -> Trip:
    def asked() -> bool:
        with act_as(cast.staff()):
            return Offer.objects.filter(status="open").exists()

    wait_until(asked, 60, "the first offer")
    with act_as(cast.staff()):
        trip = Trip.objects.get()
        assert trip.status == "offering"
        explanation = MatchExplanation.objects.get(trip=trip)
        assert explanation.status in ("OPTIMAL", "FEASIBLE")
        assert "CP-SAT" in explanation.engine
        return trip


def _vendor_of(cast: Cast, trip: Trip) -> str:
    with act_as(cast.staff()):
        vendor_id = Offer.objects.get(trip=trip, status="open").vendor_id
    return "northbound" if vendor_id == cast.northbound.pk else "tamarack"


def _the_vendor_accepts_and_assigns(cast: Cast, stack: Stack, page, trip: Trip) -> None:
    slug = _vendor_of(cast, trip)
    assert slug == "northbound", "the first tier is asked first"
    sign_in(page, stack, cast.people[f"vendor_dispatcher@{slug}"])
    page.wait_for_url("**/offers")
    card = page.locator(".offers")
    assert card.get_by_role("button", name="Accept").first.is_visible()
    assert "Okonjo" not in page.content(), "a vendor saw the patient before acceptance"
    assert "Cistern" not in page.content()
    card.get_by_role("button", name="Accept").first.click()
    page.get_by_role("link", name="Okonjo-Reyes").or_(page.get_by_role("link", name="Delphine")).first.wait_for()
    page.goto(f"{stack.url}/trips/{trip.number}/crew")
    # The driver of this journey is on Northbound 3.
    page.get_by_role("button", name="Assign Northbound 3").or_(
        page.get_by_role("button", name="A Northbound 3")
    ).click()

    def assigned() -> bool:
        with act_as(cast.staff()):
            return Run.objects.filter(trip=trip, is_active=True).exists()

    wait_until(assigned, 20, "the run")


def _the_crew_drives_and_proves(cast: Cast, stack: Stack, page, trip: Trip) -> None:
    with act_as(cast.staff()):
        trip = Trip.objects.get(pk=trip.pk)
        run = Run.objects.get(trip=trip, is_active=True)
        leg_id = run.leg_id
    slug = "northbound" if trip.vendor_id == cast.northbound.pk else "tamarack"
    sign_in(page, stack, cast.people[f"driver@{slug}"])
    page.goto(f"{stack.url}/drive/{leg_id}")
    for status in ("en_route", "at_pickup", "on_board", "at_destination"):
        page.locator(f"form[data-step='{status}'] button").click()

        def reached(status: str = status) -> bool:
            with act_as(cast.staff()):
                return LegEvent.objects.filter(leg_id=leg_id, new_status=status).exists()

        wait_until(reached, 20, f"the tap {status}")
    page.get_by_role("link", name="Hand over").click()
    page.wait_for_url("**/proof")
    page.get_by_label("Name").first.fill("Jo Amundsen")
    page.locator("fieldset .seg label").first.click()
    box = page.locator("canvas.pad").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 60)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(box["x"] + 30 + step * 14, box["y"] + 60 + (step % 3) * 12)
    page.mouse.up()
    page.locator("footer.act button[type='submit'], form button.tap").last.click()

    def proven() -> bool:
        with act_as(cast.staff()):
            return Proof.objects.filter(leg_id=leg_id).exists()

    wait_until(proven, 20, "the proof")


def _the_trip_is_charged_once(cast: Cast, trip: Trip) -> None:
    def charged() -> bool:
        with act_as(cast.staff()):
            return Charge.objects.filter(trip=trip).exists()

    wait_until(charged, 30, "the charge")
    with act_as(cast.staff()):
        charge = Charge.objects.get(trip=trip)
        lines = list(charge.lines.all())
        assert charge.total_amount == sum(line.amount for line in lines)
        assert [line.kind for line in lines][:2] == ["base", "loaded_mile"]
        assert Trip.objects.get(pk=trip.pk).status == "completed"

    def followed() -> bool:
        with act_as(cast.staff()):
            return ServiceRequest.objects.get().status == "completed"

    wait_until(followed, 20, "the request's status")


def _everything_is_on_record(cast: Cast, trip: Trip) -> None:
    with act_as(cast.staff()):
        done = set(AuditEntry.objects.values_list("action", flat=True))
    expected = {
        "request.ready", "trip.opened", "trip.offering", "offer.sent", "offer.accepted", "trip.accepted",
        "trip.crew_assigned", "leg.en_route", "leg.at_pickup", "leg.on_board", "proof.recorded", "leg.completed",
        "trip.completed", "charge.created",
    }  # fmt: skip
    assert expected <= done, expected - done
    with act_as(Scope.system()):
        assert not OutboxDelivery.objects.filter(done_at__isnull=True, attempts__gt=2).exists()


def _the_trip_page_tells_the_story(cast: Cast, stack: Stack, page, trip: Trip) -> None:
    sign_in(page, stack, cast.people["transport_coordinator@lakeshore"])
    page.goto(f"{stack.url}/trips/{trip.number}")
    text = page.locator("main").inner_text()
    for word in ("Completed", "Jo Amundsen", "Okonjo-Reyes"):
        assert word in text, word


def _nothing_that_identifies_the_patient_can_be_read_off_the_disk(cast: Cast) -> None:
    assert readable(("Northbound Medical",)), "the search finds what is there to be read"
    identifying = ("Okonjo", "Delphine", "Cistern", "LM700412", "V90031277", "0142210", "1EG4TE5MK73", "Jo Amundsen")
    assert readable(identifying) == []
