"""Teaching a feed which unit its words mean."""

from __future__ import annotations

from integrations.hl7v2.adt import Place as Location
from integrations.hl7v2.adt import read_all
from integrations.hl7v2.parse import parse
from integrations.models import Feed, InboundMessage, UnitMapping
from integrations.services.messages import replay
from logistics.accounts.models import Unit
from logistics.core import audit, scoping
from logistics.core.errors import DomainError

MAPPABLE = ("unmapped_unit", "unmapped_facility")


def code_in(message: InboundMessage) -> tuple[str, str]:
    """(PV1-3.1, PV1-3.4) that stopped ``message``; empty where it names none."""
    feed = Feed.objects.get(pk=message.feed_id)
    parsed = parse(message.raw, zone=feed.time_zone)
    if not parsed.ok:
        return "", ""
    codes = [
        ((place.point_of_care or "").strip()[:80], (place.facility or "").strip()[:80])
        for place in (event.location for event in read_all(parsed))
        if isinstance(place, Location) and place.point_of_care
    ]
    # Of a swap's two places, the one that the problem quotes.
    return next((pair for pair in codes if f'"{pair[0][:40]}"' in message.problem), codes[0] if codes else ("", ""))


def map_unit(message: InboundMessage, *, unit: Unit) -> tuple[UnitMapping, int]:
    """Remember that the code which stopped ``message`` means ``unit``, and replay all that stopped for it.

    Returns (mapping, how many are replayed). Raises :class:`DomainError` when the message did not stop for that.
    """
    if message.state != "stopped" or message.problem_code not in MAPPABLE:
        raise DomainError("This message did not stop for a unit's code.", code="not_mappable")
    code, site = code_in(message)
    if not code:
        raise DomainError("This message names no unit.", code="not_mappable")
    mapping = save(feed=Feed.objects.get(pk=message.feed_id), point_of_care=code, facility_code=site, unit=unit)
    same = InboundMessage.objects.filter(
        feed_id=message.feed_id, state="stopped", problem_code=message.problem_code, problem=message.problem
    )
    return mapping, replay(list(same))


def save(*, feed: Feed, point_of_care: str, facility_code: str, unit: Unit) -> UnitMapping:
    """Set what a feed's code means; an existing mapping of the code is changed."""
    code, site = point_of_care.strip()[:80], facility_code.strip()[:80]
    if not code:
        raise DomainError(
            "Give the code that the EHR sends.", code="code_missing", fields={"point_of_care": "Give the code."}
        )
    mapping, made = UnitMapping.objects.update_or_create(
        feed=feed,
        point_of_care=code,
        facility_code=site,
        defaults={"unit": unit, "created_by_name": scoping.current().actor_label[:120]},
    )
    audit.record(
        action="mapping.created" if made else "mapping.changed", target=mapping, details={"unit_id": str(unit.pk)}
    )
    return mapping


def remove(mapping: UnitMapping) -> None:
    """Forget a mapping. Messages that were applied by it stay as they are."""
    audit.record(action="mapping.removed", target=mapping, details={"unit_id": str(mapping.unit_id)})
    mapping.delete()
