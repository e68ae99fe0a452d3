"""Forms of a vendor's own supply."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from logistics.core import levels
from vendors.forms.base import DayInput, MomentInput, RefusableForm
from vendors.models import Credential, CrewMember, Vehicle


class VehicleForm(RefusableForm):
    """A vehicle and what it carries."""

    name = forms.CharField(max_length=40, help_text="As crews call it, e.g. Tamarack 12")
    level = forms.ChoiceField(choices=[("", "Choose a level"), *levels.CHOICES], label="Highest level it runs")
    also_levels = forms.MultipleChoiceField(
        choices=levels.CHOICES, required=False, label="Also runs", widget=forms.CheckboxSelectMultiple
    )
    seats = forms.IntegerField(min_value=0, max_value=30, initial=1)
    wheelchairs = forms.IntegerField(min_value=0, max_value=10, initial=0)
    stretchers = forms.IntegerField(min_value=0, max_value=4, initial=0)
    lift_lb = forms.IntegerField(min_value=0, max_value=3000, required=False, label="Lift or stretcher rating, lb")
    door_in = forms.IntegerField(
        min_value=10, max_value=120, required=False, label="Clear width, in", help_text="Of the lift or the door"
    )
    plate = forms.CharField(max_length=20, required=False)

    def clean(self) -> dict[str, Any]:
        """Something must be carried."""
        data = super().clean() or {}
        if not self.errors and not (data["seats"] or data["wheelchairs"] or data["stretchers"]):
            self.add_error("seats", "A vehicle carries at least one seat, wheelchair or stretcher.")
        if data.get("level") and not self.errors:
            data["also_levels"] = [level for level in data["also_levels"] if level != data["level"]]
        return data


class ServiceForm(RefusableForm):
    """Out of service with a reason, or back."""

    out_of_service = forms.TypedChoiceField(choices=[("yes", "Out"), ("no", "In")], coerce=lambda value: value == "yes")
    reason = forms.CharField(required=False, max_length=120)


class CrewForm(RefusableForm):
    """A crew member."""

    name = forms.CharField(max_length=120, help_text="Given name first")
    level = forms.ChoiceField(choices=[("", "Choose"), *CrewMember.LEVELS], label="Works as")
    phone = forms.CharField(max_length=30, required=False)


class CredentialForm(RefusableForm):
    """A paper of a person, a vehicle or the company. What a vendor enters counts as unverified until reviewed."""

    holder = forms.ChoiceField(help_text="Who or what it belongs to")
    kind = forms.ChoiceField(choices=[("", "Choose a credential"), *Credential.KINDS], label="Credential")
    number = forms.CharField(max_length=40, required=False)
    ends_on = forms.DateField(label="Last valid day", widget=DayInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {f"crew:{row.pk}": row for row in CrewMember.objects.filter(is_active=True)}
        self.vehicles = {f"vehicle:{row.pk}": row for row in Vehicle.objects.all()}
        self.fields["holder"].choices = [  # type: ignore[attr-defined]
            ("vendor", "Company"),
            ("People", [(key, row.name) for key, row in self.people.items()]),
            ("Vehicles", [(key, row.name) for key, row in self.vehicles.items()]),
        ]

    def chosen_holder(self) -> dict[str, Any]:
        """Arguments that name the holder for ``fleet.set_credential``."""
        holder = self.cleaned_data["holder"]
        return {"crew_member": self.people.get(holder), "vehicle": self.vehicles.get(holder)}


class ShiftForm(RefusableForm):
    """A vehicle on duty with its crew; times on the vendor's wall clock."""

    vehicle = forms.ChoiceField(error_messages={"required": "Choose a vehicle."})
    starts_at = forms.DateTimeField(label="From", widget=MomentInput())
    ends_at = forms.DateTimeField(label="Until", widget=MomentInput())
    crew = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one person."}
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(zone)
        self.vehicles = {str(row.pk): row for row in Vehicle.objects.filter(out_of_service=False)}
        self.people = {str(row.pk): row for row in CrewMember.objects.filter(is_active=True)}
        vehicle_choices = [("", "Choose a vehicle"), *((key, row.name) for key, row in self.vehicles.items())]
        self.fields["vehicle"].choices = vehicle_choices  # type: ignore[attr-defined]
        self.fields["crew"].choices = [  # type: ignore[attr-defined]
            (key, f"{row.name}, {row.get_level_display()}") for key, row in self.people.items()
        ]

    def clean_starts_at(self) -> dt.datetime:
        """In the vendor's zone."""
        return self._moment("starts_at")

    def clean_ends_at(self) -> dt.datetime:
        """In the vendor's zone."""
        return self._moment("ends_at")

    def _moment(self, name: str) -> dt.datetime:
        # Django read the wall-clock time as UTC; it is the vendor's.
        moment = self.cleaned_data[name].replace(tzinfo=None, fold=0)
        local = moment.replace(tzinfo=self.zone)
        if local.astimezone(dt.UTC).astimezone(self.zone).replace(tzinfo=None) != moment:
            raise forms.ValidationError("This time does not exist on that day: the clocks go forward. Choose another.")
        return local
