"""The network's pages: who works here, and what an administrator may change."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logistics.core import clock
from logistics.core.models import AuditEntry
from tests.cast import Cast
from tests.support import act_as, signed_in
from vendors.models import Credential, Network, Vehicle
from vendors.services import network


@pytest.fixture
def admin(cast: Cast):
    return signed_in(cast.people["admin@lakeshore"])


def row_of(cast: Cast, vendor) -> Network:
    with act_as(cast.staff()):
        return Network.objects.get(vendor=vendor)


def test_the_list_names_only_the_own_network(cast):
    lakeshore = signed_in(cast.people["quality@lakeshore"]).get("/vendors").content.decode()
    prairie = signed_in(cast.people["quality@prairie"]).get("/vendors").content.decode()
    assert "Tamarack Ambulance" in lakeshore
    assert "Northbound Medical" in lakeshore
    assert "Northbound Medical" in prairie
    assert "Tamarack" not in prairie


def test_a_search_and_a_level_narrow_the_list(admin):
    assert "Northbound" not in admin.get("/vendors?q=tama").content.decode().split("<main")[1]
    assert "Northbound" not in admin.get("/vendors?level=BLS").content.decode().split("<main")[1]
    assert "No vendor matches" in admin.get("/vendors?q=nobody").content.decode()


def test_a_credential_near_its_end_puts_a_vendor_on_the_attention_list(cast, admin):
    assert "No vendor matches" in admin.get("/vendors?status=attention").content.decode()
    with act_as(cast.vendor(cast.tamarack)):
        ends = clock.today("America/Chicago") + dt.timedelta(days=12)
        Credential.objects.filter(kind="insurance").update(ends_on=ends)
    page = admin.get("/vendors?status=attention").content.decode()
    assert "Tamarack" in page
    assert "Expiring 1" in page
    detail = admin.get(f"/vendors/{row_of(cast, cast.tamarack).pk}").content.decode()
    assert "12 days left" in detail


def test_a_suspension_without_a_reason_is_refused_with_the_form(cast, admin):
    row = row_of(cast, cast.tamarack)
    answer = admin.post(f"/vendors/{row.pk}/status", {"status": "suspended", "reason": " "})
    assert answer.status_code == 422
    assert "the vendor sees the reason" in answer.content.decode()
    assert row_of(cast, cast.tamarack).status == "active"


def test_suspend_and_activate_are_recorded(cast, admin):
    row = row_of(cast, cast.tamarack)
    answer = admin.post(f"/vendors/{row.pk}/status", {"status": "suspended", "reason": "Two late dialysis rides"})
    assert (answer.status_code, answer["Location"]) == (303, f"/vendors/{row.pk}")
    page = admin.get(answer["Location"]).content.decode()
    assert "Suspended: Two late dialysis rides" in page
    assert admin.post(f"/vendors/{row.pk}/status", {"status": "active"}).status_code == 303
    with act_as(cast.staff()):
        actions = list(AuditEntry.objects.filter(target_id=str(row.pk)).order_by("id").values_list("action", flat=True))
    assert actions == ["vendor.suspended", "vendor.active"]


def test_a_move_that_the_table_does_not_have_is_a_conflict(cast, admin):
    row = row_of(cast, cast.tamarack)
    answer = admin.post(f"/vendors/{row.pk}/status", {"status": "active"})
    assert answer.status_code == 409
    assert "cannot become active" in answer.content.decode()


def test_terms_are_saved_and_wrong_dates_are_named(cast, admin):
    row = row_of(cast, cast.tamarack)
    good = {"tier": 3, "hourly_capacity": 5, "baa_signed_on": "2026-01-05", "baa_ends_on": "2027-01-05"}
    assert admin.post(f"/vendors/{row.pk}/terms", good).status_code == 303
    changed = row_of(cast, cast.tamarack)
    assert (changed.tier, changed.hourly_capacity) == (3, 5)
    bad = admin.post(f"/vendors/{row.pk}/terms", {**good, "baa_ends_on": "2025-01-05"})
    assert bad.status_code == 422
    assert "The BAA must end after it was signed" in bad.content.decode()


@pytest.mark.parametrize("path", ["status", "terms"])
def test_quality_may_look_and_not_change(cast, path):
    client = signed_in(cast.people["quality@lakeshore"])
    row = row_of(cast, cast.tamarack)
    page = client.get(f"/vendors/{row.pk}")
    assert page.status_code == 200
    assert "Save terms" not in page.content.decode()
    assert client.post(f"/vendors/{row.pk}/{path}", {"status": "ended", "tier": 9}).status_code == 403
    assert row_of(cast, cast.tamarack).status == "active"


def test_another_health_systems_vendor_row_is_not_found(cast):
    row = row_of(cast, cast.tamarack)
    client = signed_in(cast.people["admin@prairie"])
    assert client.get(f"/vendors/{row.pk}").status_code == 404
    assert client.post(f"/vendors/{row.pk}/status", {"status": "ended"}).status_code == 404
    assert row_of(cast, cast.tamarack).status == "active"


def test_a_vendor_without_baa_cannot_be_activated(cast, admin):
    with act_as(cast.staff()):
        row = Network.objects.get(vendor=cast.tamarack)
        network.set_status(network=row, status="suspended", reason="Review")
        Network.objects.filter(pk=row.pk).update(baa_signed_on=None)
    answer = admin.post(f"/vendors/{row.pk}/status", {"status": "active"})
    assert answer.status_code == 422
    assert "Record the signed BAA first" in answer.content.decode()


def test_the_list_takes_the_same_queries_for_any_fleet(cast, admin):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get("/vendors").status_code == 200
        return len(seen)

    queries()
    few = queries()
    with act_as(cast.vendor(cast.northbound)):
        for n in range(8):
            vehicle = Vehicle.objects.create(name=f"Spare {n}", level="WC", seats=1)
            Credential.objects.create(kind="inspection", vehicle=vehicle, ends_on=dt.date(2030, 1, 1))
    assert queries() == few
