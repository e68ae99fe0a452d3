"""The pages of home health: ordering, the list and the choice, the agency's desk, the clinician's phone."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from django.test import Client

from dispatch.models import Referral, ReferralOffer, Visit
from logistics.core import clock
from logistics.core.models import AuditEntry
from logistics.requests.models import Patient, PatientChoice, ServiceRequest
from tests.cast import Cast
from tests.dispatch import home
from tests.requests.ward import admit
from tests.support import act_as, settle, signed_in

KEY = "0123456789abcdef"
ORDER = {
    "disciplines": ["rn", "pt"], "reason": "Wound care", "practitioner_name": "Dr. Wolfe", "payer_class": "medicare",
    "homebound": "yes", "address_kind": "home",
}  # fmt: skip


def manager(cast: Cast) -> Client:
    """The case manager's browser."""
    return signed_in(cast.people["case_manager@lakeshore"])


def desk(cast: Cast, slug: str = "northbound") -> Client:
    """The agency coordinator's browser."""
    return signed_in(cast.people[f"home_health@{slug}"])


def phone(cast: Cast, slug: str = "northbound") -> Client:
    """The clinician's phone."""
    return signed_in(cast.people[f"clinician@{slug}"], second_factor=False)


def hidden(page: Any, name: str) -> str:
    """The value of a form's hidden field."""
    return str(page.context["form"][name].value())


def order_page(request: ServiceRequest, part: str = "") -> str:
    return f"/home-health/{request.pk}{part}"


def test_an_order_is_made_from_the_patient_s_page(cast: Cast) -> None:
    stay = admit(cast, address={"line": home.STREET, "city": "Madison", "state": "WI", "zip_code": "53704"})
    client = manager(cast)
    assert f"/home-health/new?patient={stay.patient_id}" in client.get(f"/patients/{stay.patient_id}").content.decode()
    page = client.get(f"/home-health/new?patient={stay.patient_id}")
    assert home.STREET in page.content.decode()
    answer = client.post("/home-health/new", {**ORDER, "patient": str(stay.patient_id), "key": hidden(page, "key")})
    with act_as(cast.staff()):
        made = ServiceRequest.objects.get(kind="home_health")
    assert (answer.status_code, answer["Location"]) == (303, order_page(made))
    settle()
    assert "Nursing, Physical therapy" in client.get("/home-health").content.decode()
    assert "The patient must choose a home health agency" in client.get(order_page(made)).content.decode()
    assert "Nursing, Physical therapy" in client.get(f"/patients/{stay.patient_id}").content.decode()


def test_an_incomplete_order_comes_back_with_what_is_missing(cast: Cast) -> None:
    stay = admit(cast)
    values = {**ORDER, "patient": str(stay.patient_id), "key": KEY, "disciplines": [], "reason": ""}
    answer = manager(cast).post("/home-health/new", values)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"disciplines", "reason"}


def test_an_address_that_differs_from_the_chart_is_asked_about(cast: Cast) -> None:
    stay = admit(cast)
    values = {
        **ORDER, "patient": str(stay.patient_id), "key": KEY,
        "address_kind": "other", "address_text": "5 Elm St, Madison WI 53711",
    }  # fmt: skip
    client = manager(cast)
    answer = client.post("/home-health/new", values)
    assert answer.status_code == 422
    assert "I checked this address" in answer.content.decode()
    assert client.post("/home-health/new", {**values, "address_confirmed": "on"}).status_code == 303


def test_a_second_order_leads_to_the_first(cast: Cast) -> None:
    request = home.order(cast)
    answer = manager(cast).post("/home-health/new", {**ORDER, "patient": str(request.patient_id), "key": KEY})
    assert (answer.status_code, answer["Location"]) == (303, order_page(request))


def test_the_patient_is_looked_for_without_a_name_in_the_address(cast: Cast) -> None:
    stay = admit(cast, family="Rowantree")
    client = manager(cast)
    assert client.get("/home-health/new").status_code == 200
    found = client.post("/home-health/new", {"do": "find", "patient": "", "patient_text": "Rowantree"})
    assert "Rowantree" in found.content.decode()
    chosen = client.post("/home-health/new", {"do": "find", "patient": str(stay.patient_id), "patient_text": "x"})
    assert chosen["Location"] == f"/home-health/new?patient={stay.patient_id}"
    assert client.post("/home-health/new", {"do": "find", "patient_text": "Nobody"}).status_code == 422
    assert client.get("/home-health/new?patient=nonsense").status_code == 404


