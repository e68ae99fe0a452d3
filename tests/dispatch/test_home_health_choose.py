"""The patient's choice of an agency: a whole list with figures, no steering, and what was signed."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from dispatch.models import Referral, ReferralOffer, ReferralPatient, Visit
from dispatch.selectors import agencies as lists
from dispatch.services.home_health import choices, referrals
from dispatch.services.home_health.choices import Signing
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import PatientChoice, ServiceRequest
from tests.cast import Cast, build_cast
from tests.dispatch import home
from tests.dispatch.home import drawing
from tests.support import act_as, settle
from vendors.models import Network
from vendors.services import agencies


def shown(cast: Cast, request: ServiceRequest) -> choices.Shown:
    with act_as(cast.staff()):
        return choices.show(Referral.objects.get(request=request))


def test_the_list_shows_every_agency_that_may_be_asked_fitting_ones_first_then_by_name(cast: Cast) -> None:
    home.agency(cast, cast.tamarack)
    home.agency(cast, cast.northbound, zips=["606"], payers=["medicaid"], disciplines=["rn"])
    request = home.order(cast)
    rows = shown(cast, request).listed
    assert [row["name"] for row in rows] == ["Tamarack Ambulance", "Northbound Medical"]
    assert rows[0]["misfits"] == []
    assert rows[1]["misfits"] == [
        "Does not offer physical therapy", "Does not list ZIP code 53704", "Does not list Medicare",
    ]  # fmt: skip


def test_agencies_with_the_same_fit_are_in_the_order_of_the_alphabet_whoever_owns_them(cast: Cast) -> None:
    home.agency(cast, cast.tamarack)
    home.agency(cast, cast.northbound)
    with act_as(cast.staff()):
        agencies.set_terms(vendor=cast.tamarack, financial_interest="Lakeshore owns a third", response_minutes=60)
    rows = shown(cast, home.order(cast)).listed
    assert [row["name"] for row in rows] == ["Northbound Medical", "Tamarack Ambulance"]
    assert rows[1]["financial_interest"] == "Lakeshore owns a third"


@pytest.mark.parametrize("loss", ["suspended", "no_license", "no_baa", "closed"])
def test_an_agency_to_whom_no_patient_may_go_is_not_on_the_list(cast: Cast, loss: str) -> None:
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    with act_as(cast.staff()):
        rows = Network.objects.filter(vendor=cast.tamarack)
        if loss == "suspended":
            rows.update(status="suspended")
        elif loss == "no_baa":
            rows.update(baa_ends_on=clock.today("America/Chicago") - dt.timedelta(days=1))
    with act_as(home.coordinator(cast.tamarack)):
        if loss == "no_license":
            home.Credential.objects.filter(kind="agency_license").update(ends_on=dt.date(2020, 1, 1))
        elif loss == "closed":
            from vendors.models import HomeHealthProfile

            HomeHealthProfile.objects.update(is_active=False)
    assert [row["name"] for row in shown(cast, home.order(cast)).listed] == ["Northbound Medical"]


def test_figures_are_counted_with_their_n_and_few_cases_give_no_share() -> None:
    assert lists.figure_words({"good": 0, "n": 0}) == "No figure yet"
    assert lists.figure_words({"good": 3, "n": 4}) == "3 of 4"
    assert lists.figure_words({"good": 9, "n": 12}) == "9 of 12 (75 %)"


def test_a_choice_keeps_the_list_the_signature_and_who_chose_and_asks_the_agency(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    request = home.order(cast)
    seen = shown(cast, request)
    signed = Signing(chooser="representative", name="Rosa Cole", relation="Daughter", signature=drawing())
    home.choose(cast, request, cast.tamarack, token=seen.token, signed=signed, second_vendor_id=cast.northbound.pk)
    with act_as(cast.staff()):
        choice = PatientChoice.objects.get()
        assert (choice.listed, choice.list_digest) == (seen.listed, lists.digest_of(seen.listed))
        assert (choice.chooser_name, choice.relation, choice.agency_name) == (
            "Rosa Cole", "Daughter", "Tamarack Ambulance",
        )  # fmt: skip
        assert bytes(choice.signature).startswith(b"\x89PNG")
        assert Referral.objects.get().status == "asked"
        entry = AuditEntry.objects.get(action="home_health.chosen")
        assert (entry.details["agencies"], entry.details["signed"]) == (2, True)
        assert "Rosa" not in str(entry.details) + str(OutboxEvent.objects.get(topic="home_health.chosen").payload)
    assert home.open_ask(cast, request).vendor_id == cast.tamarack.pk


def test_the_same_form_twice_is_one_choice(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    assert home.choose(cast, request, cast.northbound).pk == home.choose(cast, request, cast.northbound).pk
    with act_as(cast.staff()):
        assert (PatientChoice.objects.count(), ReferralOffer.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"vendor_id": None}, "vendor"),
        ({"second": "same"}, "second"),
        ({"signed": Signing("representative", "", "Son", b"", "Weak")}, "chooser_name"),
        ({"signed": Signing("representative", "Rosa Cole", "", b"", "Weak")}, "relation"),
        ({"signed": Signing("nobody", "Rosa Cole", "", b"", "Weak")}, "chooser"),
        ({"signed": Signing("patient", "", "", b"", "")}, "signature"),
        ({"no_preference": True, "picked_reason": ""}, "picked_reason"),
    ],
)
def test_an_incomplete_choice_asks_nobody(cast: Cast, change: dict[str, Any], field: str) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    token = shown(cast, request).token
    values: dict[str, Any] = {
        "vendor_id": cast.northbound.pk, "signed": Signing("patient", "", "", b"", "Hand in a cast"),
    } | change  # fmt: skip
    if values.pop("second", ""):
        values["second_vendor_id"] = cast.northbound.pk
    with pytest.raises(DomainError) as refused, act_as(cast.staff()):
        choices.record(request_id=request.pk, token=token, key="k-1", **values)
    assert list(refused.value.fields) == [field]
    with act_as(cast.staff()):
        assert not ReferralOffer.objects.exists()


def test_a_list_is_signed_and_belongs_to_one_order_and_a_few_days(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    token = shown(cast, request).token
    for bad, code in ((token[:-2] + "xx", "list_unknown"), ("", "list_unknown")):
        with pytest.raises(DomainError) as refused:
            choices.read(bad, request.pk)
        assert refused.value.code == code
    with pytest.raises(DomainError):
        choices.read(token, cast.northbound.pk)
    with time_machine.travel(clock.now() + dt.timedelta(days=3, minutes=1)), pytest.raises(DomainError) as refused:
        choices.read(token, request.pk)
    assert refused.value.code == "list_old"


def test_without_preference_the_record_says_who_picked_and_why(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound, no_preference=True, picked_reason="Speaks Polish")
    with act_as(cast.staff()):
        choice = PatientChoice.objects.get()
    assert (choice.no_preference, choice.picked_reason, choice.recorded_by_name) == (True, "Speaks Polish", "Test")


def test_a_change_of_mind_supersedes_the_choice_and_lets_the_first_agency_go(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse,
                 starts_at=clock.now() + dt.timedelta(hours=20))  # fmt: skip
    home.choose(cast, request, cast.tamarack, key="choice-2")
    with act_as(cast.staff()):
        old, new = PatientChoice.objects.order_by("chosen_at")
        assert (old.superseded_at is not None, new.superseded_at, new.agency_name) == (True, None, "Tamarack Ambulance")
        assert Visit.objects.get().status == "canceled"
        assert Referral.objects.get().vendor_id is None
    assert home.request_of(cast, request).status == "requested"
    assert home.detail_of(cast, request).agency_name == ""
    with act_as(home.coordinator(cast.northbound)):
        assert not Referral.objects.exists()
        assert not ReferralPatient.objects.exists()
        assert ReferralOffer.objects.get().status == "withdrawn"
    home.accept(cast, request, cast.tamarack)
    assert home.detail_of(cast, request).agency_name == "Tamarack Ambulance"


def test_the_mind_cannot_change_once_a_visit_has_begun(cast: Cast) -> None:
    from dispatch.services.home_health import visits

    request, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with act_as(home.clinician(cast, cast.northbound)):
        visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=visits.Position(43.1, -89.4, 9.0))
    settle()
    with pytest.raises(IllegalMove):
        home.choose(cast, request, cast.tamarack, key="choice-2")


@pytest.mark.django_db(transaction=True)
def test_two_people_who_record_a_choice_at_once_keep_one(transactional_db: None) -> None:
    cast = build_cast()
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    request = home.order(cast)
    token = shown(cast, request).token
    wrong: list[str] = []

    def record(vendor: Any, key: str) -> None:
        try:
            with transaction.atomic(), scoping.enter(cast.staff()):
                choices.record(
                    request_id=request.pk, token=token, vendor_id=vendor.pk, key=key,
                    signed=Signing("patient", "", "", b"", "Hand in a cast"),
                )  # fmt: skip
        except Exception as error:
            wrong.append(type(error).__name__)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=record, args=pair) for pair in ((cast.northbound, "one"), (cast.tamarack, "two"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with act_as(cast.staff()):
        current = PatientChoice.objects.get(superseded_at=None)
        offer = ReferralOffer.objects.get(status="open")
        assert offer.vendor_id == current.vendor_id
        assert (wrong, PatientChoice.objects.count(), referrals.live_of(request.pk).status) == ([], 2, "asked")  # type: ignore[union-attr]
