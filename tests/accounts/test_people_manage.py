"""Adding people, changing and ending roles; sites and units."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connection, transaction
from django.test import Client

from logistics.accounts.models import Facility, Membership, Unit, User
from logistics.accounts.services import people
from logistics.core.errors import DomainError
from logistics.core.models import AuditEntry
from tests.cast import Cast, build_cast
from tests.support import act_as, signed_in

NEW = "every ward has a blue door"


@pytest.fixture
def admin(cast: Cast) -> Client:
    return signed_in(cast.people["admin@lakeshore"])


def member_id(client: Client, name: str) -> str:
    page = client.get("/people", {"q": name}).content.decode()
    return re.search(r'href="/people/([0-9a-f-]{36})"', page)[1]


def test_a_new_person_gets_a_link_that_sets_one_password_once(admin: Client, cast: Cast) -> None:
    answer = admin.post("/people/add", {"name": "Nia Park", "email": "Nia@Lakeshore.example", "role": "biller"})
    assert answer.status_code == 303
    page = admin.get(answer["Location"]).content.decode()
    link = re.search(r'value="http://testserver(/welcome/[^"]+)"', page)[1]
    newcomer = Client()
    for _ in range(2):  # a mail scanner that looks first does not use it up
        assert newcomer.get(link).status_code == 200
    assert newcomer.post(link, {"new_password": NEW, "again": NEW}).status_code == 303
    assert newcomer.get(link).status_code == 404
    assert newcomer.post(link, {"new_password": NEW, "again": NEW}).status_code == 404
    assert newcomer.post("/sign-in", {"email": "nia@lakeshore.example", "password": NEW})["Location"] == "/sign-in/code"
    assert "/welcome/" not in admin.get(answer["Location"]).content.decode()


def test_a_set_up_link_ends_after_three_days_and_fits_one_person(admin: Client, cast: Cast, clock) -> None:
    answer = admin.post("/people/add", {"name": "Nia Park", "email": "nia@lakeshore.example", "role": "biller"})
    link = re.search(r"/welcome/[^\"]+", admin.get(answer["Location"]).content.decode())[0]
    other = cast.people["biller@lakeshore"].user_id
    assert Client().get(re.sub(r"[0-9a-f-]{36}", str(other), link)).status_code == 404
    clock.shift(3 * 24 * 3600 + 1)
    assert Client().get(link).status_code == 404


def test_an_address_of_another_organization_is_refused_without_saying_why(admin: Client, cast: Cast) -> None:
    taken = cast.people["admin@prairie"].user.email
    before = User.objects.count()
    answer = admin.post("/people/add", {"name": "X", "email": taken, "role": "biller"})
    assert answer.status_code == 422
    assert "cannot be added here" in answer.content.decode()
    assert "Prairie" not in answer.content.decode()
    assert User.objects.count() == before


@pytest.mark.parametrize("role", ["driver", "vendor_admin", "operator", "nonsense"])
def test_a_role_of_another_kind_of_organization_is_refused(admin: Client, role: str) -> None:
    assert admin.post("/people/add", {"name": "X", "email": "x@y.example", "role": role}).status_code == 422
    assert not User.objects.filter(email="x@y.example").exists()


def test_the_service_itself_refuses_a_role_of_the_other_side(cast: Cast) -> None:
    with act_as(cast.staff()), pytest.raises(DomainError):
        people.change_role(membership=cast.people["biller@lakeshore"], role="vendor_admin")


def test_a_changed_role_works_at_the_next_request(admin: Client, cast: Cast) -> None:
    biller = cast.people["biller@lakeshore"]
    client = signed_in(biller)
    assert client.get("/audit").status_code == 403
    assert admin.post(f"/people/{biller.pk}", {"role": "auditor"}).status_code == 303
    assert client.get("/audit").status_code == 200


def test_a_role_that_the_person_has_already_is_refused_in_words(admin: Client, cast: Cast) -> None:
    biller = cast.people["biller@lakeshore"]
    admin.post("/people/add", {"name": biller.user.name, "email": biller.user.email, "role": "auditor"})
    answer = admin.post(f"/people/{biller.pk}", {"role": "auditor"})
    assert answer.status_code == 422
    assert "already" in answer.content.decode()


def test_an_ended_role_ends_at_once_and_can_be_given_back(admin: Client, cast: Cast) -> None:
    auditor = cast.people["auditor@lakeshore"]
    client = signed_in(auditor)
    assert client.get("/audit").status_code == 200
    assert admin.post(f"/people/{auditor.pk}/end").status_code == 303
    assert client.get("/audit").status_code == 403
    assert "Nobody fits" in admin.get("/people", {"q": auditor.user.name}).content.decode()
    assert auditor.user.name in admin.get("/people", {"q": auditor.user.name, "state": "ended"}).content.decode()
    assert admin.post(f"/people/{auditor.pk}/restore").status_code == 303
    assert client.get("/audit").status_code == 200


def test_the_last_administrator_stays(admin: Client, cast: Cast) -> None:
    last = cast.people["admin@lakeshore"]
    for path, values in ((f"/people/{last.pk}/end", {}), (f"/people/{last.pk}", {"role": "biller"})):
        answer = admin.post(path, values)
        assert answer.status_code == 422
        assert "last administrator" in answer.content.decode()
    assert admin.get("/people").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other_at_the_same_moment() -> None:
    with transaction.atomic():
        cast = build_cast()
    first = cast.people["admin@lakeshore"]
    with act_as(cast.staff()):
        _, second = people.add(organization=cast.lakeshore, email="b@b.example", name="B", role="admin")
    start, refused = threading.Barrier(2), []

    def remove(membership: Membership) -> None:
        start.wait()
        try:
            with act_as(cast.staff()):
                people.end(membership=membership)
        except DomainError:
            refused.append(membership)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=[row]) for row in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with act_as(cast.staff()):
        assert Membership.objects.filter(role="admin", is_active=True).count() == 1


def test_the_list_finds_by_name_and_email_and_shows_nobody_of_another_organization(admin: Client) -> None:
    page = admin.get("/people").content.decode()
    assert "Biller of Lakeshore" in page
    assert "Prairie" not in page
    found = admin.get("/people", {"q": "biller lakeshore.example"}).content.decode()
    assert "Biller of Lakeshore" in found
    assert "Auditor of Lakeshore" not in found


def test_vendors_manage_their_own_people(cast: Cast) -> None:
    client = signed_in(cast.people["vendor_admin@northbound"])
    answer = client.post("/people/add", {"name": "Ed Poe", "email": "ed@northbound.example", "role": "driver"})
    assert answer.status_code == 303
    assert "Ed Poe" in client.get("/people").content.decode()


def test_sites_and_units_are_added_and_changed_with_an_entry_for_each(admin: Client, cast: Cast) -> None:
    site = {
        "name": "Lakeshore North", "short_name": "North", "code": "NORTH", "address": "5 Pine St", "city": "Madison",
        "state": "wi", "zip_code": "53704", "time_zone": "America/Chicago", "phone": "608 555 0150", "entrance": "",
    }  # fmt: skip
    assert admin.post("/sites/add", site).status_code == 303
    assert admin.post("/sites/add", site).status_code == 422  # the code is taken
    assert admin.post("/sites/add", {**site, "code": "N2", "zip_code": "00000"}).status_code == 422
    with act_as(cast.staff()):
        facility = Facility.objects.get(code="NORTH")
    assert facility.state == "WI"
    assert 43 < facility.latitude < 43.3
    unit = {"name": "2 North", "code": "2N", "draft_rule": "draft", "order": "1", "phone": ""}
    assert admin.post(f"/sites/{facility.pk}/units/add", unit).status_code == 303
    with act_as(cast.staff()):
        row = Unit.objects.get(code="2N")
    assert admin.post(f"/sites/units/{row.pk}", {**unit, "draft_rule": "off"}).status_code == 303
    page = admin.get("/sites").content.decode()
    assert "Do nothing" in page
    with act_as(cast.staff()):
        assert Unit.objects.get(pk=row.pk).draft_rule == "off"
        entry = AuditEntry.objects.get(action="unit.changed")
    assert entry.details == {"fields": ["draft_rule"]}


def test_the_operator_sees_organizations_and_no_people_or_patients(cast: Cast) -> None:
    client = signed_in(cast.people["operator@carrywell"])
    page = client.get("/organizations").content.decode()
    for name in ("Lakeshore Health", "Prairie Regional", "Northbound Medical", "Tamarack Ambulance"):
        assert name in page
    assert "Biller" not in page
    for path in ("/people", "/sites", "/audit"):
        assert client.get(path).status_code == 403
