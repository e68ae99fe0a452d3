"""Forms of a home health agency: its answers, its visits, its profile, and the clinician's taps."""

from __future__ import annotations

from typing import Any

from django import forms

from dispatch import evv, states
from dispatch.forms.driver import DeviceForm
from dispatch.forms.home_health import DayInput, MomentField
from dispatch.services.home_health.visits import MISSED, REFUSED
from logistics.requests import home_health_rules as rules


class DeclineReferralForm(forms.Form):
    """Why the agency does not take the patient, or gives them back."""

    code = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *states.REFERRAL_DECLINE_REASONS.items()],
        error_messages={"required": "Choose a reason", "invalid_choice": "Choose a reason from the list"},
    )  # fmt: skip
    note = forms.CharField(label="Note to the hospital", max_length=200, required=False)


class EndForm(forms.Form):
    """Why care ends."""

    reason = forms.CharField(
        label="Why care ends", max_length=200, error_messages={"required": "Say why care ends"},
        help_text="E.g. goals met, moved, back in the hospital",
    )  # fmt: skip


class AddVisitForm(forms.Form):
    """One more visit."""

    discipline = forms.ChoiceField(label="Service", error_messages={"required": "Choose a service"})

    def __init__(self, *args: Any, disciplines: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["discipline"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code, one.label) for code, one in rules.DISCIPLINES.items() if code in disciplines]


class PlanForm(forms.Form):
    """Time and clinician of a visit, on the clock of the patient's home."""

    clinician = forms.ChoiceField(label="Clinician", error_messages={"required": "Choose a clinician"})
    starts_at = MomentField(label="Begins", error_messages={"required": "Give day and time"})
    ends_at = MomentField(label="Ends", error_messages={"required": "Give day and time"})

    def __init__(self, *args: Any, zone: str, clinicians: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_zone(self, zone)
        field = self.fields["clinician"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose"), *clinicians]


class MissForm(forms.Form):
    """Why nobody was seen."""

    code = forms.ChoiceField(
        label="What happened",
        choices=[("", "Choose"), *MISSED.items(), (REFUSED, "The patient did not want this visit")],
        error_messages={"required": "Choose what happened"},
    )
    note = forms.CharField(label="Note", max_length=500, required=False)
    practitioner_told = forms.BooleanField(label="The ordering practitioner was told", required=False)


class ApproveForm(forms.Form):
    """Why a visit that did not verify by itself is accepted."""

    reason = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *evv.REASONS.items()],
        error_messages={"required": "Choose a reason"},
    )  # fmt: skip
    note = forms.CharField(label="Note", max_length=500, required=False)


class CorrectForm(ApproveForm):
    """Times that the phone did not record."""

    begin_at = MomentField(label="Began", error_messages={"required": "Give day and time"})
    end_at = MomentField(label="Ended", error_messages={"required": "Give day and time"})
    note = forms.CharField(
        label="How you know",
        max_length=500,
        required=False,
        help_text="Kept with your name; it counts as a manual change",
    )
    done_note = forms.CharField(
        label="What was done", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    field_order = ("begin_at", "end_at", "reason", "note", "done_note")

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_zone(self, zone)


class VisitTapForm(DeviceForm):
    """A tap from the phone. A position is optional: without one the visit needs a look."""

    latitude = forms.FloatField(required=False, min_value=-90, max_value=90)
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180)
    accuracy_m = forms.FloatField(required=False, min_value=0)


class CheckOutForm(VisitTapForm):
    """The end of a visit: with what was done."""

    done_note = forms.CharField(
        label="What was done", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write in a few words what was done."},
    )  # fmt: skip


class AgencyForm(forms.Form):
    """What an agency serves. ZIP codes are separated by spaces or commas."""

    disciplines = forms.MultipleChoiceField(
        label="Services",
        choices=rules.DISCIPLINE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose the services that you offer."},
    )
    payers = forms.MultipleChoiceField(
        label="Payers",
        choices=rules.PAYER_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose the payers that you take."},
    )
    zips = forms.CharField(
        label="ZIP codes", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="5 digits, or the first 3 for a whole area. Empty: within the radius of your base",
    )  # fmt: skip
    weekly_starts = forms.IntegerField(
        label="New patients a week", min_value=0, max_value=500, help_text="0: no limit given",
        error_messages={"required": "Give a number", "invalid": "Give a number"},
    )  # fmt: skip
    languages = forms.CharField(label="Languages", required=False, max_length=120)
    medicare_number = forms.CharField(
        label="Medicare number (CCN)", required=False, max_length=10, help_text="Lets patients look you up"
    )
    stars = forms.DecimalField(
        label="Medicare stars", required=False, min_value=1, max_value=5, decimal_places=1,
        error_messages={"invalid": "Give 1 to 5 in halves"}, help_text="Quality of care, as Medicare publishes it",
    )  # fmt: skip
    stars_as_of = forms.DateField(
        label="Published", required=False, widget=DayInput, error_messages={"invalid": "Give a day."}
    )

    def clean_zips(self) -> list[str]:
        """The ZIP codes as a list."""
        return str(self.cleaned_data["zips"]).replace(",", " ").split()


def set_zone(form: forms.Form, zone: str) -> None:
    """Let every moment of the form be on the clock of ``zone``."""
    for field in form.fields.values():
        if isinstance(field, MomentField):
            field.zone = zone
