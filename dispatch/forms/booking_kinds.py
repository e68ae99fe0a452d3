"""The folded part of the booking form that makes one ride several: a return, a vehicle that waits, more stops."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django import forms

from logistics.core.errors import DomainError
from logistics.requests.models import Patient
from logistics.requests.services import answers, journeys, places
from logistics.requests.services.journeys import Onward, Plan
from logistics.requests.services.places import Destination

LOCAL = "%Y-%m-%dT%H:%M"
FORMATS = [LOCAL, "%Y-%m-%d %H:%M"]
STOPS = tuple(range(2, journeys.MOST_STOPS + 1))
KIND_ICONS = {"one_way": "arrow-right", "round_trip": "arrow-right-left", "wait_return": "clock", "multi_leg": "route"}
RETURN_ICONS = {"at": "calendar-clock", "ready": "hold"}


def local_field(label: str, *, required: bool = False) -> forms.DateTimeField:
    """A wall-clock time; whose clock it is says the page."""
    return forms.DateTimeField(
        label=label,
        required=required,
        input_formats=FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        error_messages={"invalid": "Write the date and time.", "required": "Write the date and time."},
    )


def number_field(label: str, words: str, *, required: bool = False) -> forms.IntegerField:
    """A whole number in a text field, so that nothing is changed by a wheel of the mouse."""
    return forms.IntegerField(
        label=label,
        required=required,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": words},
    )


class JourneyFields(forms.Form):
    """Which kind of ride, and what the further rides need. Everything has a default that means one way.

    ``required`` only tells the page what is not optional once that kind is chosen (``BookingForm.full_clean``).
    """

    ride_kind = forms.ChoiceField(
        label="Which rides?", choices=journeys.KINDS, required=False, initial=journeys.ONE_WAY, widget=forms.RadioSelect
    )
    return_when = forms.ChoiceField(
        label="Return",
        choices=[("at", "At a time"), ("ready", "When ready, will call")],
        required=False,
        widget=forms.RadioSelect,
    )
    return_local = local_field("Return pickup", required=True)
    return_owner = forms.ChoiceField(label="Who watches for the call")
    return_phone = forms.CharField(label="Phone to call about it", required=False, max_length=40)
    wait_minutes = number_field("Vehicle waits, min", "Write the minutes as a whole number.", required=True)
    same_vendor = forms.BooleanField(label="One vendor for all rides", required=False, initial=True)

    def __init__(self, *args: Any, colleagues: list[tuple[UUID, str]], me: tuple[UUID | None, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.me = me
        self.colleagues = {str(user_id): name for user_id, name in colleagues}
        others = [(key, name) for key, name in self.colleagues.items() if key != str(me[0])]
        self.fields["return_owner"].choices = [("", f"{me[1]} (you)"), *others]  # type: ignore[attr-defined]

    def plan(self, patient: Patient | None, fields: dict[str, Any]) -> Plan:
        """The rides beyond the first, as far as they can be read; ``fields`` are those of the first."""
        given = self.cleaned_data
        kind = given.get("ride_kind") or journeys.ONE_WAY
        same = bool(given.get("same_vendor"))
        if kind == "round_trip":
            return Plan(kind, (self._return(fields),), same)
        if kind == "wait_return":
            wait = given.get("wait_minutes")
            owner_id, owner_name = self.owner()
            back = Onward(
                "return", "return", when="at", dwell_minutes=wait or 0, owner_id=owner_id, owner_name=owner_name
            )
            return Plan(kind, (back,), True, wait)
        if kind == "multi_leg":
            return Plan(kind, tuple(self._stops(patient, fields)), same)
        return Plan()

    def owner(self) -> tuple[UUID | None, str]:
        """Who watches a ride that waits for the word: the person who books, unless they chose a colleague."""
        chosen = self.cleaned_data.get("return_owner") or ""
        return (UUID(chosen), self.colleagues[chosen]) if chosen in self.colleagues else self.me

    def typed_plan(self) -> dict[str, str]:
        """What was typed here, as it was typed, for a draft; empty for one way."""
        kind = self.data.get("ride_kind", "")
        if kind in ("", journeys.ONE_WAY):
            return {}
        return {name: str(self.data.get(name, ""))[:200] for name in plan_inputs() if self.data.get(name)}

    def _return(self, fields: dict[str, Any]) -> Onward:
        given = self.cleaned_data
        when = given.get("return_when") or ""
        destination = fields.get("destination")
        moment: dt.datetime | None = None
        problems: dict[str, str] = {}
        if isinstance(destination, Destination):
            moment, problems = self._moment("return_local", destination.location.zone)
        owner_id, owner_name = self.owner()
        return Onward(
            "return",
            "return",
            when=when,
            pickup_at=moment if when == "at" else None,
            expected_at=moment if when == "ready" else None,
            owner_id=owner_id if when == "ready" else None,
            owner_name=owner_name if when == "ready" else "",
            phone=given.get("return_phone", "") if when == "ready" else "",
            problems=problems,
        )

    def _stops(self, patient: Patient | None, fields: dict[str, Any]) -> list[Onward]:
        found: list[Onward] = []
        before = fields.get("destination")
        for number in STOPS:
            name = f"stop{number}"
            value, text = self.cleaned_data.get(name, ""), self.cleaned_data.get(f"{name}_text", "")
            if not value and not text.strip():
                continue
            problems: dict[str, str] = {}
            there: Destination | None = None
            try:
                there = places.resolve(value=value, text=text, patient=patient, field=name)
            except DomainError as error:
                problems |= error.fields
            moment = None
            if isinstance(before, Destination):
                moment, late = self._moment(f"{name}_local", before.location.zone)
                problems |= late
            dwell = self.cleaned_data.get(f"{name}_dwell")
            # A time of its own needs no stay before it, unless the person asked for one.
            stay = dwell if dwell is not None else 0 if moment is not None else journeys.DWELL_MINUTES
            found.append(Onward(name, "connection", there, "at", moment, dwell_minutes=stay, problems=problems))
            before = there
        return found

    def _moment(self, name: str, zone: str) -> tuple[dt.datetime | None, dict[str, str]]:
        naive: dt.datetime | None = self.cleaned_data.get(name)
        if naive is None:
            return None, {}
        wall = naive.replace(tzinfo=None)
        try:
            return answers.local_moment(wall.date(), wall.time(), zone), {}
        except DomainError as error:
            return None, {name: error.message}


for _number in STOPS:
    _name = f"stop{_number}"
    JourneyFields.base_fields |= {
        _name: forms.CharField(required=False, max_length=40),
        f"{_name}_text": forms.CharField(required=False, max_length=200),
        f"{_name}_dwell": number_field("Stay before it, min", "Write the minutes as a whole number."),
        f"{_name}_local": local_field("Pickup for it"),
    }


def plan_inputs() -> list[str]:
    """The names of this part's inputs."""
    return list(JourneyFields.base_fields)
