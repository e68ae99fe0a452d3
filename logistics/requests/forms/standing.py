"""The forms of a series: what it asks for, one date of it, and whether it goes on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from logistics.accounts.models import Unit
from logistics.core.errors import DomainError
from logistics.core.levels import CHOICES
from logistics.requests.models import Patient, StandingOrder, StandingVersion, TransportDetail
from logistics.requests.services import advice, places, recurrence
from logistics.requests.services.standing_spec import RIDE_FIELDS, Spec, end_words

COMPANIONS = [("0", "No one"), ("1", "1 person"), ("2", "2 people"), ("3", "3 people"), ("4", "4 people")]
WEEKS = [("1", "Every week"), *((str(n), f"Every {n} weeks") for n in range(2, recurrence.MOST_WEEKS + 1))]
_NUMBER = forms.TextInput(attrs={"inputmode": "numeric"})
_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
RIDE_NUMBERS = ("weight_lb", "chair_width_in", "chair_weight_lb", "pickup_steps", "dropoff_steps")


def _whole(label: str, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, widget=_NUMBER, error_messages={"invalid": "Write a whole number."}, **more
    )


class SeriesForm(forms.Form):
    """A series. Nothing is refused for being empty: the service says in one go what is missing.

    ``required`` only tells the page which inputs to mark as optional.
    """

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)
    patient_text = forms.CharField(required=False, max_length=200)
    unit = forms.ChoiceField(label="Asked for by")
    pickup = forms.CharField(required=False, max_length=40)
    pickup_text = forms.CharField(required=False, max_length=200)
    destination = forms.CharField(required=False, max_length=40)
    destination_text = forms.CharField(required=False, max_length=200)
    days = forms.MultipleChoiceField(
        label="Days", choices=recurrence.DAYS, widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose days of the week."},
    )  # fmt: skip
    weeks = forms.ChoiceField(label="How often", choices=WEEKS)
    timing = forms.ChoiceField(label="The time is", choices=StandingVersion.TIMINGS, widget=forms.RadioSelect)
    local_time = forms.TimeField(
        label="Time", widget=_TIME, error_messages={"invalid": "Write the time as hours and minutes, e.g. 05:30."}
    )
    lead_minutes = _whole("Pickup before, minutes")
    return_kind = forms.ChoiceField(
        required=False, label="Ride back", choices=StandingVersion.RETURNS, widget=forms.RadioSelect
    )
    return_hours = forms.DecimalField(
        required=False, label="Back after, hours", max_digits=4, decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": "Write the hours as a number, e.g. 4.5."},
    )  # fmt: skip
    return_owner_name = forms.CharField(required=False, label="Who says when ready", max_length=120)
    holiday_rule = forms.ChoiceField(label="On a holiday", choices=StandingVersion.HOLIDAYS)
    purpose = forms.ChoiceField(label="For", choices=TransportDetail.PURPOSES)
    start_on = forms.DateField(
        label="First date", widget=_DATE, error_messages={"invalid": "Write the first date, e.g. 2027-02-01."}
    )
    end_on = forms.DateField(
        required=False, label="Last date", widget=_DATE,
        error_messages={"invalid": "Write the last date, e.g. 2027-06-30."},
    )  # fmt: skip
    mobility = forms.ChoiceField(
        label="How does the patient travel?", choices=TransportDetail.MOBILITY, widget=forms.RadioSelect
    )
    needs = forms.MultipleChoiceField(
        required=False, label="What is needed on the way?", choices=advice.NEEDS, widget=forms.CheckboxSelectMultiple
    )
    oxygen_lpm = forms.DecimalField(
        required=False, label="Oxygen, L per min", max_digits=4, decimal_places=1,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": "Write the flow as a number, such as 2 or 2.5."},
    )  # fmt: skip
    weight_lb = _whole("Weight, lb")
    chair = forms.ChoiceField(required=False, label="Wheelchair", choices=TransportDetail.CHAIRS)
    chair_width_in = _whole("Chair width, inches")
    chair_weight_lb = _whole("Chair weight, lb")
    pickup_steps = _whole("Steps at the pickup")
    dropoff_steps = _whole("Steps at the destination")
    companions = forms.ChoiceField(required=False, label="Riding along", choices=COMPANIONS)
    escort_name = forms.CharField(required=False, label="Name of who rides along", max_length=80)
    receiver_name = forms.CharField(required=False, label="Who takes over at the door", max_length=80)
    payer_name = forms.CharField(
        required=False, label="Who pays", max_length=80, widget=forms.TextInput(attrs={"list": "payers"})
    )
    pickup_contact = forms.CharField(required=False, label="Call at pickup", max_length=80)
    driver_note = forms.CharField(required=False, label="Note to driver", max_length=200)
    preferred_vendor = forms.ChoiceField(required=False, label="Vendor the patient knows")
    level = forms.ChoiceField(required=False, label="Another level", choices=[("", "As advised"), *CHOICES])
    override_reason = forms.CharField(required=False, label="Who decided, and why", max_length=300)
    from_on = forms.DateField(
        label="Change from", widget=_DATE, error_messages={"invalid": "Write the date from which it changes."}
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, units: list[Unit], vendors: dict[UUID, str], change: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.units = {str(each.pk): each for each in units}
        options = [(str(each.pk), f"{each.facility.short_name}, {each.name}") for each in units]
        self.fields["unit"].choices = options or [("", "No unit yet")]  # type: ignore[attr-defined]
        vendor_options = [(str(pk), name) for pk, name in vendors.items()]
        self.fields["preferred_vendor"].choices = [("", "No preference"), *vendor_options]  # type: ignore[attr-defined]
        for name in ("patient", "patient_text", "unit", "start_on") if change else ("from_on", "version"):
            del self.fields[name]

    def full_clean(self) -> None:
        """Read what can be read."""
        asked = {name: field.required for name, field in self.fields.items()}
        for field in self.fields.values():
            field.required = False
        super().full_clean()
        for name, field in self.fields.items():
            field.required = asked[name]
        if self.is_bound and not {"oxygen", "oxygen_given"} & set(self.cleaned_data.get("needs") or []):
            self.errors.pop("oxygen_lpm", None)
            self.cleaned_data["oxygen_lpm"] = None

    def spec(self, patient: Patient) -> Spec:
        """The answers as the service takes them; unreadable ones are named in ``problems``."""
        given = self.cleaned_data
        problems = {name: str(texts[0]) for name, texts in self.errors.items()}
        ends: dict[str, Any] = {"pickup": None, "destination": None}
        for name in ends:
            value, text = given.get(name, ""), given.get(f"{name}_text", "")
            if name == "pickup" and not value and not text.strip():
                continue
            try:
                ends[name] = places.resolve(value=value, text=text, patient=patient, field=name)
            except DomainError as error:
                problems |= error.fields
        days = given.get("days") or []
        hours: Decimal | None = given.get("return_hours")
        ride = {
            "mobility": given.get("mobility") or "",
            "needs": given.get("needs") or [],
            "oxygen_lpm": given.get("oxygen_lpm"),
            "chair": given.get("chair", ""),
            "companions": int(given.get("companions") or 0),
            **{name: given.get(name) for name in RIDE_NUMBERS},
            **{name: given.get(name, "") for name in _TEXTS},
        }
        return Spec(
            rule=recurrence.rule_of(days, int(given.get("weeks") or 1)) if days else "",
            local_time=given.get("local_time"),
            pickup=ends["pickup"],
            destination=ends["destination"],
            timing=given.get("timing") or "",
            lead_minutes=given.get("lead_minutes"),
            return_kind=given.get("return_kind") or "",
            return_minutes=int(hours * 60) if hours is not None else None,
            return_owner_name=given.get("return_owner_name", ""),
            holiday_rule=given.get("holiday_rule") or "",
            purpose=given.get("purpose") or "",
            ride=ride,
            level=given.get("level", ""),
            override_reason=given.get("override_reason", ""),
            problems=problems,
        )

    @property
    def vendor_id(self) -> UUID | None:
        """The preferred vendor."""
        chosen = self.cleaned_data.get("preferred_vendor")
        return UUID(chosen) if chosen else None


_TEXTS = ("escort_name", "receiver_name", "payer_name", "driver_note", "pickup_contact")


def initial_of(order: StandingOrder, version: StandingVersion) -> dict[str, Any]:
    """The form's values for a version."""
    template = version.template
    days, weeks = recurrence.days_of(version.rule)
    hours = Decimal(version.return_minutes or 0) / 60
    values = {name: template.get(name) for name in RIDE_FIELDS if template.get(name) is not None}
    return {
        **values,
        "companions": str(template.get("companions") or 0),
        "days": days,
        "weeks": str(weeks),
        "timing": version.timing,
        "local_time": version.local_time,
        "lead_minutes": version.lead_minutes if version.timing == "arrive" else None,
        "return_kind": version.return_kind,
        "return_hours": f"{hours.normalize():f}" if version.return_kind else "",
        "return_owner_name": version.return_owner_name,
        "holiday_rule": version.holiday_rule,
        "purpose": version.purpose,
        "mobility": version.mobility,
        "end_on": order.end_on,
        "preferred_vendor": str(order.preferred_vendor_id or ""),
        "level": version.level if version.level != version.level_advised else "",
        "override_reason": version.level_override_reason,
        "version": order.series_version,
        **_picker("pickup", version.pickup_kind, version.pickup_place, template.get("pickup") or {}),
        **_picker("destination", version.destination_kind, version.place, template.get("destination") or {}),
    }


