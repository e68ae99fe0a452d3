"""Sample data for every partial of the kit: invented people, places and vendors, at a fixed moment."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator

ZONE = "America/Chicago"
NOW = dt.datetime(2026, 11, 24, 19, 42, tzinfo=dt.UTC)  # 13:42 CST


def at(hour: int, minute: int = 0) -> dt.datetime:
    """A moment of the sample day on the facility's clock (CST is UTC-6)."""
    return dt.datetime(2026, 11, 24, hour, minute, tzinfo=dt.UTC) + dt.timedelta(hours=6)


class TripForm(forms.Form):
    """A form with one field of each kind."""

    destination = forms.CharField(
        help_text="450 Creek Rd, accepts until 18:00",
        error_messages={"required": "Choose where the patient is going"},
    )
    pickup_time = forms.CharField(label="Pickup time")
    note = forms.CharField(label="Note to driver", required=False, widget=forms.Textarea)
    payer = forms.ChoiceField(label="Who pays", choices=[("a", "Lakeshore Medicare Advantage"), ("b", "Self")])
    mobility = forms.ChoiceField(
        label="How does the patient travel?",
        choices=[("walk", "Walks to the car"), ("chair", "Wheelchair"), ("flat", "Must lie flat")],
        widget=forms.RadioSelect,
    )
    needs = forms.MultipleChoiceField(
        label="What is needed on the way?",
        help_text="Choose all that apply",
        required=False,
        choices=[("o2", "Oxygen"), ("iv", "IV running")],
        widget=forms.CheckboxSelectMultiple,
    )
    return_trip = forms.BooleanField(label="Add return trip", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=3)

    def clean_pickup_time(self) -> str:
        """The sample's one rule."""
        if self.cleaned_data["pickup_time"] < "13:42":
            raise forms.ValidationError("Pickup must be after 13:42 CST")
        return str(self.cleaned_data["pickup_time"])


def action(label: str, **more: Any) -> dict[str, Any]:
    """An action that leads nowhere."""
    return {"label": label, "url": "/somewhere", **more}


def shell() -> dict[str, Any]:
    """What the shell asks of the context."""
    return {
        "nav": [
            {
                "title": "Work",
                "items": [
                    {
                        "label": "My board",
                        "url": "/board",
                        "icon": "layout-list",
                        "count": 3,
                        "tone": "bad",
                        "current": True,
                        "go": "B",
                    },
                    {"label": "Bed board", "url": "/beds", "icon": "bed-double"},
                    {"label": "Trips", "url": "/trips", "icon": "route"},
                    {"label": "Messages", "url": "/messages", "icon": "message-square", "count": 4, "go": "M"},
                ],
            },
            {
                "title": "Reference",
                "items": [
                    {"label": "Address book", "url": "/places", "icon": "book-user"},
                    {"label": "Forms and PCS", "url": "/pcs", "icon": "file-text", "count": 2, "tone": "warn"},
                ],
            },
        ],
        "org_name": "Cedar Ridge Medical Center",
        "role_label": "Case management",
        "memberships": [
            {"id": 1, "org_name": "Cedar Ridge Medical Center", "role_label": "Case management", "current": True},
            {"id": 2, "org_name": "Lakeshore Health", "role_label": "Administration", "current": False},
        ],
        "switch_url": "/account/organizations",
        "help_desk": "608 555 0142",
        "facility_name": "Cedar Ridge Medical Center",
        "facility_time": NOW,
        "facility_zone": ZONE,
        "primary_action": action("Book trip", icon="plus", style="pri", key="N"),
        "notifications": {"url": "/notices", "unread": 2},
        "account": {
            "name": "Dana Morales",
            "email": "dana@cedarridge.example",
            "url": "/account",
            "sign_out_url": "/sign-out",
        },
        "live_url": "/live",
        "expires_in": 900,
        "csrf_token": "sample-token",
    }


def driver() -> dict[str, Any]:
    """What the crew's frame asks beyond the shell."""
    return {
        "back_url": "/drive",
        "screen_title": "Trip 2 of 5",
        "message_url": "/drive/messages",
        "leg_url": "/drive/7",
        "worker_url": "/drive/sw.js",
    }


