"""The audit log: filters, file, chain, and whose entries they are."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
from django.db import transaction

from logistics.core import audit
from logistics.core.models import AuditEntry
from tests.cast import Cast, build_cast
from tests.owner import tamper
from tests.seals import seal_until, unsealed
from tests.support import act_as, signed_in

PATIENT = uuid.uuid4()


@pytest.fixture
def trail(cast: Cast) -> Cast:
    """A few entries on each side."""
    with act_as(cast.staff()):
        audit.record(action="patient.viewed", patient_id=PATIENT, purpose="treatment", target_id="T-1")
        audit.record(action="trip.accepted", result="refused", reason="=HYPERLINK(1)")
    with act_as(cast.staff(cast.prairie)):
        audit.record(action="patient.viewed", patient_id=PATIENT, purpose="treatment", reason="prairie only")
    with act_as(cast.vendor()):
        audit.record(action="offer.declined", reason="northbound only")
    return cast


def test_each_organization_reads_its_own_trail_and_each_look_is_an_entry(trail: Cast) -> None:
    client = signed_in(trail.people["auditor@lakeshore"])
    page = client.get("/audit").content.decode()
    assert "patient.viewed" in page
    assert "for treatment" in page
    assert "prairie only" not in page
    assert "northbound only" not in page
    with act_as(trail.staff()):
        assert AuditEntry.objects.filter(action="audit.viewed").count() == 1
    vendor = signed_in(trail.people["vendor_admin@northbound"]).get("/audit").content.decode()
    assert "northbound only" in vendor
    assert "patient.viewed" not in vendor


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"action": "patient.viewed"}, "treatment", "trip.accepted</td>"),
        ({"patient_id": str(PATIENT)}, "treatment", "HYPERLINK"),
        ({"result": "refused"}, "HYPERLINK", "for treatment"),
        ({"target": "t-1"}, "treatment", "HYPERLINK"),
        ({"person": "nobody of that name"}, "No entry fits", "for treatment"),
        ({"since": "2030-01-01"}, "No entry fits", "for treatment"),
        ({"until": "2020-01-01"}, "No entry fits", "for treatment"),
        ({"since": "2020-01-01", "until": "2040-01-01"}, "for treatment", "No entry fits"),
    ],
)
def test_filters_narrow_the_list(trail: Cast, query: dict[str, str], shown: str, hidden: str) -> None:
    page = signed_in(trail.people["auditor@lakeshore"]).get("/audit", query).content.decode()
    assert shown in page
    assert hidden not in page


def test_a_filter_that_cannot_be_read_is_named(trail: Cast) -> None:
    answer = signed_in(trail.people["auditor@lakeshore"]).get("/audit", {"patient_id": "x", "since": "soon"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()


def test_the_file_holds_the_filtered_entries_and_no_formula(trail: Cast) -> None:
    client = signed_in(trail.people["auditor@lakeshore"])
    answer = client.get("/audit/export", {"result": "refused"})
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode().lstrip("\ufeff"))))
    assert [row["action"] for row in rows] == ["trip.accepted"]
    assert rows[0]["reason"] == "'=HYPERLINK(1)"
    with act_as(trail.staff()):
        entry = AuditEntry.objects.get(action="audit.exported")
    assert entry.details == {"filters": ["result"], "rows": 1}


def test_long_trails_come_in_pages(trail: Cast) -> None:
    with act_as(trail.staff()):
        for _ in range(60):
            audit.record(action="patient.viewed", purpose="treatment")
    client = signed_in(trail.people["auditor@lakeshore"])
    assert "Page 1 of 2" in client.get("/audit").content.decode()
    assert "Page 2 of 2" in client.get("/audit", {"page": "2"}).content.decode()


def test_the_log_takes_a_fixed_number_of_queries(trail: Cast, django_assert_max_num_queries) -> None:
    client = signed_in(trail.people["auditor@lakeshore"])
    with act_as(trail.staff()):
        for _ in range(40):
            audit.record(action="patient.viewed", purpose="treatment")
    with django_assert_max_num_queries(22):
        client.get("/audit")


def test_only_who_may_verify_sees_the_button(trail: Cast) -> None:
    assert "Verify chain" in signed_in(trail.people["auditor@lakeshore"]).get("/audit").content.decode()
    assert "Verify chain" not in signed_in(trail.people["admin@lakeshore"]).get("/audit").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_button_says_intact_and_after_tampering_names_the_entries() -> None:
    with transaction.atomic():
        cast = build_cast()
    with act_as(cast.staff()):
        entries = [audit.record(action="patient.viewed", purpose="treatment").pk for _ in range(5)]
    seal_until(unsealed())
    client = signed_in(cast.people["auditor@lakeshore"])
    assert "The chain is intact" in client.post("/audit/verify", follow=True).content.decode()
    assert tamper("core_auditentry", f"UPDATE core_auditentry SET actor_label = 'Else' WHERE id = {entries[2]}") == 1
    page = client.post("/audit/verify", follow=True).content.decode()
    assert "The chain is broken" in page
    assert f"to {entries[-1]}" in page
