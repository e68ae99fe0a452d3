"""Forms of cost centers and their budgets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from logistics.accounts.models import Unit
from logistics.requests.models import CostCenter


class CenterForm(forms.Form):
    """A cost center. The code is asked for once: requests carry it."""

    code = forms.CharField(
        max_length=20, help_text="As finance writes it, e.g. 4W-6010", error_messages={"required": "Write the code."}
    )
    name = forms.CharField(max_length=80, error_messages={"required": "Write what people call it."})
    unit = forms.ChoiceField(required=False, help_text="Requests of this unit carry the code from the start")
    owner_name = forms.CharField(label="Who answers for it", required=False, max_length=120)
    is_active = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(self, *args: Any, units: list[Unit], center: CostCenter | None = None, **kwargs: Any) -> None:
        if center is not None:
            kwargs.setdefault(
                "initial",
                {
                    "name": center.name,
                    "unit": str(center.unit_id or ""),
                    "owner_name": center.owner_name,
                    "is_active": center.is_active,
                },
            )
        super().__init__(*args, **kwargs)
        self.units = {str(unit.pk): unit for unit in units}
        choices = [(key, f"{unit.name}, {unit.facility.short_name}") for key, unit in self.units.items()]
        self.fields["unit"].choices = [("", "No unit"), *choices]  # type: ignore[attr-defined]
        del self.fields["is_active" if center is None else "code"]

    def center(self) -> dict[str, Any]:
        """The arguments of the service."""
        return {**self.cleaned_data, "unit": self.units.get(self.cleaned_data["unit"])}


class AmountForm(forms.Form):
    """What one cost center may spend in a month."""

    month = forms.RegexField(regex=r"^\d{4}-(0[1-9]|1[0-2])$", widget=forms.HiddenInput)
    amount = forms.DecimalField(
        min_value=Decimal(0), max_digits=11, decimal_places=2,
        error_messages={
            "required": "Write an amount, in USD.",
            "invalid": "Write an amount as 12500 or 12500.50.",
            "min_value": "Write an amount of zero or more.",
        },
    )  # fmt: skip

    def __init__(self, *args: Any, center_id: UUID | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if center_id:  # a page has one such form a row
            self.auto_id = f"id_%s_{center_id}"
