"""Two health systems and two vendors with one of everything, made by the product's own services.

Every name, number, address and note that speaks of a patient carries the canary of its health system, so that
a page, a log line or an address that shows it where it does not belong can be found by searching for it.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from PIL import Image

from billing.models import Charge
from dispatch.models import Leg, Offer, Trip
from dispatch.services import assignment, offers, proof, transitions
from integrations.models import Feed, ImportBatch, InboundMessage, UnitMapping
from integrations.services import inbound
from integrations.tasks import apply_message
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.insights import tasks as insights
from logistics.requests.models import (
    Alert,
    Discharge,
    Encounter,
    Patient,
    RetimeProposal,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.services import alerts, attachments, gates, patients
from logistics.requests.services.transitions import request_to
from tests.cast import Cast, build_cast
from tests.dispatch import home
from tests.insights.facts import Book
from tests.support import act_as, settle
from tests.tenancy import afterwards, allowances, equipment, papers, standing
from vendors.models import Contract, Network, Scorecard

CANARY = {"lakeshore": "Zzqlake", "prairie": "Zzqprair"}
# Every one of a patient's sealed texts starts with the canary; numbers are told apart by their middle.
PHONE = {"lakeshore": "608 555 7311", "prairie": "608 555 7322"}
MRN = {"lakeshore": "MZQ731100", "prairie": "MZQ732200"}

# Hours apart, so that two vehicles serve them all.
PICKUPS = (clock.now() + dt.timedelta(minutes=60 + 120 * number) for number in itertools.count())


@dataclass
class World:
    """``ids[organization][kwarg]`` finds a row of that organization for a URL's argument."""

    cast: Cast
    ids: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Where "pk" means something else in each view.
    pks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def secrets(self, slug: str) -> tuple[str, ...]:
        """Texts that speak of a patient of this health system."""
        return CANARY[slug], PHONE[slug], PHONE[slug].replace(" ", ""), MRN[slug]


def build_world() -> World:
    """Make it all in the current transaction."""
    cast = build_cast()
    world = World(cast)
    rides = {}
    for slug in ("lakeshore", "prairie"):
        done = _completed(cast, slug)
        waiting = _asked(cast, slug, cast.northbound)
        running = _assigned(cast, slug, "Northbound 5")
        rides[slug] = (done, waiting, running)
        _messages(cast, slug, port_offset=len(rides))
    gear = equipment.build(cast, CANARY, PHONE)
    asked_tamarack = _asked(cast, "lakeshore", cast.tamarack)
    taken_tamarack = _accepted(cast, "lakeshore", cast.tamarack)
    _scorecards(cast)
    nurses = {slug: home.agency(cast, getattr(cast, slug)) for slug in ("northbound", "tamarack")}
    for slug in ("lakeshore", "prairie"):
        world.ids[slug] = _staff_ids(cast, slug, rides[slug])
        world.ids[slug] |= home.one_of_each(cast, slug, cast.northbound, nurses["northbound"], canary=CANARY[slug])
        world.ids[slug] |= gear[slug]
        world.ids[slug] |= standing.one_of_each(cast, slug, canary=CANARY[slug])
        world.ids[slug] |= allowances.one_of_each(cast, slug, canary=CANARY[slug])
        world.ids[slug] |= afterwards.one_of_each(cast, slug, rides[slug][2], canary=CANARY[slug])
        world.ids[slug] = papers.one_of_each(cast, slug, canary=CANARY[slug]) | world.ids[slug]
        world.pks[slug] = _staff_pks(cast, slug, rides[slug][0])
    done, waiting, running = rides["lakeshore"]
    for slug, trip, offer_trip in (
        ("northbound", running, waiting),
        ("tamarack", taken_tamarack, asked_tamarack),
    ):
        world.ids[slug] = world.ids["lakeshore"] | _vendor_ids(cast, slug, trip, offer_trip) | gear[slug]
        world.pks[slug] = world.pks["lakeshore"] | _vendor_pks(cast, slug)
    with act_as(cast.staff(cast.lakeshore)):
        world.ids["tamarack"]["proposal_id"] = afterwards.proposed(taken_tamarack)
    world.ids["tamarack"] |= home.one_of_each(
        cast, "lakeshore", cast.tamarack, nurses["tamarack"], canary=CANARY["lakeshore"]
    )
    world.ids["carrywell"], world.pks["carrywell"] = world.ids["lakeshore"], world.pks["lakeshore"]
    return world


