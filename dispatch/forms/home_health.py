"""Forms of home health on the hospital's side: the order, the patient's choice, and what people do to an order."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from dispatch import states
from logistics.core import clock, pictures
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from logistics.requests.models import HomeHealthDetail, PatientChoice

SIGNATURE_BYTES = 512 * 1024
MOMENT_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
CANCEL_REASONS = {
    key: states.CANCEL_REASONS[key]
    for key in ("patient_request", "patient_refused", "not_medically_ready", "duplicate_booking", "wrong_info", "other")
}


class DayInput(forms.DateInput):
    """The browser's own date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """The browser's own date and time picker; a wall-clock time without zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A wall-clock time in ``zone`` (set it before cleaning); the value is aware.

    Refuses a time that the night of a clock change skips.
    """

    zone = "UTC"
    widget = MomentInput
    default_error_messages = {"invalid": "Give day and time."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=MOMENT_FORMATS, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """An aware moment on the zone's wall clock."""
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return clock.local(value, self.zone).replace(tzinfo=None)
        return value

    def to_python(self, value: Any) -> dt.datetime | None:
        """The aware moment."""
        if value in self.empty_values:
            return None
        for form in MOMENT_FORMATS:
            try:
                plain = dt.datetime.strptime(str(value).strip(), form)
            except ValueError:
                continue
            moment = plain.replace(tzinfo=ZoneInfo(self.zone)).astimezone(dt.UTC)
            if clock.local(moment, self.zone).replace(tzinfo=None) != plain:
                raise forms.ValidationError("This time does not exist on that night. Give a later one.")
            return moment
        raise forms.ValidationError(self.error_messages["invalid"], code="invalid")


def refuse(form: forms.Form, error: DomainError) -> None:
    """A service's refusal at the fields that it names, else above the form."""
    placed = {name: words for name, words in error.fields.items() if name in form.fields}
    for name, words in placed.items():
        form.add_error(name, words)
    if not placed:
        form.add_error(None, error.message)


