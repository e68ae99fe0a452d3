"""The form of the rules' test page: answers typed by hand, as a booking would ask for them."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.requests.models import TransportDetail
from logistics.requests.services import advice
from logistics.requests.services.level_rules import NEEDS

FIGURES = ("oxygen_lpm", "weight_lb", "chair_width_in", "chair_weight_lb", "dropoff_steps", "minutes")


class AnswersForm(forms.Form):
    """Answers of nobody in particular: nothing that is typed here is kept."""

    mobility = forms.ChoiceField(
        label="Travels",
        choices=TransportDetail.MOBILITY,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the patient travels."},
    )
    needs = forms.MultipleChoiceField(choices=NEEDS, required=False, widget=forms.CheckboxSelectMultiple)
    oxygen_lpm = forms.DecimalField(
        label="Oxygen flow, L/min", required=False, min_value=0, max_value=60, max_digits=4, decimal_places=1
    )
    weight_lb = forms.IntegerField(label="Patient's weight, lb", required=False, min_value=1, max_value=1000)
    chair = forms.ChoiceField(label="Own wheelchair", choices=TransportDetail.CHAIRS, required=False)
    chair_width_in = forms.IntegerField(label="Its width, in", required=False, min_value=10, max_value=60)
    chair_weight_lb = forms.IntegerField(label="Its weight, lb", required=False, min_value=5, max_value=1000)
    dropoff_steps = forms.IntegerField(label="Steps at one end", required=False, min_value=0, max_value=500)
    minutes = forms.IntegerField(label="Minutes on the way", required=False, min_value=1, max_value=1440)

    def answers(self) -> dict[str, Any]:
        """Arguments of :func:`advice.advise`; the form must be valid."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def advised(self, rules: Any) -> advice.Advice:
        """What these rules advise; the form must be valid."""
        return advice.advise(**self.answers(), rules=rules)
