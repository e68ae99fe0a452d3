"""Contracts: drafted, priced, signed, and from then on unchangeable, also below the services."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from tests.cast import Cast
from tests.support import act_as, signed_in
from vendors.models import Contract, Rate
from vendors.selectors import contracts as selectors
from vendors.services import contracts

TODAY = clock.today("America/Chicago")
LATER = TODAY + dt.timedelta(days=20)


@pytest.fixture
def payables(cast: Cast):
    return signed_in(cast.people["payables@lakeshore"])


def signed_one(cast: Cast) -> Contract:
    with act_as(cast.staff()):
        return Contract.objects.get(vendor=cast.northbound)


@pytest.mark.parametrize(
    "change",
    [
        {"response_minutes": 99},
        {"on_time_tolerance_minutes": 60},
        {"effective_from": dt.date(2020, 1, 1)},
        {"version": 9},
        {"signed_by_name": "Somebody else"},
        {"signed_at": None},
        {"status": "draft"},
    ],
)
def test_the_database_refuses_to_change_a_signed_contract(cast, change):
    row = signed_one(cast)
    with pytest.raises(IntegrityError, match="never changes"), act_as(cast.staff()):
        Contract.objects.filter(pk=row.pk).update(**change)


@pytest.mark.parametrize("change", [{"effective_to": LATER}, {"status": "ended"}])
def test_a_signed_contract_may_end(cast, change):
    row = signed_one(cast)
    with act_as(cast.staff()):
        assert Contract.objects.filter(pk=row.pk).update(**change) == 1


def test_an_ended_contract_does_not_come_back(cast):
    row = signed_one(cast)
    with act_as(cast.staff()):
        Contract.objects.filter(pk=row.pk).update(status="ended")
    with pytest.raises(IntegrityError), act_as(cast.staff()):
        Contract.objects.filter(pk=row.pk).update(status="signed")


def test_the_database_refuses_every_write_to_rates_of_a_signed_contract(cast):
    row = signed_one(cast)
    with pytest.raises(IntegrityError, match="keeps its rates"), act_as(cast.staff()):
        Rate.objects.filter(contract=row, level="WC").update(base_amount=Decimal("1.00"))
    with pytest.raises(IntegrityError, match="keeps its rates"), act_as(cast.staff()):
        Rate.objects.filter(contract=row, level="WC").delete()
    with pytest.raises(IntegrityError, match="keeps its rates"), act_as(cast.staff()):
        Rate.objects.create(
            contract=row, vendor_id=row.vendor_id, level="CCT", base_amount=Decimal(1), mile_amount=Decimal(1)
        )


def test_a_rate_does_not_move_from_a_draft_into_a_signed_contract(cast):
    row = signed_one(cast)
    with act_as(cast.staff()):
        draft = contracts.draft(vendor=cast.northbound, effective_from=LATER)
        rate = contracts.set_rate(contract=draft, level="CCT", base_amount=Decimal(900), mile_amount=Decimal(20))
    with pytest.raises(IntegrityError), act_as(cast.staff()):
        Rate.objects.filter(pk=rate.pk).update(contract=row)


def test_a_new_version_ends_the_old_one_on_its_first_day(cast):
    old = signed_one(cast)
    with act_as(cast.staff()):
        new = contracts.draft(vendor=cast.northbound, effective_from=LATER, response_minutes=5)
        assert contracts.copy_rates(source=old, contract=new) == 4
        contracts.set_rate(contract=new, level="WC", base_amount=Decimal("50.00"), mile_amount=Decimal("3.50"))
        contracts.sign(contract=new, signed_by_name="Dana Example")
        old.refresh_from_db()
        assert old.effective_to == LATER
        day_before, first_day = (
            selectors.in_force(day)[cast.northbound.pk] for day in (LATER - dt.timedelta(1), LATER)
        )
    assert (day_before.pk, first_day.pk) == (old.pk, new.pk)
    assert {rate.level: rate.base_amount for rate in first_day.rates.all()}["WC"] == Decimal("50.00")


def test_a_version_that_starts_before_the_signed_one_is_refused(cast):
    with act_as(cast.staff()):
        early = contracts.draft(vendor=cast.northbound, effective_from=TODAY - dt.timedelta(days=90))
        contracts.set_rate(contract=early, level="WC", base_amount=Decimal(1), mile_amount=Decimal(1))
        with pytest.raises(DomainError) as refused:
            contracts.sign(contract=early, signed_by_name="Dana Example")
        assert refused.value.code == "contract_overlap"
        assert Contract.objects.get(pk=early.pk).status == "draft"


def test_a_draft_without_rates_cannot_be_signed(cast):
    with act_as(cast.staff()):
        draft = contracts.draft(vendor=cast.northbound, effective_from=LATER)
        with pytest.raises(DomainError, match="at least one rate"):
            contracts.sign(contract=draft, signed_by_name="Dana Example")


def test_services_refuse_rates_of_a_signed_version_in_words(cast):
    row = signed_one(cast)
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="Draft a new version"):
        contracts.set_rate(contract=row, level="WC", base_amount=Decimal(1), mile_amount=Decimal(1))


def test_a_vendor_reads_its_contracts_and_writes_none(cast):
    with act_as(cast.vendor()):
        assert {row.vendor_id for row in Contract.objects.all()} == {cast.northbound.pk}
        assert Contract.objects.count() == 2, "one with each health system"
    with pytest.raises(Exception, match="permission denied"), act_as(cast.vendor()):
        Contract.objects.update(response_minutes=60)


def test_another_health_systems_terms_stay_hidden(cast):
    with act_as(cast.staff(cast.prairie)):
        assert {row.vendor_id for row in Contract.objects.all()} == {cast.northbound.pk}
        assert {row.tenant_id for row in Rate.objects.all()} == {cast.prairie.pk}


def test_a_person_drafts_prices_and_signs_in_the_pages(cast, payables):
    form = {
        "vendor": str(cast.northbound.pk), "effective_from": LATER.isoformat(), "effective_to": "",
        "response_minutes": 6, "on_time_tolerance_minutes": 10,
    }  # fmt: skip
    answer = payables.post("/contracts/new", form)
    assert answer.status_code == 303
    url = answer["Location"]
    rate = {
        "level": "WC", "base_amount": "48.00", "included_miles": "2.0", "mile_amount": "3.40",
        "mile_rounding": "ceil_tenth", "minimum_amount": "55.00",
    }  # fmt: skip
    assert payables.post(f"{url}/rates", rate).status_code == 303
    assert payables.post(f"{url}/rates/remove", {"level": "AMB"}).status_code == 303
    assert payables.post(f"{url}/sign", {"signed_by_name": ""}).status_code == 422
    assert payables.post(f"{url}/sign", {"signed_by_name": "Dana Example"}).status_code == 303
    page = payables.get(url).content.decode()
    assert "$48.00" in page
    assert "Sedan" not in page
    assert "Signed, not yet in force" in page
    assert payables.post(f"{url}/rates", rate).status_code == 409
    board = payables.get("/contracts").content.decode()
    assert board.index("Version 2") < board.index("Version 1")


def test_a_refused_draft_keeps_what_was_typed(cast, payables):
    form = {
        "vendor": str(cast.northbound.pk), "effective_from": "2027-05-01", "effective_to": "2027-04-01",
        "response_minutes": 6, "on_time_tolerance_minutes": 10,
    }  # fmt: skip
    answer = payables.post("/contracts/new", form)
    assert answer.status_code == 422
    assert "must end after it starts" in answer.content.decode()
    assert 'value="2027-05-01"' in answer.content.decode()


def test_a_vendor_outside_the_network_cannot_be_chosen(cast):
    client = signed_in(cast.people["payables@prairie"])
    form = {
        "vendor": str(cast.tamarack.pk), "effective_from": "2027-05-01",
        "response_minutes": 6, "on_time_tolerance_minutes": 10,
    }  # fmt: skip
    assert client.post("/contracts/new", form).status_code == 422
    with act_as(cast.staff(cast.prairie)):
        assert not Contract.objects.filter(vendor_id=cast.tamarack.pk).exists()


def test_an_administrator_reads_contracts_and_changes_none(cast):
    client = signed_in(cast.people["admin@lakeshore"])
    row = signed_one(cast)
    assert client.get("/contracts").status_code == 200
    assert client.get(f"/contracts/{row.pk}").status_code == 200
    assert client.get("/contracts/new").status_code == 403
    assert client.post(f"/contracts/{row.pk}/sign", {"signed_by_name": "X"}).status_code == 403


def test_another_health_systems_contract_is_not_found(cast):
    row = signed_one(cast)
    client = signed_in(cast.people["payables@prairie"])
    assert client.get(f"/contracts/{row.pk}").status_code == 404
    assert client.post(f"/contracts/{row.pk}/sign", {"signed_by_name": "X"}).status_code == 404


def test_the_guards_are_in_the_database(cast):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'vendors_%_signed'")
        assert {name for (name,) in cursor.fetchall()} == {"vendors_contract_signed", "vendors_rate_signed"}


def test_cancellation_terms_are_part_of_a_draft_and_never_fall(cast: Cast) -> None:
    with act_as(cast.staff()):
        draft = contracts.draft(vendor=cast.northbound, effective_from=clock.today("America/Chicago"))
        terms = {"cancel_late_amount": Decimal(20), "cancel_en_route_amount": Decimal(38)}
        with pytest.raises(DomainError, match="cannot cost less") as caught:
            contracts.set_cancel_terms(contract=draft, **terms, cancel_at_door_amount=Decimal(30))
        assert "cancel_at_door_amount" in caught.value.fields
        contracts.set_cancel_terms(contract=draft, **terms, cancel_at_door_amount=Decimal(55), cancel_free_minutes=60)
        again = contracts.draft(vendor=cast.northbound, effective_from=clock.today("America/Chicago"))
        contracts.copy_cancel_terms(source=draft, contract=again)
        assert (again.cancel_free_minutes, again.cancel_at_door_amount) == (60, Decimal("55.00"))
        signed = Contract.objects.get(vendor=cast.northbound, status="signed")
        with pytest.raises(DomainError, match="never changes"):
            contracts.set_cancel_terms(contract=signed)


def test_the_contract_page_takes_and_shows_the_terms(cast: Cast) -> None:
    with act_as(cast.staff()):
        draft = contracts.draft(vendor=cast.northbound, effective_from=clock.today("America/Chicago"))
    client = signed_in(cast.people["payables@lakeshore"])
    url = f"/contracts/{draft.pk}/cancel-terms"
    body = {"cancel_free_minutes": "60", "cancel_late_amount": "20", "cancel_en_route_amount": "38"}
    falling = client.post(url, body | {"cancel_at_door_amount": "30"})
    assert (falling.status_code, "cannot cost less" in falling.content.decode()) == (422, True)
    assert client.post(url, body | {"cancel_at_door_amount": "55"}).status_code == 303
    page = client.get(f"/contracts/{draft.pk}").content.decode()
    assert "Free until 60 min before" in page
    assert "on the way $38.00" in page
