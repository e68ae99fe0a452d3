"""The booking form: twelve inputs for an ordinary ride, read leniently for a draft and strictly for a booking.

What makes it another kind of ride is folded away: ``booking_kinds`` (return, stops), ``booking_fit`` (fit, company,
transfer).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from dispatch.forms.booking_fit import CARE_NEEDS, COLUMNS, MAIN_NEEDS, FitFields
from dispatch.forms.booking_kinds import FORMATS, LOCAL, JourneyFields
from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.levels import CHOICES
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from logistics.requests.selectors.requests import destination_name, pickup_name
from logistics.requests.services import advice, answers, geocode, places
from logistics.requests.services.places import Destination

COMPANIONS = [("0", "No one"), ("1", "1 person"), ("2", "2 people"), ("3", "3 people"), ("4", "4 people")]
NEED_ICONS = {
    "oxygen": "wind", "oxygen_given": "wind", "monitor": "heart-pulse", "iv": "syringe", "isolation": "shield-alert",
    "airborne": "shield-alert", "watching": "eye", "critical": "activity", "stairs": "chevrons-up",
}  # fmt: skip
MOBILITY_ICONS = {"walks": "footprints", "wheelchair": "accessibility", "lies": "bed"}
WHEN_ICONS = {"now": "clock", "at": "calendar-clock", "arrive": "flag", "ready": "hold"}
ELSEWHERE = "elsewhere"
# Which answer of a draft came from the chart, and so carries its mark.
FROM_CHART = ("pickup", "pickup_contact", "needs", "oxygen_lpm", "weight_lb", "payer_name")


class BookingForm(JourneyFields, FitFields):
    """One booking. Nothing is refused for being empty: ``booking.confirm`` says in one go what is missing.

    ``required`` only tells the page which inputs to mark as optional.
    """

    use_required_attribute = False

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    request = forms.UUIDField(required=False, widget=forms.HiddenInput)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)
    patient_text = forms.CharField(required=False, max_length=200)
    pickup = forms.ChoiceField(label="Pickup")
    origin = forms.CharField(required=False, max_length=40)
    origin_text = forms.CharField(required=False, max_length=200)
    origin_pin = forms.CharField(label="Pin of the pickup", required=False, max_length=40)
    destination = forms.CharField(required=False, max_length=40)
    destination_text = forms.CharField(required=False, max_length=200)
    destination_pin = forms.CharField(label="Pin of the destination", required=False, max_length=40)
    when = forms.ChoiceField(label="Pickup time", choices=TransportDetail.WHEN, widget=forms.RadioSelect)
    pickup_local = forms.DateTimeField(
        label="Date and time",
        input_formats=FORMATS,
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
        choices=[each for each in advice.NEEDS if each[0] in MAIN_NEEDS],
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
    override_reason = forms.CharField(required=False, label="Why another level", max_length=200)
    override_by = forms.CharField(required=False, label="Clinician who decided", max_length=80)
    level_seen = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(self, *args: Any, units: list[Unit], bed_label: str = "", unit: Unit | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.units = {str(each.pk): each for each in units}
        options = [(str(each.pk), f"{each.facility.short_name}, {each.name}") for each in units]
        if unit is not None:
            bed = f", bed {bed_label}" if bed_label else ""
            options = [("chart", f"{unit.facility.short_name}, {unit.name}{bed}"), *options]
        options = [*(options or [("", "No unit yet")]), (ELSEWHERE, "Another place: home, a facility, an address")]
        self.fields["pickup"].choices = options  # type: ignore[attr-defined]

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
        """The answers as ``ride_rows`` takes them; unreadable ones are left out.

        ``zone`` is that of the patient's site. A pickup is meant on the clock where it is, an arrival on the clock of
        the destination.
        """
        given = self.cleaned_data
        when = given.get("when") or ""
        fields: dict[str, Any] = {
            "when": when,
            "pickup_contact": given.get("pickup_contact", ""),
            "mobility": given.get("mobility") or "",
            "needs": [*(given.get("needs") or []), *(given.get("care") or [])],
            "companions": int(given.get("companions") or 0),
            "payer_name": given.get("payer_name", ""),
            "driver_note": given.get("driver_note", ""),
            "destination_text": given.get("destination_text", ""),
            "plan": self.typed_plan(),
        }
        for name in ("oxygen_lpm", "weight_lb"):
            if name in given:
                fields[name] = given[name]
        fields |= self._pickup(patient)
        origin = fields.get("origin")
        if isinstance(origin, Destination):
            zone = origin.location.zone
        elif "unit" in fields:
            zone = fields["unit"].facility.time_zone
        fields |= self._end("destination", patient)
        fields |= self._times(when, zone, fields.get("destination"))
        fields |= self.fit_columns(zone)
        if when == "ready":
            owner_id, owner_name = self.owner()
            phone = given.get("return_phone", "")
            fields |= {"ready_owner_id": owner_id, "ready_owner_name": owner_name, "ready_phone": phone}
        return fields

    def _pickup(self, patient: Patient | None) -> dict[str, Any]:
        """Where the ride begins: the unit of the chart or another, or a place that was chosen instead."""
        pickup = self.cleaned_data.get("pickup", "")
        if pickup == ELSEWHERE:
            end = self._end("origin", patient)
            origin = end["origin"]
            kind = origin.kind if isinstance(origin, Destination) else "other"
            return {**end, "origin_text": self.cleaned_data.get("origin_text", ""), "pickup_kind": kind}
        fields: dict[str, Any] = {"pickup_kind": "", "origin": None}
        if pickup in self.units:
            fields |= {"unit": self.units[pickup], "pickup_bed_label": ""}
        return fields

    def _end(self, name: str, patient: Patient | None) -> dict[str, Any]:
        given = self.cleaned_data
        value, text, pin = (given.get(key, "") for key in (name, f"{name}_text", f"{name}_pin"))
        try:
            return {name: places.resolve(value=value, text=text, patient=patient, pin=pin, field=name)}
        except DomainError as error:
            words = error.fields[name]
            if name == "origin" and not value and not text:
                words = "Choose where the patient is picked up."
            return {name: None, f"{name}_problem": words}

    def _times(self, when: str, zone: str, destination: Destination | None) -> dict[str, Any]:
        times: dict[str, Any] = {"pickup_at": None, "ready_expected_at": None, "arrive_by_at": None}
        naive: dt.datetime | None = self.cleaned_data.get("pickup_local")
        column = {"at": "pickup_at", "ready": "ready_expected_at", "arrive": "arrive_by_at"}.get(when)
        if naive is None or column is None:
            return times
        if when == "arrive" and destination is not None:
            zone = destination.location.zone
        wall = naive.replace(tzinfo=None)
        try:
            moment = answers.local_moment(wall.date(), wall.time(), zone)
        except DomainError as error:
            return {**times, "pickup_problem": error.fields["pickup_local"]}
        return {**times, column: moment}


def initial_of(request: ServiceRequest, *, key: str, patient_text: str) -> dict[str, Any]:
    """The form's values for a draft (``request.details`` prefetched)."""
    detail: TransportDetail | None = next(iter(request.details), None)  # type: ignore[attr-defined]
    values: dict[str, Any] = {
        "key": request.idempotency_key or key,
        "request": request.pk,
        "patient": request.patient_id,
        "patient_text": patient_text,
        "pickup": "chart" if request.encounter_id or not request.unit_id else str(request.unit_id),
        "ride_kind": "one_way",
        "cost_center": request.cost_center,
    }
    if detail is None:
        return values
    zone = detail.pickup_zone or request.facility.time_zone
    moment = detail.pickup_at or detail.ready_expected_at
    if detail.when == "arrive":
        moment, zone = detail.arrive_by_at, detail.destination_zone or zone
    if detail.pickup_kind:
        values["pickup"] = ELSEWHERE
    care = {code for code, _ in CARE_NEEDS}
    return {
        **values,
        **destination_initial(detail),
        **origin_initial(detail),
        "when": detail.when,
        "pickup_local": _wall(moment, zone),
        "pickup_contact": detail.pickup_contact,
        "mobility": detail.mobility,
        "needs": [need for need in detail.needs if need not in care],
        "care": [need for need in detail.needs if need in care],
        "oxygen_lpm": plain(detail.oxygen_lpm),
        "weight_lb": detail.weight_lb,
        "companions": str(detail.companions),
        "payer_name": detail.payer_name,
        "driver_note": detail.driver_note,
        **{name: getattr(detail, name) for name in COLUMNS},
        "accepted_local": _wall(detail.accepted_at, request.facility.time_zone),
        "report_local": _wall(detail.report_given_at, request.facility.time_zone),
        "return_owner": str(detail.ready_owner_id or ""),
        "return_phone": detail.ready_phone,
        **({"same_vendor": ""} if detail.plan else {}),
        **detail.plan,
        "level": detail.level if detail.level and detail.level != detail.level_advised else "",
        "override_reason": detail.level_override_reason,
    }


