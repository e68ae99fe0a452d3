"""The URL table as the tests see it: every address, what it takes, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from logistics.core import access
from tests.tenancy.world import World

# Streams answer for ever; tests/core/test_live_follow.py opens them on a real socket.
STREAMS = {"live"}
# Whoever holds such an address opens it, from any organization or none: it is a key, and shows no patient
# (tests/dispatch/test_will_call_watch.py).
KEYS = {"dispatch:ready_link"}
# What "pk" is in each view. A view that is not here fails its test until somebody says whose row it takes.
PKS = {
    "vendors:scorecard": "vendors.scorecard",
    "vendors:member": "vendors.network",
    "vendors:member_status": "vendors.network",
    "vendors:member_terms": "vendors.network",
    "vendors:contract": "vendors.contract",
    "vendors:contract_rate": "vendors.contract",
    "vendors:contract_rate_remove": "vendors.contract",
    "vendors:contract_sign": "vendors.contract",
    "vendors:contract_cancel_terms": "vendors.contract",
    "vendors:vehicle_service": "vendors.vehicle",
    "billing:charge": "billing.charge",
}


@dataclass(frozen=True)
class Address:
    """One line of the URL table."""

    name: str
    kwargs: tuple[str, ...]
    access: access.Access | None

    def path(self, world: World, slug: str) -> str:
        """The address with the rows of the organization ``slug``."""
        return reverse(self.name, kwargs={kwarg: self._value(world, slug, kwarg) for kwarg in self.kwargs})

    def _value(self, world: World, slug: str, kwarg: str) -> Any:
        if kwarg == "pk":
            return world.pks[slug][PKS[self.name]]
        return world.ids[slug][kwarg]

    def __str__(self) -> str:
        return self.name


def addresses() -> list[Address]:
    """Every address of the product, by name."""
    return sorted(_walk(get_resolver().url_patterns, ""), key=lambda address: address.name)


def _walk(patterns: Any, namespace: str) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, f"{pattern.pattern} has no name"
            kwargs = tuple(pattern.pattern.converters)
            yield Address(f"{namespace}{pattern.name}", kwargs, access.access_of(pattern.callback))
