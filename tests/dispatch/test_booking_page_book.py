"""Booking through the page: the happy path, every refusal, and that nothing is booked twice."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from dispatch.models import Trip
from logistics.core import clock
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.requests.ward import admit, detail_of, foresee, requests_of
from tests.support import act_as, settle, signed_in

ZONE = "America/Chicago"
LOCAL = "%Y-%m-%dT%H:%M"


def in_local(minutes: int) -> str:
    return (clock.local(clock.now(), ZONE) + dt.timedelta(minutes=minutes)).strftime(LOCAL)


def answers(cast: Cast, patient_id: Any, **changes: Any) -> dict[str, Any]:
    given = {
        "key": uuid4().hex,
        "patient": str(patient_id),
        "pickup": "chart",
        "destination": str(cast.places["willow@lakeshore"].pk),
        "destination_text": "Willow Creek Skilled Nursing",
        "when": "at",
        "pickup_local": in_local(90),
        "pickup_contact": "4 West desk",
        "mobility": "wheelchair",
        "needs": ["oxygen"],
        "oxygen_lpm": "2",
        "weight_lb": "142",
        "companions": "1",
        "payer_name": "Lakeshore Medicare Advantage",
        "driver_note": "Hearing aid on left",
        "level_seen": "WC",
        "do": "book",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def plain(response: Any) -> str:
    """The page with every run of white space as one space."""
    return " ".join(response.content.decode().split())


def desk(cast: Cast) -> Client:
    return signed_in(cast.people["case_manager@lakeshore"])


def test_a_booked_ride_becomes_a_trip_that_a_vendor_is_asked_about(cast: Cast) -> None:
    encounter = admit(cast)
    response = desk(cast).post(reverse("dispatch:book"), answers(cast, encounter.patient_id))
    assert response.status_code == 303, response.content.decode()[:3000]
    (request,) = requests_of(cast, encounter.patient_id)
    assert request.status == "requested"
    assert request.human_edited
    assert request.unit_id == encounter.unit_id
    detail = detail_of(cast, request)
    assert (detail.level, detail.level_advised) == ("WC", "WC")
    assert detail.level_reason == "Cannot walk to the car, can sit upright; oxygen at 2 L is the patient's own."
    assert detail.level_confirmed_by_id == cast.people["case_manager@lakeshore"].user_id
    assert detail.pickup_bed_label == "4W-12"
    assert detail.miles
    settle()
    with act_as(cast.staff()):
        trip = Trip.objects.get(request=request)
        assert trip.status == "offering"
        assert trip.level == "WC"
        assert clock.local(trip.pickup_at, ZONE).strftime(LOCAL) == clock.local(detail.pickup_at, ZONE).strftime(LOCAL)


def test_a_draft_from_the_chart_opens_filled_and_is_the_one_that_is_booked(cast: Cast) -> None:
    encounter = admit(cast)
    draft = foresee(cast, encounter, weight_lb=142, payer_name="Lakeshore Medicare Advantage")
    client = desk(cast)
    page = client.get(f"{reverse('dispatch:book')}?request={draft.pk}")
    html = page.content.decode()
    assert page.status_code == 200
    assert "Cole, Agnes" in html
    assert html.count("from chart") >= 3
    booked = client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id, request=str(draft.pk)))
    assert booked.status_code == 303
    (request,) = requests_of(cast, encounter.patient_id)
    assert request.pk == draft.pk
    assert request.status == "requested"


def test_a_page_for_a_patient_goes_on_with_the_draft_that_the_chart_foresaw(cast: Cast) -> None:
    encounter = admit(cast)
    draft = foresee(cast, encounter)
    page = desk(cast).get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}")
    assert f'value="{draft.pk}"' in page.content.decode()
    booked = desk(cast).post(reverse("dispatch:book"), answers(cast, encounter.patient_id))
    assert booked.status_code == 303
    assert [request.pk for request in requests_of(cast, encounter.patient_id)] == [draft.pk]


def test_a_form_sent_twice_books_once(cast: Cast) -> None:
    encounter = admit(cast)
    client, form = desk(cast), answers(cast, encounter.patient_id)
    first, second = (client.post(reverse("dispatch:book"), form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"]
    assert len(requests_of(cast, encounter.patient_id)) == 1
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(action="request.ready").count() == 1


def test_a_patient_with_an_open_ride_is_tracked_not_booked_again(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id))
    settle()
    with act_as(cast.staff()):
        number = Trip.objects.get(request__patient_id=encounter.patient_id).number
    page = client.get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}")
    assert f"Already has an open ride: trip {number}." in page.content.decode()
    again = client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id))
    assert again.status_code == 409
    assert f"Already has an open ride: trip {number}." in again.content.decode()
    assert reverse("dispatch:trip", args=[number]) in again.content.decode()
    assert [r.status for r in requests_of(cast, encounter.patient_id)] == ["requested"]


def test_a_second_ride_much_later_is_another_ride(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    for minutes in (90, 90 + 5 * 60):
        form = answers(cast, encounter.patient_id, pickup_local=in_local(minutes))
        assert client.post(reverse("dispatch:book"), form).status_code == 303
    assert len(requests_of(cast, encounter.patient_id)) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patient": None}, "Choose the patient"),
        ({"destination": "", "destination_text": ""}, "Choose where the patient is going."),
        ({"destination": "", "destination_text": "willo creeek"}, "No place called “willo creeek”."),
        ({"destination": "", "destination_text": "18 Pier Rd 00000"}, "There is no ZIP code 00000."),
        ({"destination": str(uuid4())}, "This place is not in the address book any more."),
        ({"when": None}, "Choose when the ride is wanted"),
        ({"pickup_local": ""}, "Write the date and time of the pickup."),
        ({"pickup_local": "soon"}, "Write the date and time of the pickup."),
        ({"pickup_local": in_local(-30)}, "Pickup must be after"),
        ({"pickup_local": in_local(200 * 24 * 60)}, "Choose an earlier day."),
        ({"when": "ready", "pickup_local": ""}, "Write about when the patient will be ready"),
        ({"mobility": None}, "Choose how the patient travels"),
        ({"oxygen_lpm": ""}, "Write the oxygen flow"),
        ({"oxygen_lpm": "two"}, "Write the flow as a number"),
        ({"oxygen_lpm": "90"}, "Oxygen flow is between"),
        ({"weight_lb": "1400"}, "Weight is between"),
        ({"level_seen": ""}, "Check the level of service, Wheelchair van, then book."),
        ({"level_seen": "AMB"}, "The answers changed the level to Wheelchair van."),
        ({"level": "BLS"}, "Write why another level is right."),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_what_to_do(cast: Cast, changes: dict[str, Any], words: str) -> None:
    encounter = admit(cast)
    response = desk(cast).post(reverse("dispatch:book"), answers(cast, encounter.patient_id, **changes))
    html = response.content.decode()
    assert response.status_code == 422
    assert "There is a problem" in html
    assert words in html
    assert not any(request.status != "draft" for request in requests_of(cast, encounter.patient_id))


def test_an_oxygen_flow_counts_only_when_oxygen_is_chosen(cast: Cast) -> None:
    encounter = admit(cast)
    form = answers(cast, encounter.patient_id, needs=[], oxygen_lpm="two")
    assert desk(cast).post(reverse("dispatch:book"), form).status_code == 303
    (request,) = requests_of(cast, encounter.patient_id)
    assert detail_of(cast, request).oxygen_lpm is None


def test_all_problems_are_told_at_once(cast: Cast) -> None:
    encounter = admit(cast)
    form = answers(cast, encounter.patient_id, mobility=None, when=None, destination="", destination_text="")
    html = desk(cast).post(reverse("dispatch:book"), form).content.decode()
    summary = html[html.index("There is a problem") : html.index("</ul>", html.index("There is a problem"))]
    assert summary.count("<li>") == 3


def test_another_level_needs_a_reason_which_is_kept(cast: Cast) -> None:
    encounter = admit(cast)
    form = answers(cast, encounter.patient_id, level="BLS", override_reason="Dr. Amari wants an EMT beside her")
    assert desk(cast).post(reverse("dispatch:book"), form).status_code == 303
    (request,) = requests_of(cast, encounter.patient_id)
    detail = detail_of(cast, request)
    assert (detail.level, detail.level_advised) == ("BLS", "WC")
    assert detail.level_override_reason == "Dr. Amari wants an EMT beside her"
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="request.level_overridden")
    assert entry.details["advised"] == "WC"
    assert entry.reason == "Dr. Amari wants an EMT beside her"


def test_home_and_a_written_address_are_placed(cast: Cast) -> None:
    at_home, elsewhere = admit(cast, bed="01"), admit(cast, bed="02", family="Petrov")
    client = desk(cast)
    # Hundreds of miles outlast an own oxygen tank: that patient needs none here.
    far = {"destination": "", "destination_text": "9 Lake St, Marquette MI 49855", "needs": [], "oxygen_lpm": ""}
    near = {"destination": "home", "destination_text": "Home"}
    for encounter, where in ((at_home, near), (elsewhere, far)):
        response = client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id, **where))
        assert response.status_code == 303
    home = detail_of(cast, requests_of(cast, at_home.patient_id)[0])
    other = detail_of(cast, requests_of(cast, elsewhere.patient_id)[0])
    assert (home.destination_kind, home.destination_address["zip_code"]) == ("home", "53704")
    assert (other.destination_kind, other.destination_zone) == ("other", "America/Detroit")


def test_a_ride_when_ready_waits_for_the_word(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id, when="ready"))
    settle()
    with act_as(cast.staff()):
        trip = Trip.objects.get(request__patient_id=encounter.patient_id)
    assert trip.when == "ready"


def test_typing_is_kept_and_found_again_after_signing_in_anew(cast: Cast) -> None:
    encounter = admit(cast)
    form = answers(cast, encounter.patient_id, mobility="lies", destination="", destination_text="Bayv", do=None)
    saved = desk(cast).post(reverse("dispatch:book_draft"), form)
    assert saved.status_code == 204
    assert desk(cast).post(reverse("dispatch:book_draft"), form | {"driver_note": "Two bags"}).status_code == 204
    (request,) = requests_of(cast, encounter.patient_id)
    assert request.status == "draft"
    page = desk(cast).get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}").content.decode()
    assert f'value="{request.pk}"' in page
    assert 'value="Two bags"' in page
    assert 'value="Bayv"' in page


def test_a_draft_without_a_patient_is_not_kept_and_says_so(cast: Cast) -> None:
    saved = desk(cast).post(reverse("dispatch:book_draft"), {"key": uuid4().hex})
    assert saved.status_code == 422


def test_saving_as_draft_books_nothing(cast: Cast) -> None:
    encounter = admit(cast)
    response = desk(cast).post(reverse("dispatch:book"), answers(cast, encounter.patient_id, do="save"))
    assert response.status_code == 303
    (request,) = requests_of(cast, encounter.patient_id)
    assert request.status == "draft"


def test_a_page_that_fills_itself_anew_leaves_no_second_draft(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    # The form before the patient was chosen saves itself once more; the form after it has a key of its own.
    client.post(reverse("dispatch:book_draft"), {"key": uuid4().hex, "patient": str(encounter.patient_id)})
    form = answers(cast, encounter.patient_id)
    client.post(reverse("dispatch:book_draft"), form)
    assert client.post(reverse("dispatch:book"), form).status_code == 303
    client.post(reverse("dispatch:book_draft"), {"key": uuid4().hex, "patient": str(encounter.patient_id)})
    assert client.post(reverse("dispatch:book"), form).status_code == 303
    assert [request.status for request in requests_of(cast, encounter.patient_id)] == ["requested"]


def test_a_late_draft_save_does_not_touch_a_booked_ride(cast: Cast) -> None:
    encounter = admit(cast)
    client, form = desk(cast), answers(cast, encounter.patient_id)
    client.post(reverse("dispatch:book"), form)
    client.post(reverse("dispatch:book_draft"), form | {"driver_note": "Changed after booking"})
    (request,) = requests_of(cast, encounter.patient_id)
    assert detail_of(cast, request).driver_note == "Hearing aid on left"


def test_the_preview_shows_level_price_and_order_and_writes_nothing(cast: Cast) -> None:
    encounter = admit(cast)
    client, form = desk(cast), answers(cast, encounter.patient_id)
    with act_as(cast.staff()):
        before = (ServiceRequest.objects.count(), OutboxEvent.objects.count(), Trip.objects.count())
    html = plain(client.post(reverse("dispatch:book_preview"), form, headers={"HX-Request": "true"}))
    with act_as(cast.staff()):
        assert (ServiceRequest.objects.count(), OutboxEvent.objects.count(), Trip.objects.count()) == before
    assert "Wheelchair van" in html
    assert "Lowest-cost level that fits." in html
    assert "Best match: Northbound Medical" in html
    assert "No record here yet" in html
    assert "If no one accepts in 7 min" in html
    assert 'name="level_seen" value="WC"' in html
    at = dt.datetime.strptime(form["pickup_local"], LOCAL)
    assert f"{at:%H:%M} · $" in html[html.index("book-submit") :]


def test_the_preview_says_why_nobody_can_come(cast: Cast) -> None:
    encounter = admit(cast)
    form = answers(cast, encounter.patient_id, needs=["critical"], oxygen_lpm="")
    html = desk(cast).post(reverse("dispatch:book_preview"), form).content.decode()
    assert "Critical care" in html
    assert "Nobody can come as asked." in html
    assert "does not offer" in html


def test_the_page_works_as_a_plain_form(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    found = client.post(
        reverse("dispatch:book"), {"key": uuid4().hex, "find": "patient", "patient": "", "patient_text": "col"}
    ).content.decode()
    assert f'name="patient" value="{encounter.patient_id}"' in found
    chosen = client.post(
        reverse("dispatch:book"), {"key": uuid4().hex, "find": "patient", "patient": str(encounter.patient_id)}
    )
    assert chosen.status_code == 303
    assert chosen["Location"].endswith(f"?patient={encounter.patient_id}")
    checked = client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id, do="check", level_seen=""))
    assert checked.status_code == 200
    assert 'name="level_seen" value="WC"' in plain(checked)
    assert not requests_of(cast, encounter.patient_id)


@pytest.mark.parametrize("find", ["0045", "03/14/1945", "608 555 0142", "col", "Agnes Cole"])
def test_a_patient_is_found_by_name_number_birth_date_or_phone(cast: Cast, find: str) -> None:
    admit(cast, mrn="0045")
    html = desk(cast).post(reverse("requests:patient_options"), {"q": find}).content.decode()
    assert "Cole, Agnes · 4W-12 · MRN 0045" in html
    with act_as(cast.staff()):
        entry = AuditEntry.objects.filter(action="patient.searched").latest("id")
    assert entry.details == {"hits": 1}


def test_the_pickers_look_for_no_words_that_stand_in_the_address(cast: Cast) -> None:
    admit(cast, mrn="0045")
    client = desk(cast)
    for name in ("requests:patient_options", "requests:place_options"):
        asked, plain_get = client.get(reverse(name), {"q": "col"}), client.get(reverse(name))
        assert asked.status_code == 200
        assert asked.content == plain_get.content
        assert "Cole, Agnes" not in asked.content.decode()
    with act_as(cast.staff()):
        assert not AuditEntry.objects.filter(action="patient.searched").exists()


@pytest.mark.parametrize("name", ["requests:patient_options", "requests:place_options", "dispatch:palette"])
def test_a_search_from_another_site_is_refused(cast: Cast, name: str) -> None:
    client = desk(cast)
    client.handler.enforce_csrf_checks = True
    assert client.post(reverse(name), {"q": "col"}).status_code == 403


def test_another_health_systems_patient_draft_and_place_are_not_there(cast: Cast) -> None:
    theirs = admit(cast, slug="prairie")
    draft = foresee(cast, theirs, slug="prairie")
    client = desk(cast)
    assert client.get(f"{reverse('dispatch:book')}?patient={theirs.patient_id}").status_code == 404
    assert client.get(f"{reverse('dispatch:book')}?request={draft.pk}").status_code == 404
    for url in ("dispatch:book", "dispatch:book_draft", "dispatch:book_preview"):
        form = answers(cast, theirs.patient_id, request=str(draft.pk))
        assert client.post(reverse(url), form).status_code == 404
    mine = admit(cast)
    form = answers(cast, mine.patient_id, destination=str(cast.places["willow@prairie"].pk))
    assert client.post(reverse("dispatch:book"), form).status_code == 422
    assert requests_of(cast, theirs.patient_id, slug="prairie")[0].status == "draft"


@pytest.mark.parametrize("role", ["vendor_dispatcher@northbound", "driver@northbound", "biller@lakeshore"])
def test_who_may_not_book_is_refused(cast: Cast, role: str) -> None:
    encounter = admit(cast)
    client = signed_in(cast.people[role])
    assert client.get(reverse("dispatch:book")).status_code == 403
    assert client.post(reverse("dispatch:book"), answers(cast, encounter.patient_id)).status_code == 403
    assert not requests_of(cast, encounter.patient_id)
