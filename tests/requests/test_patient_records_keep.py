"""Homes keep their source and age, merges are kept, patients are added once, papers are taken as what they are."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db.utils import ProgrammingError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.requests.models import (
    Alert,
    Attachment,
    Patient,
    PatientAddress,
    PatientMerge,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.selectors import records
from logistics.requests.services import attachments, homes, patients
from logistics.requests.services.patients import Identity
from tests.dispatch.ride import book
from tests.support import act_as, signed_in

OLD = {"line": "12 Elm St", "city": "Madison", "state": "WI", "zip_code": "53711"}
NEW = {"line": "9 Canal St", "city": "Madison", "state": "WI", "zip_code": "53703"}
PDF = b"%PDF-1.7\n1 0 obj << /Type /Page >> endobj\n%s\ntrailer\n%%EOF\n".replace(b"%s", b"", 1)


@pytest.fixture
def staff(cast: Any) -> Any:
    with act_as(cast.staff()):
        yield cast


def person(scope: Scope) -> Scope:
    return Scope.staff(scope.tenant_id, user_id=uuid4(), actor_label="Dana Morales", actor_role="case_manager")  # type: ignore[arg-type]


def patient_of(**more: Any) -> Patient:
    values = {"family_name": "Berg", "given_name": "Ola", "birth_date": "1950-02-01", "address": OLD, **more}
    return patients.find_or_create([Identity(uuid4().hex, "EPIC", "MR")], **values)[0]


def test_a_home_is_never_overwritten_and_says_who_told_it(staff: Any) -> None:
    patient = patient_of()
    patients.update_demographics(patient, address={**OLD, "line": "12 ELM ST."})
    with scoping.enter(person(scoping.current())):
        patients.update_demographics(patient, address=NEW)
    rows = records.homes_of(patient)
    assert [(row.address["line"], row.source) for row in rows] == [("9 Canal St", "person"), ("12 Elm St", "ehr")]
    assert rows[0].learned_by_name == "Dana Morales"
    now = homes.residence(patient)
    assert now is not None
    assert now.address["line"] == "9 Canal St"
    rows[0].address = OLD
    with pytest.raises(ProgrammingError):
        rows[0].save()


def test_a_ride_to_an_older_home_is_pointed_out(staff: Any) -> None:
    patient = patient_of()
    request = ServiceRequest.objects.create(patient=patient, facility=staff.facilities["lakeshore"])
    detail = TransportDetail.objects.create(request=request, destination_kind="home", destination_address=OLD)
    assert homes.check(patient, detail) == ""
    patients.update_demographics(patient, address=NEW)
    assert "changed since this ride was booked" in homes.check(patient, detail)
    assert Alert.objects.filter(request=request, code="home_changed").count() == 1


def test_an_old_home_is_asked_about_until_somebody_confirms_it(staff: Any) -> None:
    patient = patient_of()
    request = ServiceRequest.objects.create(patient=patient, facility=staff.facilities["lakeshore"])
    detail = TransportDetail.objects.create(request=request, destination_kind="home", destination_address=OLD)
    with time_machine.travel(clock.now() + dt.timedelta(days=homes.STALE_DAYS + 1), tick=False):
        assert "Ask whether the patient still lives there" in homes.check(patient, detail)
        homes.confirm(patient)
        assert homes.check(patient, detail) == ""


def test_a_merge_is_kept_with_what_moved(staff: Any) -> None:
    kept, retired = patient_of(), patient_of(given_name="Olaf", address=NEW, mrn="M-77")
    ServiceRequest.objects.create(patient=retired, facility=staff.facilities["lakeshore"])
    patients.merge(kept, retired)
    row = PatientMerge.objects.get(surviving=kept)
    assert (row.retired_id, row.retired_mrn, row.moved["requests"]) == (retired.pk, "M-77", 1)
    assert PatientAddress.objects.filter(patient=kept).count() == 2
    with pytest.raises(ProgrammingError):
        row.delete()


def test_a_patient_is_added_once_however_often_the_form_is_sent(cast: Any) -> None:
    client = signed_in(cast.people["case_manager@lakeshore"])
    form = {
        "key": uuid4().hex, "family_name": "Lindqvist", "given_name": "Ada", "birth_date": "03/14/1945",
        "mrn": "HAND-1", "line": "12 Elm St", "zip_code": "53711", "phone": "608 555 0199", "then": "book",
    }  # fmt: skip
    first = client.post("/patients/add", form)
    again = client.post("/patients/add", {**form, "is_new": "1"})
    assert first.status_code == again.status_code == 303
    assert first["Location"] == again["Location"]
    assert first["Location"].startswith("/book?patient=")
    found = client.post("/patients", {"q": "lindq"}).content.decode()
    assert "1 found" in found
    with act_as(cast.staff()):
        patient = Patient.objects.get(mrn__isnull=False, pk=first["Location"].split("=")[1])
        assert patient.address["city"] == "Madison"
        assert [one["value"] for one in records.numbers_of(patient)] == ["HAND-1"]


def test_somebody_of_the_same_name_and_birth_date_is_shown_first(cast: Any) -> None:
    with act_as(cast.staff()):
        patient_of(family_name="Lindqvist", given_name="Ada", birth_date="1945-03-14")
    client = signed_in(cast.people["case_manager@lakeshore"])
    form = {"key": uuid4().hex, "family_name": "Lindquist", "given_name": "Ada", "birth_date": "1945-03-14"}
    page = client.post("/patients/add", form)
    assert page.status_code == 422
    assert "Is it one of these?" in page.content.decode()
    assert client.post("/patients/add", {**form, "is_new": "1"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"birth_date": "soon"}, "Write the birth date as"),
        ({"birth_date": "2190-01-01"}, "lies ahead"),
        ({"zip_code": "5371"}, "A ZIP code has 5 digits"),
        ({"zip_code": "00000", "line": "12 Elm St"}, "There is no ZIP code 00000"),
        ({"line": "12 Elm St"}, "Write the ZIP code"),
        ({"family_name": ""}, "Write the family name"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(cast: Any, change: dict[str, str], words: str) -> None:
    client = signed_in(cast.people["case_manager@lakeshore"])
    form = {"key": uuid4().hex, "family_name": "Lind", "given_name": "Ada", "birth_date": "1945-03-14", **change}
    response = client.post("/patients/add", form)
    assert response.status_code == 422
    assert words in response.content.decode()


def picture(kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (20, 10), "white")
    exif = Image.Exif()
    exif[0x010E] = "taken at 12 Elm St"
    image.save(out, kind, exif=exif)
    return out.getvalue()


def test_a_picture_is_drawn_anew_without_what_the_camera_wrote(cast: Any) -> None:
    request = book(cast)
    with act_as(cast.staff()):
        assert b"12 Elm St" in picture()
        row = attachments.add(request_id=request.pk, name="C:\\scans\\Berg Ola.png.exe", content=picture())
        assert b"12 Elm St" not in bytes(row.content)
        assert row.name == "Berg Ola.png.jpg"
        assert attachments.add(request_id=request.pk, name="again.jpg", content=picture()).pk == row.pk
        assert attachments.add(request_id=request.pk, name="o.pdf", content=PDF).pages == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"MZ\x90\x00program", "Attach a PDF, a JPEG or a PNG"),
        (b"<html><script>alert(1)</script>", "Attach a PDF, a JPEG or a PNG"),
        (b"\xff\xd8\xffnot a picture", "cannot be read"),
        (PDF.replace(b"trailer", b"/OpenAction << /JavaScript (app.alert(1)) >> trailer"), "carries a script"),
        (PDF.replace(b"trailer", b"/#4a#61vaScript (x) trailer"), "carries a script"),
        (PDF.replace(b"trailer", b"/EmbeddedFile trailer"), "carries a script"),
        (PDF.replace(b"trailer", b"/Encrypt 5 0 R trailer"), "has a password"),
        (b"%PDF-1.7 cut", "is cut off"),
        (b"%PDF-" + b"0" * 8_000_001, "larger than 8 MB"),
    ],
)
def test_a_file_that_is_not_what_it_says_or_does_something_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        attachments.checked(content)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_check(content: bytes) -> None:
    for raw in (content, b"%PDF-" + content, b"\xff\xd8\xff" + content, b"\x89PNG\r\n\x1a\n" + content):
        try:
            media_type, kept, _ = attachments.checked(raw)
        except DomainError:
            continue
        assert media_type in ("application/pdf", "image/jpeg")
        assert kept


def test_a_paper_goes_in_and_out_of_sight_by_its_page(cast: Any) -> None:
    request = book(cast)
    client = signed_in(cast.people["case_manager@lakeshore"])
    url = f"/requests/{request.pk}/attachments"
    file = io.BytesIO(PDF)
    file.name = "order.pdf"
    assert client.post(url, {"file": file, "kind": "order"}).status_code == 303
    with act_as(cast.staff()):
        row = Attachment.objects.get()
    shown = client.get(f"/attachments/{row.pk}")
    assert shown["Content-Type"] == "application/pdf"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert client.post(f"/attachments/{row.pk}/switch").status_code == 303
    assert client.get(f"/attachments/{row.pk}").status_code == 404
    assert client.post(f"/attachments/{row.pk}/switch", {"restore": "1"}).status_code == 303
    assert client.get(f"/attachments/{row.pk}").status_code == 200
    other = signed_in(cast.people["case_manager@prairie"])
    assert other.get(f"/attachments/{row.pk}").status_code == 404
