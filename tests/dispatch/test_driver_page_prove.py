"""Proof of handover on the crew's phone."""

from __future__ import annotations

import base64
import io
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw

from dispatch.models import Proof, Trip
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import audited, client_of, leg_of
from tests.support import act_as, problem_of, settle

pytestmark = pytest.mark.django_db(transaction=True)
DRIVER = "driver@northbound"


def drawn() -> str:
    """A signature as signature.js sends it."""
    picture = Image.new("RGB", (700, 380), "white")
    ImageDraw.Draw(picture).line([(50, 200), (300, 90), (600, 250)], fill="#14211f", width=5)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def taken() -> bytes:
    """A photo with a position in its metadata."""
    exif = Image.Exif()
    exif[0x010F] = "Phone maker"
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "#88aacc").save(out, "JPEG", exif=exif)
    return out.getvalue()


def fields(**more: Any) -> dict[str, Any]:
    return {
        "idempotency_key": str(uuid.uuid4()), "receiver_relation": "family", "receiver_name": "Elena Brandt",
        "signature": drawn(), **more,
    }  # fmt: skip


@pytest.fixture
def arrived(cast: Cast) -> tuple[Trip, Client]:
    """A trip at its drop-off, and the phone of its crew."""
    trip = ride.assigned(cast)
    client = client_of(cast, DRIVER)
    leg = leg_of(cast, trip)
    for step in ("en_route", "at_pickup", "on_board", "at_destination"):
        client.post(f"/drive/{leg.pk}/tap", {"to": step, "idempotency_key": str(uuid.uuid4())})
    settle()
    return trip, client


def test_a_signed_handover_completes_the_trip(cast: Cast, arrived: tuple[Trip, Client]) -> None:
    trip, client = arrived
    leg = leg_of(cast, trip)
    photo = SimpleUploadedFile("door.jpg", taken(), content_type="image/jpeg")
    answer = client.post(f"/drive/{leg.pk}/proof", fields(photo=photo, note="Left the walker too"))
    assert (answer.status_code, answer["Location"]) == (303, "/drive")
    settle()
    assert ride.fresh(cast, trip).status == "completed"
    with act_as(cast.staff()):
        proof = Proof.objects.get(leg=leg)
        assert (proof.receiver_name, proof.receiver_relation, proof.note) == (
            "Elena Brandt",
            "family",
            "Left the walker too",
        )
        assert bytes(proof.signature).startswith(b"\x89PNG")
        assert b"Phone maker" not in bytes(proof.photo)
    assert "Handed over" in problem_of(client.get(f"/drive/{leg.pk}/proof"))


def test_the_outbox_sends_a_shrunk_photo_and_gets_json(cast: Cast, arrived: tuple[Trip, Client]) -> None:
    trip, client = arrived
    leg = leg_of(cast, trip)
    photo = "data:image/jpeg;base64," + base64.b64encode(taken()).decode()
    body, accept = fields(photo_data=photo), {"Accept": "application/json"}
    for _ in range(2):
        answer = client.post(f"/drive/{leg.pk}/proof", body, headers=accept)
        assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    with act_as(cast.staff()):
        assert Proof.objects.filter(leg=leg).count() == 1
        assert bytes(Proof.objects.get(leg=leg).photo).startswith(b"\xff\xd8")


def test_who_cannot_sign_says_why(cast: Cast, arrived: tuple[Trip, Client]) -> None:
    trip, client = arrived
    leg = leg_of(cast, trip)
    neither = client.post(f"/drive/{leg.pk}/proof", fields(signature=""))
    assert neither.status_code == 422
    assert "Sign here, or say why there is no signature" in problem_of(neither)
    assert leg_of(cast, trip).status == "at_destination"
    done = client.post(f"/drive/{leg.pk}/proof", fields(signature="", cannot_sign_reason="Hand injury"))
    assert done.status_code == 303
    with act_as(cast.staff()):
        assert Proof.objects.get(leg=leg).unsigned_reason == "Hand injury"


def test_the_crew_cannot_sign_for_the_patient(cast: Cast, arrived: tuple[Trip, Client]) -> None:
    trip, client = arrived
    leg = leg_of(cast, trip)
    name = cast.crew["northbound-0-0"].name
    refused = client.post(f"/drive/{leg.pk}/proof", fields(receiver_name=name))
    assert refused.status_code == 422
    assert "The crew cannot sign for the patient" in problem_of(refused)
    assert ride.fresh(cast, trip).status == "under_way"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"receiver_name": ""}, "Enter the receiver&#x27;s full name"),
        ({"receiver_relation": "nobody"}, "Select a valid choice"),
        ({"signature": "data:image/png;base64,AAAA"}, "This picture cannot be read"),
        ({"signature": "javascript:alert(1)"}, "Clear the signature and sign again."),
    ],
)
def test_what_is_missing_or_unreadable_is_named(
    cast: Cast, arrived: tuple[Trip, Client], change: dict[str, str], words: str
) -> None:
    trip, client = arrived
    leg = leg_of(cast, trip)
    answer = client.post(f"/drive/{leg.pk}/proof", fields(**change))
    assert answer.status_code == 422
    assert words in problem_of(answer)
    assert leg_of(cast, trip).status == "at_destination"


def test_the_signature_is_shown_to_those_who_may_and_the_look_is_audited(
    cast: Cast, arrived: tuple[Trip, Client]
) -> None:
    trip, client = arrived
    client.post(f"/drive/{leg_of(cast, trip).pk}/proof", fields())
    settle()
    manager = client_of(cast, "case_manager@lakeshore")
    image = manager.get(f"/trips/{trip.number}/signature")
    assert (image.status_code, image["Content-Type"], image["Cache-Control"]) == (200, "image/png", "no-store")
    assert audited(cast.staff(), "proof.viewed")[-1].details == {"part": "signature"}
    assert manager.get(f"/trips/{trip.number}/photo").status_code == 404
    assert client_of(cast, "quality@lakeshore").get(f"/trips/{trip.number}/signature").status_code == 404
    assert client_of(cast, "case_manager@prairie").get(f"/trips/{trip.number}/signature").status_code == 404
