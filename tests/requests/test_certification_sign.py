"""Signing a certification: who may, what is locked, what voids it, and what a ride sees of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import ProgrammingError

from logistics.core import clock
from logistics.core.errors import DomainError, StaleState
from logistics.core.models import AuditEntry
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, CertificationVersion, PhysicianCertification
from logistics.requests.selectors import cert_facts
from logistics.requests.selectors import certificates as selector
from logistics.requests.services import cert_pdf, cert_signing, certificates
from logistics.requests.services.cert_signing import Signer
from tests.cast import Cast
from tests.requests.paper import ANSWERS, DOCTOR, MANAGER, NURSE, ZONE, drawing, form, patient, ride, sign
from tests.support import act_as, settle


def soon(hours: float = 5) -> dt.datetime:
    return clock.now() + dt.timedelta(hours=hours)


def verdict(cast: Cast, request) -> cert_facts.Verdict:
    with act_as(cast.staff()):
        found = selector.of_request(request.pk)[1]
    assert found is not None
    return found


def refused(cast: Cast, row: PhysicianCertification, signer: Signer = DOCTOR, **more) -> dict[str, str]:
    with pytest.raises(DomainError) as error:
        sign(cast, row, signer, **more)
    return error.value.fields


def test_a_nurse_cannot_sign_for_repetitive_rides_and_the_physician_can(cast: Cast) -> None:
    row = form(cast, patient(cast))
    assert "Only the attending physician" in refused(cast, row, NURSE)["credential"]
    version = sign(cast, row)
    assert (version.credential, version.method) == ("MD", "typed")


def test_a_nurse_of_the_ambulance_company_signs_nothing(cast: Cast) -> None:
    person = patient(cast)
    row = form(cast, person, ride(cast, person, soon()))
    wrong = Signer("Ivo Brandt", "RN", "Tamarack Ambulance", "supplier")
    assert "ambulance company" in refused(cast, row, wrong)["credential"]


def test_the_hospitals_case_manager_signs_a_single_discharge(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, soon())
    assert verdict(cast, request).code == "missing"
    sign(cast, form(cast, person, request), MANAGER)
    assert verdict(cast, request).code == "certified"


def test_every_missing_answer_is_named_and_nothing_is_signed(cast: Cast) -> None:
    person = patient(cast)
    row = form(cast, person, ride(cast, person, soon()))
    fields = refused(cast, row, Signer("Noor", "MD", "", "attending"), attested=False, dated_on=None, typed_name="")
    assert set(fields) == {"name", "employer", "npi", "dated_on", "attested", "signature"}
    with act_as(cast.staff()):
        assert not CertificationVersion.objects.exists()


def test_an_incomplete_form_cannot_be_signed(cast: Cast) -> None:
    person = patient(cast)
    row = form(cast, person, ride(cast, person, soon()), answers={**ANSWERS, "narrative": "", "bed_sit": False,
                                                                  "checklist": []})  # fmt: skip
    with act_as(cast.staff()):
        assert set(certificates.missing(PhysicianCertification.objects.get())) == {"narrative", "checklist"}
    with pytest.raises(DomainError, match="not complete"):
        sign(cast, row)


def test_the_date_is_the_signers_and_must_be_todays(cast: Cast) -> None:
    row = form(cast, patient(cast))
    yesterday = clock.today(ZONE) - dt.timedelta(days=1)
    assert "dated_on" in refused(cast, row, dated_on=yesterday)


def test_a_wrong_npi_and_a_wrong_typed_name_are_refused(cast: Cast) -> None:
    row = form(cast, patient(cast))
    wrong = Signer(DOCTOR.name, "MD", DOCTOR.employer, "attending", "1234567890")
    assert set(refused(cast, row, wrong, typed_name="Somebody Else")) == {"npi", "typed_name"}


def test_what_was_signed_cannot_be_changed_or_deleted_in_the_database(cast: Cast) -> None:
    version = sign(cast, form(cast, patient(cast)))
    for change in (lambda rows: rows.update(credential="RN"), lambda rows: rows.delete()):
        with pytest.raises(ProgrammingError, match="permission denied"), act_as(cast.staff()):
            change(CertificationVersion.objects.filter(pk=version.pk))


def test_signing_twice_keeps_the_first_signature(cast: Cast) -> None:
    row = form(cast, patient(cast))
    assert sign(cast, row).pk == sign(cast, row).pk
    with act_as(cast.staff()):
        assert CertificationVersion.objects.count() == 1


def test_a_signed_form_is_locked_and_changing_it_voids_the_signature(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, soon())
    row = form(cast, person, request)
    sign(cast, row, MANAGER)
    with pytest.raises(DomainError, match="voids the signature"):
        form_again(cast, row)
    with act_as(cast.staff()):
        changed = certificates.amend(certification_id=row.pk, seen_version=1)
    assert (changed.version, changed.status) == (2, "draft")
    assert verdict(cast, request).code == "missing"
    with pytest.raises(StaleState):
        sign(cast, row, MANAGER)  # the page that was opened before the change
    sign(cast, changed, MANAGER)
    assert verdict(cast, request).ok
    with act_as(cast.staff()):
        assert sorted(CertificationVersion.objects.values_list("version", flat=True)) == [1, 2]


def form_again(cast: Cast, row: PhysicianCertification) -> None:
    with act_as(cast.staff()):
        certificates.save(
            certification_id=row.pk, seen_version=row.version, answers=ANSWERS, span=row.span, level=row.level,
            starts_on=row.starts_on, ends_on=row.ends_on, reaffirmed=True,
        )  # fmt: skip


def test_the_hash_shows_a_change_of_what_is_stored(cast: Cast) -> None:
    version = sign(cast, form(cast, patient(cast)))
    with act_as(cast.staff()):
        stored = CertificationVersion.objects.get(pk=version.pk)
        assert cert_signing.digest_holds(stored)
        stored.answers = {**stored.answers, "narrative": "Walks well."}
        assert not cert_signing.digest_holds(stored)


def test_a_narrative_copied_from_the_previous_form_must_be_confirmed(cast: Cast) -> None:
    person = patient(cast)
    sign(cast, form(cast, person))
    again = {**ANSWERS, "narrative": f"  {ANSWERS['narrative'].upper()} "}
    with pytest.raises(DomainError) as error:
        form(cast, person, answers=again)
    assert "word for word" in error.value.fields["reaffirmed"]
    assert form(cast, person, answers=again, reaffirmed=True).reaffirmed_at is not None


def test_a_period_is_at_most_sixty_days_and_one_ride_has_one_day(cast: Cast) -> None:
    today = clock.today(ZONE)
    person = patient(cast)
    with pytest.raises(DomainError):
        form(cast, person, starts_on=today, ends_on=today + dt.timedelta(days=61))
    assert form(cast, person, starts_on=today, ends_on=today + dt.timedelta(days=60)).pk
    with pytest.raises(DomainError):
        form(cast, person, span="single", starts_on=today, ends_on=today + dt.timedelta(days=1))


def test_a_form_is_begun_once_for_a_ride_and_filled_from_the_booking(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, soon(), needs=["oxygen_given", "restraint"], pickup_bed_label="4W-12")
    with act_as(cast.staff()):
        first = certificates.begin(patient=person, request=request)
        assert certificates.begin(patient=person, request=request).pk == first.pk
    assert first.answers["checklist"] == ["restraints", "oxygen"]
    assert first.answers["origin"].startswith("Lakeshore Medical Center, 4W-12")
    assert first.answers["destination"].startswith("Willow Creek")
    assert first.answers["weight_lb"] == "142"
    assert "dated_on" not in first.answers


def test_a_paper_needs_its_scan_and_keeps_the_date_that_is_on_it(cast: Cast) -> None:
    from logistics.core import pictures

    row = form(cast, patient(cast))
    at = clock.now() - dt.timedelta(days=3)
    day = clock.local(at, ZONE).date()
    assert "scan" in refused(cast, row, method="paper", signed_at=at, dated_on=day)
    scan = pictures.from_data_url(drawing(), most=10**6)
    assert scan
    version = sign(cast, row, method="paper", signed_at=at, dated_on=day, drawing=scan)
    assert (version.method, version.signed_at, version.dated_on) == ("paper", at, day)


def test_an_empty_drawing_is_no_signature(cast: Cast) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (300, 120), "white").save(out, "PNG")
    row = form(cast, patient(cast))
    assert "signature" in refused(cast, row, typed_name="", drawing=out.getvalue())


def test_six_rides_in_ten_days_make_the_next_one_repetitive_and_tell(cast: Cast) -> None:
    person = patient(cast)
    for day in (1, 3):
        for hour in (0, 4):
            ride(cast, person, soon(24 * day + hour))
    settle()
    with act_as(cast.staff()):
        assert not Alert.objects.filter(code="repetitive_transport").exists()
    ride(cast, person, soon(24 * 5))
    last = ride(cast, person, soon(24 * 5 + 4))
    settle()
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="repetitive_transport")
        row = certificates.begin(patient=person, request=last)
        assert certificates.rule_of(row).kind == "physician_only"
        assert row.span == "repetitive"
    sign(cast, form(cast, person, last, span="repetitive"))
    settle()
    with act_as(cast.staff()):
        alert.refresh_from_db()
        assert alert.acknowledged_at is not None
        assert certificates.valid_on(person.pk, clock.today(ZONE) + dt.timedelta(days=7), "BLS").ok
        assert not certificates.valid_on(person.pk, clock.today(ZONE) + dt.timedelta(days=7), "ALS").ok
        assert certificates.valid_on(person.pk, clock.today(ZONE) + dt.timedelta(days=7), "WC").code == "not_needed"
        assert not certificates.valid_on(person.pk, clock.today(ZONE) + dt.timedelta(days=70), "BLS").ok


def test_a_wheelchair_ride_a_medicaid_ride_and_a_ride_from_home_need_nothing(cast: Cast) -> None:
    person = patient(cast)
    home = {"line": "18 Pier Rd", "city": "Madison", "state": "WI", "zip_code": "53704"}
    chair = ride(cast, person, soon(), level="WC")
    medicaid = ride(cast, person, soon(40), payer_name="WI Medicaid")
    from_home = ride(cast, person, soon(80), pickup_kind="home", pickup_address=home)
    with act_as(cast.staff()):
        assert selector.of_request(chair.pk) == (None, None, [])
    assert verdict(cast, medicaid).code == "not_needed"
    assert verdict(cast, from_home).code == "not_needed"


def test_the_list_names_what_is_missing_with_the_time_left(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, soon(3))
    with act_as(cast.staff()):
        board = selector.board(ZONE)
        later = selector.board(ZONE, now=clock.now() + dt.timedelta(days=10))
    assert [row.facts.request.pk for row in board.missing] == [request.pk]
    assert board.missing[0].left.endswith("days left")
    assert later.missing[0].left.startswith("Late, ")
    sign(cast, form(cast, person, request), MANAGER)
    with act_as(cast.staff()):
        assert selector.board(ZONE).missing == []


def test_attempts_are_kept_for_good_and_a_receipt_needs_its_number(cast: Cast) -> None:
    person = patient(cast)
    row = form(cast, person, ride(cast, person, soon()))
    note = {"certification_id": row.pk, "at": clock.now(), "channel": "mail", "to": "Dr. Haddad, 2 Elm St"}
    with act_as(cast.staff()), pytest.raises(DomainError) as error:
        certificates.note_attempt(**note, tracking_no="", outcome="receipt")
    assert set(error.value.fields) == {"tracking_no"}
    with act_as(cast.staff()):
        attempt = certificates.note_attempt(**note, tracking_no="9400 1000", outcome="receipt")
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(cast.staff()):
        type(attempt).objects.update(outcome="refused")


def test_a_vendor_and_another_health_system_see_no_form(cast: Cast) -> None:
    sign(cast, form(cast, patient(cast)))
    with act_as(cast.staff(cast.prairie)):
        assert not PhysicianCertification.objects.exists()
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(cast.vendor()):
        CertificationVersion.objects.count()


def test_the_printed_form_is_one_letter_page_even_with_a_long_narrative(cast: Cast) -> None:
    person = patient(cast)
    row = form(cast, person, answers={**ANSWERS, "narrative": "Cannot sit. “Žofie” said so. " * 65})
    sign(cast, row)
    with act_as(cast.staff()):
        page = selector.page(row.pk)
        assert page is not None
        body = cert_pdf.letter(page, printed_by="Dana Morales", organization="Lakeshore Health")
    assert body.startswith(b"%PDF")
    assert body.count(b"/Type /Page\n") == 1
    assert b"/MediaBox [0 0 612" in body


def test_the_trail_says_who_signed_with_which_credential_and_nothing_of_the_patient(cast: Cast) -> None:
    sign(cast, form(cast, patient(cast, family="Zzqunique")))
    with act_as(cast.staff()):
        entries = list(AuditEntry.objects.filter(tenant_id=cast.lakeshore.pk, action__startswith="certification"))
    assert {"certification.begun", "certification.signed", "certification.locked"} <= {e.action for e in entries}
    texts = " ".join(f"{entry.details} {entry.reason}" for entry in entries)
    assert "MD" in texts
    assert "Zzqunique" not in texts
    assert "pelvic" not in texts


def test_a_signature_is_the_actors_own(cast: Cast) -> None:
    row = form(cast, patient(cast))
    user = cast.people["case_manager@lakeshore"].user_id
    scope = Scope.staff(cast.lakeshore.pk, user_id=user, actor_label="Dr. Haddad", client_ip="192.0.2.7")
    with act_as(scope):
        version = cert_signing.sign(
            certification_id=row.pk, seen_version=1, signer=DOCTOR, attested=True, dated_on=clock.today(ZONE),
            typed_name=DOCTOR.name, signed_by_id=user, device="Test browser",
        )  # fmt: skip
    assert (version.signed_by_id, version.ip, version.device) == (user, "192.0.2.7", "Test browser")


def test_repetitive_rides_of_one_patient_are_one_line_and_one_form(cast: Cast) -> None:
    person = patient(cast)
    rides = [ride(cast, person, soon(24 * day + hour)) for day in (1, 3, 5) for hour in (0, 4)]
    with act_as(cast.staff()):
        (line,) = selector.board(ZONE).missing
        assert (line.facts.request.pk, line.more, line.form_id) == (rides[0].pk, 5, None)
        row = certificates.begin(patient=person, request=rides[0])
        assert certificates.begin(patient=person, request=rides[3]).pk == row.pk
        (line,) = selector.board(ZONE).missing
        assert line.form_id == row.pk
    sign(cast, form(cast, person, rides[0]))
    with act_as(cast.staff()):
        assert selector.board(ZONE).missing == []
