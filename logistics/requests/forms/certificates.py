"""Forms of certifications: the statement itself, the signature, attempts and links."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms

from logistics.core import pictures
from logistics.requests.models.certificates import CERTIFIED_LEVELS, CREDENTIALS, EMPLOYERS, CertificationAttempt
from logistics.requests.services import certificates

SIGNATURE_BYTES = 512 * 1024
SCAN_BYTES = 6 * 1024 * 1024
CODE = re.compile(certificates.ICD10)
# A form may be kept before it is complete; it cannot be signed before.
TO_SIGN = "Needed for the signature"
YES_NO = [("yes", "Yes"), ("no", "No")]


def day_field(label: str, *, required: bool = True, words: str = "Choose a day.", **more: Any) -> forms.DateField:
    """A day, empty unless somebody writes one."""
    widget = forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")
    errors = {"required": words, "invalid": "Write the date as MM/DD/YYYY."}
    return forms.DateField(label=label, required=required, widget=widget, error_messages=errors, **more)


class CertificateForm(forms.Form):
    """What a certification says; names as in ``services/certificates.py``."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    span = forms.ChoiceField(
        label="For",
        choices=[("single", "One ride"), ("repetitive", "Repetitive rides, up to 60 days")],
        widget=forms.RadioSelect,
    )
    level = forms.ChoiceField(label="Level asked for", choices=CERTIFIED_LEVELS, widget=forms.RadioSelect)
    starts_on = day_field("First day")
    ends_on = day_field("Last day")
    mbi = forms.CharField(
        label="Medicare number", max_length=13, required=False, help_text="11 letters and digits, from the card"
    )
    height_in = forms.IntegerField(label="Height in inches", min_value=20, max_value=96, required=False)
    weight_lb = forms.IntegerField(label="Weight in pounds", min_value=2, max_value=1000, required=False)
    origin = forms.CharField(label="From", max_length=240, required=False, help_text=TO_SIGN)
    destination = forms.CharField(label="To", max_length=240, required=False, help_text=TO_SIGN)
    round_trip = forms.BooleanField(label="Round trip", required=False)
    service_needed = forms.CharField(
        label="Service needed there, and why it is not available here", max_length=300, required=False
    )
    # Not "closest": a field of that name would hide the method of that name that scripts call on the form.
    nearest = forms.ChoiceField(
        label="Is it the closest appropriate facility?", choices=YES_NO, widget=forms.RadioSelect, required=False
    )
    farther_reason = forms.CharField(label="If not, why not a nearer one", max_length=200, required=False)
    diagnosis = forms.CharField(
        label="Diagnosis that makes the ride necessary", max_length=300, required=False, help_text=TO_SIGN
    )
    icd10 = forms.CharField(label="ICD-10 codes", max_length=80, required=False, help_text="With commas between them")
    bed_alone = forms.BooleanField(label="Cannot get up from bed without help", required=False)
    bed_walk = forms.BooleanField(label="Cannot walk", required=False)
    bed_sit = forms.BooleanField(label="Cannot sit in a chair or wheelchair", required=False)
    checklist = forms.MultipleChoiceField(
        label="What needs an ambulance",
        choices=certificates.CHECKLIST,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    ulcer_site = forms.CharField(label="Pressure ulcers: where and which stage", max_length=120, required=False)
    checklist_other = forms.CharField(label="Something else", max_length=200, required=False)
    narrative = forms.CharField(
        label="What the patient can and cannot do, and why a wheelchair is not safe",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Needed for the signature. As of today, in your own words; “bed-bound” alone proves nothing.",
    )
    reaffirmed = forms.BooleanField(label="This narrative was used before, and every word still holds", required=False)
    level_reason = forms.CharField(label="Why this level (ALS and critical care)", max_length=300, required=False)

    def clean_mbi(self) -> str:
        """Without spaces and dashes: eleven characters, the first a digit."""
        plain = re.sub(r"[\s-]", "", self.cleaned_data["mbi"]).upper()
        if plain and not re.fullmatch(r"[1-9][A-Z0-9]{10}", plain):
            raise forms.ValidationError("A Medicare number has 11 letters and digits. Compare it with the card.")
        return plain

    def clean_icd10(self) -> list[str]:
        """The codes, each in its usual form."""
        codes = [code for code in re.split(r"[\s,;]+", self.cleaned_data["icd10"].upper()) if code]
        wrong = [code for code in codes if not CODE.fullmatch(code)]
        if wrong:
            raise forms.ValidationError(f"{wrong[0]} is no ICD-10 code. Write it like N18.6.")
        return codes

    def answers(self) -> dict[str, Any]:
        """The part that is sealed on the form."""
        data = dict(self.cleaned_data)
        for name in ("height_in", "weight_lb"):
            data[name] = "" if data[name] is None else str(data[name])
        names = (*certificates.TEXTS, *certificates.FLAGS, "nearest", "icd10", "checklist")
        return {name: data[name] for name in names}


class SignerForm(forms.Form):
    """Who signs, and that they know the patient's condition."""

    name = forms.CharField(label="Printed name", max_length=120, required=False)
    credential = forms.ChoiceField(
        label="Credential",
        choices=[("", "Choose"), *CREDENTIALS],
        error_messages={"required": "Choose the signer's credential."},
    )
    npi = forms.CharField(label="NPI", max_length=10, required=False, help_text="10 digits; physicians need it")
    employer_kind = forms.ChoiceField(
        label="Employed by",
        choices=[("", "Choose"), *EMPLOYERS],
        error_messages={"required": "Choose who employs the signer."},
    )
    employer = forms.CharField(
        label="Employer's name", max_length=120, error_messages={"required": "Write who employs the signer."}
    )
    attested = forms.BooleanField(
        label="I have personal knowledge of the patient's condition at the time of the ride, and what is written here "
        "is true to the best of my knowledge",
        error_messages={"required": "Confirm that you know the patient's condition at the time of the ride."},
    )
    dated_on = day_field(
        "Date of the signature", words="Write the date on which it is signed.", help_text="Written by the signer"
    )


class SignForm(SignerForm):
    """A signature on the screen: drawn, or the typed name."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    signature = forms.CharField(required=False, widget=forms.HiddenInput)
    typed_name = forms.CharField(
        label="Or type your full name as your signature",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_signature(self) -> bytes:
        """The drawing's bytes, empty when nothing was drawn."""
        body = pictures.from_data_url(self.cleaned_data["signature"], most=SIGNATURE_BYTES)
        if body is None:
            raise forms.ValidationError("Clear the signature and sign again.")
        return body


class PaperForm(SignerForm):
    """A paper that came back signed."""

    name = forms.CharField(
        label="Printed name", max_length=120, error_messages={"required": "Write the signer's first and last name."}
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    signed_time = forms.TimeField(
        label="Time on the paper",
        widget=forms.TimeInput(attrs={"type": "time"}),
        error_messages={"required": "Write the time of the signature.", "invalid": "Write the time as HH:MM."},
    )
    scan = forms.FileField(
        label="Picture of the signed page",
        error_messages={"required": "Add a picture of the signed page."},
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
        help_text="PNG or JPEG, at most 6 MB",
    )

    def clean_scan(self) -> bytes:
        """The file's bytes."""
        upload = self.cleaned_data["scan"]
        if upload.size > SCAN_BYTES:
            raise forms.ValidationError("The picture is larger than 6 MB. Scan it with less detail.")
        return upload.read()


class AttemptForm(forms.Form):
    """One try to get the signature."""

    day = day_field("Day")
    time = forms.TimeField(
        label="Time",
        widget=forms.TimeInput(attrs={"type": "time"}),
        error_messages={"required": "Write the time.", "invalid": "Write the time as HH:MM."},
    )
    channel = forms.ChoiceField(label="How", choices=CertificationAttempt.CHANNELS)
    to = forms.CharField(
        label="Whom, with number or address",
        max_length=200,
        error_messages={"required": "Write who was asked, with number or address."},
    )
    tracking_no = forms.CharField(label="Tracking number", max_length=40, required=False)
    outcome = forms.ChoiceField(label="What came of it", choices=CertificationAttempt.OUTCOMES)


class LinkForm(forms.Form):
    """For whom a link is made."""

    addressee = forms.CharField(
        label="Physician's first and last name",
        max_length=120,
        help_text="The link opens to that name",
        error_messages={"required": "Write the physician's first and last name: the link opens to that name."},
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="Why", max_length=200, error_messages={"required": "Write why."})


class OpenForm(forms.Form):
    """What a physician answers before the document opens."""

    name = forms.CharField(
        label="Your first and last name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Write your name as the hospital knows it."},
    )
    born_on = day_field("The patient's date of birth", words="Write the patient's date of birth.")


def lines_of(error_fields: dict[str, str], form: forms.Form) -> None:
    """Put a service's words at their fields; what has no field goes to the top."""
    for name, text in error_fields.items():
        form.add_error(name if name in form.fields else None, text)


def initial_of(answers: dict[str, Any]) -> dict[str, Any]:
    """Stored answers as a form's initial values."""
    return {**answers, "icd10": ", ".join(answers.get("icd10", []))}


def as_day(value: Any) -> dt.date | None:
    """A cleaned day or None."""
    return value if isinstance(value, dt.date) else None
