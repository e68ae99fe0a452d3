"""Forms of the network: suspend with a reason, terms."""

from __future__ import annotations

from django import forms

from vendors.forms.base import DayInput, RefusableForm


class StatusForm(RefusableForm):
    """Activate, suspend or end a vendor here."""

    status = forms.ChoiceField(choices=[("active", "Active"), ("suspended", "Suspended"), ("ended", "Ended")])
    reason = forms.CharField(required=False, max_length=200)


class TermsForm(RefusableForm):
    """Order of asking, committed capacity and the BAA's dates."""

    tier = forms.IntegerField(min_value=1, max_value=9, help_text="1 is asked first")
    hourly_capacity = forms.IntegerField(
        min_value=0, max_value=500, label="Trips in an hour", help_text="What the vendor commits to"
    )
    baa_signed_on = forms.DateField(
        required=False, label="BAA signed on", widget=DayInput(), help_text="Without a BAA no trip is offered"
    )
    baa_ends_on = forms.DateField(
        required=False, label="BAA ends on", widget=DayInput(), help_text="Empty: until one side ends it"
    )
