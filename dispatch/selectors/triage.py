"""What needs a person now: each trip or alert as one sentence with its one best action, the worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from dispatch.models import Leg, Trip
from dispatch.selectors.delay import Delay
from dispatch.selectors.journeys import Journey
from dispatch.selectors.passenger import Shown
from dispatch.selectors.trip_page import alert_text
from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests.alerts import sentence_of
from logistics.requests.models import Alert

MOST_ALERTS = 20
# Lower comes first: nobody to ask, late, alarm, at risk, waiting for a decision, other alerts.
EXHAUSTED, LATE, ALARM, AT_RISK, HELD, ALERT = range(6)


@dataclass
class Row:
    """One open trip with what the console says about it; ``asked`` vendors were asked, ``queue`` are left."""

    trip: Trip
    leg: Leg
    who: Shown
    delay: Delay
    chip: dict[str, str]
    asked: int
    queue: int
    journey: Journey | None = None

    @property
    def name(self) -> str:
        """``48219 Brandt``."""
        return f"{self.trip.number} {self.who.surname}"

    @property
    def pickup(self) -> str:
        """The agreed pickup on its own clock."""
        return f"{clock.local(self.trip.pickup_at, self.trip.time_zone):%H:%M}"

    @property
    def vendor(self) -> str:
        """The vendor's name, empty before acceptance."""
        return self.trip.vendor.name if self.trip.vendor else ""


def exceptions(rows: list[Row], back: str) -> list[dict[str, Any]]:
    """Rows for ``ui/exception.html``; ``back`` is where their actions return to. One query, for the alerts."""
    found = [said for row in rows for said in [_trip(row, back)] if said is not None]
    found += _alerts({row.trip.request_id: row.trip.number for row in rows}, back)
    return sorted(found, key=lambda item: item["order"])


def _trip(row: Row, back: str) -> dict[str, Any] | None:
    trip, delay = row.trip, row.delay
    level = LEVELS[trip.level].label
    opened = {"label": "Open", "url": reverse("dispatch:trip", args=[trip.number])}
    again = _post("Match again", "trip_match", trip.number, back)
    ask = _post("Ask all now", "trip_ask_all", trip.number, back) if row.queue else again
    other = {"label": "Find another vendor", "url": reverse("dispatch:trip_take_back", args=[trip.number])}
    asked = f"{row.asked} asked."
    if trip.status == "exhausted":
        title, detail = f"{row.name}: nobody is left to ask", f"Pickup {row.pickup}. {level}. {asked}"
        return _say("bad", title, detail, [again, opened], EXHAUSTED)
    if trip.status == "held":
        resume = _post("Let it go on", "trip_resume", trip.number, back)
        detail = f"Pickup {row.pickup}. {row.vendor or 'No vendor yet'}."
        return _say("hold", f"{row.name} is on hold", detail, [resume, opened], HELD, icon="hold")
    if not delay.kind:
        return None
    started = row.leg.status not in ("planned", "assigned")
    best = [ask, opened] if not row.vendor else [opened] if started else [other, opened]
    if delay.kind == "late":
        doing = f"{row.vendor}, {row.leg.status.replace('_', ' ')}." if row.vendor else f"{level}. {asked}"
        title = f"{row.name} late {delay.detail}"
        return _say("bad", title, f"Pickup was {row.pickup}. {doing}", best, LATE, minutes=delay.minutes)
    title = f"{row.name} likely {delay.detail} late" if delay.minutes else f"{row.name}: no vendor for {row.pickup}"
    detail = f"{row.vendor}." if row.vendor else f"{level}. {asked}"
    return _say("warn", title, detail, best, AT_RISK, minutes=delay.minutes)


def _alerts(numbers: dict[Any, int], back: str) -> Iterable[dict[str, Any]]:
    """Alerts that nobody has taken on. An exhausted trip says so itself; its alert would say it twice."""
    unseen = Alert.objects.filter(acknowledged_at__isnull=True).exclude(code="exhausted").order_by("-raised_at")
    for alert in unseen[:MOST_ALERTS]:
        tone = {"top": "bad", "warn": "warn"}.get(alert.severity, "info")
        number = numbers.get(alert.request_id)
        actions = [_post("I take this on", "alert_acknowledge", alert.pk, back)]
        # Where it is settled may be another trip than the one it speaks of: a return that is not secured.
        target = alert.params.get("trip") or number
        if target:
            label = sentence_of(alert).action if alert.params.get("trip") else "Open"
            actions.insert(0, {"label": label, "url": reverse("dispatch:trip", args=[target])})
        text = alert_text(alert)
        title = f"{number}: {text}" if number else text
        yield _say(tone, title, "", actions, ALARM if tone == "bad" else ALERT, icon="bell")


def _say(
    tone: str,
    title: str,
    detail: str,
    actions: list[dict[str, Any]],
    order: int,
    *,
    minutes: int = 0,
    icon: str = "",
) -> dict[str, Any]:
    return {
        "tone": tone, "icon": icon, "title": title, "detail": detail, "actions": actions, "order": (order, -minutes),
    }  # fmt: skip


def _post(label: str, name: str, argument: Any, back: str) -> dict[str, Any]:
    url = reverse(f"dispatch:{name}", args=[argument])
    return {"label": label, "url": url, "method": "post", "fields": {"next": back}}