def offers() -> list[dict[str, Any]]:
    """Two offers: one that fits and closes soon, one that would be late."""
    return [
        {
            "id": "offer-1",
            "deadline": NOW + dt.timedelta(seconds=138),
            "seconds": 420,
            "price": Decimal("476"),
            "price_note": "contract BLS · 11.3 mi",
            "level": "BLS",
            "level_icon": "ambulance",
            "pickup": "15:00 Cedar Ridge 4W",
            "dropoff": "Bayview Rehab",
            "dropoff_note": "61 Shore Dr",
            "needs": "118 lb · oxygen 3 L, needs watching",
            "fit": {"tone": "ok", "icon": "done", "text": "Unit 7 fits: arrives 14:52"},
        },
        {
            "id": "offer-2",
            "deadline": NOW + dt.timedelta(seconds=372),
            "seconds": 420,
            "price": Decimal("138"),
            "price_note": "contract stretcher · 6.8 mi",
            "level": "Stretcher",
            "level_icon": "bed",
            "pickup": "15:45 Cedar Ridge 5N",
            "dropoff": "Willow Creek SNF",
            "needs": "240 lb · no oxygen · ramp at rear",
            "fit": {"tone": "warn", "icon": "risk", "text": "Unit 12 would be 12 min late"},
            "note": "A counter of 16:00 keeps unit 12 on time.",
        },
    ]


def schedule() -> list[dict[str, Any]]:
    """Three vehicles with every style of job."""

    def job(label: str, start: dt.datetime, end: dt.datetime, tone: str, icon: str, style: str = "") -> dict[str, Any]:
        return {
            "label": label,
            "start": start,
            "end": end,
            "tone": tone,
            "icon": icon,
            "style": style,
            "url": "/trips/48219",
        }

    return [
        {
            "label": "Tamarack 12",
            "sub": "Stretcher · Ruiz, Bell",
            "jobs": [
                job("Fenn", at(12, 40), at(13, 55), "warn", "risk"),
                job("Brandt", at(14, 31), at(15, 6), "warn", "s3"),
                job("Diaz", at(16, 30), at(17, 25), "info", "s2", "plan"),
            ],
        },
        {
            "label": "Tamarack 7",
            "sub": "BLS · Hahn, Ortiz",
            "jobs": [
                job("Kemp", at(11, 30), at(12, 20), "neutral", "", "dim"),
                job("Webb", at(13, 5), at(14, 5), "move", "s6"),
                job("Lindqvist", at(14, 52), at(15, 50), "hold", "sparkles", "sug"),
            ],
        },
        {
            "label": "Prairie 9",
            "sub": "ALS · Stone, Wu",
            "jobs": [job("Okafor", at(13, 30), at(14, 24), "bad", "late")],
            "off": [{"label": "Lift repair", "start": at(15), "end": at(16, 30)}],
        },
    ]