def _book(cast: Cast, slug: str) -> ServiceRequest:
    tenant, canary = getattr(cast, slug), CANARY[slug]
    home = {"line": f"{canary} Road 5", "city": "Madison", "state": "WI", "zip_code": "53711"}
    with act_as(cast.staff(tenant)):
        patient = Patient.objects.create(
            family_name=f"{canary}son", given_name=f"{canary}na", birth_date="1945-03-14", phone=PHONE[slug],
            sex="F", mrn=MRN[slug], address=home, chart={"notes": f"{canary} chart note"},
        )  # fmt: skip
        patients.index_tokens(patient)
        request = ServiceRequest.objects.create(
            patient=patient,
            facility=cast.facilities[slug],
            unit=cast.units[f"4W@{slug}"],
            requested_by_name="Dana Morales",
        )
        TransportDetail.objects.create(
            request=request, when="at", pickup_at=next(PICKUPS), pickup_bed_label="4W-12",
            destination_kind="home", destination_latitude=43.02, destination_longitude=-89.45,
            destination_address=home,
            destination_zone="America/Chicago", mobility="wheelchair", level="WC", needs=[], weight_lb=180,
            companions=0,
            driver_note=f"{canary} driver note",
        )  # fmt: skip
        request_to(request, "requested")
    settle()
    return request


def _trip(cast: Cast, slug: str, request: ServiceRequest) -> Trip:
    with act_as(cast.staff(getattr(cast, slug))):
        return Trip.objects.get(request=request)


def _asked(cast: Cast, slug: str, vendor: Any) -> Trip:
    """A trip whose open offer is with ``vendor``."""
    trip = _trip(cast, slug, _book(cast, slug))
    for _ in range(3):
        with act_as(cast.staff(getattr(cast, slug))):
            offer = Offer.objects.filter(trip=trip, status="open").get()
        if offer.vendor_id == vendor.pk:
            return trip
        with act_as(_as_vendor(offer.vendor_id)):
            offers.decline(offer.pk, code="vendor_no_crew")
        settle()
    raise AssertionError(f"{vendor} was not asked")


def _accepted(cast: Cast, slug: str, vendor: Any) -> Trip:
    trip = _asked(cast, slug, vendor)
    with act_as(_as_vendor(vendor.pk)):
        offers.accept(Offer.objects.get(trip_id=trip.pk, status="open").pk)
    settle()
    return trip


def _assigned(cast: Cast, slug: str, vehicle: str) -> Trip:
    trip = _accepted(cast, slug, cast.northbound)
    with act_as(_as_vendor(cast.northbound.pk)):
        assignment.assign(trip.pk, cast.vehicles[vehicle].pk)
    settle()
    return trip


