"""Forms of the level rules: one rule, publishing, going back."""

from __future__ import annotations

from typing import Any

from django import forms

from logistics.core.levels import CAPABILITIES
from logistics.requests.services.level_rules import ANSWERS, MOST_WORDS, Rule

ANSWER_CHOICES = [
    ("", "Choose an answer"),
    ("Yes or no", [(code, kind.label) for code, kind in ANSWERS.items() if not kind.is_figure]),
    ("Figures", [(code, f"{kind.label}, {kind.unit}") for code, kind in ANSWERS.items() if kind.is_figure]),
]


class RuleForm(forms.Form):
    """One rule of the draft; ``replaces`` is the key of the rule that is being changed."""

    answer = forms.ChoiceField(
        label="When the answer is", choices=ANSWER_CHOICES, error_messages={"required": "Choose the answer."}
    )
    above = forms.DecimalField(
        label="Above", required=False, min_value=0, max_digits=7, decimal_places=2, help_text="For figures only"
    )
    requires = forms.MultipleChoiceField(
        label="The vehicle must have",
        choices=[(code, each.words) for code, each in CAPABILITIES.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what the vehicle must offer."},
    )
    reason = forms.CharField(
        max_length=MOST_WORDS,
        help_text="As the person who books reads it",
        error_messages={"required": "Write the reason."},
    )
    source = forms.CharField(
        max_length=MOST_WORDS,
        help_text="Regulation, policy or contract",
        error_messages={"required": "Write where the rule comes from."},
    )
    replaces = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    @classmethod
    def for_rule(cls, rule: Rule | None) -> RuleForm:
        """The form filled with a rule that is to be changed, or empty."""
        if rule is None:
            return cls()
        initial: dict[str, Any] = {
            "answer": rule.answer,
            "above": rule.above,
            "requires": sorted(rule.requires),
            "reason": rule.reason,
            "source": rule.source,
            "replaces": rule.key,
        }
        return cls(initial=initial)


class PublishForm(forms.Form):
    """Put the draft in force: what changed, and that it was looked at."""

    note = forms.CharField(
        label="What changes and who asked for it",
        max_length=200,
        error_messages={"required": "Write what changes and why."},
    )
    sure = forms.BooleanField(
        label="I have looked at the differences: the next booking is advised by them",
        error_messages={"required": "Look at the differences, then tick this."},
    )
    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)


class RestoreForm(forms.Form):
    """Put an old version in force again."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    note = forms.CharField(
        label="Why it is put in force again", max_length=200, error_messages={"required": "Write why."}
    )