def test_the_list_marks_no_agency_and_shows_figures_and_interest(cast: Cast) -> None:
    from vendors.services import agencies

    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack, payers=["medicaid"])
    with act_as(cast.staff()):
        agencies.set_terms(vendor=cast.tamarack, financial_interest="Lakeshore owns a third", response_minutes=60)
    request = home.order(cast)
    client = manager(cast)
    text = client.get(order_page(request, "/choice")).content.decode()
    assert 'name="vendor"' in text
    assert " checked>" not in text.partition("Second choice")[0]
    for words in ("Lakeshore owns a third", "Does not list Medicare", "No figure yet"):
        assert words in text
    paper = client.get(order_page(request, "/list")).content.decode()
    for words in ("You may choose any agency", "Northbound Medical", "Tamarack Ambulance", "Lakeshore owns a third"):
        assert words in paper
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(action="home_health.list_printed").count() == 1


def test_a_choice_is_recorded_with_its_signature_and_the_agency_is_asked(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    client = manager(cast)
    page = client.get(order_page(request, "/choice"))
    drawn = "data:image/png;base64," + base64.b64encode(home.drawing()).decode()
    values = {
        "key": hidden(page, "key"), "token": hidden(page, "token"), "vendor": str(cast.northbound.pk), "second": "",
        "chooser": "patient", "chooser_name": "", "relation": "", "signature": drawn,
    }  # fmt: skip
    answer = client.post(order_page(request, "/choice"), values)
    assert (answer.status_code, answer["Location"]) == (303, order_page(request))
    settle()
    with act_as(cast.staff()):
        choice = PatientChoice.objects.get()
    picture = client.get(f"/home-health/choices/{choice.pk}/signature")
    assert (picture["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert "asked" in client.get(order_page(request)).content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vendor": ""}, "Choose an agency from the list."),
        ({"signature": ""}, "Sign here, or say why there is no signature."),
        ({"signature": "data:image/png;base64,AAAA"}, "This picture cannot be read"),
        ({"signature": "nonsense"}, "Clear the signature and sign again."),
        ({"token": "made-up"}, "This list cannot be read. Open the page again."),
        ({"no_preference": "on"}, "Write how you came to this agency"),
    ],
)
def test_an_incomplete_choice_comes_back_with_words(cast: Cast, change: dict[str, str], words: str) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    client = manager(cast)
    page = client.get(order_page(request, "/choice"))
    drawn = "data:image/png;base64," + base64.b64encode(home.drawing()).decode()
    values = {
        "key": hidden(page, "key"), "token": hidden(page, "token"), "vendor": str(cast.northbound.pk), "second": "",
        "chooser": "patient", "signature": drawn,
    }  # fmt: skip
    answer = client.post(order_page(request, "/choice"), values | change)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with act_as(cast.staff()):
        assert not ReferralOffer.objects.exists()


def test_the_agency_answers_on_its_page_and_sees_no_name_before(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound)
    offer, client = home.open_ask(cast, request), desk(cast)
    before = client.get("/referrals").content.decode()
    assert "Madison, 537" in before
    for secret in (home.FAMILY, home.STREET, "53704"):
        assert secret not in before
    assert offer.pk.hex not in desk(cast, "tamarack").get("/referrals").content.decode().replace("-", "")
    assert desk(cast, "tamarack").post(f"/referrals/asked/{offer.pk}/accept").status_code == 404
    answer = client.post(f"/referrals/asked/{offer.pk}/accept")
    with act_as(home.coordinator(cast.northbound)):
        referral = Referral.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/referrals/{referral.pk}")
    after = client.get(f"/referrals/{referral.pk}").content.decode()
    assert home.FAMILY in after
    assert home.STREET in after
    assert client.post(f"/referrals/asked/{offer.pk}/decline", {"code": "payer"}).status_code == 409