def _picker(name: str, kind: str, place: Any, end: dict[str, Any]) -> dict[str, str]:
    if not kind:
        return {name: "", f"{name}_text": ""}
    if place is not None:
        return {name: str(place.pk), f"{name}_text": place.name}
    words = end_words(kind, "", end)
    if kind == "home":
        return {name: "home", f"{name}_text": words}
    address = end.get("address") or {}
    tail = f"{address.get('city', '')}, {address.get('state', '')} {address.get('zip_code', '')}"
    return {name: "other", f"{name}_text": f"{words}, {tail}"}


class DateForm(forms.Form):
    """One date: another time or other needs, and another day."""

    use_required_attribute = False

    local_time = forms.TimeField(
        required=False, label="Time on this date", widget=_TIME,
        error_messages={"invalid": "Write the time as hours and minutes, e.g. 07:00."},
    )  # fmt: skip
    needs = forms.MultipleChoiceField(
        required=False, label="What is needed on this date?", choices=advice.NEEDS,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    oxygen_lpm = forms.DecimalField(
        required=False, label="Oxygen, L per min", max_digits=4, decimal_places=1, min_value=Decimal("0.1"),
        max_value=Decimal(60), widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={
            "invalid": "Write the flow as a number, such as 2 or 2.5.",
            "min_value": "Oxygen flow is between 0 and 60 liters per minute.",
            "max_value": "Oxygen flow is between 0 and 60 liters per minute.",
        },
    )  # fmt: skip
    driver_note = forms.CharField(required=False, label="Note to driver", max_length=200)
    reason = forms.CharField(required=False, label="Why", max_length=200)


class _Beside(forms.Form):
    """A form that shares its page with others: its inputs carry the form's name in their ids."""

    use_required_attribute = False
    page_id = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.page_id}_%s", **kwargs})


