"""What a person may do to a trip: cancel, hold, take back, enter a vendor's answer by phone."""

from __future__ import annotations

from django import forms

from dispatch import states


class SeenForm(forms.Form):
    """``seen`` is the history that the page showed: a form that is older than the trip is not taken silently."""

    seen = forms.RegexField(r"^\d+\.\d+$", widget=forms.HiddenInput, required=False)


class HoldForm(SeenForm):
    """Why the trip stops."""

    reason = forms.CharField(
        label="Why does it wait?",
        max_length=200,
        help_text="Vehicle and crew stay for 30 min",
        error_messages={"required": "Say why the trip waits"},
    )


class TakeBackForm(SeenForm):
    """Taking a trip from its vendor, or the vendor giving it back."""

    code = forms.ChoiceField(
        label="Reason",
        choices=[("", "Choose a reason"), *states.DECLINE_REASONS.items()],
        error_messages={"required": "Choose a reason", "invalid_choice": "Choose a reason from the list"},
    )
    note = forms.CharField(
        label="Who said so, and how?",
        max_length=200,
        error_messages={"required": "Say who told you"},
    )


class PhoneAnswerForm(SeenForm):
    """The yes or no of a vendor that was asked by phone."""

    ANSWERS = [("accept", "The vendor takes it"), ("decline", "The vendor declines")]

    offer = forms.UUIDField(widget=forms.HiddenInput)
    answer = forms.ChoiceField(
        label="Answer",
        choices=ANSWERS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the vendor's answer"},
    )
    code = forms.ChoiceField(
        label="If declined, why",
        required=False,
        choices=[("", "Choose a reason"), *states.DECLINE_REASONS.items()],
    )
    eta = forms.TimeField(label="If taken, pickup time", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    reason = forms.CharField(
        label="Who said so", max_length=200, error_messages={"required": "Say who answered, and when"}
    )

    def clean(self) -> dict[str, object]:
        """A no needs its reason."""
        data = super().clean() or {}
        if data.get("answer") == "decline" and not data.get("code"):
            self.add_error("code", "Choose why the vendor declined")
        return data
