"""The address book through its pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from logistics.core.models import AuditEntry
from logistics.requests.models import Place
from tests.cast import Cast
from tests.requests.ward import admit
from tests.support import act_as, signed_in

BAYVIEW = {
    "name": "Bayview Rehab", "kind": "rehab", "aliases": "bay", "address": "12 Shore Dr", "city": "Marquette",
    "state": "mi", "zip_code": "49855", "phone": "", "note": "Ramp at side",
}  # fmt: skip


def test_a_place_is_added_and_placed_by_its_zip_code(cast: Cast) -> None:
    client = signed_in(cast.people["case_manager@lakeshore"])
    response = client.post(reverse("requests:place_add"), BAYVIEW)
    assert response.status_code == 303
    with act_as(cast.staff()):
        place = Place.objects.get(name="Bayview Rehab")
        assert AuditEntry.objects.filter(action="place.created", target_id=str(place.pk)).exists()
    assert (place.state, place.time_zone) == ("MI", "America/Detroit")
    assert 46 < place.latitude < 47
    assert "Bayview Rehab" in client.get(f"{reverse('requests:places')}?q=bay").content.decode()
    options = client.post(reverse("requests:place_options"), {"q": "bay"}).content.decode()
    assert f'data-value="{place.pk}"' in options


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"zip_code": "00000"}, "There is no ZIP code 00000. Check the address."),
        ({"state": "WI"}, "ZIP code 49855 is in MI, not in WI."),
        ({"zip_code": "4985"}, "A ZIP code has 5 digits."),
        ({"name": ""}, "Write what staff call this place."),
        ({"name": "Willow Creek Skilled Nursing"}, "There is a place called Willow Creek Skilled Nursing already."),
    ],
)
def test_a_wrong_place_names_the_field_and_what_to_do(cast: Cast, changes: dict[str, Any], words: str) -> None:
    client = signed_in(cast.people["case_manager@lakeshore"])
    response = client.post(reverse("requests:place_add"), BAYVIEW | changes)
    assert response.status_code == 422
    assert words in response.content.decode()
    with act_as(cast.staff()):
        assert Place.objects.count() == 1


def test_a_place_taken_out_is_offered_no_more_and_comes_back_with_undo(cast: Cast) -> None:
    client, willow = signed_in(cast.people["case_manager@lakeshore"]), cast.places["willow@lakeshore"]
    gone = client.post(reverse("requests:place_deactivate", args=[willow.pk]), follow=True)
    assert "is taken out of the address book." in gone.content.decode()
    assert "Undo" in gone.content.decode()
    assert willow.name not in client.post(reverse("requests:place_options"), {"q": "will"}).content.decode()
    client.post(reverse("requests:place_restore", args=[willow.pk]))
    assert willow.name in client.post(reverse("requests:place_options"), {"q": "will"}).content.decode()


def test_the_picker_offers_home_and_a_written_address(cast: Cast) -> None:
    client, encounter = signed_in(cast.people["case_manager@lakeshore"]), admit(cast)
    url = f"{reverse('requests:place_options')}?patient={encounter.patient_id}"
    assert 'data-value="home"' in client.post(url, {"q": "ho"}).content.decode()
    written = client.post(url, {"q": "9 Lake St, Marquette MI 49855"}).content.decode()
    assert 'data-value="other"' in written
    assert "Use this address" in written


def test_another_health_systems_place_is_not_there(cast: Cast) -> None:
    client, theirs = signed_in(cast.people["case_manager@lakeshore"]), cast.places["willow@prairie"]
    assert client.get(reverse("requests:place_edit", args=[theirs.pk])).status_code == 404
    for name in ("place_edit", "place_deactivate", "place_restore"):
        assert client.post(reverse(f"requests:{name}", args=[theirs.pk]), BAYVIEW).status_code == 404
    with act_as(cast.staff(cast.prairie)):
        assert Place.objects.get(pk=theirs.pk).is_active


def test_who_may_not_edit_places_is_refused(cast: Cast) -> None:
    willow = cast.places["willow@lakeshore"]
    for role in ("vendor_dispatcher@northbound", "biller@lakeshore"):
        client = signed_in(cast.people[role])
        assert client.get(reverse("requests:places")).status_code == 403
        assert client.post(reverse("requests:place_deactivate", args=[willow.pk])).status_code == 403
