"""Forms of contracts: a new version, a rate, the signature."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from logistics.core import levels
from vendors.forms.base import DayInput, RefusableForm
from vendors.models import Network, Rate


class DraftForm(RefusableForm):
    """A new version for one vendor of the network."""

    vendor = forms.ChoiceField(error_messages={"required": "Choose a vendor."})
    effective_from = forms.DateField(
        label="In force from", widget=DayInput(), error_messages={"required": "Say from which day it is in force."}
    )
    effective_to = forms.DateField(
        label="Until", required=False, widget=DayInput(), help_text="First day that it no longer holds. Empty: open"
    )
    response_minutes = forms.IntegerField(label="Minutes to answer an offer", min_value=1, max_value=120, initial=7)
    on_time_tolerance_minutes = forms.IntegerField(
        label="On time within minutes", min_value=0, max_value=60, initial=15
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = {
            str(row.vendor_id): row.vendor
            for row in Network.objects.exclude(status="ended").select_related("vendor").order_by("vendor__name")
        }
        choices = [("", "Choose a vendor"), *((pk, vendor.name) for pk, vendor in self.rows.items())]
        self.fields["vendor"].choices = choices  # type: ignore[attr-defined]

    def vendor_chosen(self) -> Any:
        """The organization behind the choice."""
        return self.rows[self.cleaned_data["vendor"]]

    @staticmethod
    def starts_with(text: str) -> dict[str, str]:
        """Initial values for ``?vendor=<id>``; empty for anything that is no id."""
        try:
            return {"vendor": str(UUID(text))}
        except ValueError:
            return {}


class RateForm(RefusableForm):
    """The price of one level."""

    level = forms.ChoiceField(choices=[("", "Choose a level"), *levels.CHOICES])
    base_amount = forms.DecimalField(label="Base, USD", min_value=Decimal(0), max_digits=9, decimal_places=2)
    included_miles = forms.DecimalField(
        label="Miles included", min_value=Decimal(0), max_digits=6, decimal_places=1, initial=Decimal("0.0")
    )
    mile_amount = forms.DecimalField(label="Per loaded mile, USD", min_value=Decimal(0), max_digits=7, decimal_places=2)
    mile_rounding = forms.ChoiceField(label="Miles are rounded", choices=Rate.ROUNDINGS, initial="ceil_tenth")
    minimum_amount = forms.DecimalField(
        label="Minimum, USD", min_value=Decimal(0), max_digits=9, decimal_places=2, initial=Decimal("0.00"),
        help_text="For base and miles together",
    )  # fmt: skip
    wait_free_minutes = forms.IntegerField(
        label="Waiting free, minutes", min_value=0, max_value=240, initial=0, required=False
    )
    wait_unit_minutes = forms.IntegerField(
        label="Waiting paid by minutes", min_value=1, max_value=60, initial=15, required=False
    )
    wait_unit_amount = forms.DecimalField(
        label="For each begun, USD", min_value=Decimal(0), max_digits=9, decimal_places=2, initial=Decimal("0.00"),
        help_text="A vehicle that waits to bring the patient back", required=False,
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Waiting costs nothing unless somebody says so."""
        data = super().clean() or {}
        for name in ("wait_free_minutes", "wait_unit_minutes", "wait_unit_amount"):
            if data.get(name) is None and name not in self.errors:
                data[name] = self.fields[name].initial
        return data


class CancelTermsForm(RefusableForm):
    """What a trip costs that is called off after acceptance."""

    cancel_free_minutes = forms.IntegerField(
        label="Free until minutes before pickup", min_value=0, max_value=2880, initial=0
    )
    cancel_late_amount = forms.DecimalField(
        label="Later than that, USD", min_value=Decimal(0), max_digits=9, decimal_places=2, initial=Decimal("0.00")
    )
    cancel_en_route_amount = forms.DecimalField(
        label="Crew on its way, USD", min_value=Decimal(0), max_digits=9, decimal_places=2, initial=Decimal("0.00")
    )
    cancel_at_door_amount = forms.DecimalField(
        label="Crew at the door, USD", min_value=Decimal(0), max_digits=9, decimal_places=2, initial=Decimal("0.00")
    )


class SignForm(RefusableForm):
    """Who signed for both sides."""

    signed_by_name = forms.CharField(
        label="Signed by", max_length=120, error_messages={"required": "Name the signer."},
        help_text="Both sides' signers, as on the paper",
    )  # fmt: skip