def _completed(cast: Cast, slug: str) -> Trip:
    trip = _assigned(cast, slug, "Northbound 3")
    with act_as(_as_vendor(cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "on_board", at=clock.now(), key=f"key-{slug}-1")
        proof.record(
            leg.pk, receiver_name=f"{CANARY[slug]} Receiver", receiver_relation="family",
            unsigned_reason="Hand in a cast", at=clock.now(), key=f"key-{slug}-2",
        )  # fmt: skip
    settle()
    return trip


def _messages(cast: Cast, slug: str, *, port_offset: int) -> None:
    """One message that was applied and one that waits for a person, because its unit is not mapped."""
    tenant, canary = getattr(cast, slug), CANARY[slug]
    with act_as(cast.staff(tenant)):
        feed = Feed.objects.create(
            name=f"{slug} ADT",
            time_zone="America/Chicago",
            facility=cast.facilities[slug],
            port_offset=port_offset,
        )
        UnitMapping.objects.create(feed=feed, point_of_care="WEST4", unit=cast.units[f"4W@{slug}"])
    at = clock.local(clock.now(), "America/Chicago").strftime("%Y%m%d%H%M%S")
    for number, unit in enumerate(("4A", "NOWHERE")):
        lines = (
            f"MSH|^~\\&|EPIC|HOSP|PTRANS|PT|{at}||ADT^A16|{slug}-{number}|P|2.5.1",
            f"EVN|A16|{at}||||{at}",
            f"PID|1||{MRN[slug]}{number}^^^HOSP^MR||{canary}man^Ada||19470312|F|||{canary} St^^Madison^WI^53703",
            f"PV1|1|I|{unit}^401^1^HOSP|||||||||||||||{canary}V{number}^^^HOSP^VN",
        )
        inbound.receive(feed, "".join(f"{line}\r" for line in lines).encode())
    with act_as(cast.staff(tenant)):
        for row in InboundMessage.objects.filter(feed=feed, state="received").order_by("id"):
            apply_message.send_for(scoping.current(), row.pk)
    settle()


def _scorecards(cast: Cast) -> None:
    noon = clock.day_bounds(clock.today("America/Chicago"), "America/Chicago")[0] - dt.timedelta(hours=12)
    for tenant, vendor in (
        (cast.lakeshore, cast.northbound),
        (cast.lakeshore, cast.tamarack),
        (cast.prairie, cast.northbound),
    ):
        Book(cast, tenant).done(noon, vendor)
    insights.publish_scorecards()


def _as_vendor(vendor_id: Any) -> Scope:
    return Scope.vendor(vendor_id, actor_label="Jo Tran", actor_role="vendor_dispatcher")


def _staff_ids(cast: Cast, slug: str, rides: tuple[Trip, Trip, Trip]) -> dict[str, Any]:
    done, waiting, running = rides
    tenant = getattr(cast, slug)
    with act_as(cast.staff(tenant)):
        request = ServiceRequest.objects.get(pk=running.request_id)
        alert = Alert.objects.filter(acknowledged_at__isnull=True).first() or alerts.raise_alert("offers_exhausted")
        return {
            "number": running.number,
            "request_id": request.pk,
            "patient_id": request.patient_id,
            "leg_id": Leg.objects.get(trip=running).pk,
            "offer_id": Offer.objects.filter(trip=waiting, status="open").get().pk,
            "alert_id": alert.pk,
            "place_id": cast.places[f"willow@{slug}"].pk,
            "facility_id": cast.facilities[slug].pk,
            "unit_id": cast.units[f"4E@{slug}"].pk,
            "membership_id": cast.people[f"biller@{slug}"].pk,
            "user_id": cast.people[f"biller@{slug}"].user_id,
            "token": "made-up-token",
            "device_id": 2_000_000_000,
            "feed_id": Feed.objects.get().pk,
            "mapping_id": UnitMapping.objects.get(point_of_care="WEST4").pk,
            "message_id": InboundMessage.objects.get(state="stopped").pk,
            "network_id": Network.objects.get(vendor=cast.northbound).pk,
            "batch_id": ImportBatch.objects.create(key=f"batch-{slug}", kinds=["sites"], state="undone").pk,
            "run": "apply",
            "attachment_id": _paper(request),
            **_plan(request),
            "transfer_id": _transfer(cast, slug, request),
        }


def _transfer(cast: Cast, slug: str, request: ServiceRequest) -> Any:
    """A transfer of the same patient that waits for its receiving facility."""
    waiting = ServiceRequest.objects.create(
        patient_id=request.patient_id, facility=request.facility, unit=cast.units[f"4A@{slug}"]
    )
    TransportDetail.objects.create(
        request=waiting, purpose="transfer", place=cast.places[f"willow@{slug}"], destination_kind="place", level="BLS",
        accepting_clinician=f"{CANARY[slug]} Ruiz",
    )  # fmt: skip
    gates.confirm(waiting)
    return waiting.pk


def _plan(request: ServiceRequest) -> dict[str, Any]:
    """A discharge with a ride that should move."""
    encounter = Encounter.objects.create(
        patient=request.patient, facility=request.facility, unit=request.unit, visit_token=uuid4().bytes
    )
    discharge = Discharge.objects.create(encounter=encounter, expected_at=clock.now())
    later = clock.now() + dt.timedelta(hours=2)
    leaving = ServiceRequest.objects.create(patient=request.patient, encounter=encounter, facility=request.facility)
    TransportDetail.objects.create(request=leaving, when="at", pickup_at=clock.now() + dt.timedelta(hours=1))
    retime = RetimeProposal.objects.create(
        request=leaving, because=leaving, old_at=clock.now(), new_at=later, ready_at=later
    )
    return {"discharge_id": discharge.pk, "act": "ready", "retime_id": retime.pk}


def _paper(request: ServiceRequest) -> Any:
    """A paper whose name speaks of the patient."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "white").save(picture, "PNG")
    name = f"{request.patient.family_name}.png"
    return attachments.add(request_id=request.pk, name=name, content=picture.getvalue(), kind="order").pk


def _staff_pks(cast: Cast, slug: str, done: Trip) -> dict[str, Any]:
    tenant = getattr(cast, slug)
    with act_as(cast.staff(tenant)):
        return {
            "vendors.scorecard": Scorecard.objects.filter(vendor_id=cast.northbound.pk).first().pk,  # type: ignore[union-attr]
            "vendors.network": Network.objects.get(vendor=cast.northbound).pk,
            "vendors.contract": Contract.objects.get(vendor=cast.northbound).pk,
            "vendors.vehicle": cast.vehicles["Northbound 3"].pk,
            "billing.charge": Charge.objects.get(trip=done).pk,
        }


def _vendor_ids(cast: Cast, slug: str, trip: Trip, offer_trip: Trip) -> dict[str, Any]:
    with act_as(_as_vendor(getattr(cast, slug).pk)):
        return {
            "number": trip.number,
            "leg_id": Leg.objects.get(trip_id=trip.pk).pk,
            "offer_id": Offer.objects.get(trip_id=offer_trip.pk, status="open").pk,
            "membership_id": cast.people[f"driver@{slug}"].pk,
            "user_id": cast.people[f"driver@{slug}"].user_id,
        }


def _vendor_pks(cast: Cast, slug: str) -> dict[str, Any]:
    vehicle = next(row for name, row in cast.vehicles.items() if name.lower().startswith(slug))
    return {"vendors.vehicle": vehicle.pk}
