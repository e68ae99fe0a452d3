"""The address book: what pages list and pickers offer."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from logistics.requests.models import Place


def named(q: str) -> Q:
    """Places whose name, alias, street or city has every word of ``q``."""
    condition = Q()
    for word in q.split():
        condition &= (
            Q(name__icontains=word) | Q(aliases__icontains=word) | Q(address__icontains=word) | Q(city__icontains=word)
        )
    return condition


def place_list(*, q: str = "", kind: str = "", active: bool = True) -> QuerySet[Place]:
    """Places by name, narrowed by words and kind."""
    places = Place.objects.filter(named(q), is_active=active)
    if kind:
        places = places.filter(kind=kind)
    return places.order_by("name", "id")


def place_find(q: str, *, limit: int = 8) -> list[Place]:
    """Places for a picker, last used first."""
    places = Place.objects.filter(named(q), is_active=True)
    return list(places.order_by(F("last_used_at").desc(nulls_last=True), "name")[:limit])
