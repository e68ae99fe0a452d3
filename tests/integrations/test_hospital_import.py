"""A new hospital, from an empty system to its first offer, through its own pages."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.models import Offer, Trip
from integrations.imports.reading import decode, read_file
from integrations.imports.sheets import SHEETS
from integrations.models import ImportBatch, ImportedRow
from integrations.tasks import run_import
from logistics.accounts.models import Facility, Membership, Organization, Unit
from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, Place, ServiceRequest, StandingOrder, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.support import act_as, settle, signed_in
from vendors.models import Contract, Network, Vehicle

TODAY = clock.now().date()
LATER = (TODAY + dt.timedelta(days=200)).isoformat()

SITES = (
    "code,name,short_name,address,city,state,zip_code\nHOSP,Riverside Hospital,Riverside,1 River Rd,Madison,WI,53703\n"
)
UNITS = "site_code,code,name,phone\nHOSP,4W,4 West,608 555 0140\nHOSP,5N,5 North,\n"
PEOPLE = "email,name,role\ncm@riverside.example,Cam Morris,case_manager\n"
VENDORS = (
    "code,name,short_name,base_address,base_zip,levels,baa_signed_on\n"
    "riverside-rides,Riverside Rides,Riverside Rides,41 Depot Way,53704,AMB WC,2026-01-15\n"
)
VEHICLES = (
    "vendor_code,name,level,also_levels,seats,wheelchairs,lift_lb,door_in,inspection_ends_on\n"
    f"riverside-rides,Riverside 3,WC,AMB,2,1,800,32,{LATER}\n"
)
CREWS = "vendor_code,name,level\nriverside-rides,Sam Ruiz,driver\n"
PAPERS = "vendor_code,crew_name,kind,ends_on\n" + "".join(
    f"riverside-rides,{who},{kind},{LATER}\n"
    for who, kind in (
        ("Sam Ruiz", "driver_license"),
        ("Sam Ruiz", "cpr"),
        ("Sam Ruiz", "securement"),
        ("", "vendor_license"),
        ("", "insurance"),
    )
)
RATES = (
    "vendor_code,effective_from,signed_by,level,base_amount,mile_amount\n"
    "riverside-rides,2026-01-01,Pat Olsen,WC,45.00,3.25\nriverside-rides,2026-01-01,Pat Olsen,AMB,22.00,2.10\n"
)
PLACES = "name,kind,address,city,state,zip_code\nWillow Creek,snf,450 Creek Rd,Madison,WI,53711\n"
ALL = {
    "sites": SITES, "units": UNITS, "people": PEOPLE, "vendors": VENDORS, "vehicles": VEHICLES, "crews": CREWS,
    "credentials": PAPERS, "rates": RATES, "places": PLACES,
}  # fmt: skip


QUEUE: list[Any] = []


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks wait as they would in Redis: an import changes sides, which it cannot do inside its subscriber."""
    QUEUE.clear()
    monkeypatch.setattr(run_import, "apply_async", lambda args, **_: QUEUE.append(args))


def work() -> None:
    """Relay events, then run what waits, as a worker would."""
    settle()
    while QUEUE:
        run_import.run(*QUEUE.pop(0))
    settle()


@pytest.fixture
def tenant(db: Any) -> Organization:
    call_command(
        "create_tenant", "Riverside Health", zone="America/Chicago", admin="pat@riverside.example",
        admin_name="Pat Olsen", stdout=io.StringIO(),
    )  # fmt: skip
    with transaction.atomic(), scoping.enter(Scope.system()):
        return Organization.objects.get(slug="riverside-health")


@pytest.fixture
def admin(tenant: Organization) -> Any:
    with transaction.atomic(), scoping.enter(Scope.system()):
        membership = Membership.objects.select_related("user", "organization").get(organization=tenant)
    return signed_in(membership)


def send(client: Any, *texts: str, names: list[str] | None = None, key: str = "") -> Any:
    files = [io.BytesIO(text.encode()) for text in texts]
    for number, file in enumerate(files):
        file.name = (names or [f"file{n}.csv" for n in range(len(files))])[number]
    return client.post("/setup", {"files": files, "key": key or uuid4().hex})


