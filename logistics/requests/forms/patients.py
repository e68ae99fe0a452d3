"""Forms of a patient that a person adds or corrects."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from logistics.core import clock
from logistics.requests.models import Attachment, Patient
from logistics.requests.selectors.patients import date_form, phone_form

ISOLATION = [("", "None"), *Patient._meta.get_field("isolation").choices]  # type: ignore[misc]


class HomeForm(forms.Form):
    """Where the patient lives; everything may stay empty when nobody knows."""

    line = forms.CharField(label="Street and number", max_length=200, required=False)
    city = forms.CharField(max_length=80, required=False, help_text="The ZIP code knows it")
    state = forms.CharField(max_length=2, required=False)
    zip_code = forms.RegexField(
        label="ZIP code",
        regex=r"^\d{5}(-\d{4})?$",
        required=False,
        error_messages={"invalid": "A ZIP code has 5 digits."},
    )

    def address(self) -> dict[str, str]:
        """The four parts."""
        return {name: self.cleaned_data.get(name, "") for name in ("line", "city", "state", "zip_code")}

    def clean(self) -> dict[str, Any]:
        """A street needs its ZIP code, and the other way round."""
        cleaned = super().clean() or {}
        if cleaned.get("line") and not cleaned.get("zip_code") and "zip_code" not in self.errors:
            self.add_error("zip_code", "Write the ZIP code: it gives the place.")
        if cleaned.get("zip_code") and not cleaned.get("line"):
            self.add_error("line", "Write the street and number.")
        return cleaned


class PatientForm(HomeForm):
    """Identity and what a ride needs to know."""

    family_name = forms.CharField(
        label="Family name", max_length=80, error_messages={"required": "Write the family name."}
    )
    given_name = forms.CharField(
        label="Given name", max_length=80, error_messages={"required": "Write the given name."}
    )
    birth_date = forms.CharField(
        label="Birth date",
        max_length=20,
        help_text="03/14/1945 or 1945-03-14",
        error_messages={"required": "Write the birth date: it tells people of one name apart."},
    )
    sex = forms.ChoiceField(
        choices=[("", "Not said"), ("F", "Female"), ("M", "Male"), ("O", "Other"), ("U", "Unknown")], required=False
    )
    mrn = forms.CharField(label="MRN", max_length=40, required=False, help_text="If the hospital gave one")
    phone = forms.CharField(max_length=30, required=False)
    language = forms.CharField(max_length=40, required=False)
    weight_lb = forms.IntegerField(
        label="Weight, lb",
        min_value=1,
        max_value=1000,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "Write the weight as a whole number of pounds."},
    )
    isolation = forms.ChoiceField(choices=ISOLATION, required=False)
    payer_name = forms.CharField(label="Who pays", max_length=80, required=False)

    def clean_birth_date(self) -> str:
        """As ISO; not ahead of today, not before 1880."""
        iso = date_form(self.cleaned_data["birth_date"])
        if not iso:
            raise forms.ValidationError("Write the birth date as 03/14/1945 or 1945-03-14.")
        if not dt.date(1880, 1, 1) <= dt.date.fromisoformat(iso) <= clock.now().date():
            raise forms.ValidationError("The birth date lies ahead or too far back. Check the year.")
        return iso

    def clean_phone(self) -> str:
        """At least seven digits."""
        phone = self.cleaned_data["phone"]
        if phone and not phone_form(phone):
            raise forms.ValidationError("Write the phone number with its area code.")
        return phone

    def demographics(self) -> dict[str, Any]:
        """Columns of ``Patient``, the address apart."""
        names = ("family_name", "given_name", "birth_date", "sex", "phone", "language", "weight_lb", "isolation",
                 "payer_name")  # fmt: skip
        return {name: self.cleaned_data[name] for name in names}


class AttachmentForm(forms.Form):
    """One paper."""

    file = forms.FileField(label="PDF, JPEG or PNG", error_messages={"required": "Choose a file."})
    kind = forms.ChoiceField(label="What it is", choices=Attachment.KINDS)
