"""A patient's page: identity, stay, rides, who looked; and for whom it does not open."""

from __future__ import annotations

import pytest
from django.urls import reverse

from dispatch.selectors.passenger import ROLE_FIELDS
from logistics.accounts.roles import ROLES
from logistics.core.models import AuditEntry
from logistics.requests import policies
from logistics.requests.models import Patient
from tests.cast import Cast
from tests.requests.ward import admit, foresee
from tests.support import act_as, signed_in


def test_the_page_shows_stay_and_rides_and_who_looked_before(cast: Cast) -> None:
    encounter = admit(cast, family="Cole")
    foresee(cast, encounter, place=cast.places["willow@lakeshore"])
    url = reverse("requests:patient", args=[encounter.patient_id])
    first = signed_in(cast.people["transport_coordinator@lakeshore"]).get(url).content.decode()
    assert "Nobody before you." in first
    html = signed_in(cast.people["case_manager@lakeshore"]).get(url).content.decode()
    for words in ("Cole, Agnes", "born 03/14/1945", "18 Pier Rd", "4W-12", "Willow Creek Skilled Nursing"):
        assert words in html
    assert "Transport Coordinator of Lakeshore" in html
    with act_as(cast.staff()):
        looks = AuditEntry.objects.filter(action="patient.viewed", patient_id=encounter.patient_id)
        assert {entry.purpose for entry in looks} == {"treatment"}
        assert looks.count() == 2


def test_the_page_does_not_open_for_others(cast: Cast) -> None:
    url = reverse("requests:patient", args=[admit(cast).patient_id])
    assert signed_in(cast.people["case_manager@prairie"]).get(url).status_code == 404
    assert signed_in(cast.people["vendor_dispatcher@northbound"]).get(url).status_code == 403
    with act_as(cast.staff()):
        assert not AuditEntry.objects.filter(action="patient.viewed").exists()


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("case_manager", ["00-48377", "Contact", "608 555 0142"], []),
        ("transport_coordinator", ["••77", "Contact", "608 555 0142"], ["00-48377", "48377"]),
        ("biller", ["00-48377", "Prairie Health Plan"], ["Isolation", "Contact"]),
    ],
)
def test_each_role_sees_its_own_fields(cast: Cast, role: str, shown: list[str], hidden: list[str]) -> None:
    encounter = admit(cast, mrn="00-48377")
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=encounter.patient_id)
        patient.isolation, patient.phone, patient.payer_name = "contact", "608 555 0142", "Prairie Health Plan"
        patient.save()
    url = reverse("requests:patient", args=[encounter.patient_id])
    html = signed_in(cast.people[f"{role}@lakeshore"]).get(url).content.decode()
    assert [words for words in shown if words not in html] == []
    assert [words for words in hidden if words in html] == []


def test_the_page_shows_no_more_than_a_trip_does() -> None:
    named = {field for row in policies.PATIENT_FIELDS.values() for field in row}
    for role, row in policies.PATIENT_FIELDS.items():
        assert row == {field: how for field, how in ROLE_FIELDS[role].items() if field in named}, role


def test_every_role_that_may_open_the_page_has_a_row_and_no_other() -> None:
    assert {name for name, role in ROLES.items() if "patients.view" in role.permissions} == set(policies.PATIENT_FIELDS)
    assert policies.fields_for("driver") == {}


@pytest.mark.parametrize(
    ("how", "text", "seen"), [("see", "0045", "0045"), ("mask", "0045", "••45"), ("mask", "", ""), (None, "0045", "")]
)
def test_a_masked_number_keeps_two_characters(how: str | None, text: str, seen: str) -> None:
    assert policies.as_seen(text, how) == seen
