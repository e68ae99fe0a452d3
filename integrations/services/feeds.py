"""Adding and changing feeds."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from integrations.models import Feed
from logistics.core import audit, outbox
from logistics.core.errors import DomainError


def save(feed: Feed | None, **values: Any) -> Feed:
    """Create (``feed`` None) or change a feed; its listener follows within seconds.

    Raises :class:`DomainError` naming the field when the name or the port is taken (also by another health
    system: the words do not tell which).
    """
    made = feed is None
    feed = feed or Feed()
    for name, value in values.items():
        setattr(feed, name, value)
    try:
        with transaction.atomic():
            feed.save()
    except IntegrityError as error:
        if "integrations_feed_name" in str(error):
            raise DomainError(
                "Another feed has this name.", code="name_taken", fields={"name": "Choose another name."}
            ) from error
        raise DomainError(
            "This port is taken.", code="port_taken", fields={"port_offset": "Choose another port number."}
        ) from error
    audit.record(
        action="feed.created" if made else "feed.changed",
        target=feed,
        details={"active": feed.is_active, "port_offset": feed.port_offset, "fields": sorted(values)},
    )
    outbox.publish("feed.changed", {"feed_id": str(feed.pk)})
    return feed


def free_offset() -> int:
    """The lowest port offset that no feed of this health system uses."""
    used = set(Feed.objects.values_list("port_offset", flat=True))
    return next(number for number in range(1000) if number not in used)
