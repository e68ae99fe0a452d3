"""Columns as FHIR extensions, typed by their field, and back: what R4 has no element for is still carried whole."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from logistics.core.errors import DomainError
from logistics.core.fields import SealedBytesField, SealedJSONField

BASE = "urn:carrywell:field:"
# Of the row itself, not of what was asked.
APART = frozenset({"id", "tenant_id", "request_id"})


def carried(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The columns of a details model that speak of the need."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.attname not in APART and not isinstance(field, SealedBytesField)
    ]


def to_extensions(row: models.Model, apart_from: Iterable[str] = ()) -> list[dict[str, Any]]:
    """An extension for each column that has a value, apart from those that an element of its own carries."""
    skip = set(apart_from)
    out = []
    for field in carried(type(row)):
        value = getattr(row, field.attname)
        if field.attname in skip or value is None or value == field.get_default() or value in ("", {}, []):
            continue
        out.append({"url": f"{BASE}{field.attname}", **_typed(field, value)})
    return out


def from_extensions(model: type[models.Model], extensions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The columns that these extensions carry; foreign extensions are passed by.

    Raises :class:`DomainError` (``fhir_value``) for a value of the wrong kind.
    """
    fields = {field.attname: field for field in carried(model)}
    found: dict[str, Any] = {}
    for extension in extensions:
        name = str(extension.get("url", "")).removeprefix(BASE)
        field = fields.get(name)
        if field is None or not str(extension.get("url", "")).startswith(BASE):
            continue
        value = next((value for key, value in extension.items() if key.startswith("value")), None)
        try:
            found[name] = _read(field, value)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise DomainError(f"The extension {BASE}{name} has a value of another kind.", code="fhir_value") from error
    return found


def instant(moment: dt.datetime) -> str:
    """A moment in UTC, as FHIR writes it."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> dt.datetime:
    """A moment as FHIR writes it. Raises ``ValueError`` without an offset."""
    value = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if value.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return value.astimezone(dt.UTC)


def _typed(field: models.Field[Any, Any], value: Any) -> dict[str, Any]:
    if isinstance(field, models.JSONField | SealedJSONField):
        return {"valueString": json.dumps(value, sort_keys=True)}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, Decimal | float):
        return {"valueDecimal": float(value)}
    if isinstance(value, dt.datetime):
        return {"valueDateTime": instant(value)}
    if isinstance(value, dt.date):
        return {"valueDate": value.isoformat()}
    if isinstance(value, UUID):
        return {"valueUri": f"urn:uuid:{value}"}
    return {"valueString": str(value)}


def _read(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, models.JSONField | SealedJSONField):
        return json.loads(value)
    if isinstance(field, models.DecimalField):
        return Decimal(str(value))
    if isinstance(field, models.FloatField):
        return float(value)
    if isinstance(field, models.BooleanField):
        if not isinstance(value, bool):
            raise TypeError("not a boolean")
        return value
    if isinstance(field, models.IntegerField):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("not a whole number")
        return value
    if isinstance(field, models.DateTimeField):
        return moment(value)
    if isinstance(field, models.DateField):
        return dt.date.fromisoformat(value)
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return UUID(str(value).removeprefix("urn:uuid:"))
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
