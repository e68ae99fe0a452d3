"""Forms of the approval policy: one rule, and publishing."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.core.levels import CHOICES as LEVELS
from logistics.requests.policy_rules import APPROVERS, ASKERS, KINDS, MOST_MINUTES, Rule


class TimeInput(forms.TextInput):
    """The browser's own picker of a wall-clock time."""

    input_type = "time"


class RuleForm(forms.Form):
    """One rule of the draft; ``key`` names the rule that is being changed. What its kind does not need is ignored."""

    kind = forms.ChoiceField(
        label="What it looks at",
        choices=[("", "Choose"), *KINDS.items()],
        error_messages={"required": "Choose what the rule looks at."},
    )
    levels = forms.MultipleChoiceField(
        label="Levels",
        choices=LEVELS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="For: level of service",
    )
    limit = forms.DecimalField(
        label="Over", required=False, min_value=0, max_digits=8, decimal_places=2,
        help_text="For: distance in miles, estimated price in USD",
    )  # fmt: skip
    start = forms.CharField(
        label="Usual hours from", required=False, max_length=5, widget=TimeInput(), help_text="For: outside of hours"
    )
    end = forms.CharField(
        label="to", required=False, max_length=5, widget=TimeInput(), help_text="On the clock of the pickup's site"
    )
    weekend = forms.BooleanField(label="Also on Saturdays and Sundays", required=False)
    payers = forms.CharField(
        required=False, max_length=600, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For: who pays. One a line, as written on requests",
    )  # fmt: skip
    asked_by = forms.MultipleChoiceField(
        label="Only when booked by",
        choices=list(ASKERS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: whoever books",
    )
    approver = forms.ChoiceField(label="Who answers", choices=list(APPROVERS.items()))
    minutes = forms.IntegerField(
        label="Minutes to answer", min_value=1, max_value=MOST_MINUTES, initial=30,
        error_messages={"required": "Give 1 to 1,440 minutes to answer."},
    )  # fmt: skip
    escalation = forms.ChoiceField(
        label="Who answers when nobody did", choices=list(APPROVERS.items()), initial="admin"
    )
    words = forms.CharField(
        label="What the approver should weigh", required=False, max_length=160, help_text="Shown with the figures"
    )
    key = forms.CharField(required=False, max_length=24, widget=forms.HiddenInput)

    @classmethod
    def for_rule(cls, rule: Rule | None) -> RuleForm:
        """The form filled with a rule that is to be changed, or empty."""
        if rule is None:
            return cls()
        stored: dict[str, Any] = rule.as_json()
        return cls(initial={**stored, "payers": "\n".join(rule.payers), "limit": rule.limit})

    def rule(self) -> dict[str, Any]:
        """The fields as ``policy_rules.Rule.read`` takes them."""
        given = self.cleaned_data
        return {
            **given,
            "payers": given["payers"].splitlines(),
            "limit": None if given["limit"] is None else str(given["limit"]),
        }


class PublishForm(forms.Form):
    """Put the draft in force."""

    note = forms.CharField(
        label="What changes and who wanted it",
        max_length=200,
        error_messages={"required": "Write what changes and who wanted it."},
    )
    sure = forms.BooleanField(
        label="I have tried it on past requests: the next booking obeys it",
        error_messages={"required": "Look at the test page, then tick this."},
    )