def checked(client: Any, tenant: Organization, *texts: str) -> ImportBatch:
    response = send(client, *texts)
    assert response.status_code == 303, response.context["problem"]
    work()
    with act_as(Scope.staff(tenant.pk)):
        batch = ImportBatch.objects.get(pk=response["Location"].rsplit("/", 1)[1])
        assert batch.state == "checked"
        return batch


def run(client: Any, tenant: Organization, batch: ImportBatch, what: str) -> ImportBatch:
    assert client.post(f"/setup/imports/{batch.pk}/{what}").status_code == 303
    work()
    with act_as(Scope.staff(tenant.pk)):
        return ImportBatch.objects.get(pk=batch.pk)


def test_an_empty_hospital_reaches_its_first_offer_by_its_own_pages(tenant: Organization, admin: Any) -> None:
    page = admin.get("/setup").content.decode()
    assert "Next: sites" in page
    batch = checked(admin, tenant, *reversed(ALL.values()))
    with act_as(Scope.staff(tenant.pk)):
        assert batch.problems == 0, batch.report
        assert not Facility.objects.exists(), "a check writes nothing"
    assert run(admin, tenant, batch, "apply").state == "applied"
    with act_as(Scope.staff(tenant.pk)):
        patient = Patient.objects.create(family_name="Berg", given_name="Ola", birth_date="1950-02-01")
        place = Place.objects.get(name="Willow Creek")
        request = ServiceRequest.objects.create(
            patient=patient, facility=Facility.objects.get(), unit=Unit.objects.get(code="4W")
        )
        TransportDetail.objects.create(
            request=request, when="at", pickup_at=clock.now() + dt.timedelta(days=1), place=place,
            destination_kind="place", destination_latitude=place.latitude, destination_longitude=place.longitude,
            destination_zone=place.time_zone, mobility="wheelchair", level="WC",
        )  # fmt: skip
        request_to(request, "requested")
    settle()
    with act_as(Scope.staff(tenant.pk)):
        trip = Trip.objects.get(request=request)
        assert trip.status == "offering"
        assert Offer.objects.get(trip=trip, status="open").vendor.slug == "riverside-rides"
    assert "Everything that a ride needs is there" in admin.get("/setup").content.decode()


SERIES = (
    "mrn,family_name,given_name,birth_date,address,zip_code,site_code,unit_code,place,days,chair_time,return_hours,"
    "mobility,start_on\n"
    f"RV1,Okonjo,Ruth,1952-08-19,614 Lincoln Way,53704,HOSP,4W,Willow Creek,Mon Wed Fri,05:30,4.5,wheelchair,"
    f"{(TODAY + dt.timedelta(days=2)).isoformat()}\n"
)


def test_recurring_trips_begin_once_with_their_patient_and_end_with_the_undo(tenant: Organization, admin: Any) -> None:
    run(admin, tenant, checked(admin, tenant, *ALL.values()), "apply")
    batch = checked(admin, tenant, SERIES)
    with act_as(Scope.staff(tenant.pk)):
        assert batch.problems == 0, batch.report
        assert not StandingOrder.objects.exists(), "a check begins nothing"
        assert not Patient.objects.exists()
    batch = run(admin, tenant, batch, "apply")
    with act_as(Scope.staff(tenant.pk)):
        order = StandingOrder.objects.get()
        assert order.patient.mrn == "RV1"
        assert ServiceRequest.objects.filter(source="standing", patient=order.patient).exists()
    again = checked(admin, tenant, SERIES)
    with act_as(Scope.staff(tenant.pk)):
        assert again.report["sheets"][0]["unchanged"] == 1
    run(admin, tenant, batch, "undo")
    with act_as(Scope.staff(tenant.pk)):
        assert StandingOrder.objects.get().status == "ended"


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("Mon Wed Fri", "Mon Someday", "days"),
        ("05:30", "half past five", "chair_time"),
        ("Willow Creek", "Nowhere Center", "place"),
        (",4W,", ",9Z,", "unit_code"),
        ("53704", "00000", "zip_code"),
        (",4.5,", ",40,", "return_hours"),
    ],
)
def test_a_series_that_cannot_be_is_named_by_its_column(
    tenant: Organization, admin: Any, old: str, new: str, column: str
) -> None:
    run(admin, tenant, checked(admin, tenant, *ALL.values()), "apply")
    batch = checked(admin, tenant, SERIES.replace(old, new))
    with act_as(Scope.staff(tenant.pk)):
        assert [one["column"] for one in batch.report["sheets"][0]["problems"]] == [column]


