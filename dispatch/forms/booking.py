"""The booking form: twelve inputs, read leniently for a draft and strictly for a booking."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.levels import CHOICES
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from logistics.requests.selectors.requests import destination_name
from logistics.requests.services import advice, answers, places

COMPANIONS = [("0", "No one"), ("1", "1 person"), ("2", "2 people"), ("3", "3 people"), ("4", "4 people")]
NEED_ICONS = {
    "oxygen": "wind", "oxygen_given": "wind", "monitor": "heart-pulse", "iv": "syringe", "isolation": "shield-alert",
    "airborne": "shield-alert", "watching": "eye", "critical": "activity", "stairs": "chevrons-up",
}  # fmt: skip
MOBILITY_ICONS = {"walks": "footprints", "wheelchair": "accessibility", "lies": "bed"}
WHEN_ICONS = {"now": "clock", "at": "calendar-clock", "ready": "hold"}
LOCAL = "%Y-%m-%dT%H:%M"
# Which answer of a draft came from the chart, and so carries its mark.
FROM_CHART = ("pickup", "pickup_contact", "needs", "oxygen_lpm", "weight_lb", "payer_name")


class BookingForm(forms.Form):
    """One ride. Nothing is refused for being empty: ``booking.confirm`` says in one go what is missing.

    ``required`` only tells the page which inputs to mark as optional.
    """

    use_required_attribute = False

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    request = forms.UUIDField(required=False, widget=forms.HiddenInput)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)
    patient_text = forms.CharField(required=False, max_length=200)
    pickup = forms.ChoiceField(label="Pickup")
    destination = forms.CharField(required=False, max_length=40)
    destination_text = forms.CharField(required=False, max_length=200)
    when = forms.ChoiceField(label="Pickup time", choices=TransportDetail.WHEN, widget=forms.RadioSelect)
    pickup_local = forms.DateTimeField(
        label="Date and time",
        input_formats=[LOCAL, "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        error_messages={"invalid": "Write the date and time of the pickup."},
    )
    pickup_contact = forms.CharField(label="Call at pickup", max_length=80)
    mobility = forms.ChoiceField(
        label="How does the patient travel?",
        choices=TransportDetail.MOBILITY,
        widget=forms.RadioSelect,
    )
    needs = forms.MultipleChoiceField(
        label="What is needed on the way?",
        choices=advice.NEEDS,
        widget=forms.CheckboxSelectMultiple,
    )
    oxygen_lpm = forms.DecimalField(
        label="Oxygen, L per min",
        max_digits=4,
        decimal_places=1,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": "Write the flow as a number, such as 2 or 2.5."},
    )
    weight_lb = forms.IntegerField(
        label="Weight, lb",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "Write the weight as a whole number of pounds."},
    )
    companions = forms.ChoiceField(label="Riding along", choices=COMPANIONS)
    payer_name = forms.CharField(label="Who pays", max_length=80, widget=forms.TextInput(attrs={"list": "payers"}))
    driver_note = forms.CharField(required=False, label="Note to driver", max_length=200)
    level = forms.ChoiceField(required=False, label="Another level", choices=[("", "As advised"), *CHOICES])
    override_reason = forms.CharField(required=False, label="Who decided, and why", max_length=300)
    level_seen = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(self, *args: Any, units: list[Unit], bed_label: str = "", unit: Unit | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.units = {str(each.pk): each for each in units}
        options = [(str(each.pk), f"{each.facility.short_name}, {each.name}") for each in units]
        if unit is not None:
            bed = f", bed {bed_label}" if bed_label else ""
            options = [("chart", f"{unit.facility.short_name}, {unit.name}{bed}"), *options]
        self.fields["pickup"].choices = options or [("", "No unit yet")]  # type: ignore[attr-defined]

    def full_clean(self) -> None:
        """Read what can be read."""
        asked = {name: field.required for name, field in self.fields.items()}
        for field in self.fields.values():
            field.required = False
        super().full_clean()
        for name, field in self.fields.items():
            field.required = asked[name]
        if self.is_bound and not {"oxygen", "oxygen_given"} & set(self.cleaned_data.get("needs") or []):
            # Not asked for then, and not shown.
            self.errors.pop("oxygen_lpm", None)
            self.cleaned_data["oxygen_lpm"] = None

    def ride(self, patient: Patient | None, zone: str) -> dict[str, Any]:
        """The answers as ``booking.save_draft`` and ``booking.confirm`` take them; unreadable ones are left out."""
        given = self.cleaned_data
        when = given.get("when") or ""
        fields: dict[str, Any] = {
            "when": when,
            "pickup_contact": given.get("pickup_contact", ""),
            "mobility": given.get("mobility") or "",
            "needs": given.get("needs") or [],
            "companions": int(given.get("companions") or 0),
            "payer_name": given.get("payer_name", ""),
            "driver_note": given.get("driver_note", ""),
            "destination_text": given.get("destination_text", ""),
        }
        for name in ("oxygen_lpm", "weight_lb"):
            if name in given:
                fields[name] = given[name]
        pickup = given.get("pickup", "")
        if pickup in self.units:
            fields["unit"] = self.units[pickup]
            fields["pickup_bed_label"] = ""
        try:
            fields["destination"] = places.resolve(
                value=given.get("destination", ""), text=given.get("destination_text", ""), patient=patient
            )
        except DomainError as error:
            fields["destination"] = None
            fields["destination_problem"] = error.fields["destination"]
        fields |= self._times(when, zone)
        return fields

    def _times(self, when: str, zone: str) -> dict[str, Any]:
        times: dict[str, Any] = {"pickup_at": None, "ready_expected_at": None}
        naive: dt.datetime | None = self.cleaned_data.get("pickup_local")
        if naive is None or when not in ("at", "ready"):
            return times
        wall = naive.replace(tzinfo=None)
        try:
            moment = answers.local_moment(wall.date(), wall.time(), zone)
        except DomainError as error:
            return {**times, "pickup_problem": error.fields["pickup_local"]}
        times["pickup_at" if when == "at" else "ready_expected_at"] = moment
        return times


def initial_of(request: ServiceRequest, *, key: str, patient_text: str) -> dict[str, Any]:
    """The form's values for a draft (``request.details`` prefetched)."""
    detail: TransportDetail | None = next(iter(request.details), None)  # type: ignore[attr-defined]
    values: dict[str, Any] = {
        "key": request.idempotency_key or key,
        "request": request.pk,
        "patient": request.patient_id,
        "patient_text": patient_text,
        "pickup": "chart" if request.encounter_id or not request.unit_id else str(request.unit_id),
    }
    if detail is None:
        return values
    moment = detail.pickup_at or detail.ready_expected_at
    local = clock.local(moment, request.facility.time_zone).strftime(LOCAL) if moment else ""
    return {
        **values,
        **destination_initial(detail),
        "when": detail.when,
        "pickup_local": local,
        "pickup_contact": detail.pickup_contact,
        "mobility": detail.mobility,
        "needs": detail.needs,
        "oxygen_lpm": plain(detail.oxygen_lpm),
        "weight_lb": detail.weight_lb,
        "companions": str(detail.companions),
        "payer_name": detail.payer_name,
        "driver_note": detail.driver_note,
        "level": detail.level if detail.level and detail.level != detail.level_advised else "",
        "override_reason": detail.level_override_reason,
    }


def destination_initial(detail: TransportDetail) -> dict[str, str]:
    """The destination picker's id and words."""
    if detail.place_id is not None:
        return {"destination": str(detail.place_id), "destination_text": destination_name(detail)}
    if detail.destination_kind == "home":
        return {"destination": "home", "destination_text": destination_name(detail)}
    address = detail.destination_address or {}
    text = str(address.get("line", ""))
    if address.get("zip_code"):
        text = f"{text}, {address.get('city', '')}, {address.get('state', '')} {address['zip_code']}"
        return {"destination": "other", "destination_text": text}
    return {"destination": "", "destination_text": text}


def plain(value: Decimal | None) -> str:
    """A decimal without needless zeros."""
    return "" if value is None else f"{value.normalize():f}"


def as_uuid(text: str | None) -> UUID | None:
    """A row id from the query string, or None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
