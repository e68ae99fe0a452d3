"""A feed of the cast's Lakeshore and the walk of a message through it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from integrations.models import Feed, InboundMessage
from integrations.services import inbound
from integrations.tasks import apply_message
from logistics.accounts.services import organizations
from logistics.requests.models import Alert, Encounter, ServiceRequest
from tests.cast import Cast
from tests.support import act_as

ZONE = "America/New_York"


def make_feed(cast: Cast, **fields: Any) -> Feed:
    """An MLLP feed of Lakeshore that expects nothing of MSH-3 and MSH-4 unless told."""
    values = {"name": "EHR ADT", "time_zone": ZONE, "facility": cast.facilities["lakeshore"], **fields}
    with act_as(cast.staff()):
        return Feed.objects.create(**values)


def add_units(cast: Cast, *codes: str) -> None:
    """Further units of Lakeshore."""
    with act_as(cast.staff()):
        for code in codes:
            organizations.add_unit(facility=cast.facilities["lakeshore"], name=f"Unit {code}", code=code)


def message(
    event: str,
    at: str,
    *,
    control: str = "",
    visit: str = "V1",
    mrn: str = "700000",
    unit: str = "4A",
    room: str = "401",
    name: str = "Okafor^Ada",
    born: str = "19470312",
    disposition: str = "",
    left: str = "",
    expected: str | None = None,
    klass: str = "I",
    pid_tail: str = "",
    more: tuple[str, ...] = (),
    place: str = "",
) -> bytes:
    """One ADT message. ``at`` is local time of :data:`ZONE` as HL7 writes it."""
    pv1 = [""] * 46
    pv1[0:4] = ["PV1", "1", klass, f"{unit}^{room}^1^HOSP"]
    pv1[19] = f"{visit}^^^HOSP^VN"
    pv1[36], pv1[37], pv1[44], pv1[45] = disposition, place, "20260306201500", left
    lines = [
        f"MSH|^~\\&|EPIC|HOSP|PTRANS|PT|{at}||ADT^{event}|{control or f'{event}-{at}-{visit}'}|P|2.5.1",
        f"EVN|{event}|{at}||||{at}",
        f"PID|1||{mrn}^^^HOSP^MR||{name}||{born}|F|||1 High St^^Town^OH^44101||5551234567{pid_tail}",
        "|".join(pv1).rstrip("|"),
    ]
    if expected is not None:
        lines.append(f"PV2|||||||||{expected}")
    return "".join(f"{line}\r" for line in (*lines, *more)).encode()


def feed_in(cast: Cast, feed: Feed, raw: bytes, *, apply: bool = True) -> InboundMessage:
    """Receive ``raw`` and (unless told not to) let the worker run. Returns the stored row."""
    from hashlib import sha256

    inbound.receive(feed, raw)
    with act_as(cast.staff()):
        row = InboundMessage.objects.filter(feed=feed, digest=sha256(raw).digest()).latest("id")
        if apply and row.state == "received":
            apply_message.send_for(cast.staff(), row.pk)
            row.refresh_from_db()
        return row


def ride_state(cast: Cast, visit: str | None = None) -> str:
    """The status of the only stay's latest ride, or ``none``."""
    with act_as(cast.staff()):
        rides = list(ServiceRequest.objects.filter(kind="transport").order_by("-created_at"))
        return rides[0].status if rides else "none"


def alerts_of(cast: Cast, row: InboundMessage) -> list[str]:
    """The codes of the alerts that need a person, raised by this message."""
    with act_as(cast.staff()):
        found = Alert.objects.filter(source_message_id=row.pk).exclude(severity="info")
        return sorted(found.values_list("code", flat=True))


def stay(cast: Cast) -> Encounter:
    """The only stay."""
    with act_as(cast.staff()):
        return Encounter.objects.select_related("patient", "unit", "bed").get()


def utc(text: str) -> dt.datetime:
    """``2026-03-07T11:15Z`` as a moment."""
    return dt.datetime.fromisoformat(text)