def test_the_same_sheets_again_write_nothing(tenant: Organization, admin: Any) -> None:
    run(admin, tenant, checked(admin, tenant, *ALL.values()), "apply")
    again = checked(admin, tenant, *ALL.values())
    with act_as(Scope.staff(tenant.pk)):
        assert again.problems == 0
        assert sum(part["created"] + part["changed"] for part in again.report["sheets"]) == 0


def test_one_wrong_row_keeps_everything_out_and_is_named_by_row_and_column(tenant: Organization, admin: Any) -> None:
    bad_units = UNITS + "NOWHERE,6S,6 South,\n"
    bad_rates = RATES + "riverside-rides,2026-01-01,Pat Olsen,BLS,minus,3\n"
    batch = checked(admin, tenant, SITES, bad_units, VENDORS, bad_rates)
    with act_as(Scope.staff(tenant.pk)):
        problems = {part["kind"]: part["problems"] for part in batch.report["sheets"]}
        assert [(one["row"], one["column"]) for one in problems["units"]] == [(4, "site_code")]
        assert [(one["row"], one["column"]) for one in problems["rates"]] == [(4, "base_amount")]
        assert not Facility.objects.exists()
        assert not Network.objects.exists()
    refused = admin.post(f"/setup/imports/{batch.pk}/apply")
    assert refused.status_code in (400, 409, 422)
    work()
    with act_as(Scope.staff(tenant.pk)):
        assert ImportBatch.objects.get(pk=batch.pk).state == "checked"


def test_undo_takes_back_what_nothing_uses_and_says_why_the_rest_stays(tenant: Organization, admin: Any) -> None:
    batch = run(admin, tenant, checked(admin, tenant, *ALL.values()), "apply")
    with act_as(Scope.staff(tenant.pk)):
        patient = Patient.objects.create(family_name="Berg", given_name="Ola", birth_date="1950-02-01")
        ServiceRequest.objects.create(
            patient=patient, facility=Facility.objects.get(), unit=Unit.objects.get(code="4W")
        )
    undone = run(admin, tenant, batch, "undo")
    assert undone.state == "undone"
    with act_as(Scope.staff(tenant.pk)):
        assert list(Unit.objects.values_list("code", flat=True)) == ["4W"]
        assert Facility.objects.count() == 1, "a site with a unit in use stays"
        assert not Place.objects.filter(is_active=True).exists()
        assert not Contract.objects.filter(status="signed").exists()
        assert not Network.objects.filter(status="active").exists()
        assert not Vehicle.objects.exists()
        kept = {one["kind"] for one in undone.report["kept"]}
        assert {"units", "sites"} <= kept
    page = admin.get(f"/setup/imports/{batch.pk}").content.decode()
    assert "It is in use." in page
    with act_as(Scope.staff(tenant.pk)):
        taken = ImportedRow.objects.filter(batch=batch, undone_at__isnull=False).count()
        assert taken == undone.report["taken_back"] > 8
    assert run(admin, tenant, batch, "undo").state == "undone"


def test_a_changed_row_goes_back_to_what_it_was(tenant: Organization, admin: Any) -> None:
    run(admin, tenant, checked(admin, tenant, SITES), "apply")
    second = checked(admin, tenant, SITES.replace("1 River Rd", "9 Canal St"))
    second = run(admin, tenant, second, "apply")
    with act_as(Scope.staff(tenant.pk)):
        assert Facility.objects.get().address == "9 Canal St"
    run(admin, tenant, second, "undo")
    with act_as(Scope.staff(tenant.pk)):
        assert Facility.objects.get().address == "1 River Rd"


