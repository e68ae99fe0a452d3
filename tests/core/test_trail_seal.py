"""Sealed entries cannot be changed, removed, added or reordered without it being seen."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logistics.core import audit, scoping, sealing
from logistics.core.models import AuditEntry, AuditSeal
from tests.cast import Cast, build_cast
from tests.owner import owner_cursor, tamper
from tests.seals import seal, seal_until, unsealed
from tests.support import act_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast() -> Cast:
    with transaction.atomic():
        return build_cast()


def check(cast: Cast) -> sealing.ChainCheck:
    with act_as(cast.staff()):
        return sealing.verify(str(cast.lakeshore.pk), {"tenant_id": cast.lakeshore.pk})


def write(cast: Cast, count: int) -> list[int]:
    out = []
    for number in range(count):
        with act_as(cast.staff()):
            out.append(audit.record(action="patient.viewed", purpose="treatment", details={"n": number}).pk)
    return out


def test_a_growing_trail_stays_intact_and_nothing_is_sealed_twice(cast: Cast) -> None:
    seal_until(unsealed())
    for _ in range(3):
        write(cast, 4)
        seal_until(4)
    assert seal() == 0
    found = check(cast)
    assert found.intact
    with act_as(cast.staff()):
        assert found.entries == AuditEntry.objects.filter(tenant_id=cast.lakeshore.pk).count()


def test_no_role_of_the_product_can_change_or_delete_an_entry(cast: Cast) -> None:
    (entry,) = write(cast, 1)
    scopes = [cast.staff(), cast.vendor(), cast.vendor().crossing(cast.lakeshore.pk), scoping.Scope.system()]
    for scope in [*scopes, scoping.Scope(side="self")]:
        for statement in (
            "UPDATE core_auditentry SET reason = 'x'",
            "DELETE FROM core_auditentry",
            "TRUNCATE core_auditentry",
        ):
            with pytest.raises(ProgrammingError, match="permission denied|must be owner"), act_as(scope):
                connection.cursor().execute(statement)
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(pk=entry).exists()


def test_even_the_owner_changes_nothing_without_switching_protection_off(cast: Cast) -> None:
    write(cast, 1)
    with owner_cursor() as cursor:
        cursor.execute("UPDATE core_auditentry SET reason = 'x'")
        assert cursor.rowcount == 0


COLUMNS = (
    "at = at + interval '1 second'", "actor_label = 'Else'", "actor_role = 'x'", "action = 'x'", "target_id = 'x'",
    "patient_id = gen_random_uuid()", "purpose = 'payment'", "result = 'refused'", "reason = 'x'",
    "details = '{\"n\": 99}'", "client_ip = '203.0.113.1'", "request_id = 'x'", "actor_id = gen_random_uuid()",
    "xid = xid + 1",
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_tampering_by_the_owner_is_seen_and_named(cast: Cast, data: st.DataObject) -> None:
    write(cast, 2)
    seal_until(unsealed())
    ids = write(cast, 4)
    seal_until(4)
    write(cast, 2)
    seal_until(2)
    assert check(cast).intact
    victim, other = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    kind = data.draw(st.sampled_from([*COLUMNS, "delete", "swap", "insert"]))
    keep = f"CREATE TABLE kept AS SELECT * FROM core_auditentry WHERE id = ANY(ARRAY{ids})"
    tamper("core_auditentry", keep)
    try:
        _tamper(kind, victim, other)
        changed = kind not in ("swap",) or victim != other
        found = check(cast)
        assert found.intact is not changed
        if changed:
            assert found.broken_from is not None
            assert found.broken_from <= max(ids)
    finally:
        tamper("core_auditentry", f"DELETE FROM core_auditentry WHERE id = ANY(ARRAY{ids}) OR action = 'forged'")
        tamper("core_auditentry", "INSERT INTO core_auditentry SELECT * FROM kept")
        tamper("core_auditentry", "DROP TABLE kept")
    assert check(cast).intact


def _tamper(kind: str, victim: int, other: int) -> None:
    if kind == "delete":
        tamper("core_auditentry", f"DELETE FROM core_auditentry WHERE id = {victim}")
    elif kind == "swap":
        tamper(
            "core_auditentry",
            f"UPDATE core_auditentry a SET details = b.details, xid = b.xid FROM core_auditentry b"
            f" WHERE (a.id, b.id) IN (({victim}, {other}), ({other}, {victim})) AND a.id <> b.id",
        )
    elif kind == "insert":
        tamper(
            "core_auditentry",
            "INSERT INTO core_auditentry (xid, at, tenant_id, actor_label, actor_role, action, target_type, target_id,"
            " purpose, result, reason, details, request_id) SELECT xid, at, tenant_id, actor_label, actor_role,"
            f" 'forged', '', '', '', 'success', '', '{{}}', '' FROM core_auditentry WHERE id = {victim}",
        )
    else:
        tamper("core_auditentry", f"UPDATE core_auditentry SET {kind} WHERE id = {victim}")


def test_a_forged_seal_is_seen(cast: Cast) -> None:
    write(cast, 2)
    seal_until(unsealed())
    write(cast, 2)
    seal_until(2)
    assert tamper(
        "core_auditseal", f"UPDATE core_auditseal SET hash = repeat('0', 64) WHERE chain = '{cast.lakeshore.pk}'"
    )
    assert not check(cast).intact


def test_entries_of_a_transaction_that_is_still_open_are_sealed_later_and_lost_never(cast: Cast) -> None:
    seal_until(unsealed())
    opened, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with act_as(cast.staff()):
                audit.record(action="patient.viewed", purpose="treatment")
                opened.set()
                go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    opened.wait(20)
    write(cast, 3)
    assert seal() == 0
    go_on.set()
    thread.join()
    seal_until(4)
    assert check(cast).intact


def test_a_vendors_deed_on_a_health_systems_trip_is_sealed_once_with_the_health_system(cast: Cast) -> None:
    with act_as(cast.vendor().crossing(cast.lakeshore.pk)):
        audit.record(action="trip.accepted")
    with act_as(cast.vendor()):
        audit.record(action="vehicle.added")
    seal_until(unsealed())
    with act_as(cast.vendor()):
        own = sealing.verify(str(cast.northbound.pk), {"vendor_id": cast.northbound.pk, "tenant_id": None})
    assert (own.intact, own.entries) == (True, 1)
    assert check(cast).intact
    with transaction.atomic(), scoping.enter(scoping.Scope.system()):
        assert AuditSeal.objects.filter(chain=str(cast.northbound.pk)).count() == 1


def test_a_large_transaction_is_sealed_whole_however_small_the_step(cast: Cast) -> None:
    seal_until(unsealed())
    with act_as(cast.staff()):
        for _ in range(7):
            audit.record(action="patient.viewed", purpose="treatment")
    write(cast, 3)
    seal_until(10, limit=3)
    found = check(cast)
    assert found.intact
    assert seal() == 0