def test_a_no_needs_a_reason_and_reaches_the_hospital(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound)
    offer, client = home.open_ask(cast, request), desk(cast)
    assert client.post(f"/referrals/asked/{offer.pk}/decline", {"code": ""}).status_code == 422
    assert client.post(f"/referrals/asked/{offer.pk}/decline", {"code": "payer"}).status_code == 303
    settle()
    page = manager(cast).get(order_page(request)).content.decode()
    assert "Does not take this payer" in page
    assert "Ask the patient for the next choice and record it." in page
    assert order_page(request) in manager(cast).get("/board").content.decode()


def test_a_visit_goes_from_the_plan_over_the_phone_to_verified(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    coordinator = desk(cast)
    assert "To plan" in coordinator.get("/visits").content.decode()
    begins = clock.local(clock.now() + dt.timedelta(minutes=10), "America/Chicago")
    values = {
        "clinician": str(nurse.pk), "starts_at": f"{begins:%Y-%m-%dT%H:%M}",
        "ends_at": f"{begins + dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert coordinator.post(f"/visits/{visit.pk}/plan", values | {"clinician": ""}).status_code == 422
    assert coordinator.post(f"/visits/{visit.pk}/plan", values).status_code == 303
    client = phone(cast)
    day = client.get("/visits/today").content.decode()
    assert home.FAMILY in day
    assert "Begin the visit" in client.get(f"/visits/{visit.pk}").content.decode()
    where = home.at_home(cast, referral)
    tap = {"latitude": str(where.latitude), "longitude": str(where.longitude), "accuracy_m": "9"}
    early = (clock.now() - dt.timedelta(minutes=30)).isoformat()
    answer = client.post(
        f"/visits/{visit.pk}/check-in", {**tap, "idempotency_key": "tap-00001", "occurred_at": early},
        headers={"Accept": "application/json"},
    )  # fmt: skip
    assert answer.json()["status"] == "taken"
    assert "End the visit" in client.get(f"/visits/{visit.pk}").content.decode()
    refused = client.post(f"/visits/{visit.pk}/check-out", {**tap, "idempotency_key": "tap-00002", "done_note": ""})
    assert refused.status_code == 422
    assert "Write in a few words what was done." in refused.content.decode()
    done = client.post(
        f"/visits/{visit.pk}/check-out", {**tap, "idempotency_key": "tap-00002", "done_note": "Wound dressed"}
    )
    assert done.status_code == 303
    settle()
    with act_as(home.coordinator(cast.northbound)):
        assert Visit.objects.get(pk=visit.pk).status == "verified"
    assert "Start of care done" in manager(cast).get(order_page(request)).content.decode()
    assert client.get("/visits").status_code == 403


def test_somebody_else_s_visit_is_absent_on_the_phone_and_audited(cast: Cast) -> None:
    _, referral, _ = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    client = phone(cast)
    assert client.get(f"/visits/{visit.pk}").status_code == 404
    assert client.post(f"/visits/{visit.pk}/check-in", {"idempotency_key": "tap-00001"}).status_code == 404
    with act_as(home.coordinator(cast.northbound)):
        assert AuditEntry.objects.filter(action="visit.refused_view").count() == 2


def test_an_exception_is_approved_and_a_miss_is_marked_on_the_agency_s_desk(cast: Cast) -> None:
    from dispatch.services.home_health import visits

    _, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    client = desk(cast)
    assert client.post(f"/visits/{visit.pk}/missed", {"code": "no_answer"}).status_code == 303
    again = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with act_as(home.clinician(cast, cast.northbound)):
        at = clock.now() - dt.timedelta(minutes=20)
        visits.check_in(again.pk, at=at, key="tap-0001", where=visits.Position())
        visits.check_out(again.pk, at=clock.now(), key="tap-0002", where=visits.Position(), done_note="Seen")
    settle()
    assert "No position at check-in" in client.get("/visits").content.decode()
    assert client.post(f"/visits/{again.pk}/approve", {"reason": ""}).status_code == 422
    assert client.post(f"/visits/{again.pk}/approve", {"reason": "no_signal"}).status_code == 303
    text = client.get(f"/referrals/{referral.pk}").content.decode()
    assert "No signal at the home" in text
    assert "Missed" in text


def test_times_are_written_by_hand_with_words(cast: Cast) -> None:
    _, referral, nurse = home.accepted(cast)
    begins = clock.now() - dt.timedelta(hours=3)
    visit = home.first_visit(cast, cast.northbound, referral)
    visit = home.planned(cast, cast.northbound, visit, nurse)
    client, local = desk(cast), clock.local(begins, "America/Chicago")
    values = {
        "begin_at": f"{local:%Y-%m-%dT%H:%M}", "end_at": f"{local + dt.timedelta(minutes=45):%Y-%m-%dT%H:%M}",
        "reason": "phone_failed", "note": "Nia called from the car", "done_note": "Wound dressed",
    }  # fmt: skip
    assert client.post(f"/visits/{visit.pk}/correct", values | {"note": ""}).status_code == 422
    assert client.post(f"/visits/{visit.pk}/correct", values).status_code == 303
    assert "Nia called from the car" in client.get(f"/referrals/{referral.pk}").content.decode()


def test_an_agency_writes_its_profile_and_the_hospital_its_disclosure(cast: Cast) -> None:
    client = desk(cast, "tamarack")
    values = {"disciplines": ["rn"], "payers": ["medicare"], "zips": "537, 53511", "weekly_starts": "5", "stars": "4.5"}
    assert client.post("/agency", values).status_code == 422
    assert client.post("/agency", values | {"zips": "5", "stars": ""}).status_code == 422
    assert client.post("/agency", values | {"stars_as_of": "2026-10-01"}).status_code == 303
    assert "53511 537" in client.get("/agency").content.decode()
    admin = signed_in(cast.people["admin@lakeshore"])
    listed = admin.get("/home-health/agencies").content.decode()
    assert "No license in force" in listed
    from vendors.models import Network

    with act_as(cast.staff()):
        network = Network.objects.get(vendor=cast.tamarack)
    path = f"/home-health/agencies/{network.pk}"
    assert admin.post(path, {"financial_interest": "We own it", "response_minutes": "5"}).status_code == 422
    assert admin.post(path, {"financial_interest": "We own it", "response_minutes": "90"}).status_code == 303
    assert "We own it" in admin.get("/home-health/agencies").content.decode()


def test_staff_enter_a_phoned_answer_a_new_date_and_a_cancellation(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound)
    client = manager(cast)
    assert client.post(order_page(request, "/answer"), {"answer": "decline", "reason": "Hana"}).status_code == 422
    assert client.post(order_page(request, "/answer"), {"answer": "accept", "reason": "Hana"}).status_code == 303
    settle()
    day = clock.today("America/Chicago") + dt.timedelta(days=5)
    late = {"soc_ordered_on": day.isoformat(), "practitioner_name": "Dr. Wolfe"}
    assert client.post(order_page(request, "/start"), late | {"soc_ordered_on": "2020-01-01"}).status_code == 422
    assert client.post(order_page(request, "/start"), late).status_code == 303
    assert client.post(order_page(request, "/cancel"), {"reason": "patient_request"}).status_code == 303
    settle()
    assert home.referral_of(cast, request).status == "canceled"
    assert "Canceled" in client.get("/home-health?show=done").content.decode()


def test_a_discharge_with_home_health_only_still_has_no_ride(cast: Cast) -> None:
    from logistics.requests.models import Discharge
    from logistics.requests.selectors.requests import ready_without_ride

    request = home.order(cast)
    with act_as(cast.staff()):
        Discharge.objects.create(encounter_id=request.encounter_id, announced_at=clock.now())
        waiting = ready_without_ride([cast.units["4W@lakeshore"]])
        assert [row.patient for row in waiting] == [Patient.objects.get(pk=request.patient_id)]


def test_the_standing_of_many_orders_takes_a_fixed_number_of_queries(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    from dispatch.selectors.home_health import status_of

    ids = [home.order(cast, key=f"many-{number}").pk for number in range(3)]
    with act_as(cast.staff()):
        with django_assert_num_queries(3):
            assert len(status_of(ids)) == 3
        with django_assert_num_queries(3):
            assert len(status_of(ids[:1])) == 1
