"""Changing a booked trip: the answers as a person reads and writes them, and what became of the page meanwhile."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from django import forms

from dispatch import states
from dispatch.forms.booking import COMPANIONS, destination_initial, plain
from dispatch.forms.booking_fit import INTERPRETER
from dispatch.forms.booking_kinds import FORMATS, LOCAL
from dispatch.forms.trips import SeenForm
from dispatch.services.returns import CHOICES, HOME
from logistics.core import clock, levels
from logistics.core.errors import DomainError
from logistics.requests.models import Patient, TransportDetail
from logistics.requests.services import advice, amend, answers, places

NEEDS = [*advice.NEEDS, INTERPRETER]
LABELS = {
    "pickup_local": "Pickup time",
    "destination_text": "Destination",
    "needs": "Needs on the way",
    "oxygen_lpm": "Oxygen, L per min",
    "companions": "Riding along",
    "driver_note": "Note to driver",
}


def answers_of(detail: TransportDetail, *, pickup_at: dt.datetime, zone: str) -> dict[str, str]:
    """The trip's answers as the form's texts: what two versions of a page are compared by."""
    return {
        "pickup_local": clock.local(pickup_at, zone).strftime(LOCAL),
        **{name: text for name, text in destination_initial(detail).items() if not name.endswith("_pin")},
        "needs": ",".join(sorted(detail.needs)),
        "oxygen_lpm": plain(detail.oxygen_lpm),
        "companions": str(detail.companions),
        "driver_note": detail.driver_note,
    }


class ChangeForm(forms.Form):
    """Time, destination, needs, company and note of a booked trip.

    ``version`` is the trip's as the page was read, ``was`` the answers that it showed: what nobody touched is never
    written over what somebody else changed in between.
    """

    version = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.RegexField(r"^\d+\.\d+$", widget=forms.HiddenInput, required=False)
    was = forms.CharField(widget=forms.HiddenInput, required=False)
    pickup_local = forms.DateTimeField(
        label=LABELS["pickup_local"],
        input_formats=FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        error_messages={"required": "Write the pickup time.", "invalid": "Write the date and time of the pickup."},
    )
    destination = forms.CharField(required=False, max_length=40)
    destination_text = forms.CharField(required=False, max_length=200)
    needs = forms.MultipleChoiceField(
        label=LABELS["needs"], choices=NEEDS, required=False, widget=forms.CheckboxSelectMultiple
    )
    oxygen_lpm = forms.DecimalField(
        label=LABELS["oxygen_lpm"], required=False, max_digits=4, decimal_places=1,
        min_value=Decimal("0.1"), max_value=answers.MOST_OXYGEN_LPM,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": "Write the flow as a number, such as 2 or 2.5."},
    )  # fmt: skip
    companions = forms.ChoiceField(label=LABELS["companions"], choices=COMPANIONS)
    driver_note = forms.CharField(label=LABELS["driver_note"], required=False, max_length=200)
    reason = forms.CharField(
        label="Why", required=False, max_length=200, help_text="The vendor reads it when it is asked. No names"
    )

    def __init__(self, *args: Any, zone: str, patient: Patient | None, level: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.zone, self.patient, self.level = zone, patient, level

    def typed(self) -> dict[str, str]:
        """What the person typed, as texts that compare with :func:`answers_of`."""
        given = {name: str(self.data.get(name, "")) for name in ("pickup_local", "destination", "destination_text",
                                                                "oxygen_lpm", "companions", "driver_note")}  # fmt: skip
        needs = self.data.getlist("needs") if hasattr(self.data, "getlist") else self.data.get("needs", [])
        given["pickup_local"] = given["pickup_local"].replace(" ", "T")[:16]
        return given | {"needs": ",".join(sorted(needs))}

    def read_before(self) -> dict[str, str]:
        """The answers that the person's page showed; empty when the page did not say."""
        try:
            known = json.loads(self.data.get("was", "") or "{}")
        except ValueError:
            return {}
        return {str(name): str(value) for name, value in known.items()} if isinstance(known, dict) else {}

    def touched(self, now: dict[str, str]) -> set[str]:
        """The answers that the person changed: against what their page showed, else against what holds ``now``."""
        typed, before = self.typed(), self.read_before() or now
        return {name for name, value in typed.items() if name in before and value != before[name]}

    def wanted(self, now: dict[str, str]) -> dict[str, Any]:
        """What ``requests.services.amend`` is to write: the touched answers that differ from ``now``.

        Raises ``DomainError`` whose ``fields`` name each answer that cannot be.
        """
        typed, touched = self.typed(), self.touched(now)
        differ = {name for name in touched if typed[name] != now.get(name)}
        problems: dict[str, str] = {}
        wanted: dict[str, Any] = {}
        if "pickup_local" in differ:
            try:
                wanted["pickup_at"] = self._pickup().isoformat()
            except DomainError as error:
                problems |= error.fields
        if {"destination", "destination_text"} & differ:
            try:
                meant = places.resolve(value=typed["destination"], text=typed["destination_text"], patient=self.patient)
                wanted |= amend.destination_columns(meant)
            except DomainError as error:
                problems |= error.fields
        needs = sorted(self.cleaned_data.get("needs") or [])
        if {"needs", "oxygen_lpm"} & differ:
            wanted |= self._needs(needs, problems)
        if "companions" in differ:
            wanted["companions"] = int(self.cleaned_data["companions"])
        if "driver_note" in differ:
            wanted["driver_note"] = self.cleaned_data["driver_note"]
        if problems:
            raise DomainError("Some answers need a change.", code="incomplete", fields=problems)
        return wanted

    def _pickup(self) -> dt.datetime:
        wall: dt.datetime = self.cleaned_data["pickup_local"].replace(tzinfo=None)
        moment = answers.local_moment(wall.date(), wall.time(), self.zone)
        now = clock.now()
        if moment < answers.floor_minute(now):
            local = clock.local(now, self.zone)
            words = f"Pickup must be after {local:%H:%M} {local:%Z}."
            raise DomainError(words, code="past", fields={"pickup_local": words})
        if moment > now + answers.FURTHEST:
            last = clock.local(now + answers.FURTHEST, self.zone)
            words = f"Pickup can be until {last:%a} {last.day} {last:%b %Y}. Choose an earlier day."
            raise DomainError(words, code="far", fields={"pickup_local": words})
        return moment

    def _needs(self, needs: list[str], problems: dict[str, str]) -> dict[str, Any]:
        oxygen: Decimal | None = self.cleaned_data.get("oxygen_lpm")
        gives = bool({"oxygen", "oxygen_given"} & set(needs))
        if gives and oxygen is None:
            problems["oxygen_lpm"] = "Write the oxygen flow in liters per minute."
        if advice.check_emergency(needs):
            problems["needs"] = advice.check_emergency(needs)
        unmet = advice.level_questions(level=self.level, needs=needs) if self.level in levels.LEVELS else []
        if unmet and "needs" not in problems:
            least = levels.LEVELS[unmet[0].least_level].label
            problems["needs"] = f"{unmet[0].words} It takes at least: {least}. Change the level first, then the needs."
        return {"needs": needs, "oxygen_lpm": str(oxygen) if gives and oxygen is not None else None}


