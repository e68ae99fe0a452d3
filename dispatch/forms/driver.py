"""What the crew's phone sends: a status tap, and the proof of handover."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from logistics.core import clock, pictures

# A signature of 700 px and a shrunk photo are far below; anything larger is not from our page.
SIGNATURE_BYTES = 512 * 1024
PHOTO_BYTES = 6 * 1024 * 1024
# Phones are wrong by hours at times; days mean that the outbox belongs to another shift.
OLDEST = dt.timedelta(days=3)


class DeviceForm(forms.Form):
    """What every message from the phone carries: its own key, its own time, and perhaps its position."""

    idempotency_key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", error_messages={"invalid": "Send the tap again."})
    occurred_at = forms.CharField(required=False)
    device_now = forms.CharField(required=False)

    def clean_occurred_at(self) -> dt.datetime:
        """The device's time, aware; the server's when none was sent."""
        moment = _moment(self.cleaned_data["occurred_at"]) or clock.now()
        if clock.now() - moment > OLDEST:
            raise forms.ValidationError("This tap is older than three days. Call dispatch.")
        return moment

    def clean_device_now(self) -> dt.datetime | None:
        """The device's clock when it sent, from which the skew is measured; None when it did not say."""
        return _moment(self.cleaned_data["device_now"])


def _moment(text: str) -> dt.datetime | None:
    if not text.strip():
        return None
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise forms.ValidationError("The phone's time cannot be read. Set its clock.") from error
    if moment.tzinfo is None:
        raise forms.ValidationError("The phone's time has no zone. Reload the page.")
    return moment


class TapForm(DeviceForm):
    """One status tap. Position is optional: refused or unknown, the tap still counts."""

    to = forms.CharField(max_length=20)
    latitude = forms.FloatField(required=False, min_value=-90, max_value=90)
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180)
    accuracy_m = forms.FloatField(required=False, min_value=0)
    reason = forms.CharField(required=False, max_length=200)


class ProofForm(DeviceForm):
    """Who received the patient, with a signature or the reason why there is none."""

    RELATIONS = [("patient", "Patient"), ("family", "Family"), ("nurse", "Nurse"), ("other", "Other")]

    receiver_relation = forms.ChoiceField(
        label="Receiver",
        choices=RELATIONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who receives the patient"},
    )
    receiver_name = forms.CharField(
        label="Full name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter the receiver's full name"},
    )
    signature = forms.CharField(required=False, widget=forms.HiddenInput)
    cannot_sign_reason = forms.CharField(required=False, max_length=60)
    photo = forms.FileField(
        required=False,
        label="Photo",
        widget=forms.FileInput(attrs={"accept": "image/*", "capture": "environment"}),
    )
    photo_data = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(label="Note", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_signature(self) -> bytes:
        """The PNG's bytes, empty when nothing was drawn."""
        return _image(self.cleaned_data["signature"], SIGNATURE_BYTES, "Clear the signature and sign again.")

    def clean(self) -> dict[str, Any]:
        """A signature or a reason; the photo from the file or from the phone's own shrunk copy."""
        data = super().clean() or {}
        upload = data.get("photo")
        if upload is not None and upload.size > PHOTO_BYTES:
            self.add_error("photo", "The photo is larger than 6 MB. Take it again with less detail.")
        elif upload is not None:
            data["photo_bytes"] = upload.read()
        else:
            try:
                data["photo_bytes"] = _image(data.get("photo_data") or "", PHOTO_BYTES, "Take the photo again.")
            except forms.ValidationError as error:
                self.add_error("photo", error)
        if not data.get("signature") and not data.get("cannot_sign_reason") and "signature" not in self.errors:
            self.add_error("signature", "Sign here, or say why there is no signature")
        return data


def _image(text: str, most: int, words: str) -> bytes:
    body = pictures.from_data_url(text, most=most)
    if body is None:
        raise forms.ValidationError(words)
    return body