class MoveForm(_Beside):
    """The same chair on another day."""

    page_id = "move"

    to = forms.DateField(
        label="New day", widget=_DATE,
        error_messages={"required": "Choose the new day.", "invalid": "Write the new day, e.g. 2027-02-06."},
    )  # fmt: skip
    local_time = forms.TimeField(
        required=False, label="Time", widget=_TIME,
        error_messages={"invalid": "Write the time as hours and minutes, e.g. 07:00."},
    )  # fmt: skip
    reason = forms.CharField(required=False, label="Why", max_length=200)


class AddForm(_Beside):
    """A date that the series does not have."""

    page_id = "add"

    on = forms.DateField(
        label="Date", widget=_DATE,
        error_messages={"required": "Choose the date.", "invalid": "Write the date, e.g. 2027-02-04."},
    )  # fmt: skip
    local_time = forms.TimeField(
        required=False, label="Time", widget=_TIME,
        error_messages={"invalid": "Write the time as hours and minutes, e.g. 07:00."},
    )  # fmt: skip
    reason = forms.CharField(required=False, label="Why", max_length=200)


class ResumeForm(_Beside):
    """Let a series go on: from where."""

    page_id = "resume"

    where = forms.ChoiceField(
        required=False, label="Picked up", widget=forms.RadioSelect,
        choices=[("before", "As before"), ("other", "At another address")],
    )  # fmt: skip
    pickup = forms.CharField(required=False, max_length=40)
    pickup_text = forms.CharField(required=False, max_length=200)


class EndForm(_Beside):
    """End a series now or on a date."""

    page_id = "end"

    last_on = forms.DateField(
        required=False, label="Last date", widget=_DATE,
        error_messages={"invalid": "Write the last date, e.g. 2027-06-30."},
    )  # fmt: skip
    reason = forms.CharField(required=False, label="Why", max_length=200)


class ClosedDayForm(forms.Form):
    """A day on which a center does not treat."""

    use_required_attribute = False

    on = forms.DateField(
        label="Closed on", widget=_DATE,
        error_messages={"required": "Choose the day.", "invalid": "Write the day, e.g. 2026-12-25."},
    )  # fmt: skip
    name = forms.CharField(
        label="Why", max_length=60, error_messages={"required": "Write why it is closed, e.g. Thanksgiving."}
    )
    moved_to = forms.DateField(
        required=False, label="Chairs run instead on", widget=_DATE,
        error_messages={"invalid": "Write the day, e.g. 2026-12-26."},
    )  # fmt: skip


def date_initial(version: StandingVersion, edits: dict[str, Any], local_time: dt.time) -> dict[str, Any]:
    """What is asked for on one date now."""
    given = {**version.template, **edits}
    return {
        "local_time": local_time,
        "needs": given.get("needs") or [],
        "oxygen_lpm": given.get("oxygen_lpm"),
        "driver_note": given.get("driver_note", ""),
    }
