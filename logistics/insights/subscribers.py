"""What insights does when trips end."""

from __future__ import annotations

from django.core.cache import cache

from logistics.core import outbox, scoping
from logistics.insights import tasks

# Scorecards of a health system are computed at most once in this time, however many trips end in it.
DEBOUNCE_SECONDS = 60


@outbox.subscribe("trip.completed")
def refresh_scorecards(event: outbox.Event) -> None:
    """Have the scorecards computed soon. A trip that ends while a computation is due is seen by that one."""
    if event.tenant_id is None or not cache.add(f"scorecards-due:{event.tenant_id}", 1, timeout=DEBOUNCE_SECONDS):
        return
    tasks.publish_own_scorecards.send_for(scoping.Scope.staff(event.tenant_id), countdown=DEBOUNCE_SECONDS)