def gallery() -> dict[str, Any]:
    """Everything that templates/ui/gallery.html shows."""
    bad_form = TripForm({"bad-pickup_time": "13:15", "bad-payer": "a"}, prefix="bad")
    bad_form.is_valid()
    return {
        **shell(),
        "now": NOW,
        "somewhere": "/somewhere",
        "zone": ZONE,
        "statuses": STATUSES,
        "exceptions": [
            {
                "tone": "bad",
                "title": "Okafor’s wheelchair van is 14 min late to 4W-12",
                "detail": "Evergreen’s unit 7 is behind a road closure. Next best: Northbound 3 at 13:52, $4 more.",
                "actions": [
                    action("Switch to Northbound", method="post", fields={"vendor": "northbound"}),
                    action("Message vendor"),
                ],
            },
            {
                "tone": "warn",
                "icon": "file-signature",
                "title": "Lindqvist’s ambulance needs a signed PCS before 15:00",
                "detail": "The form is filled in from the chart. Dr. Amari has not signed; asked 26 min ago.",
                "actions": [action("Ask covering physician"), action("Ask again")],
                "owner": "Reggie is on this, 13:42",
            },
        ],
        "views": [
            {"label": "Today, my units", "url": "?view=today", "count": 14, "current": True},
            {"label": "Late or at risk", "url": "?view=late", "count": 2},
        ],
        "view_tools": [action("Save view", icon="bookmark-plus", style="ghost")],
        "filters": [
            {"name": "level", "label": "Level", "value": "", "options": [("", "All"), ("bls", "BLS")]},
            {"name": "vendor", "label": "Vendor", "value": "t", "options": [("", "All"), ("t", "Tamarack")]},
        ],
        "search": {"label": "Find in this list", "value": ""},
        "columns": [
            {"label": "Pickup", "sort": "pickup", "sorted": "ascending"},
            {"label": "Patient", "sort": "patient"},
            {"label": "To"},
            {"label": "Status"},
            {"label": "Amount", "cls": "r"},
        ],
        "rows": [
            {
                "id": f"trip-{number}",
                "selected": number == 48219,
                "cells": [
                    {"text": "13:30", "cls": "b", "sub": "14 min late"},
                    {"text": name, "url": f"/trips/{number}", "sub": "4W-12 · 78 F"},
                    {"text": "Willow Creek SNF", "sub": "Wheelchair", "sub_icon": "accessibility"},
                    {"chip": status, "detail": detail},
                    {"text": "$138.00", "cls": "r b"},
                ],
            }
            for number, name, status, detail in (
                (48213, "Okafor, Miriam", "late", "14 min"),
                (48219, "Brandt, Walter", "at_risk", "16 min"),
                (48231, "Lindqvist, Ada", "offering", ""),
            )
        ],
        "page": Paginator(range(140), 50).page(2),
        "offers": offers(),
        "offer_actions": [
            action("Accept", method="post", style="pri", key="A"),
            action("Counter", key="C"),
            action("Decline", key="D", dialog="decline"),
        ],
        "events": [
            {"at": at(13, 41), "tone": "warn", "icon": "risk", "title": "ETA moved to 14:31", "detail": "16 min late"},
            {"at": at(12, 58), "tone": "info", "icon": "s2", "title": "Accepted by Tamarack Ambulance"},
            {"at": at(12, 52), "tone": "neutral", "icon": "plus", "title": "Booked by Dana Morales"},
        ],
        "milestones": [
            {"label": "Booked", "state": "done", "note": "12:52"},
            {"label": "Accepted", "state": "done", "note": "12:58"},
            {"label": "En route", "state": "now", "tone": "warn", "icon": "s4", "note": "due 14:00 · now 14:15"},
            {"label": "On board", "state": "", "note": "plan 14:25 · now 14:41"},
        ],
        "form": TripForm(initial={"destination": "Willow Creek", "mobility": "chair", "payer": "a"}),
        "bad_form": bad_form,
        "mobility_icons": {"walk": "footprints", "chair": "accessibility", "flat": "bed"},
        "combo": {"value": "p1", "text": "Cole, Agnes · 4E-12"},
        "options": [{"value": "p1", "text": "Cole, Agnes", "note": "4E-12", "tag": "MRN ••77"}],
        "undo": action("Undo", method="post"),
        "kpis": [
            {
                "label": "On-time pickup",
                "value": "91.4",
                "unit": "%",
                "tone": "ok",
                "change": "1.8 pts",
                "direction": "up",
                "target": "target 90%",
                "url": "/trips?view=late",
                "values": [84, 85, 84, 86, 87, 86, 88, 87, 89, 90, 90, 91.4],
                "goal": 90,
            },
            {
                "label": "Cost per trip",
                "value": "$112",
                "tone": "bad",
                "change": "$6",
                "direction": "up",
                "target": "target $108",
                "url": "/trips",
                "values": [106, 105, 107, 108, 110, 112],
                "goal": 108,
            },
        ],
        "series": [("Sep", 89.0), ("Oct", 91.0), ("Nov", 94.0)],
        "causes": [
            {"label": "Previous trip overran", "value": 15, "tone": "warn", "note": "41%"},
            {"label": "Hospital not ready", "value": 9, "tone": "neutral", "note": "24%, not counted"},
        ],
        "heat_hours": [f"{h:02d}" for h in range(8, 20)],
        "heat_rows": [
            {"label": d, "cells": [{"value": v, "level": min(v // 8, 4)} for v in range(3, 39, 3)]}
            for d in ("Mon", "Fri")
        ],
        "levels": [
            {"label": "Sedan", "free": "11 free", "note": "3 requested", "percent": 27, "tone": "ok"},
            {"label": "Stretcher", "free": "0 free", "note": "1 short", "percent": 100, "tone": "bad"},
        ],
        "schedule": schedule(),
        "window_start": at(12),
        "window_end": at(17),
        "stops": [
            {"lat": 43.073, "lon": -89.401, "label": "Cedar Ridge", "kind": "facility", "note": "Oak St entrance"},
            {"lat": 43.121, "lon": -89.352, "label": "Willow Creek", "kind": ""},
        ],
        "vehicles": [
            {
                "lat": 43.082,
                "lon": -89.381,
                "unit": "7",
                "label": "Okafor",
                "tone": "bad",
                "late": True,
                "at": at(13, 41),
            }
        ],
        "lines": [
            {"points": [(43.07, -89.37), (43.082, -89.381)], "style": "driven"},
            {"points": [(43.082, -89.381), (43.073, -89.401)], "style": "todo"},
            {"points": [(43.073, -89.401), (43.121, -89.352)], "style": "plan"},
        ],
        "unit": {
            "id": "4w",
            "name": "4 West",
            "note": "12 of 14 · 8 out",
            "beds": [
                {"label": "01", "name": "Petrov", "url": "/beds/1", "status": "en_route", "text": "13:50"},
                {"label": "02", "name": "", "url": "/beds/2", "status": "open", "vacant": True},
                {"label": "03", "name": "Brandt", "url": "/beds/3", "status": "at_risk", "text": "14:31", "act": True},
                {"label": "04", "name": "Ames", "url": "/beds/4", "status": ""},
            ],
        },
        "best": [
            {
                "name": "match",
                "value": "t7",
                "checked": True,
                "title": "Tamarack 7",
                "detail": "BLS · free 14:05 · 1.2 mi",
                "figures": [{"value": "14:52", "label": "pickup"}, {"value": "$476", "label": "94%"}],
            }
        ],
        "pairs": [
            {"label": "Pickup", "value": "Cedar Ridge, 4W-03", "note": "Oak St discharge entrance", "strong": True},
            {"label": "Distance", "value": "9.2 mi · 24 min"},
        ],
        "thread": [
            {"text": "Is the elevator in service?", "by": "Jo Tran, Tamarack", "at": at(13, 33)},
            {"text": "Yes, both cars.", "by": "You", "at": at(13, 36), "mine": True, "seen": "seen"},
        ],
        "quick": ["Patient is ready", "Running behind"],
        "strip": [
            {"value": "2", "label": "Late or declined", "url": "?s=late", "tone": "bad", "icon": "late"},
            {"value": "46 min", "label": "Ready to left, median", "url": "?s=left"},
        ],
        "groups": [
            {
                "title": "Trips",
                "options": [
                    {
                        "label": "48213 Okafor, 4W-12, late 14 min",
                        "url": "/trips/48213",
                        "icon": "late",
                        "tone": "bad",
                        "key": "↵",
                    }
                ],
            },
            {"title": "Do", "options": [{"label": "Book a trip", "url": "/book", "icon": "plus", "key": "N"}]},
        ],
    }


STATUSES = [
    ("draft", ""),
    ("offering", ""),
    ("accepted", ""),
    ("crew_assigned", ""),
    ("en_route", ""),
    ("at_pickup", ""),
    ("on_board", ""),
    ("at_destination", ""),
    ("completed", ""),
    ("at_risk", "16 min"),
    ("late", "14 min"),
    ("will_call", ""),
    ("canceled", ""),
    ("review", ""),
    ("tombstone", ""),
]
