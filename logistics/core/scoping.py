"""Whose rows this piece of work may touch.

A scope is opened in few places only (request middleware, API authentication, the Celery base task, the
relay and the feed listeners, ``act_as`` in tests) and does two things at once: it takes a database role
with ``SET LOCAL ROLE`` and the ids that the row-level policies compare with, and it makes the scoped
managers filter. Without a scope the managers raise and the database refuses.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection, models
from psycopg2 import extensions

ROLE_OF_SIDE = {
    "self": "none",  # a signed-in person before an organization is chosen: the login role itself
    "staff": "cw_staff",
    "vendor": "cw_vendor",
    "cross": "cw_cross",
    "system": "cw_system",
}


class NoScope(RuntimeError):
    """A scoped row was asked for while no scope is open."""


class ScopeSwitchRefused(RuntimeError):
    """Work for one organization tried to become work for another."""


@dataclass(frozen=True)
class Scope:
    """Who works for whom. ``side`` is one of :data:`ROLE_OF_SIDE`."""

    side: str
    tenant_id: UUID | None = None
    vendor_id: UUID | None = None
    user_id: UUID | None = None
    actor_label: str = "system"
    actor_role: str = "system"
    request_id: str = ""
    client_ip: str = ""

    @classmethod
    def staff(cls, tenant_id: UUID, **who: Any) -> Scope:
        """Work inside one health system."""
        return cls(side="staff", tenant_id=tenant_id, **who)

    @classmethod
    def vendor(cls, vendor_id: UUID, **who: Any) -> Scope:
        """Work inside one vendor: its own supply, its offers, the trips awarded to it."""
        return cls(side="vendor", vendor_id=vendor_id, **who)

    @classmethod
    def system(cls, **who: Any) -> Scope:
        """Moving events and raw messages; sees no patient, request or trip row."""
        return cls(side="system", **who)

    def crossing(self, tenant_id: UUID) -> Scope:
        """This vendor acting on one health system's trip: the only scope that knows both."""
        if self.side not in ("vendor", "cross") or self.vendor_id is None:
            raise ScopeSwitchRefused("only a vendor crosses into a health system's trip")
        return replace(self, side="cross", tenant_id=tenant_id)

    @property
    def organization_id(self) -> UUID | None:
        """The organization that the actor belongs to."""
        return self.vendor_id if self.side in ("vendor", "cross") else self.tenant_id


_current: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("carrywell_scope", default=None)


def current() -> Scope:
    """The open scope; raises :class:`NoScope` when there is none."""
    scope = _current.get()
    if scope is None:
        raise NoScope("no scope is open: rows of an organization cannot be read or written")
    return scope


def current_or_none() -> Scope | None:
    """The open scope or None."""
    return _current.get()


def current_tenant_id() -> UUID:
    """The health system that new rows belong to; raises :class:`NoScope` where none is known."""
    scope = current()
    if scope.tenant_id is None:
        raise NoScope(f"a {scope.side} scope has no health system")
    return scope.tenant_id


def current_vendor_id() -> UUID:
    """The vendor that new supply rows belong to; raises :class:`NoScope` where none is known."""
    scope = current()
    if scope.vendor_id is None:
        raise NoScope(f"a {scope.side} scope has no vendor")
    return scope.vendor_id


@contextlib.contextmanager
def enter(scope: Scope) -> Iterator[Scope]:
    """Open ``scope`` for the block. A transaction must be open: the role ends with it.

    A step to another organization is refused (except from the system side, which serves them all).
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a scope needs an open transaction: SET LOCAL ends with it")
    outer = _current.get()
    _refuse_switch(outer, scope)
    _take(scope)
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)
        if _usable():
            if outer is None:
                _take(Scope(side="self"))
            else:
                _take(outer)


def _refuse_switch(outer: Scope | None, inner: Scope) -> None:
    if outer is None or outer.side in ("system", "self"):
        return
    if inner.side == "system":
        raise ScopeSwitchRefused("an organization's work does not become system work")
    if outer.side in ("staff", "cross") and inner.tenant_id != outer.tenant_id:
        raise ScopeSwitchRefused("work for one health system does not become work for another")
    if outer.side in ("vendor", "cross") and inner.vendor_id != outer.vendor_id:
        raise ScopeSwitchRefused("work for one vendor does not become work for another")
    if outer.side == "staff" and inner.side != "staff":
        raise ScopeSwitchRefused("a health system's work does not become a vendor's")


def _take(scope: Scope) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, true), set_config('app.tenant_id', %s, true),"
            " set_config('app.vendor_id', %s, true), set_config('app.user_id', %s, true)",
            [
                ROLE_OF_SIDE[scope.side],
                str(scope.tenant_id or ""),
                str(scope.vendor_id or ""),
                str(scope.user_id or ""),
            ],
        )


def _usable() -> bool:
    """False once the transaction failed or ended: then its role is gone by itself."""
    raw = connection.connection
    if raw is None or not connection.in_atomic_block or connection.needs_rollback:
        return False
    return raw.info.transaction_status == extensions.TRANSACTION_STATUS_INTRANS


class ScopedManager(models.Manager):
    """Rows of the open scope only. Raises :class:`NoScope` without one (wall one of two)."""

    def none(self) -> models.QuerySet:
        """No rows: the one query that needs no scope (a form's field before it knows its choices)."""
        return super().get_queryset().none()

    def get_queryset(self) -> models.QuerySet:
        """All rows that the open scope may name; row-level security checks the same again."""
        scope = current()
        queryset = super().get_queryset()
        if scope.side == "system":
            return queryset
        names = {field.attname for field in self.model._meta.concrete_fields}
        if scope.tenant_id is not None and "tenant_id" in names and scope.side in ("staff", "cross"):
            return queryset.filter(tenant_id=scope.tenant_id)
        if scope.side in ("vendor", "cross") and "vendor_id" in names:
            return queryset.filter(vendor_id=scope.vendor_id)
        return queryset
