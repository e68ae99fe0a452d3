"""The pages of certifications and authorizations, and signing through a link without an account."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from logistics.core import clock
from logistics.core.models import AuditEntry
from logistics.requests.models import (
    Authorization,
    CertificationAttempt,
    CertificationVersion,
    Gate,
    PhysicianCertification,
    SignLink,
)
from logistics.requests.services import sign_links
from tests.cast import Cast
from tests.requests.paper import ANSWERS, ZONE, allowed, drawing, form, patient, ride, sign
from tests.support import act_as, signed_in

CSV_BOM = "\ufeff"


@pytest.fixture(autouse=True)
def _fresh_counter() -> None:
    cache.delete("sign-link-tries:127.0.0.1")


def soon(hours: float = 5) -> dt.datetime:
    return clock.now() + dt.timedelta(hours=hours)


def url(name: str, *args: Any) -> str:
    return reverse(f"requests:{name}", args=args)


def manager(cast: Cast) -> Client:
    return signed_in(cast.people["case_manager@lakeshore"])


def biller(cast: Cast) -> Client:
    return signed_in(cast.people["biller@lakeshore"])


SIGNATURE = {"credential": "CM", "employer_kind": "facility", "employer": "Lakeshore Health", "attested": "on"}
OPENING = {"name": "noor  HADDAD", "born_on": "1945-03-14"}


def today() -> str:
    return clock.today(ZONE).isoformat()


def test_a_case_manager_begins_fills_in_signs_and_prints_the_form_of_a_ride(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, soon())
    client = manager(cast)
    assert "Missing for booked rides" in (listed := client.get(url("certs")).content.decode())
    assert "Cole, Agnes" in listed
    response = client.post(url("cert_begin", request.pk))
    assert response.status_code == 303
    edit = response["Location"]
    page = client.get(edit).content.decode()
    assert "Willow Creek Skilled Nursing" in page
    day = clock.local(soon(), ZONE).date().isoformat()
    body = {
        **{name: value for name, value in ANSWERS.items() if name not in ("icd10", "bed_alone", "bed_walk", "bed_sit")},
        "icd10": "s32.9", "bed_alone": "on", "bed_walk": "on", "bed_sit": "on", "seen_version": "1", "span": "single",
        "level": "BLS", "starts_on": day, "ends_on": day,
    }  # fmt: skip
    assert client.post(edit, {**body, "mbi": "12"}).status_code == 422
    assert client.post(edit, body).status_code == 303
    with act_as(cast.staff()):
        row = PhysicianCertification.objects.get()
    unsigned = client.post(url("cert_sign", row.pk), {**SIGNATURE, "seen_version": "1"})
    assert unsigned.status_code == 422
    assert "Write the date on which it is signed." in unsigned.content.decode()
    done = client.post(
        url("cert_sign", row.pk), {**SIGNATURE, "seen_version": "1", "dated_on": today(), "signature": drawing()}
    )
    assert done.status_code == 303
    shown = client.get(url("cert", row.pk)).content.decode()
    assert "Certified" in shown
    assert "approved" not in shown.lower()
    picture = client.get(url("cert_signature", row.pk, 1))
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/png")
    paper = client.get(url("cert_print", row.pk))
    assert paper.content.startswith(b"%PDF")
    panel = client.get(url("cert_panel", request.pk)).content.decode()
    assert "Certified." in panel
    with act_as(cast.staff()):
        version = CertificationVersion.objects.get()
        assert version.signer["name"] == "Case Manager of Lakeshore"
        exported = AuditEntry.objects.filter(tenant_id=cast.lakeshore.pk, action="certification.exported")
        assert exported.get().patient_id == person.pk


def test_roles_that_may_look_cannot_sign(cast: Cast) -> None:
    row = form(cast, patient(cast))
    for role in ("biller", "transport_coordinator"):
        client = signed_in(cast.people[f"{role}@lakeshore"])
        assert client.get(url("cert", row.pk)).status_code == 200
        assert client.post(url("cert_sign", row.pk), SIGNATURE).status_code == 403
        assert client.post(url("cert_amend", row.pk)).status_code == 403


def test_a_change_after_the_signature_shows_that_it_is_void(cast: Cast) -> None:
    row = form(cast, patient(cast))
    sign(cast, row)
    client = manager(cast)
    assert client.post(url("cert_amend", row.pk), {"seen_version": "1"}).status_code == 303
    page = client.get(url("cert", row.pk)).content.decode()
    assert "Void since the form was changed." in page
    assert "Nobody has signed version 2." in page
    stale = client.post(url("cert_amend", row.pk), {"seen_version": "7"})
    assert stale.status_code == 409


def test_attempts_and_taking_back_say_what_is_missing(cast: Cast) -> None:
    row = form(cast, patient(cast))
    client = manager(cast)
    attempt = {"day": today(), "time": "00:00", "channel": "mail", "outcome": "receipt", "to": "Dr. Haddad"}
    assert client.post(url("cert_attempt", row.pk), attempt).status_code == 422
    assert client.post(url("cert_attempt", row.pk), {**attempt, "tracking_no": "9400"}).status_code == 303
    with act_as(cast.staff()):
        assert CertificationAttempt.objects.get().tracking_no == "9400"
    assert client.post(url("cert_void", row.pk), {"reason": ""}).status_code == 422
    assert client.post(url("cert_void", row.pk), {"reason": "Wrong patient"}).status_code == 303
    assert "Taken back: Wrong patient" in client.get(url("cert", row.pk)).content.decode()


def test_a_period_is_begun_for_a_chosen_patient_also_without_scripts(cast: Cast) -> None:
    from logistics.requests.services.patients import index_tokens

    person = patient(cast)
    with act_as(cast.staff()):
        index_tokens(person)
    client = manager(cast)
    found = client.post(url("cert_new"), {"find": "patient", "patient_text": "Cole"}).content.decode()
    assert f'value="{person.pk}"' in found
    assert client.post(url("cert_new"), {"patient": ""}).status_code == 422
    begun = client.post(url("cert_new"), {"patient": str(person.pk)})
    assert begun.status_code == 303
    with act_as(cast.staff()):
        assert PhysicianCertification.objects.get().span == "repetitive"


def link_of(cast: Cast, row: PhysicianCertification) -> str:
    page = manager(cast).post(url("cert_link", row.pk), {"addressee": "Noor Haddad"})
    assert page.status_code == 200
    found = re.search(r"http://testserver(/sign/[^\"]+)\"", page.content.decode())
    assert found
    return found[1]


def proof_of(page: str) -> str:
    found = re.search(r'name="proof" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_physician_without_an_account_signs_by_the_link_once(cast: Cast) -> None:
    row = form(cast, patient(cast))
    path = link_of(cast, row)
    outside = Client()
    first = outside.get(path)
    assert first.status_code == 200
    assert "Cole" not in first.content.decode()
    opened = outside.post(path, OPENING).content.decode()
    assert "Cole, Agnes" in opened
    assert 'class="side"' not in opened
    proof = proof_of(opened)
    given = {"credential": "MD", "npi": "1234567893", "employer_kind": "attending", "employer": "Lakeside Physicians",
             "attested": "on", "dated_on": today(), "typed_name": "Noor Haddad", "seen_version": "1"}  # fmt: skip
    assert outside.post(path, {**given, "proof": "made-up"}).status_code == 422
    as_nurse = outside.post(path, {**given, "proof": proof, "credential": "RN"})
    assert as_nurse.status_code == 422
    assert "Only the attending physician" in as_nurse.content.decode()
    done = outside.post(path, {**given, "proof": proof})
    assert "Signed. Thank you." in done.content.decode()
    assert outside.get(path).status_code == 410
    assert outside.post(path, {**given, "proof": proof}).status_code == 410
    with act_as(cast.staff()):
        version = CertificationVersion.objects.get()
        assert (version.signer["name"], version.credential) == ("Noor Haddad", "MD")
        assert version.recorded_by_name == "Signature link"
        actions = set(AuditEntry.objects.filter(tenant_id=cast.lakeshore.pk).values_list("action", flat=True))
    assert {"sign_link.made", "sign_link.used", "certification.viewed", "certification.signed"} <= actions


def test_wrong_answers_show_nothing_and_the_fifth_closes_the_link(cast: Cast) -> None:
    path = link_of(cast, form(cast, patient(cast)))
    outside = Client()
    for tries, wrong in enumerate(
        ({"born_on": "1945-03-15"}, {"name": "Nora Haddad"}, {"name": "x y"}, {"name": "a b"})
    ):
        response = outside.post(path, {**OPENING, **wrong})
        assert response.status_code == 422
        assert f"{4 - tries} tries are left" in response.content.decode()
        assert "Cole" not in response.content.decode()
    assert outside.post(path, {**OPENING, "name": "c d"}).status_code == 410
    assert outside.post(path, OPENING).status_code == 410


def test_a_link_ends_after_72_hours_when_replaced_when_taken_back_and_when_the_form_changes(cast: Cast) -> None:
    row = form(cast, patient(cast))
    first = link_of(cast, row)
    second = link_of(cast, row)
    outside = Client()
    assert outside.get(first).status_code == 410
    with clock.pretend(clock.now() + sign_links.LASTS + dt.timedelta(minutes=1)):
        assert outside.get(second).status_code == 410
    assert outside.get(second).status_code == 200
    with act_as(cast.staff()):
        link = SignLink.objects.get(ended_at__isnull=True)
    assert manager(cast).post(url("cert_link_end", link.pk)).status_code == 303
    assert outside.get(second).status_code == 410
    third = link_of(cast, row)
    sign(cast, row)
    assert outside.get(third).status_code == 410


def test_a_made_up_link_and_one_of_another_health_system_lead_nowhere(cast: Cast) -> None:
    path = link_of(cast, form(cast, patient(cast)))
    outside = Client()
    token = path.rsplit("/", 1)[1]
    secret = token.partition(".")[2]
    for made_up in ("x", f"{cast.prairie.pk.hex}.{secret}", f"{cast.lakeshore.pk.hex}.{'A' * 43}", f"nothing.{secret}"):
        assert outside.get(f"/sign/{made_up}").status_code == 404


def test_too_many_tries_from_one_address_are_stopped(cast: Cast) -> None:
    path = link_of(cast, form(cast, patient(cast)))
    outside = Client()
    for _ in range(30):
        outside.post(path, {"name": "", "born_on": ""})
    assert outside.post(path, OPENING).status_code == 429
    assert outside.get(path).status_code == 200


def test_the_stored_link_is_a_hash_only(cast: Cast) -> None:
    token = link_of(cast, form(cast, patient(cast))).rsplit("/", 1)[1]
    with act_as(cast.staff()):
        stored = bytes(SignLink.objects.get().token_hash)
    assert len(stored) == 32
    assert token.partition(".")[2].encode() not in stored


def test_a_biller_adds_decides_watches_and_exports_authorizations(cast: Cast) -> None:
    person = patient(cast)
    client = biller(cast)
    body = {
        "patient": str(person.pk), "payer_name": "Medicare", "levels": ["BLS"], "requested_qty": "12",
        "starts_on": today(), "ends_on": (clock.today(ZONE) + dt.timedelta(days=40)).isoformat(),
        "supplier_name": "tamarack  ambulance",
    }  # fmt: skip
    assert client.post(url("authorization_new"), {**body, "patient": ""}).status_code == 422
    added = client.post(url("authorization_new"), body)
    assert added.status_code == 303
    page = added["Location"]
    with act_as(cast.staff()):
        row = Authorization.objects.get()
        assert row.supplier_id == cast.tamarack.pk
    decide = url("authorization_decide", row.pk)
    assert client.post(decide, {"decision": "affirmed"}).status_code == 422
    assert client.post(decide, {"decision": "affirmed", "number": "=UTN1"}).status_code == 303
    ride(cast, person, soon())
    shown = client.get(page).content.decode()
    assert "11 of 12 left" in shown
    listed = client.get(url("authorizations")).content.decode()
    assert "Cole, Agnes" in listed
    sheet = client.get(url("authorization_export")).content.decode()
    assert sheet.startswith(CSV_BOM)
    assert "'=UTN1,0012,Medicare" in sheet
    assert "Cole" not in sheet
    change = {**body, "affirmed_qty": "0", "number": "=UTN1"}
    assert client.post(url("authorization_edit", row.pk), change).status_code == 422
    assert client.post(url("authorization_step", row.pk), {"step": "nonsense"}).status_code == 422
    assert client.post(url("authorization_step", row.pk), {"step": "ask_release"}).status_code == 303
    assert "Release by" in client.get(page).content.decode()


def test_a_ride_without_a_trip_is_in_the_queue_and_goes_when_somebody_pays(cast: Cast) -> None:
    person = patient(cast)
    allowed(cast, person, 1)
    ride(cast, person, soon(2))
    waiting = ride(cast, person, soon(30))
    client = biller(cast)
    page = client.get(url("authorizations")).content.decode()
    assert "Rides that wait for an authorized trip" in page
    with act_as(cast.staff()):
        gate = Gate.objects.get(request=waiting)
    assert client.post(url("authorization_let_go", gate.pk), {"note": ""}).status_code == 422
    assert client.post(url("authorization_let_go", gate.pk), {"note": "The hospital pays"}).status_code == 303
    with act_as(cast.staff()):
        waiting.refresh_from_db()
    assert waiting.status == "requested"


def test_the_lists_ask_a_fixed_number_of_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    from logistics.requests.selectors import authorizations as auths
    from logistics.requests.selectors import certificates as certs

    for number in range(4):
        person = patient(cast, family=f"Cole{number}")
        ride(cast, person, soon(number + 1))
        form(cast, person)
        allowed(cast, person, 1)
        ride(cast, person, soon(30))
        ride(cast, person, soon(60))
    with act_as(cast.staff()), django_assert_max_num_queries(10):
        assert len(certs.board(ZONE).missing) == 12
    with act_as(cast.staff()), django_assert_max_num_queries(4):
        assert len(auths.board(ZONE).waiting) == 4