def test_a_vendor_that_the_platform_knows_is_not_taken_by_its_code(cast: Any, admin: Any, tenant: Organization) -> None:
    text = VENDORS.replace("riverside-rides", cast.northbound.slug)
    vehicles = VEHICLES.replace("riverside-rides", cast.northbound.slug)
    batch = checked(admin, tenant, text, vehicles)
    with act_as(Scope.staff(tenant.pk)):
        problems = {part["kind"]: part["problems"] for part in batch.report["sheets"]}
        assert problems["vendors"][0]["column"] == "code"
        assert problems["vehicles"][0]["column"] == "vendor_code"
        assert not Network.objects.filter(vendor_id=cast.northbound.pk).exists()


def test_a_fleet_is_the_vendors_own_once_somebody_of_it_signed_in(tenant: Organization, admin: Any) -> None:
    vendors = VENDORS.replace("levels,baa_signed_on", "levels,baa_signed_on,admin_name,admin_email").replace(
        "2026-01-15", "2026-01-15,Jo Winslow,jo@rides.example"
    )
    batch = run(admin, tenant, checked(admin, tenant, vendors), "apply")
    page = admin.get(f"/setup/imports/{batch.pk}").content.decode()
    assert "Jo Winslow" in page
    assert "/welcome/" in page
    with transaction.atomic(), scoping.enter(Scope.system()):
        member = Membership.objects.select_related("user").get(role="vendor_admin", user__email="jo@rides.example")
        member.user.last_login = clock.now()
        member.user.save(update_fields=["last_login"])
    late = checked(admin, tenant, VEHICLES)
    with act_as(Scope.staff(tenant.pk)):
        assert "keeps its own fleet" in late.report["sheets"][0]["problems"][0]["words"]


def test_a_form_sent_twice_is_one_import(tenant: Organization, admin: Any) -> None:
    key = uuid4().hex
    assert send(admin, SITES, key=key)["Location"] == send(admin, SITES, key=key)["Location"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "not CSV"),
        (b"\x00\x01\x02", "cannot be read as text"),
        (b"hello,world\n1,2\n", "no header that we know"),
        (b"code,name\nHOSP,Riverside\n", "lacks the columns"),
        (b"x" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused_with_words(
    tenant: Organization, admin: Any, raw: bytes, words: str
) -> None:
    file = io.BytesIO(raw)
    file.name = "list.csv"
    response = admin.post("/setup", {"files": [file], "key": uuid4().hex})
    assert response.status_code == 422
    assert words in response.content.decode()


def test_every_template_is_a_sheet_that_reads_itself(tenant: Organization, admin: Any) -> None:
    for sheet in SHEETS:
        table = read_file("t.csv", decode(admin.get(f"/setup/template?kind={sheet.kind}").content))
        assert table.sheet is sheet
        assert not table.problems
        assert len(table.rows) == 1
    assert admin.get("/setup/template?kind=patients").status_code == 404


def test_create_tenant_twice_makes_one_and_a_taken_code_is_refused(tenant: Organization) -> None:
    out = io.StringIO()
    call_command("create_tenant", "Riverside Health", admin="pat@riverside.example", stdout=out)
    assert "/welcome/" in out.getvalue()
    with transaction.atomic(), scoping.enter(Scope.system()):
        assert Organization.objects.filter(slug="riverside-health").count() == 1
    with pytest.raises(CommandError, match="belongs to Riverside Health"):
        call_command("create_tenant", "Another", slug="riverside-health", admin="a@b.example")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_words(raw: bytes) -> None:
    try:
        table = read_file("any.csv", decode(raw))
    except DomainError:
        return
    assert table.sheet in SHEETS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=6), st.sampled_from(",;\t"))
def test_cells_of_any_text_never_break_the_reading(rows: list[tuple[str, str]], delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["email", "name", "role"])
    writer.writerows([email, name, "case_manager"] for email, name in rows)
    try:
        table = read_file("people.csv", out.getvalue())
    except DomainError:
        return
    assert len(table.rows) + len({problem.row for problem in table.problems}) <= len(rows)
