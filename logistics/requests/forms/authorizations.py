"""Forms of authorizations: what was asked for, and what the payer said."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.core import levels
from logistics.requests.forms.certificates import day_field
from logistics.requests.services import authorization_records


class AuthorizationForm(forms.Form):
    """An authorization as it was asked for. ``suppliers`` are (id, name) of vendors that may be chosen by name."""

    payer_name = forms.CharField(
        label="Payer", max_length=80, error_messages={"required": "Write who pays, as on the patient's card."}
    )
    number = forms.CharField(
        label="Number", max_length=40, required=False, help_text="The payer's tracking number, once it is known"
    )
    levels = forms.MultipleChoiceField(
        choices=levels.CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose the levels that it covers."},
    )
    requested_qty = forms.IntegerField(
        label="One-way trips asked for",
        min_value=1,
        max_value=authorization_records.MOST_TRIPS,
        error_messages={"required": "Write how many one-way trips: a round trip is two."},
    )
    starts_on = day_field("First day")
    ends_on = day_field("Last day")
    supplier_name = forms.CharField(
        label="Supplier", max_length=120, error_messages={"required": "Write which company it is for."}
    )
    submitted_on = day_field("Sent to the payer on", required=False)
    expedited = forms.BooleanField(label="Asked for as urgent", required=False)
    note = forms.CharField(label="Note", max_length=300, required=False)


class ChangeForm(AuthorizationForm):
    """The same once it was granted, with the count that was granted."""

    affirmed_qty = forms.IntegerField(
        label="One-way trips allowed",
        min_value=0,
        max_value=authorization_records.MOST_TRIPS,
        error_messages={"required": "Write how many trips are allowed."},
    )


class DecisionForm(forms.Form):
    """The payer's answer."""

    decision = forms.ChoiceField(
        label="The payer's answer",
        choices=[
            ("affirmed", "Allowed as asked"),
            ("partially_affirmed", "Allowed in part"),
            ("non_affirmed", "Not allowed"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the payer's answer."},
    )
    affirmed_qty = forms.IntegerField(
        label="One-way trips allowed", min_value=0, required=False, help_text="When allowed in part"
    )
    number = forms.CharField(label="Number", max_length=40, required=False)
    decided_on = day_field("Decided on", required=False)

    def clean_affirmed_qty(self) -> int:
        """Nothing written counts as none."""
        return self.cleaned_data["affirmed_qty"] or 0


def initial_of(row: Any) -> dict[str, Any]:
    """A stored authorization as initial values."""
    return {name: getattr(row, name) for name in authorization_records.FIELDS if name != "supplier_id"}