class LevelForm(forms.Form):
    """Another level, decided at the bedside."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    fee_seen = forms.DecimalField(widget=forms.HiddenInput, required=False)
    level = forms.ChoiceField(
        label="New level", choices=[("", "Choose a level"), *levels.CHOICES],
        error_messages={"required": "Choose the new level.", "invalid_choice": "Choose a level from the list."},
    )  # fmt: skip
    mobility = forms.ChoiceField(
        label="How does the patient travel now?", choices=TransportDetail.MOBILITY, widget=forms.RadioSelect,
        error_messages={"required": "Choose how the patient travels now."},
    )  # fmt: skip
    reason = forms.CharField(
        label="Who decided, and why", max_length=200, help_text="Kept in the history. No patient's name",
        error_messages={"required": "Write who decided, and why."},
    )  # fmt: skip


class DivertForm(forms.Form):
    """Another destination for a patient who is on board."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    destination = forms.CharField(required=False, max_length=40)
    destination_text = forms.CharField(required=False, max_length=200)
    reason = forms.CharField(
        label="Why", max_length=200, help_text="The vendor and the crew read it. No names",
        error_messages={"required": "Say why: the crew reads it."},
    )  # fmt: skip


class CancelTripForm(SeenForm):
    """Why a trip is canceled, what it costs, and what becomes of the way back."""

    fee_seen = forms.DecimalField(widget=forms.HiddenInput, required=False)
    reason = forms.ChoiceField(
        label="Why is it canceled?",
        choices=[("", "Choose a reason"), *states.CANCEL_REASONS.items()],
        error_messages={"required": "Choose a reason", "invalid_choice": "Choose a reason from the list"},
    )
    returns = forms.ChoiceField(label="And the way back?", choices=list(CHOICES.items()), required=False,
                                widget=forms.RadioSelect)  # fmt: skip
    home = forms.ChoiceField(
        label="How does the patient get home?", choices=[("", "Say how"), *HOME.items()], required=False
    )
    note = forms.CharField(label="Note", required=False, max_length=200, help_text="No names: it stays in the history")

    def __init__(self, *args: Any, way_back: str = "", strands: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if way_back:
            self.fields["returns"].required = True
            self.fields["returns"].help_text = way_back
            self.fields["returns"].error_messages["required"] = "Say what happens to the way back"
        else:
            del self.fields["returns"]
        if strands:
            self.fields["home"].required = True
            self.fields["home"].error_messages["required"] = "Say how the patient gets home"
        else:
            del self.fields["home"]


class CalledForm(forms.Form):
    """A word by phone that the patient is ready."""

    caller = forms.ChoiceField(label="Who called?", choices=[("", "Choose who called")])
    at = forms.TimeField(
        label="When did they call?", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"required": "Write when the call came in.", "invalid": "Write the time as 14:30."},
    )  # fmt: skip

    def __init__(self, *args: Any, callers: dict[str, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["caller"].choices = [("", "Choose who called"), *callers.items()]  # type: ignore[attr-defined]
        self.fields["caller"].error_messages["required"] = "Choose who called."


class RefuseForm(forms.Form):
    """Why a vendor does not agree to a change."""

    note = forms.CharField(
        label="Why not?", max_length=200, help_text="Read by the hospital's transport desk",
        error_messages={"required": "Say why: the hospital reads it."},
    )  # fmt: skip
