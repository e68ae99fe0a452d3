"""Equipment at the hospital's desk: the order, its papers, and the decisions about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms

from dispatch import states
from logistics.requests.models import EquipmentDetail, EquipmentItem
from logistics.requests.services.equipment import MOST_PIECES, Asked
from vendors.forms.base import DayInput, MomentInput, RefusableForm

DAY_FIELDS = ("ordered_on", "signed_on", "face_to_face_on", "wopd_received_on")


class PapersForm(RefusableForm):
    """What is known of the written order. Every field may come later."""

    practitioner_name = forms.CharField(label="Practitioner", max_length=120, required=False)
    practitioner_npi = forms.RegexField(
        r"^\d{10}$", label="NPI", required=False, error_messages={"invalid": "An NPI has 10 digits."}
    )
    ordered_on = forms.DateField(label="Order date", required=False, widget=DayInput())
    signed_on = forms.DateField(label="Signed on", required=False, widget=DayInput())
    face_to_face_on = forms.DateField(
        label="Patient seen on", required=False, widget=DayInput(), help_text="Face-to-face, within 6 months before"
    )
    wopd_received_on = forms.DateField(
        label="Written order received on", required=False, widget=DayInput(), help_text="Complete and signed, on file"
    )
    leaves_on = forms.DateField(
        label="Patient leaves on", required=False, widget=DayInput(), help_text="Bedside: at most 2 days after it came"
    )


class DueForm(RefusableForm):
    """It is needed at another time, on the wall clock of the place of delivery."""

    deliver_by = forms.DateTimeField(
        label="Needed by", widget=MomentInput(), input_formats=["%Y-%m-%dT%H:%M"],
        error_messages={"required": "Write date and time.", "invalid": "Write date and time."},
    )  # fmt: skip


class OrderForm(PapersForm):
    """A new order: quantities by item, where and by when, who is there, and the papers as far as known."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    where = forms.ChoiceField(
        choices=EquipmentDetail.WHERE, widget=forms.RadioSelect, initial="home",
        error_messages={"required": "Choose where it is delivered."},
    )  # fmt: skip
    deliver_by = forms.DateTimeField(
        label="Deliver by", widget=MomentInput(), input_formats=["%Y-%m-%dT%H:%M"],
        error_messages={"required": "Write by when it must be there.", "invalid": "Write date and time."},
    )  # fmt: skip
    address = forms.CharField(
        max_length=200, required=False, help_text="Street, city and ZIP code; for delivery at home"
    )
    contact_name = forms.CharField(label="Who is there", max_length=120, required=False)
    contact_phone = forms.CharField(label="Their phone", max_length=30, required=False)
    setup_note = forms.CharField(
        label="Note to the supplier", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stairs, room, outlets, how to get in",
    )  # fmt: skip
    preferred = forms.ChoiceField(label="Patient's choice of supplier", required=False)

    def __init__(
        self,
        *args: Any,
        items: Sequence[EquipmentItem] = (),
        suppliers: Sequence[tuple[UUID, str]] = (),
        zone: str = "UTC",
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.zone, self.items = zone, list(items)
        preferred = self.fields["preferred"]
        assert isinstance(preferred, forms.ChoiceField)
        preferred.choices = [("", "No preference"), *((str(pk), name) for pk, name in suppliers)]
        for item in self.items:
            self.fields[f"qty_{item.pk}"] = forms.IntegerField(
                label=f"How many: {item.name}", required=False, min_value=0, max_value=MOST_PIECES,
                widget=forms.NumberInput(attrs={"min": 0, "max": MOST_PIECES, "inputmode": "numeric"}),
            )  # fmt: skip
            if item.sizes:
                self.fields[f"size_{item.pk}"] = forms.ChoiceField(
                    label=f"Size: {item.name}", required=False,
                    choices=[("", "Size"), *((size, size) for size in item.sizes)],
                )  # fmt: skip

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each item with its own two fields."""
        return [
            {
                "item": item,
                "quantity": self[f"qty_{item.pk}"],
                "size": self[f"size_{item.pk}"] if item.sizes else None,
            }
            for item in self.items
        ]

    @property
    def lines(self) -> list[Asked]:
        """What was asked for, of a valid form."""
        data = self.cleaned_data
        return [
            Asked(item.pk, data.get(f"size_{item.pk}") or "", data[f"qty_{item.pk}"])
            for item in self.items
            if data.get(f"qty_{item.pk}")
        ]

    def clean_deliver_by(self) -> dt.datetime:
        """The site's wall clock as a moment."""
        return self.cleaned_data["deliver_by"].replace(tzinfo=ZoneInfo(self.zone))

    def clean(self) -> dict[str, Any]:
        """At home needs an address; the bedside a day of leaving."""
        data = super().clean() or {}
        if data.get("where") == "home" and not data.get("address", "").strip():
            self.add_error("address", "Write the address with its 5-digit ZIP code.")
        return data


class ReviewForm(RefusableForm):
    """The hospital's answer to a proof of delivery."""

    ANSWERS = [("accept", "It is right"), ("reject", "The proof is wrong"), ("wrong", "The item is wrong")]

    answer = forms.ChoiceField(
        choices=ANSWERS, widget=forms.RadioSelect, label="Proof of delivery",
        error_messages={"required": "Choose whether the proof is right."},
    )  # fmt: skip
    note = forms.CharField(label="What is wrong", max_length=300, required=False, help_text="The supplier reads it")


class ReasonForm(RefusableForm):
    """Something is done for a reason that people read later."""

    note = forms.CharField(label="Why", max_length=200, error_messages={"required": "Write why."})


class CancelForm(RefusableForm):
    """A reason that reports can count."""

    reason = forms.ChoiceField(
        label="Why is it canceled?", choices=[("", "Choose a reason"), *states.CANCEL_REASONS.items()],
        error_messages={"required": "Choose a reason.", "invalid_choice": "Choose a reason from the list."},
    )  # fmt: skip


class SubstituteForm(RefusableForm):
    """Another item or size for one line; the value is ``code|size``."""

    line = forms.UUIDField(widget=forms.HiddenInput)
    other = forms.CharField(label="Instead", max_length=60, error_messages={"required": "Choose what comes instead."})


class HandOutForm(RefusableForm):
    """Out of the loaner closet: who received it, and until when it is lent."""

    RELATIONS = [("patient", "Patient"), ("family", "Family"), ("caregiver", "Caregiver")]

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    receiver_name = forms.CharField(
        label="Received by", max_length=120, error_messages={"required": "Write who received it."}
    )
    receiver_relation = forms.ChoiceField(label="Who is that", choices=RELATIONS)
    due_back_on = forms.DateField(label="Due back on", required=False, widget=DayInput())
