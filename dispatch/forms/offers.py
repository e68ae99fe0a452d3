"""A vendor's answers: yes with a time, no with a reason, a crew for what it took."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict

from dispatch import states
from logistics.core import clock


class AcceptForm(forms.Form):
    """``eta`` is the vendor's own pickup time on the pickup's clock; empty takes the time that was planned."""

    eta = forms.TimeField(required=False, error_messages={"invalid": "Give the pickup time as 14:30"})

    def eta_at(self, pickup_at: dt.datetime, zone: str) -> dt.datetime | None:
        """The promised moment, on the day that lies nearest to the asked pickup; None without a time.

        Raises ``ValidationError`` for a time that the night of a clock change skips.
        """
        eta: dt.time | None = self.cleaned_data["eta"]
        if eta is None:
            return None
        day = clock.local(pickup_at, zone).date()
        choices = [
            dt.datetime.combine(day + dt.timedelta(days=shift), eta, ZoneInfo(zone)).astimezone(dt.UTC)
            for shift in (-1, 0, 1)
        ]
        nearest = min(choices, key=lambda moment: abs(moment - pickup_at))
        if clock.local(nearest, zone).time() != eta:
            raise forms.ValidationError("This time does not exist on that night. Give a later one.")
        return nearest


class DeclineForm(forms.Form):
    """Why not. The code counts in the scorecard; the note is read by people."""

    code = forms.ChoiceField(
        label="Reason",
        choices=[("", "Choose a reason"), *states.DECLINE_REASONS.items()],
        error_messages={"required": "Choose a reason", "invalid_choice": "Choose a reason from the list"},
    )
    note = forms.CharField(
        label="Note", required=False, max_length=200, help_text="Read by the hospital's transport desk"
    )


class CrewForm(forms.Form):
    """A vehicle and the people on it."""

    vehicle = forms.UUIDField(error_messages={"required": "Choose a vehicle", "invalid": "Choose a vehicle"})
    crew = forms.CharField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.crew_ids = [value for value in data.getlist("crew") if value]

    def clean(self) -> dict[str, object]:
        """At least one person, each by id."""
        data = super().clean() or {}
        try:
            data["crew_ids"] = [forms.UUIDField().clean(value) for value in self.crew_ids]
        except forms.ValidationError:
            data["crew_ids"] = []
        if not data["crew_ids"]:
            self.add_error("crew", "Choose who drives")
        return data
