"""Forms of feeds and mappings."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from integrations.models import Feed
from logistics.accounts.models import Facility, Unit

TYPES = [
    ("ADT", "ADT (patients and stays)"),
    ("ORM", "ORM (orders)"),
    ("ORU", "ORU (results)"),
    ("SIU", "SIU (schedules)"),
]


class UnitChoice(forms.ModelChoiceField):
    """A unit with its code and site."""

    def label_from_instance(self, obj: Any) -> str:
        """``4 East (4E), Lakeshore``."""
        return f"{obj.name} ({obj.code}), {obj.facility.short_name}"


def unit_choices() -> Any:
    """Every unit of the health system with its site."""
    return Unit.objects.select_related("facility").order_by("facility__name", "order", "name")


class MapForm(forms.Form):
    """Which unit a code means."""

    unit = UnitChoice(queryset=None, label="Unit", error_messages={"required": "Choose the unit."})

    def __init__(self, *args: Any, code: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["unit"]
        choice.queryset = unit_choices()
        if code:
            self.fields["unit"].label = f"“{code}” means"


class MappingForm(MapForm):
    """A mapping from scratch."""

    feed: Any = forms.ModelChoiceField(queryset=None, error_messages={"required": "Choose the feed."})
    point_of_care = forms.CharField(
        label="Code",
        max_length=80,
        help_text="As the EHR sends it in PV1-3.1",
        error_messages={"required": "Give the code."},
    )
    facility_code = forms.CharField(
        label="Site code", max_length=80, required=False, help_text="PV1-3.4, where several sites share the code"
    )
    field_order = ["feed", "point_of_care", "facility_code", "unit"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        feed: Any = self.fields["feed"]
        feed.queryset = Feed.objects.order_by("name")
        feed.label_from_instance = lambda one: one.name


class SkipForm(forms.Form):
    """Why a message is set aside."""

    reason = forms.CharField(max_length=200, error_messages={"required": "Say why this message is skipped."})


class FeedForm(forms.Form):
    """One interface."""

    name = forms.CharField(max_length=80, error_messages={"required": "Give the feed a name."})
    facility: Any = forms.ModelChoiceField(queryset=None, label="Site", help_text="Where a location without a site is")
    port_offset = forms.IntegerField(
        label="Port number", min_value=0, max_value=999, error_messages={"required": "Give a port number."}
    )
    time_zone = forms.CharField(max_length=60, help_text="For times without an offset, for example America/Chicago")
    sending_application = forms.CharField(
        max_length=80, required=False, label="Expected MSH-3", help_text="Another sender is refused. Empty = any"
    )
    sending_facility = forms.CharField(
        max_length=80, required=False, label="Expected MSH-4", help_text="Another sender is refused. Empty = any"
    )
    accepted_types = forms.MultipleChoiceField(
        choices=TYPES,
        required=False,
        label="Message types",
        widget=forms.CheckboxSelectMultiple,
        help_text="None = all",
    )
    ack_on_content_error = forms.ChoiceField(
        choices=[("AE", "AE: say that the content is wrong"), ("AA", "AA: accept, and leave a work item")],
        label="Answer to wrong content",
        help_text="Some engines stop the whole line on AE",
    )
    is_active = forms.BooleanField(required=False, label="Listening", initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        site: Any = self.fields["facility"]
        site.queryset = Facility.objects.order_by("name")
        self.fields["port_offset"].help_text = f"Listens on {settings.MLLP_PORT} plus this number"

    def clean_time_zone(self) -> str:
        """A zone that exists."""
        zone = self.cleaned_data["time_zone"].strip()
        if zone not in available_timezones():
            raise forms.ValidationError("There is no such time zone. Write it like America/Chicago.")
        return str(zone)
