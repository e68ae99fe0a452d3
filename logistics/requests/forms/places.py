"""The form of a place in the address book."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from logistics.requests.models import Place


class PlaceForm(forms.Form):
    """Name and address of a place; the position comes from the ZIP code."""

    name = forms.CharField(max_length=120, error_messages={"required": "Write what staff call this place."})
    kind = forms.ChoiceField(choices=Place.KINDS, error_messages={"required": "Choose what kind of place it is."})
    aliases = forms.CharField(
        label="Also called", max_length=200, required=False, help_text="Short names that people type, e.g. willow"
    )
    address = forms.CharField(
        label="Street", max_length=200, error_messages={"required": "Write the street and house number."}
    )
    city = forms.CharField(max_length=80, error_messages={"required": "Write the city."})
    state = forms.CharField(max_length=2, min_length=2, error_messages={"required": "Write the state, e.g. WI."})
    zip_code = forms.RegexField(
        label="ZIP code",
        regex=r"^\d{5}(-\d{4})?$",
        error_messages={"required": "Write the ZIP code.", "invalid": "A ZIP code has 5 digits."},
    )
    phone = forms.CharField(max_length=30, required=False)
    note = forms.CharField(
        label="Note to crews", max_length=200, required=False, help_text="Entrance, hours, ramp or steps"
    )
    closes = forms.TimeField(
        label="Closes at", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="A patient who still waits there then is an alarm. Empty: 17:00",
        error_messages={"invalid": "Write the time as 17:30."},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The closing time as the place keeps it: ``closes_minute`` after local midnight, or None."""
        data = super().clean() or {}
        at: dt.time | None = data.pop("closes", None)
        data["closes_minute"] = at.hour * 60 + at.minute if at is not None else None
        return data
