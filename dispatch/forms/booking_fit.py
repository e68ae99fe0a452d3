"""The folded part of the booking form about fit and company: wheelchair, stairs, cylinder, escort, transfer, payer."""

from __future__ import annotations

from typing import Any

from django import forms

from dispatch.forms.booking_kinds import local_field, number_field
from logistics.core.errors import DomainError
from logistics.requests.models import TransportDetail
from logistics.requests.services import advice, answers, transfers

# Asked on every ride; the other needs are rare, and so folded away.
MAIN_NEEDS = (
    "oxygen", "oxygen_given", "monitor", "iv", "isolation", "airborne", "watching", "critical", "stairs",
)  # fmt: skip
INTERPRETER = ("interpreter", "Interpreter")
CARE_NEEDS = [*(each for each in advice.NEEDS if each[0] not in MAIN_NEEDS), INTERPRETER]
CARE_ICONS = {
    "never_alone": "users", "wander": "footprints", "behavior": "user-plus", "restraint": "lock",
    "emergency": "siren", "interpreter": "languages",
}  # fmt: skip
COLUMNS = (
    "purpose", "chair", "chair_width_in", "chair_weight_lb", "pickup_steps", "dropoff_steps", "oxygen_cylinder",
    "oxygen_psi", "service_animal", "escort_name", "receiver_name", "accepting_clinician", "accepting_bed",
    "transfer_checks",
)  # fmt: skip
NUMBER = "Write a whole number."


class FitFields(forms.Form):
    """What an ordinary ride does not need. Column names are those of ``TransportDetail``."""

    chair = forms.ChoiceField(label="Patient's own wheelchair", choices=TransportDetail.CHAIRS, required=False)
    chair_width_in = number_field("Widest part, inches", NUMBER)
    chair_weight_lb = number_field("Wheelchair, lb", NUMBER)
    pickup_steps = number_field("Steps at pickup, no lift", NUMBER)
    dropoff_steps = number_field("Steps at drop-off, no lift", NUMBER)
    oxygen_cylinder = forms.ChoiceField(label="Own oxygen", choices=TransportDetail.CYLINDERS, required=False)
    oxygen_psi = number_field("Gauge, psi", NUMBER)
    care = forms.MultipleChoiceField(
        label="Who must know what?", choices=CARE_NEEDS, required=False, widget=forms.CheckboxSelectMultiple
    )
    escort_name = forms.CharField(label="Who rides along, by name", required=False, max_length=80)
    receiver_name = forms.CharField(label="Who takes over at the door", required=False, max_length=80)
    service_animal = forms.BooleanField(label="A service animal rides along", required=False)
    purpose = forms.ChoiceField(label="Purpose", choices=[("", "Not said"), *TransportDetail.PURPOSES], required=False)
    cost_center = forms.ChoiceField(label="Cost center", required=False)
    accepting_clinician = forms.CharField(label="Accepting clinician", required=False, max_length=80)
    accepting_bed = forms.CharField(label="Bed or unit there", required=False, max_length=40)
    accepted_local = local_field("Accepted at")
    report_local = local_field("Report given at")
    transfer_checks = forms.MultipleChoiceField(
        label="Done before an acute transfer", choices=transfers.CHECKS, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: Any, cost_centers: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["cost_center"].choices = [("", "That of the unit"), *cost_centers]  # type: ignore[attr-defined]

    def fit_columns(self, zone: str) -> dict[str, Any]:
        """The answers as columns; unreadable ones are left out. Times are read on the clock of ``zone``."""
        given = self.cleaned_data
        fields = {name: given[name] for name in COLUMNS if name in given}
        fields["cost_center"] = given.get("cost_center") or ""
        if "oxygen" not in (given.get("needs") or []):
            # Not asked for then, and not shown.
            fields["oxygen_cylinder"], fields["oxygen_psi"] = "", None
        if not fields.get("chair"):
            fields["chair_width_in"] = fields["chair_weight_lb"] = None
        for name, column in (("accepted_local", "accepted_at"), ("report_local", "report_given_at")):
            naive = given.get(name)
            if naive is None:
                fields[column] = None
                continue
            wall = naive.replace(tzinfo=None)
            try:
                fields[column] = answers.local_moment(wall.date(), wall.time(), zone)
            except DomainError as error:
                self.add_error(name, error.message)
        return fields


def fit_inputs() -> list[str]:
    """The names of this part's inputs."""
    return list(FitFields.base_fields)
