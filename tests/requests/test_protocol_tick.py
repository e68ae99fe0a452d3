"""What a unit does before a discharge, and what is handed over with a patient."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from logistics.core import clock, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import Discharge, Handoff, HandoffTemplate, ProtocolTick, ServiceRequest, UnitProtocol
from logistics.requests.services import handoff, protocols
from tests.cast import Cast, build_cast
from tests.requests.test_booking_confirm import together
from tests.requests.waiting import as_role, now_of, ride
from tests.requests.ward import admit
from tests.support import act_as

MEDS = {"words": "Medicines reconciled", "who": "pharmacy", "hard": True, "offset_minutes": 120}
CALL = {"words": "Family called", "who": "nurse", "hard": False, "offset_minutes": 60}


def protocol(cast: Cast, *items: dict[str, Any], seen: int = 0, unit: str = "4W") -> UnitProtocol:
    with act_as(as_role(cast, "admin")):
        return protocols.save(unit=cast.units[f"{unit}@lakeshore"], items=items or (MEDS, CALL), seen_version=seen)


def leaving(cast: Cast, minutes: int) -> Discharge:
    encounter = admit(cast)
    with act_as(cast.staff()):
        return Discharge.objects.create(
            encounter=encounter, announced_at=clock.now(), expected_at=clock.now() + dt.timedelta(minutes=minutes)
        )


def standing(cast: Cast, discharge: Discharge) -> dict[str, str]:
    with act_as(cast.staff()):
        row = Discharge.objects.select_related("encounter").get(pk=discharge.pk)
        return {line.item.key: line.state for line in protocols.for_discharge(row)}


def test_an_item_is_overdue_by_its_own_clock_until_it_is_ticked(cast: Cast) -> None:
    protocol(cast)
    discharge = leaving(cast, 90)
    assert standing(cast, discharge) == {"medicines_reconcil": "overdue", "family_called": "open"}
    with act_as(as_role(cast, "case_manager")):
        row = Discharge.objects.select_related("encounter").get(pk=discharge.pk)
        assert [item.words for item in protocols.hard_open(row)] == ["Medicines reconciled"]
        protocols.tick(discharge_id=discharge.pk, item_key="medicines_reconcil")
        again = protocols.tick(discharge_id=discharge.pk, item_key="medicines_reconcil")
        assert again.by_name == "Case Manager of Lakeshore"
        assert protocols.hard_open(row) == []
        assert ProtocolTick.objects.count() == 1
        assert OutboxEvent.objects.filter(topic="protocol.ticked").count() == 1
    assert standing(cast, discharge) == {"medicines_reconcil": "done", "family_called": "open"}


def test_a_tick_that_is_taken_back_stays_as_history(cast: Cast) -> None:
    protocol(cast)
    discharge = leaving(cast, 300)
    with act_as(as_role(cast, "case_manager")):
        protocols.tick(discharge_id=discharge.pk, item_key="family_called")
        assert protocols.untick(discharge_id=discharge.pk, item_key="family_called")
        assert not protocols.untick(discharge_id=discharge.pk, item_key="family_called")
        protocols.tick(discharge_id=discharge.pk, item_key="family_called")
        assert ProtocolTick.objects.filter(undone_at__isnull=False).count() == 1
        assert AuditEntry.objects.filter(action__startswith="protocol.").count() == 4
    assert standing(cast, discharge)["family_called"] == "done"


@pytest.mark.django_db(transaction=True)
def test_two_people_who_tick_in_the_same_moment_leave_one_tick() -> None:
    cast = build_cast()
    protocol(cast)
    discharge = leaving(cast, 300)

    def tick() -> Any:
        with transaction.atomic(), scoping.enter(as_role(cast, "case_manager")):
            return protocols.tick(discharge_id=discharge.pk, item_key="family_called").pk

    assert len(set(together(tick, tick, tick))) == 1


def test_editing_makes_a_version_and_keeps_what_was_done(cast: Cast) -> None:
    first = protocol(cast)
    discharge = leaving(cast, 300)
    with act_as(as_role(cast, "case_manager")):
        protocols.tick(discharge_id=discharge.pk, item_key="family_called")
    reworded = {**CALL, "key": "family_called", "words": "Family called and told when"}
    second = protocol(cast, reworded, seen=1)
    assert (first.version, second.version) == (1, 2)
    assert protocol(cast, reworded, seen=1).version == 2
    assert standing(cast, discharge) == {"family_called": "done"}
    with pytest.raises(StaleState):
        protocol(cast, CALL, seen=1)
    with act_as(cast.staff()), transaction.atomic(), pytest.raises(ProgrammingError):
        UnitProtocol.objects.filter(pk=first.pk).update(items=[])


def test_a_closed_list_and_an_unknown_item_are_refused(cast: Cast) -> None:
    protocol(cast)
    discharge = leaving(cast, 300)
    with act_as(as_role(cast, "case_manager")), pytest.raises(DomainError, match="not in the unit's protocol"):
        protocols.tick(discharge_id=discharge.pk, item_key="nothing")
    with act_as(cast.staff()):
        Discharge.objects.filter(pk=discharge.pk).update(**{"status": "left"})
    with act_as(as_role(cast, "case_manager")), pytest.raises(DomainError, match="is left; its list is closed"):
        protocols.tick(discharge_id=discharge.pk, item_key="family_called")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"words": ""}, "words-0"),
        ({"who": "nobody"}, "who-0"),
        ({"offset_minutes": -1}, "offset_minutes-0"),
        ({"offset_minutes": "soon"}, "offset_minutes-0"),
    ],
)
def test_an_item_that_cannot_be_kept_is_refused_in_its_row(cast: Cast, change: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        protocol(cast, {**CALL, **change}, MEDS)
    assert set(refused.value.fields) == {field}


def test_the_lists_of_many_discharges_cost_two_queries(cast: Cast, django_assert_num_queries: Any) -> None:
    protocol(cast)
    rows = [leaving(cast, 300)]
    for number in range(4):
        encounter = admit(cast, family=f"Abel{number}", bed=f"2{number}")
        with act_as(cast.staff()):
            rows.append(Discharge.objects.create(encounter=encounter, announced_at=clock.now()))
    with act_as(cast.staff()):
        found = list(Discharge.objects.select_related("encounter"))
        with django_assert_num_queries(2):
            assert len(protocols.lines_of(found)) == 5


def test_a_ride_with_a_crew_that_treats_hands_over_more_than_a_van(cast: Cast) -> None:
    van = {item.key for item in handoff.built_in("WC").items}
    ambulance = {item.key for item in handoff.built_in("BLS").items}
    assert van < ambulance
    assert {"iv_running", "last_dose", "report"} <= ambulance - van


def test_a_drip_that_still_runs_asks_about_the_level(cast: Cast) -> None:
    request = ride(cast, level="BLS", level_advised="BLS")
    with act_as(as_role(cast, "case_manager")):
        row = ServiceRequest.objects.get(pk=request.pk)
        open_before = {item.key for item in handoff.hard_open(row)}
        assert {"iv_running", "last_dose", "vitals"} <= open_before
        handoff.answer(request_id=request.pk, answers={"iv_running": "yes", "last_dose": "Morphine 4 mg at 13:40"})
        handoff.answer(request_id=request.pk, answers={"iv_running": "yes"})
        assert {item.key for item in handoff.hard_open(row)} == open_before - {"iv_running", "last_dose"}
        (question,) = handoff.level_questions(row)
        assert (question.need, question.least_level) == ("iv", "ALS")
        handoff.answer(request_id=request.pk, answers={"iv_running": "no"})
        assert handoff.level_questions(row) == []
        assert AuditEntry.objects.filter(action="handoff.changed").count() == 2


def test_what_is_handed_over_is_sealed_and_not_told(cast: Cast) -> None:
    request = ride(cast, level="BLS", level_advised="BLS")
    with act_as(as_role(cast, "case_manager")):
        handoff.answer(request_id=request.pk, answers={"last_dose": "Morphine 4 mg at 13:40"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT answers FROM requests_handoff")
            assert b"Morphine" not in bytes(cursor.fetchone()[0])
        assert Handoff.objects.get().answers == {"last_dose": "Morphine 4 mg at 13:40"}
        said = [
            *AuditEntry.objects.values_list("details", flat=True),
            *OutboxEvent.objects.values_list("payload", flat=True),
        ]
        assert "Morphine" not in str(said)
    with act_as(as_role(cast, "case_manager", "prairie")), pytest.raises(DomainError, match="not there"):
        handoff.answer(request_id=request.pk, answers={"last_dose": "x"})
    assert now_of(cast, request).status == "draft"


def test_a_health_systems_own_list_replaces_the_built_in_one(cast: Cast) -> None:
    items = [
        {"section": "assessment", "words": "IV running", "kind": "yes_no", "hard": True, "need": "iv"},
        {"section": "situation", "words": "Why the patient goes", "kind": "words"},
    ]
    with act_as(as_role(cast, "admin")):
        made = handoff.save_template(level="ALS", items=items, seen_version=0)
        assert (made.version, [item.section for item in made.items]) == (1, ["situation", "assessment"])
        assert handoff.template_for("ALS") == made
        assert handoff.template_for("CCT").version == 0
        with pytest.raises(DomainError) as refused:
            handoff.save_template(level="ALS", items=[{**items[1], "need": "iv"}], seen_version=1)
        assert set(refused.value.fields) == {"need-0"}
    with act_as(cast.staff()), transaction.atomic(), pytest.raises(ProgrammingError):
        HandoffTemplate.objects.update(items=[])
