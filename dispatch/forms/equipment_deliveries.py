"""Equipment at the supplier: answers to offers, time and driver, what happened at the door, the proof."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms

from dispatch import states
from dispatch.forms.driver import PHOTO_BYTES, SIGNATURE_BYTES
from dispatch.models import EquipmentOrderLine
from dispatch.services.equipment.proving import RELATIONS
from logistics.core import pictures
from vendors.forms.base import DayInput, MomentInput, RefusableForm

KEY = {"invalid": "Reload the page and send it again.", "required": "Reload the page and send it again."}


class _TimeForm(RefusableForm):
    """A time on the wall clock of the place of delivery."""

    expected_at = forms.DateTimeField(
        label="Expected at", widget=MomentInput(), input_formats=["%Y-%m-%dT%H:%M"],
        error_messages={"required": "Write date and time.", "invalid": "Write date and time."},
    )  # fmt: skip

    def __init__(self, *args: Any, zone: str = "UTC", **more: Any) -> None:
        super().__init__(*args, **more)
        self.zone = zone

    def clean_expected_at(self) -> dt.datetime | None:
        """As a moment."""
        moment = self.cleaned_data["expected_at"]
        return moment.replace(tzinfo=ZoneInfo(self.zone)) if moment else None


class AcceptForm(_TimeForm):
    """Yes, with the time of delivery if it is known."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["expected_at"].required = False


class DeclineForm(RefusableForm):
    """No, with a reason."""

    code = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *states.EQUIPMENT_DECLINE_REASONS.items()],
        error_messages={"required": "Choose a reason.", "invalid_choice": "Choose a reason from the list."},
    )  # fmt: skip
    note = forms.CharField(label="Note", max_length=200, required=False, help_text="No names: the hospital reads it")


class ScheduleForm(_TimeForm):
    """When it comes and who brings it."""

    crew_member = forms.ChoiceField(label="Driver", required=False)

    def __init__(self, *args: Any, people: Sequence[tuple[UUID, str]] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["crew_member"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "I bring it"), *((str(pk), name) for pk, name in people)]


class SlipForm(_TimeForm):
    """A new time, with the reason."""

    code = forms.ChoiceField(
        label="Why", choices=[("", "Choose a reason"), *states.SLIP_REASONS.items()],
        error_messages={"required": "Choose a reason.", "invalid_choice": "Choose a reason from the list."},
    )  # fmt: skip


class AttemptForm(RefusableForm):
    """It was not handed over."""

    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput, error_messages=KEY)
    outcome = forms.ChoiceField(
        label="What happened", error_messages={"required": "Choose what happened."},
        choices=[("", "Choose"), *states.ATTEMPT_OUTCOMES.items()],
    )  # fmt: skip
    note = forms.CharField(label="Note", max_length=300, required=False)


class ProofForm(RefusableForm):
    """What was received, by whom, on which day, with a signature or the reason why there is none."""

    key = forms.RegexField(r"^[A-Za-z0-9-]{8,64}$", widget=forms.HiddenInput, error_messages=KEY)
    receiver_relation = forms.ChoiceField(
        label="Receiver", choices=RELATIONS, widget=forms.RadioSelect,
        error_messages={"required": "Choose who receives it."},
    )  # fmt: skip
    receiver_name = forms.CharField(
        label="Full name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter the receiver's full name."},
    )  # fmt: skip
    received_on = forms.DateField(
        label="Date received", widget=DayInput(), help_text="As the receiver writes it",
        error_messages={"required": "The receiver writes the date.", "invalid": "Write the date."},
    )  # fmt: skip
    setup_done = forms.BooleanField(label="Set up and explained", required=False)
    signature = forms.CharField(required=False, widget=forms.HiddenInput)
    cannot_sign_reason = forms.CharField(required=False, max_length=60)
    photo = forms.FileField(
        required=False, label="Photo", widget=forms.FileInput(attrs={"accept": "image/*", "capture": "environment"})
    )
    photo_data = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(label="Note", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, lines: Sequence[EquipmentOrderLine] = (), setup: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        self.lines = list(lines)
        if not setup:
            del self.fields["setup_done"]
        for line in self.lines:
            most = line.reserved
            self.fields[f"pieces_{line.position}"] = forms.IntegerField(
                label=line.name, min_value=0, max_value=most, initial=most, required=False,
                widget=forms.NumberInput(attrs={"min": 0, "max": most, "inputmode": "numeric"}),
                error_messages={"max_value": f"{most} came along. Enter how many were received."},
            )  # fmt: skip
            self.fields[f"wrong_{line.position}"] = forms.ChoiceField(
                label="If not received", required=False,
                choices=[("", "Comes later"), ("wrong_item", "Wrong item or size"), ("damaged", "Damaged")],
            )  # fmt: skip

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each line with its two fields."""
        return [
            {"line": line, "pieces": self[f"pieces_{line.position}"], "wrong": self[f"wrong_{line.position}"]}
            for line in self.lines
        ]

    @property
    def pieces(self) -> dict[UUID, int]:
        """Received pieces by line, of a valid form."""
        return {line.pk: self.cleaned_data.get(f"pieces_{line.position}") or 0 for line in self.lines}

    @property
    def wrong(self) -> dict[UUID, str]:
        """Why a line was not received, where it was wrong or damaged."""
        found = {line.pk: self.cleaned_data.get(f"wrong_{line.position}") or "" for line in self.lines}
        return {pk: why for pk, why in found.items() if why}

    def clean_signature(self) -> bytes:
        """The PNG's bytes, empty when nothing was drawn."""
        drawn = pictures.from_data_url(self.cleaned_data["signature"], most=SIGNATURE_BYTES)
        if drawn is None:
            raise forms.ValidationError("Clear the signature and sign again.")
        return drawn

    def clean(self) -> dict[str, Any]:
        """A signature or a reason; the photo from the file or from the phone's own shrunk copy."""
        data = super().clean() or {}
        upload = data.get("photo")
        if upload is not None and upload.size > PHOTO_BYTES:
            self.add_error("photo", "The photo is larger than 6 MB. Take it again with less detail.")
        elif upload is not None:
            data["photo_bytes"] = upload.read()
        else:
            shrunk = pictures.from_data_url(data.get("photo_data") or "", most=PHOTO_BYTES)
            if shrunk is None:
                self.add_error("photo", "Take the photo again.")
            data["photo_bytes"] = shrunk or b""
        if not data.get("signature") and not data.get("cannot_sign_reason") and "signature" not in self.errors:
            self.add_error("signature", "Sign here, or say why there is no signature.")
        return data
