"""Proof of handover ends the trip, frees the vehicle, and takes no picture as it comes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw

from dispatch.models import Leg, LegEvent, Passenger, Proof, Trip
from dispatch.services import proof, transitions
from logistics.core import clock, pictures
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.dispatch.ride import assigned, fresh, vendor_scope
from tests.support import act_as, settle
from vendors.models import Commitment, CommitmentCrew


def drawing(kind: str = "PNG", *, empty: bool = False, **save: Any) -> bytes:
    picture = Image.new("RGB", (600, 200), "white")
    if not empty:
        ImageDraw.Draw(picture).line([(20, 150), (300, 30), (560, 160)], fill="black", width=4)
    out = io.BytesIO()
    picture.save(out, kind, **save)
    return out.getvalue()


def on_board(cast: Cast) -> tuple[Trip, Leg]:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        for number, to in enumerate(("en_route", "at_pickup", "on_board", "at_destination")):
            transitions.tap(leg.pk, to, at=clock.now(), key=f"key-{number:08}")
    return trip, leg


def record(cast: Cast, leg: Leg, **more: Any) -> Proof:
    values: dict[str, Any] = {
        "receiver_name": "Elena Brandt", "receiver_relation": "family", "signature": drawing(), "at": clock.now(),
        "key": "proof-0001",
    }  # fmt: skip
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        return proof.record(leg.pk, **(values | more))


def refused(cast: Cast, leg: Leg, **more: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        record(cast, leg, **more)
    return caught.value


def test_a_proof_completes_leg_trip_and_request_and_frees_the_vehicle(cast: Cast) -> None:
    trip, leg = on_board(cast)
    record(cast, leg, note="Handed to the nurse")
    settle()
    done = fresh(cast, trip)
    assert (done.status, fresh(cast, leg).status) == ("completed", "completed")
    assert done.completed_at is not None
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "completed"
        stored = Proof.objects.get()
    assert stored.receiver_name == "Elena Brandt"
    assert stored.note == "Handed to the nurse"
    assert len(stored.digest) == 64
    with act_as(cast.vendor()):
        assert not Commitment.objects.filter(is_active=True, ends_at__gt=clock.now()).exists()
        assert not CommitmentCrew.objects.filter(is_active=True, ends_at__gt=clock.now()).exists()
        assert Passenger.objects.exists()


def test_a_proof_that_is_sent_twice_counts_once(cast: Cast) -> None:
    _, leg = on_board(cast)
    first = record(cast, leg)
    assert record(cast, leg, receiver_name="Somebody Else").pk == first.pk
    with act_as(cast.staff()):
        assert Proof.objects.get().receiver_name == "Elena Brandt"
        assert LegEvent.objects.filter(new_status="completed").count() == 1


def test_the_crew_cannot_sign_for_the_patient(cast: Cast) -> None:
    _, leg = on_board(cast)
    member = cast.crew["northbound-0-0"].name
    for name in (member, member.upper(), " ".join(reversed(member.split()))):
        assert refused(cast, leg, receiver_name=name).code == "crew_receiver"
    assert fresh(cast, leg).status == "at_destination"


def test_without_signature_a_reason_is_needed(cast: Cast) -> None:
    _, leg = on_board(cast)
    assert "signature" in refused(cast, leg, signature=b"").fields
    assert "signature" in refused(cast, leg, signature=drawing(empty=True)).fields
    given = record(cast, leg, signature=b"", unsigned_reason="Hand in a cast")
    assert (given.unsigned_reason, given.signature) == ("Hand in a cast", b"")


def test_without_receiver_nothing_is_handed_over(cast: Cast) -> None:
    _, leg = on_board(cast)
    assert "receiver_name" in refused(cast, leg, receiver_name="  ").fields


def test_a_patient_who_never_boarded_is_not_handed_over(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
    with pytest.raises(IllegalMove, match="no patient on board"):
        record(cast, leg)


def test_a_forgotten_arrival_is_named_in_the_history(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "on_board", at=clock.now(), key="key-00000001")
    record(cast, leg)
    with act_as(cast.staff()):
        assert LegEvent.objects.get(new_status="completed").details == {"skipped": ["at_destination"]}


def test_only_the_crew_and_its_dispatch_give_proof(cast: Cast) -> None:
    _, leg = on_board(cast)
    driver = vendor_scope(cast, cast.northbound.pk, actor_role="driver", user_id=cast.people["driver@tamarack"].user_id)
    for scope in (driver, vendor_scope(cast, cast.tamarack.pk)):
        with act_as(scope), pytest.raises(DomainError, match="does not exist"):
            proof.record(
                leg.pk, receiver_name="E. Brandt", receiver_relation="family", signature=drawing(), at=clock.now(),
                key="proof-0002",
            )  # fmt: skip


def test_a_photo_keeps_its_pixels_and_loses_where_and_by_what_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "CanaryMaker", "CanaryModel"
    exif.get_ifd(0x8825)[1] = "N"
    raw = drawing("JPEG", exif=exif, comment=b"canary comment")
    assert b"Canary" in raw
    drawn = pictures.redraw(raw, field="photo", side=400, kind="JPEG")
    assert b"anary" not in drawn
    picture = Image.open(io.BytesIO(drawn))
    assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (400, 133), {})


@pytest.mark.parametrize(
    "raw",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0zzz",
    ],
    ids=["svg", "gif", "cut png", "pdf", "broken jpeg"],
)
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(DomainError) as caught:
        pictures.redraw(raw, field="photo", side=400, kind="JPEG")
    assert "photo" in caught.value.fields


def test_a_picture_of_absurd_size_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    with pytest.raises(DomainError):
        pictures.redraw(out.getvalue(), field="photo", side=400, kind="JPEG")
    with pytest.raises(DomainError):
        pictures.redraw(b"x" * (pictures.MOST_BYTES + 1), field="photo", side=400, kind="JPEG")


def test_any_changed_part_changes_the_digest() -> None:
    at = clock.now()
    base = ("Ann", "family", b"sig", "", b"photo", "note", at)
    first = proof.digest(*base)
    for place, other in enumerate(("Bob", "nurse", b"gis", "why", b"phot", "noteo")):
        changed = list(base)
        changed[place] = other
        assert proof.digest(*changed) != first  # type: ignore[arg-type]
    # Moving a letter from one part into its neighbor changes it too.
    assert proof.digest("An", "nfamily", *base[2:]) != first  # type: ignore[arg-type]
