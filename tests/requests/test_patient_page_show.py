"""A patient's page: identity, stay, rides, who looked; and for whom it does not open."""

from __future__ import annotations

from django.urls import reverse

from logistics.core.models import AuditEntry
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
