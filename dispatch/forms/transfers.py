"""The form in which the receiving facility's yes is kept."""

from __future__ import annotations

from django import forms

from dispatch.forms.booking_kinds import local_field
from logistics.requests.services import transfers


class AcceptanceForm(forms.Form):
    """Who accepted, which bed, when. ``transfers.accept`` says what is missing."""

    use_required_attribute = False

    accepting_clinician = forms.CharField(
        label="Accepting clinician",
        max_length=80,
        error_messages={"required": "Write who accepted the transfer there."},
    )
    accepting_bed = forms.CharField(
        label="Bed or unit there", max_length=40, error_messages={"required": "Write the bed or unit that was named."}
    )
    accepted_local = local_field("Accepted at", required=True)
    report_local = local_field("Report given at")
    transfer_checks = forms.MultipleChoiceField(
        label="Done before an acute transfer", choices=transfers.CHECKS, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


class DeclineForm(forms.Form):
    """The receiving facility said no."""

    use_required_attribute = False

    note = forms.CharField(
        label="What they said", max_length=200, error_messages={"required": "Write what the receiving facility said."}
    )
