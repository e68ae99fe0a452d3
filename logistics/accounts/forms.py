"""Forms of signing in, one's own account, people, sites and the audit log."""

from __future__ import annotations

import zoneinfo
from typing import Any

import zipcodes
from django import forms
from django.contrib.auth import password_validation

from logistics.accounts import roles
from logistics.accounts.models import Facility, Organization, Unit, User

THEMES = [("", "As this device"), ("light", "Light"), ("dark", "Dark")]
ZONES = [
    ("America/New_York", "Eastern"),
    ("America/Indiana/Indianapolis", "Eastern, Indiana"),
    ("America/Detroit", "Eastern, Michigan"),
    ("America/Chicago", "Central"),
    ("America/Denver", "Mountain"),
    ("America/Phoenix", "Mountain, Arizona"),
    ("America/Los_Angeles", "Pacific"),
    ("America/Anchorage", "Alaska"),
    ("Pacific/Honolulu", "Hawaii"),
]


def password_field(label: str, *, new: bool = False, **more: Any) -> forms.CharField:
    """A password input that password managers understand."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password" if new else "current-password"})
    return forms.CharField(label=label, strip=False, max_length=200, widget=widget, **more)


class SignInForm(forms.Form):
    """Step 1: who, and what the person knows."""

    email = forms.CharField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "inputmode": "email"}),
    )
    password = password_field("Password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only the demo gives an initial password; one that somebody typed is never sent back.
        self.fields["password"].widget.render_value = not self.is_bound


class CodeForm(forms.Form):
    """Six digits from an authenticator; spaces and hyphens from pasting are fine."""

    code = forms.CharField(
        label="Sign-in code",
        max_length=12,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "data-send-after": "6",
                "spellcheck": "false",
            }
        ),
    )

    def clean_code(self) -> str:
        """Digits only."""
        digits = "".join(letter for letter in self.cleaned_data["code"] if letter not in " -")
        if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
            raise forms.ValidationError("Enter the 6 digits that your authenticator app shows.")
        return digits


class RecoveryForm(forms.Form):
    """One of the codes that were printed at set-up."""

    code = forms.CharField(
        label="Recovery code",
        max_length=24,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )


class NewPasswordForm(forms.Form):
    """A new password, twice. ``person`` is whose, so that it is not too like the name."""

    new_password = password_field("New password", new=True, help_text="At least 12 characters. A sentence works well.")
    again = password_field("New password again", new=True)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_new_password(self) -> str:
        """The rules of the settings."""
        password = self.cleaned_data["new_password"]
        password_validation.validate_password(password, self.person)
        return password

    def clean(self) -> dict[str, Any]:
        """Both the same."""
        found = super().clean() or {}
        if found.get("new_password") and found.get("again") and found["new_password"] != found["again"]:
            self.add_error("again", "The two passwords differ. Type the new one again.")
        return found


class ChangePasswordForm(NewPasswordForm):
    """The old password first."""

    old_password = password_field("Present password")
    field_order = ("old_password", "new_password", "again")


class ConfirmForm(forms.Form):
    """The password again, before how a person signs in is changed."""

    password = password_field("Your password")


class PreferencesForm(forms.ModelForm):
    """How pages look to this person."""

    theme = forms.ChoiceField(label="Theme", choices=THEMES, required=False, help_text="For this device")

    class Meta:
        model = User
        fields = ("time_format", "single_key_shortcuts")
        labels = {"time_format": "Times", "single_key_shortcuts": "Single-key shortcuts"}
        help_texts = {"single_key_shortcuts": "Turn off if you use speech control. Ctrl K always works."}


class PersonForm(forms.Form):
    """A new person, or a further role of a known one."""

    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, side: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", "Choose a role")] + role_choices(side)  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    """Another role for a person."""

    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, side: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(side)  # type: ignore[attr-defined]


class FacilityForm(forms.ModelForm):
    """A site. Its place on the map is its ZIP code's unless coordinates are given."""

    state = forms.CharField(label="State", min_length=2, max_length=2, help_text="Two letters")
    zip_code = forms.RegexField(
        label="ZIP code", regex=r"^\d{5}(-\d{4})?$", error_messages={"invalid": "Enter a ZIP code such as 46601."}
    )
    latitude = forms.FloatField(label="Latitude", min_value=-90, max_value=90, required=False)
    longitude = forms.FloatField(label="Longitude", min_value=-180, max_value=180, required=False)
    time_zone = forms.ChoiceField(label="Time zone", choices=ZONES)

    class Meta:
        model = Facility
        fields = (
            "name", "short_name", "code", "address", "city", "state", "zip_code", "latitude", "longitude",
            "time_zone", "phone", "entrance",
        )  # fmt: skip
        labels = {"short_name": "Short name", "code": "EHR code"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = getattr(self.instance, "time_zone", "")
        if zone and zone not in dict(ZONES) and zone in zoneinfo.available_timezones():
            self.fields["time_zone"].choices = [*ZONES, (zone, zone)]  # type: ignore[attr-defined]

    def clean_state(self) -> str:
        """Capitals."""
        return self.cleaned_data["state"].upper()

    def clean(self) -> dict[str, Any]:
        """Coordinates from the ZIP code where none were given or where the ZIP code changed."""
        found = super().clean() or {}
        moved = "zip_code" in self.changed_data and not {"latitude", "longitude"} & set(self.changed_data)
        given = found.get("latitude") is not None and found.get("longitude") is not None
        if found.get("zip_code") and (moved or not given):
            matches = zipcodes.matching(found["zip_code"][:5])
            if not matches:
                self.add_error("zip_code", "This ZIP code is not known. Check it, or give latitude and longitude.")
                return found
            found["latitude"], found["longitude"] = float(matches[0]["lat"]), float(matches[0]["long"])
        return found

    def _post_clean(self) -> None:
        """The service writes the row; a bound instance stays as it is in the database until then."""


class UnitForm(forms.ModelForm):
    """A nursing unit and its rule for pending discharges."""

    class Meta:
        model = Unit
        fields = ("name", "code", "phone", "draft_rule", "order")
        labels = {"code": "EHR code", "draft_rule": "When a discharge is pending", "order": "Place in lists"}

    def _post_clean(self) -> None:
        """The service writes the row; a bound instance stays as it is in the database until then."""


class TrailForm(forms.Form):
    """Filters of the audit log."""

    action = forms.CharField(required=False, max_length=80)
    person = forms.CharField(required=False, max_length=120, label="Person")
    target = forms.CharField(required=False, max_length=64, label="Target, or its id")
    patient_id = forms.UUIDField(required=False, label="Patient id")
    result = forms.ChoiceField(
        required=False, choices=[("", "All"), ("success", "Success"), ("refused", "Refused"), ("failure", "Failure")]
    )
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))


def role_choices(side: str) -> list[tuple[str, str]]:
    """(role, label) of one kind of organization."""
    return [(name, role.label) for name, role in roles.roles_for(side).items()]


def kind_label(kind: str) -> str:
    """The kind of an organization in words."""
    return dict(Organization.KINDS).get(kind, kind)
