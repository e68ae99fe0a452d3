"""A hospital's past: a hundred thousand patients and a million rides, written as fast as the database takes them.

Patients go through the same sealing and the same search tokens as in the product; the rides of the past are rows
that nobody reads whole, so the database makes them itself.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.db import connection, models

from logistics.core import crypto
from logistics.requests.models import Patient, PatientToken, ServiceRequest, TransportDetail
from logistics.requests.selectors.patients import mrn_form, name_prefixes
from tests.bench.house import House
from tests.support import act_as

PATIENTS, REQUESTS = 100_000, 1_000_000
CHUNK = 5_000
STARTS = [
    "Ab", "Ber", "Cal", "Dan", "El", "Far", "Gar", "Hol", "Iv", "Jen", "Kal", "Lin", "Mar", "Nor",
    "Ol", "Per", "Quin", "Rob", "Sal", "Tor", "Ul", "Vas", "Wil", "Yar", "Zim",
]  # fmt: skip
MIDDLES = [
    "a", "e", "i", "o", "an", "en", "in", "or", "al", "el", "ber", "ding", "gar", "ha",
    "la", "mi", "na", "ra", "ri", "sa", "ta", "ve", "vi", "wa",
]  # fmt: skip
ENDS = [
    "son", "sen", "man", "berg", "ler", "ner", "quist", "ton", "well", "by", "dale", "ford", "ham", "ley",
    "mann", "rose", "stein", "strom", "wood",
]  # fmt: skip


def fill(house: House, *, patients: int = PATIENTS, requests: int = REQUESTS) -> list[dict[str, str]]:
    """Make them. Returns what a few hundred of the patients are found by: family, given, mrn, phone, birth_date."""
    dice = random.Random(3)
    known: list[dict[str, str]] = []
    ids: list[Any] = []
    with act_as(house.scope):
        for start in range(0, patients, CHUNK):
            people = [_person(dice, number) for number in range(start, min(start + CHUNK, patients))]
            rows = [Patient(**person, sex="FM"[index % 2]) for index, person in enumerate(people)]
            Patient.objects.bulk_create(rows)
            _tokens(rows, house)
            ids += [row.pk for row in rows]
            known += people[:: max(1, CHUNK // 20)]
        for start in range(0, requests, 100_000):
            _rides(house, ids, min(100_000, requests - start))
    _analyze()
    return known


def _person(dice: random.Random, number: int) -> dict[str, Any]:
    # Few names are common and many are rare, as in any town.
    common = dice.random() < 0.3
    family = (
        dice.choice(STARTS[:8]) + dice.choice(ENDS[:4])
        if common
        else dice.choice(STARTS) + dice.choice(MIDDLES) + dice.choice(MIDDLES) + dice.choice(ENDS)
    )
    born = dt.date(1925, 1, 1) + dt.timedelta(days=dice.randrange(33_000))
    return {
        "family_name": family,
        "given_name": dice.choice(STARTS) + dice.choice(MIDDLES),
        "birth_date": born.isoformat(),
        "phone": f"608 5{dice.randrange(10**6):06d}",
        "mrn": f"M{number:07d}",
        "address": {"line": f"{number} Elm St", "city": "Madison", "state": "WI", "zip_code": "53711"},
    }


def _tokens(rows: list[Patient], house: House) -> None:
    tenant = house.organization.pk
    patient_ids, kinds, tokens = [], [], []
    for row in rows:
        values = [("name", prefix) for prefix in name_prefixes(row.family_name, row.given_name)]
        digits = "".join(char for char in row.phone if char.isdigit())
        values += [("mrn", mrn_form(row.mrn)), ("dob", row.birth_date), ("phone", digits[-10:])]
        for kind, value in values:
            patient_ids.append(str(row.pk))
            kinds.append(kind)
            tokens.append(crypto.blind(value, tenant_id=tenant, kind=kind).hex())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {PatientToken._meta.db_table} (tenant_id, patient_id, kind, token)"
            " SELECT %s::uuid, p, k, decode(t, 'hex') FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS u(p, k, t)",
            [str(tenant), patient_ids, kinds, tokens],
        )


def _rides(house: House, patients: list[Any], count: int) -> None:
    """``count`` completed rides of the last three years, with their details."""
    unit = next(iter(house.units.values()))
    place = house.places[0]
    request = _columns(
        ServiceRequest,
        id="gen_random_uuid()", kind="'transport'", status="'completed'", source="'user'",
        patient_id=f"(%(patients)s::uuid[])[1 + floor(random() * {len(patients)})::int]",
        facility_id=f"'{house.facility.pk}'", unit_id=f"'{unit.pk}'",
        created_at="now() - random() * interval '3 years'", updated_at="now()", requested_at="now()",
    )  # fmt: skip
    detail = _columns(
        TransportDetail,
        id="gen_random_uuid()", request_id="made.id", place_id=f"'{place.pk}'", destination_kind="'place'",
        mobility="'wheelchair'", level="'WC'", weight_lb="180", pickup_at="made.created_at",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH made AS (INSERT INTO {ServiceRequest._meta.db_table} ({_names(request)})"
            f" SELECT {', '.join(request.values())} FROM generate_series(1, {count}) RETURNING id, created_at)"
            f" INSERT INTO {TransportDetail._meta.db_table} ({_names(detail)})"
            f" SELECT {', '.join(detail.values())} FROM made",
            {"patients": [str(pk) for pk in patients]},
        )


def _columns(model: type[models.Model], **given: str) -> dict[str, str]:
    """SQL for every column of ``model``: what is given, else NULL or the column's own empty value."""
    empty = {"JSONField": "'[]'", "BooleanField": "false", "IntegerField": "0", "CharField": "''"}
    out = {}
    for field in model._meta.concrete_fields:
        name = field.column
        if name in given:
            out[name] = given[name]
        elif name == "tenant_id":
            out[name] = "ctx_tenant()"
        elif field.null:
            out[name] = "NULL"
        elif field.has_default() and isinstance(field.get_default(), int) and not isinstance(field.get_default(), bool):
            out[name] = str(field.get_default())
        else:
            out[name] = empty.get(field.get_internal_type(), "'\\x'")
    return out


def _names(columns: dict[str, str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _analyze() -> None:
    """Statistics, as autovacuum would have gathered them long ago."""
    from logistics.core.owner import owner_login

    with owner_login(), connection.cursor() as cursor:
        for model in (Patient, PatientToken, ServiceRequest, TransportDetail):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
