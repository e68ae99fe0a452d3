"""Forms of the equipment catalog."""

from __future__ import annotations

from django import forms

from logistics.core import equipment


class DayInput(forms.DateInput):
    """The browser's own date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ItemForm(forms.Form):
    """One item of the catalog. ``code`` is fixed once the item exists."""

    code = forms.RegexField(
        r"^[A-Za-z0-9-]{2,20}$", help_text="HCPCS code, or one of your own",
        error_messages={"required": "Write the code.", "invalid": "Letters, digits and hyphens, at most 20."},
    )  # fmt: skip
    name = forms.CharField(max_length=80, error_messages={"required": "Write what staff call it."})
    category = forms.ChoiceField(choices=equipment.CATEGORIES)
    sizes = forms.CharField(max_length=200, required=False, help_text="With commas, e.g. Junior, Adult, Tall")
    substitutes = forms.CharField(
        label="May come instead", max_length=200, required=False, help_text="Codes with commas; staff still decide"
    )
    serialised = forms.BooleanField(label="Every piece has a serial number", required=False)
    needs_setup = forms.BooleanField(label="Set up and explained at the place", required=False)
    returnable = forms.BooleanField(label="Rented or lent: comes back", required=False)
    is_active = forms.BooleanField(label="May be ordered", required=False, initial=True)

    def clean_sizes(self) -> list[str]:
        """The words between commas, each once, at most 20 letters."""
        sizes = _parts(self.cleaned_data["sizes"])
        if any(len(size) > 20 for size in sizes):
            raise forms.ValidationError("A size has at most 20 letters.")
        return sizes

    def clean_substitutes(self) -> list[str]:
        """Codes in capitals."""
        return [code.upper() for code in _parts(self.cleaned_data["substitutes"])]


class RuleForm(forms.Form):
    """From which day a written order is or is not needed before delivery."""

    effective_from = forms.DateField(
        label="From", widget=DayInput(), error_messages={"required": "Write the first day."}
    )
    needs_wopd = forms.TypedChoiceField(
        label="Written order before delivery", choices=[("yes", "Needed"), ("no", "Not needed")],
        coerce=lambda value: value == "yes", error_messages={"required": "Choose."},
    )  # fmt: skip
    source = forms.CharField(max_length=120, required=False, help_text="Where it says so")


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part for part in (" ".join(piece.split()) for piece in text.split(",")) if part))