class ReferForm(forms.Form):
    """The order as a practitioner gave it. ``home_at`` is in the site's zone."""

    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput)
    disciplines = forms.MultipleChoiceField(
        label="Services ordered",
        choices=rules.DISCIPLINE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose which services are ordered."},
    )
    frequency = forms.CharField(
        label="How often", max_length=300, required=False, help_text="As ordered, e.g. PT twice a week for four weeks"
    )
    reason = forms.CharField(
        label="Why care at home is needed",
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write why care at home is needed."},
    )
    soc_ordered_on = forms.DateField(
        label="Ordered start of care",
        required=False,
        widget=DayInput,
        error_messages={"invalid": "Give a day."},
        help_text="Only if the practitioner ordered a day; else care starts within 48 hours",
    )
    home_at = MomentField(label="Home from", required=False)
    homebound = forms.ChoiceField(
        label="Homebound", choices=HomeHealthDetail.HOMEBOUND[1:], widget=forms.RadioSelect, required=False
    )
    face_to_face_on = forms.DateField(
        label="Seen by the practitioner on",
        required=False,
        widget=DayInput,
        error_messages={"invalid": "Give a day."},
        help_text="Medicare: within 90 days before or 30 days after the start of care",
    )
    practitioner_name = forms.CharField(
        label="Ordered by", max_length=120, error_messages={"required": "Write who ordered it."}
    )
    practitioner_phone = forms.CharField(label="Practitioner’s phone", max_length=30, required=False)
    payer_class = forms.ChoiceField(
        label="Who pays",
        choices=[("", "Choose"), *rules.PAYER_CHOICES],
        error_messages={"required": "Choose who pays."},
    )
    payer_name = forms.CharField(label="Name of the plan", max_length=80, required=False)
    address_kind = forms.ChoiceField(
        label="Where care is given", choices=HomeHealthDetail.ADDRESSES, widget=forms.RadioSelect
    )
    address_text = forms.CharField(
        label="Address", max_length=200, required=False, help_text="Street, city and 5-digit ZIP code on one line"
    )
    address_confirmed = forms.BooleanField(
        label="I checked this address with the patient: it is not the home address in the chart", required=False
    )
    phone = forms.CharField(label="Phone for the agency", max_length=30, required=False)
    note = forms.CharField(
        label="Note to the agency", max_length=500, required=False, help_text="Door, key, dog, who opens"
    )

    def __init__(self, *args: Any, zone: str, home: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment = self.fields["home_at"]
        assert isinstance(moment, MomentField)
        moment.zone = zone
        kind = self.fields["address_kind"]
        assert isinstance(kind, forms.ChoiceField)
        first = ("home", f"Home: {home}") if home else ("home", "Home (no address in the chart)")
        kind.choices = [first, ("other", "Another address")]


class ChoiceForm(forms.Form):
    """The patient's choice among ``agencies`` ([(vendor id, name)]) of the list that ``token`` carries."""

    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput)
    token = forms.CharField(widget=forms.HiddenInput)
    vendor = forms.UUIDField(required=False, error_messages={"invalid": "Choose an agency from the list."})
    second = forms.ChoiceField(label="Second choice", required=False)
    no_preference = forms.BooleanField(
        label="The patient has no preference; I picked the agency marked above", required=False
    )
    picked_reason = forms.CharField(
        label="How you came to it", max_length=200, required=False, help_text="Only without a preference"
    )
    chooser = forms.ChoiceField(
        label="Who chose", choices=PatientChoice.CHOOSERS, widget=forms.RadioSelect, initial="patient"
    )
    chooser_name = forms.CharField(label="Full name", max_length=120, required=False, help_text="Empty: the patient’s")
    relation = forms.CharField(
        label="Relation to the patient", max_length=60, required=False, help_text="For a representative"
    )
    signature = forms.CharField(required=False, widget=forms.HiddenInput)
    cannot_sign_reason = forms.CharField(required=False, max_length=120)

    def __init__(self, *args: Any, agencies: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        second = self.fields["second"]
        assert isinstance(second, forms.ChoiceField)
        second.choices = [("", "None"), *agencies]

    def clean_signature(self) -> bytes:
        """The drawing's bytes, empty when nothing was drawn."""
        found = pictures.from_data_url(self.cleaned_data["signature"], most=SIGNATURE_BYTES)
        if found is None:
            raise forms.ValidationError("Clear the signature and sign again.")
        return found


class PhonedForm(forms.Form):
    """An agency's answer that came by phone."""

    answer = forms.ChoiceField(
        label="Answer", choices=[("accept", "Takes the patient"), ("decline", "Declines")], widget=forms.RadioSelect,
        error_messages={"required": "Say what the agency answered"},
    )  # fmt: skip
    code = forms.ChoiceField(
        label="Reason, if it declines",
        choices=[("", "Choose a reason"), *states.REFERRAL_DECLINE_REASONS.items()],
        required=False,
    )
    reason = forms.CharField(label="Who told you, and how", max_length=200, required=False)


class CancelOrderForm(forms.Form):
    """Why an order is canceled."""

    reason = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *CANCEL_REASONS.items()],
        error_messages={"required": "Choose why it is canceled"},
    )  # fmt: skip


class StartForm(forms.Form):
    """Another start of care date, as newly ordered."""

    soc_ordered_on = forms.DateField(
        label="New ordered start of care", widget=DayInput,
        error_messages={"required": "Give the day that was ordered", "invalid": "Give a day."},
    )  # fmt: skip
    practitioner_name = forms.CharField(
        label="Ordered by", max_length=120, error_messages={"required": "Write who ordered it."}
    )


class TermsForm(forms.Form):
    """What this health system tells patients about an agency."""

    financial_interest = forms.CharField(
        label="Financial interest", max_length=300, required=False,
        help_text="Shown on every list, e.g. “Lakeshore owns a third of this agency”. Empty: none",
    )  # fmt: skip
    response_minutes = forms.IntegerField(
        label="Minutes to answer a referral", min_value=15, max_value=2880,
        error_messages={"required": "Give the minutes", "invalid": "Give the minutes as a number"},
    )  # fmt: skip