def _wall(moment: dt.datetime | None, zone: str) -> str:
    return clock.local(moment, zone).strftime(LOCAL) if moment else ""


def origin_initial(detail: TransportDetail) -> dict[str, str]:
    """The pickup picker's id and words, empty for the unit."""
    if detail.pickup_place_id is not None:
        return {"origin": str(detail.pickup_place_id), "origin_text": pickup_name(detail)}
    return _end_initial("origin", detail.pickup_kind, detail.pickup_address, detail.pickup_latitude is not None, detail)


def destination_initial(detail: TransportDetail) -> dict[str, str]:
    """The destination picker's id and words."""
    if detail.place_id is not None:
        return {"destination": str(detail.place_id), "destination_text": destination_name(detail)}
    located = detail.destination_latitude is not None
    return _end_initial("destination", detail.destination_kind, detail.destination_address, located, detail)


def _end_initial(
    name: str, kind: str, written: dict[str, Any] | None, located: bool, detail: TransportDetail
) -> dict[str, str]:
    address = written or {}
    if kind == "home":
        line = str(address.get("line", ""))
        return {name: "home", f"{name}_text": f"Home, {line}" if line else "Home"}
    text = str(address.get("line", ""))
    if not located or not address.get("zip_code"):
        return {name: "", f"{name}_text": text}
    text = f"{text}, {address.get('city', '')}, {address.get('state', '')} {address['zip_code']}"
    return {name: "other", f"{name}_text": text, f"{name}_pin": _pin(name, detail)}


def _pin(name: str, detail: TransportDetail) -> str:
    """The pin of an address whose position is not that of its ZIP code; empty when the ZIP code tells it."""
    end = "pickup" if name == "origin" else "destination"
    lat, lon = getattr(detail, f"{end}_latitude"), getattr(detail, f"{end}_longitude")
    address = getattr(detail, f"{end}_address") or {}
    try:
        known = geocode.locate(str(address.get("zip_code", "")))
    except DomainError:
        return f"{lat}, {lon}"
    return "" if (known.lat, known.lon) == (lat, lon) else f"{lat}, {lon}"


def plain(value: Decimal | None) -> str:
    """A decimal without needless zeros."""
    return "" if value is None else f"{value.normalize():f}"


def as_uuid(text: str | None) -> UUID | None:
    """A row id from the query string, or None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
