"""Forms of a shelf."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.core import equipment
from vendors.forms.base import RefusableForm

CODES = [(item.code, f"{item.code} · {item.name}") for item in equipment.STARTER]


class ItemForm(RefusableForm):
    """A new kind of thing on the shelf: chosen from the common items, or with a code of its own."""

    known = forms.ChoiceField(label="Common item", required=False, choices=[("", "Another item"), *CODES])
    code = forms.CharField(
        label="Code", max_length=20, required=False, help_text="HCPCS code, if it is none of the common items"
    )
    name = forms.CharField(max_length=80, required=False, help_text="If it is none of the common items")
    size = forms.CharField(max_length=20, required=False, help_text="As it is ordered, e.g. Adult or 18 in")
    par = forms.IntegerField(min_value=0, max_value=10_000, initial=0, help_text="How many should be free to promise")
    serialised = forms.BooleanField(label="Every piece has a serial number", required=False)
    place = forms.CharField(max_length=60, required=False, help_text="Shelf or room")

    def clean(self) -> dict[str, Any]:
        """A common item brings its code, name and whether it has serial numbers."""
        data = super().clean() or {}
        known = equipment.BY_CODE.get(data.pop("known", "") or "")
        if known is not None:
            data |= {"code": known.code, "name": known.name, "serialised": known.serialised}
            if data.get("size") and known.sizes and data["size"] not in known.sizes:
                self.add_error("size", f"Write one of its sizes: {', '.join(known.sizes)}.")
        elif not self.errors:
            for name in ("code", "name"):
                if not data.get(name):
                    self.add_error(name, "Choose a common item, or write its code and name.")
        return data


class ChangeForm(RefusableForm):
    """Par and place."""

    par = forms.IntegerField(min_value=0, max_value=10_000)
    place = forms.CharField(max_length=60, required=False)


class ReceiveForm(RefusableForm):
    """More came in."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)
    quantity = forms.IntegerField(label="How many came", min_value=1, max_value=10_000)
    serials = forms.CharField(
        label="Serial numbers", required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line"
    )

    def clean_serials(self) -> list[str]:
        """Lines as a list."""
        return [line.strip() for line in self.cleaned_data["serials"].splitlines() if line.strip()]


class CountForm(RefusableForm):
    """What was counted."""

    on_hand = forms.IntegerField(label="Counted on the shelf", min_value=0, max_value=10_000)
    note = forms.CharField(label="Why", max_length=120, error_messages={"required": "Write why the count differs."})


class RecallForm(RefusableForm):
    """A piece that must not be used any more."""

    serial = forms.CharField(label="Serial number", max_length=40)
    reason = forms.CharField(label="Why", max_length=120, help_text="e.g. the maker's notice")
