"""A request goes out as a FHIR ServiceRequest and comes back whole."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import models
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.fhir import columns
from integrations.fhir.service_request import DETAILS, ELEMENTS, read, resource_of
from logistics.core.errors import DomainError
from logistics.core.fields import SealedField, SealedJSONField
from logistics.core.levels import LEVELS
from logistics.core.models import AuditEntry
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from tests.dispatch.ride import book
from tests.support import act_as, signed_in

WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x00"), min_size=1, max_size=20
).filter(lambda text: text.strip() == text)
MOMENTS = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2099, 1, 1), timezones=st.just(dt.UTC))


def values_of(field: Any) -> st.SearchStrategy[Any]:
    """Any value that this column may hold."""
    if field.attname == "level":
        return st.sampled_from(sorted(LEVELS))
    if field.attname == "needs":
        return st.lists(WORDS, max_size=3, unique=True)
    if field.choices:
        return st.sampled_from([code for code, _ in field.choices])
    if isinstance(field, SealedJSONField | models.JSONField):
        return st.dictionaries(WORDS, st.one_of(WORDS, st.integers(-9, 9), st.booleans()), max_size=3)
    if isinstance(field, SealedField):
        return WORDS
    if isinstance(field, models.BooleanField):
        return st.booleans()
    if isinstance(field, models.DecimalField):
        return st.integers(0, 9999).map(lambda number: Decimal(number).scaleb(-field.decimal_places))
    if isinstance(field, models.IntegerField):
        return st.integers(-99999, 99999)
    if isinstance(field, models.FloatField):
        return st.floats(-180, 180, allow_nan=False)
    if isinstance(field, models.DateTimeField):
        return MOMENTS
    if isinstance(field, models.DateField):
        return st.dates()
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return st.uuids()
    return WORDS


def blank(field: Any, value: Any) -> bool:
    return value is None or value == field.get_default() or value in ("", {}, [])


@pytest.mark.parametrize("kind", sorted(DETAILS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_column_of_any_request_comes_back_as_it_went(kind: str, data: st.DataObject) -> None:
    with_scope = {"tenant_id": uuid4()}
    model, _ = DETAILS[kind]
    patient = Patient(family_name="Berg", given_name="Ola", mrn="M1", **with_scope)
    request = ServiceRequest(
        kind=kind, patient=patient, status=data.draw(st.sampled_from(["draft", "pending", "requested", "held"])),
        cost_center=data.draw(st.sampled_from(["", "4100"])), requested_at=data.draw(MOMENTS),
        requested_by_name="Dana Morales", **with_scope,
    )  # fmt: skip
    fields = columns.carried(model)
    given_values = {field.attname: data.draw(st.none() | values_of(field)) for field in fields}
    row = model(**with_scope)
    row.request = request  # type: ignore[attr-defined]
    for field in fields:
        value = given_values[field.attname]
        setattr(row, field.attname, field.get_default() if value is None and not field.null else value)
    wire = json.loads(json.dumps(resource_of(request, row)))
    back = read(wire)
    assert back.kind == kind
    assert back.status == request.status
    assert back.request.get("cost_center", "") == request.cost_center
    assert back.request["requested_at"] == request.requested_at
    for field in fields:
        value = getattr(row, field.attname)
        if blank(field, value):
            assert blank(field, back.detail.get(field.attname)), field.attname
        else:
            assert back.detail[field.attname] == value, field.attname


def test_what_has_an_element_of_its_own_is_readable_by_anybody() -> None:
    names = {field.attname for field in columns.carried(TransportDetail)}
    assert set(ELEMENTS) <= names


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": None}, "fhir_invalid"),
        ({"intent": "wish"}, "fhir_kind"),
        ({"category": []}, "fhir_kind"),
        ({"occurrencePeriod": {"start": "2026-11-24"}}, "fhir_time"),
        ({"extension": [{"url": "urn:carrywell:field:weight_lb", "valueString": "heavy"}]}, "fhir_value"),
    ],
)
def test_a_resource_that_cannot_be_taken_says_why(change: dict[str, Any], code: str) -> None:
    tenant = {"tenant_id": uuid4()}
    request = ServiceRequest(kind="transport", patient=Patient(family_name="Berg", **tenant), **tenant)
    data = {**resource_of(request, None), **change}
    if code == "fhir_kind" and "intent" in change:
        data = {**data, "intent": "order", "category": [{"text": "ride"}]}
    with pytest.raises(DomainError) as refused:
        read({key: value for key, value in data.items() if value is not None})
    assert refused.value.code == code


def test_the_export_is_a_download_that_is_audited(cast: Any) -> None:
    request = book(cast)
    client = signed_in(cast.people["case_manager@lakeshore"])
    response = client.get(f"/fhir/ServiceRequest/{request.pk}")
    assert response["Content-Type"] == "application/fhir+json"
    back = read(response.json())
    with act_as(Scope.staff(cast.lakeshore.pk)):
        detail = TransportDetail.objects.get(request_id=request.pk)
        assert back.detail["level"] == detail.level
        assert back.detail["pickup_at"] == detail.pickup_at
        assert AuditEntry.objects.filter(action="request.exported", target_id=str(request.pk)).count() == 1
    assert client.get(f"/fhir/ServiceRequest/{uuid4()}").status_code == 404
