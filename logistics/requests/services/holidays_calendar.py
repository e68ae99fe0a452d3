"""Days on which a center may not treat: US federal holidays, and what the center itself says.

A federal holiday only warns, since many dialysis centers treat on most of them; a closed day of the center's own
calendar outranks it and may say on which day its chairs run instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from uuid import UUID

from logistics.core import audit, outbox
from logistics.core.errors import DomainError
from logistics.requests.models import ClosedDay, Place
from logistics.requests.services.recurrence import Closure


@lru_cache(maxsize=32)
def federal(year: int) -> Mapping[dt.date, str]:
    """The federal holidays of one year (5 U.S.C. 6103), on the days on which they are observed."""
    # Here and not above: it is a tenth of a second that every process would pay at its start.
    import holidays

    return {day: str(name) for day, name in holidays.country_holidays("US", years=year).items() if day.year == year}


def closures_between(first: dt.date, until: dt.date, place_id: UUID | None) -> dict[dt.date, Closure]:
    """Every holiday and closed day from ``first`` to ``until``: the center's own word outranks. One query."""
    own = ClosedDay.objects.filter(place_id=place_id, on__range=(first, until)) if place_id is not None else []
    return merged(first, until, own)


def merged(first: dt.date, until: dt.date, own: Iterable[ClosedDay]) -> dict[dt.date, Closure]:
    """The same from rows that were read already."""
    found = {
        day: Closure(name, closed=False, moves=not name.endswith("(observed)"))
        for year in range(first.year, until.year + 1)
        for day, name in federal(year).items()
        if first <= day <= until
    }
    found |= {row.on: Closure(row.name, row.moved_to) for row in own if first <= row.on <= until}
    return found


def close(*, place: Place, on: dt.date, name: str, moved_to: dt.date | None, today: dt.date) -> ClosedDay:
    """``place`` does not treat on ``on``; the same day told twice is changed. Publishes ``place.closed_day``.

    Raises :class:`DomainError` whose ``fields`` say what to change.
    """
    problems = {}
    if on < today:
        problems["on"] = "Choose a day from today on: past rides do not change."
    if len(name.strip()) < 2:
        problems["name"] = "Write why it is closed, e.g. Thanksgiving."
    if moved_to is not None and (moved_to == on or abs((moved_to - on).days) > 7):
        problems["moved_to"] = "Chairs move to another day of the same week, at most 7 days away."
    if problems:
        raise DomainError("The closed day needs a change.", code="closed_day", fields=problems)
    row, _ = ClosedDay.objects.update_or_create(
        place=place, on=on, defaults={"name": name.strip()[:60], "moved_to": moved_to}
    )
    audit.record(action="place.closed_day", target=place, details={"on": on.isoformat()})
    outbox.publish("place.closed_day", {"place_id": str(place.pk), "on": on.isoformat()})
    return row


def reopen(*, place: Place, on: dt.date) -> bool:
    """The day is an ordinary one again. False when it was. Publishes ``place.opened_day``."""
    gone, _ = ClosedDay.objects.filter(place=place, on=on).delete()
    if gone:
        audit.record(action="place.opened_day", target=place, details={"on": on.isoformat()})
        outbox.publish("place.opened_day", {"place_id": str(place.pk), "on": on.isoformat()})
    return bool(gone)
