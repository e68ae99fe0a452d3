"""Patients: found by identifiers and by search, made once, kept up to date, merged without loss."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from logistics.core import clock
from logistics.requests.models import Patient, PatientToken
from logistics.requests.selectors.patients import date_form, name_parts, name_prefixes, patient_search, phone_form
from logistics.requests.services import encounters, patients
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.patients import Identity
from tests.cast import Cast
from tests.support import act_as

AGNES = {"family_name": "Cole-Núñez", "given_name": "Agnes", "birth_date": "1945-03-14", "phone": "608 555 0123"}


def agnes(cast: Cast) -> Patient:
    """Agnes with a number of Lakeshore's."""
    with act_as(cast.staff()):
        return patients.find_or_create([Identity("00-48377", "HOSP", "MR")], **AGNES)[0]


@pytest.mark.parametrize(
    "q", ["Col", "cole", "NUNEZ", "núñ", "agnes cole", "0048377", "1945-03-14", "3/14/1945", "+1 (608) 555-0123"]
)
def test_search_finds_what_a_person_types(cast: Cast, q: str) -> None:
    found = agnes(cast)
    with act_as(cast.staff()):
        assert [one.pk for one in patient_search(q)] == [found.pk]


@pytest.mark.parametrize("q", ["", "co", "ol", "agnes smith", "0048378", "1945-03-15", "gnes", "%", "' OR 1=1 --"])
def test_search_finds_nobody_else(cast: Cast, q: str) -> None:
    agnes(cast)
    with act_as(cast.staff()):
        assert patient_search(q) == []


def test_search_stays_inside_the_health_system(cast: Cast) -> None:
    agnes(cast)
    with act_as(cast.staff(cast.prairie)):
        assert patient_search("cole") == []
        other, made = patients.find_or_create([Identity("00-48377", "HOSP", "MR")], family_name="Cole")
        assert made
    with act_as(cast.staff()):
        assert not Patient.objects.filter(pk=other.pk).exists()


def test_search_can_be_narrowed_to_units_and_puts_people_in_the_house_first(cast: Cast) -> None:
    away = agnes(cast)
    stamp = Stamp(clock.now(), clock.now())
    with act_as(cast.staff()):
        here, _ = patients.find_or_create([Identity("77")], family_name="Coleman", given_name="Zoe")
        unit = cast.units["4W@lakeshore"]
        stay = encounters.open_stay(
            patient=here, token=encounters.visit_token("V9"), number="V9", facility=unit.facility, stamp=stamp,
            log=ChangeLog(), rule="test",
        )  # fmt: skip
        encounters.move(stay, unit=unit, bed=None, stamp=stamp, log=ChangeLog(), rule="test")
        assert [one.pk for one in patient_search("col")] == [here.pk, away.pk]
        assert [one.pk for one in patient_search("col", unit_ids=[unit.pk])] == [here.pk]
        assert patient_search("col", limit=1)[0].pk == here.pk


def test_a_known_identifier_finds_the_patient_and_adds_the_others(cast: Cast) -> None:
    first = agnes(cast)
    with act_as(cast.staff()):
        both = [Identity("E-9", "REGION", "PI"), Identity("00-48377", "HOSP", "MR")]
        again, made = patients.find_or_create(both, family_name="Other")
        assert (again.pk, made, again.family_name) == (first.pk, False, "Cole-Núñez")
        assert patients.find([Identity("E-9", "REGION", "PI")]).pk == first.pk
        assert [one.pk for one in patient_search("E-9")] == [first.pk]
        assert patients.find([Identity("00-48377", "ELSEWHERE", "MR")]) is None


def test_a_new_name_is_found_and_the_old_one_no_longer(cast: Cast) -> None:
    found = agnes(cast)
    with act_as(cast.staff()):
        changed = patients.update_demographics(found, family_name="Abara", given_name="Agnes")
        assert changed == {"family_name": ("Cole-Núñez", "Abara")}
        assert patient_search("cole") == []
        assert [one.pk for one in patient_search("abara")] == [found.pk]
        assert patients.update_demographics(found, family_name="Abara") == {}


def test_the_index_holds_no_readable_name(cast: Cast) -> None:
    agnes(cast)
    with act_as(cast.staff()):
        assert PatientToken.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT token, kind FROM requests_patienttoken")
            stored = b"".join(bytes(token) for token, _ in cursor.fetchall())
    assert b"cole" not in stored.lower()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_meet_a_new_patient_make_one(cast: Cast) -> None:
    made: list[bool] = []
    start = threading.Barrier(4, timeout=30)

    def meet() -> None:
        start.wait()
        try:
            with act_as(cast.staff()):
                made.append(patients.find_or_create([Identity("555", "HOSP", "MR")], family_name="Twice")[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(made) == [False, False, False, True]


@given(st.text(max_size=40))
def test_every_name_gives_prefixes_that_find_it(name: str) -> None:
    parts, prefixes = name_parts(name), name_prefixes(name)
    for part in parts:
        assert part[:10] in prefixes
        assert all(part[:size] in prefixes for size in range(3, min(10, len(part)) + 1))
    assert all(3 <= len(prefix) <= 10 or prefix in parts for prefix in prefixes)


@given(st.dates(min_value=__import__("datetime").date(1900, 1, 1)))
def test_each_way_to_write_a_date_is_the_same_day(day: object) -> None:
    assert date_form(f"{day:%Y-%m-%d}") == date_form(f"{day:%m/%d/%Y}") == f"{day:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("typed", "form"),
    [("608 555 0123", "6085550123"), ("+1 (608) 555-0123", "6085550123"), ("555-0123", "5550123"), ("123", "")],
)
def test_phones_are_compared_by_their_last_ten_digits(typed: str, form: str) -> None:
    assert phone_form(typed) == form
