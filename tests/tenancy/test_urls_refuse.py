"""Every address × role × (own rows, another organization's rows), generated from the URL table.

A new URL is covered the moment it exists; one with an argument that is not known here fails until
``tests/tenancy/table.py`` and ``world.py`` say whose rows it takes.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from logistics.core import scoping
from logistics.core.logs import SafeFormatter
from logistics.core.models import AuditEntry, OutboxEvent
from tests.support import act_as, signed_in
from tests.tenancy.table import KEYS, STREAMS, Address, addresses
from tests.tenancy.world import World, build_world

# Whose rows are foreign to whom. A vendor that works for two health systems still must not see the other vendor's.
FOREIGN = {
    "lakeshore": "prairie",
    "prairie": "lakeshore",
    "northbound": "tamarack",
    "tamarack": "northbound",
    "carrywell": "lakeshore",
}
# Whose patients an organization may never see anywhere, own address or not.
NEVER = {
    "lakeshore": ("prairie",),
    "prairie": ("lakeshore",),
    "tamarack": ("prairie",),
    "carrywell": ("lakeshore", "prairie"),
}
METHODS = ("get", "post")
COOKIE = "carrywell_session"
EVERY = addresses()
WITH_ROWS = [address for address in EVERY if address.kwargs]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world for the whole module. Committed: a transaction of minutes would hold back the audit seals of others."""
    with django_db_blocker.unblock():
        try:
            yield build_world()
        finally:
            call_command("flush", verbosity=0, interactive=False, allow_cascade=True, inhibit_post_migrate=True)


@pytest.fixture(scope="module")
def sessions(world: World) -> dict[str, str]:
    """A session per person of the cast, by ``role@organization``."""
    return {key: signed_in(row).cookies[COOKIE].value for key, row in world.cast.people.items()}


def ask(session: str, method: str, path: str) -> Any:
    """One request of somebody's browser, opened anew."""
    browser = Client()
    browser.cookies[COOKIE] = session
    return getattr(browser, method)(path)


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside did not happen."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextlib.contextmanager
def logged() -> Iterator[io.StringIO]:
    """All log lines of the block as production would write them, of every level."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(SafeFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def body_of(response: Any) -> str:
    """The answer's text, if it is text."""
    if response.streaming or not response.get("Content-Type", "").startswith(("text/", "application/json")):
        return ""
    return response.content.decode(errors="replace")


def fingerprint(world: World) -> dict[str, str]:
    """A hash of every protected table as each side sees it, the trail of accesses left out."""
    cast = world.cast
    scopes = [
        cast.staff(cast.lakeshore),
        cast.staff(cast.prairie),
        cast.vendor(cast.northbound),
        cast.vendor(cast.tamarack),
    ]
    tables = [
        model._meta.db_table
        for model in apps.get_models()
        if {"tenant_id", "vendor_id", "organization_id"} & {f.attname for f in model._meta.concrete_fields}
        and not model._meta.db_table.startswith("core_")
    ]
    seen = {}
    for scope in scopes:
        with act_as(scope), connection.cursor() as cursor:
            for table in tables:
                cursor.execute("SELECT has_table_privilege(current_user, %s, 'SELECT')", [table])
                if cursor.fetchone()[0]:
                    cursor.execute(
                        f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                    )
                    seen[f"{scope.side} {scope.organization_id} {table}"] = cursor.fetchone()[0]
    return seen


@pytest.mark.parametrize("address", EVERY, ids=str)
def test_every_address_declares_who_may_open_it(address: Address) -> None:
    assert address.access is not None


@pytest.mark.parametrize("address", WITH_ROWS, ids=str)
def test_another_organizations_rows_are_absent_for_every_role(
    world: World, sessions: dict[str, str], address: Address
) -> None:
    wrong = []
    with undone():
        before = fingerprint(world)
        for key, session in sessions.items():
            slug = key.partition("@")[2]
            path = address.path(world, FOREIGN[slug])
            permitted = _permitted(address, world, key)
            # The permission is asked before the method is looked at.
            methods = ("get",) if address.name in KEYS else METHODS if permitted else ("post",)
            for method in methods:
                response = ask(session, method, path)
                if response.status_code not in ((404, 405) if permitted else (403,)) and address.name not in KEYS:
                    wrong.append(f"{method} {path} as {key}: {response.status_code}")
                for secret in _secrets_against(world, slug, FOREIGN[slug]):
                    if secret in body_of(response):
                        wrong.append(f"{method} {path} as {key} shows {secret}")
        after = fingerprint(world)
    assert wrong == []
    assert after == before


@pytest.mark.parametrize("address", EVERY, ids=str)
def test_own_rows_open_with_the_permission_only_and_never_break(
    world: World, sessions: dict[str, str], address: Address
) -> None:
    wrong = []
    for key, session in sessions.items():
        slug = key.partition("@")[2]
        path = address.path(world, slug)
        permitted = _permitted(address, world, key)
        if permitted and address.name in STREAMS:
            continue
        for method in METHODS if permitted else ("post",):
            with undone(), logged() as lines:
                response = ask(session, method, path)
            status = response.status_code
            if status >= 500 or (status == 403) == permitted:
                wrong.append(f"{method} {path} as {key}: {status}")
            wrong += _spilled(world, slug, response, lines.getvalue(), f"{method} {path} as {key}")
    assert wrong == []


@pytest.mark.parametrize("address", EVERY, ids=str)
def test_nobody_without_sign_in_gets_past_the_public_pages(world: World, address: Address) -> None:
    path = address.path(world, "lakeshore")
    for method in METHODS:
        with undone():
            response = getattr(Client(), method)(path)
        if address.access is not None and address.access.public:
            assert response.status_code < 500
        else:
            assert response.status_code in (302, 401)
            assert "Zzq" not in body_of(response)


@pytest.mark.parametrize("address", EVERY, ids=str)
def test_the_password_alone_opens_no_page_of_the_product(world: World, address: Address) -> None:
    if address.access is None or address.access.public or address.access.signing_in:
        return
    client = signed_in(world.cast.people["transport_coordinator@lakeshore"], second_factor=False)
    for method in METHODS:
        with undone():
            response = getattr(client, method)(address.path(world, "lakeshore"))
        assert response.status_code in (302, 401)
        assert "/sign-in/code" in response.get("Location", "/sign-in/code")


def test_nothing_that_names_a_patient_is_in_events_or_the_audit_trail(world: World) -> None:
    texts = []
    with act_as(scoping.Scope.system()):
        texts += [f"{event.topic} {event.payload}" for event in OutboxEvent.objects.all()]
        texts += [str(sorted(vars(entry).items())) for entry in AuditEntry.objects.all()]
    assert len(texts) > 200
    secrets = [*world.secrets("lakeshore"), *world.secrets("prairie")]
    assert [text for text in texts if any(secret in text for secret in secrets)] == []


def test_the_canaries_are_where_they_belong(world: World, sessions: dict[str, str]) -> None:
    """Else every search above would find nothing because nothing is there."""
    patient = world.ids["lakeshore"]["patient_id"]
    page = body_of(ask(sessions["case_manager@lakeshore"], "get", f"/patients/{patient}"))
    assert world.secrets("lakeshore")[0] in page


def _permitted(address: Address, world: World, key: str) -> bool:
    declared = address.access
    assert declared is not None
    if declared.public or declared.signed_in or declared.signing_in:
        return True
    return declared.permission in world.cast.people[key].definition.permissions


def _secrets_against(world: World, slug: str, foreign: str) -> tuple[str, ...]:
    return world.secrets(foreign) if foreign in ("lakeshore", "prairie") else world.secrets("prairie")


def _spilled(world: World, slug: str, response: Any, lines: str, where: str) -> list[str]:
    out = []
    for owner in ("lakeshore", "prairie"):
        for secret in world.secrets(owner):
            if secret in lines:
                out.append(f"{where} logs {secret}")
            if secret in response.get("Location", "") + response.get("HX-Redirect", ""):
                out.append(f"{where} puts {secret} into an address")
            if response.status_code in (400, 403, 404, 405, 500) and secret in body_of(response):
                out.append(f"{where} shows {secret} in an error")
            if owner in NEVER.get(slug, ()) and secret in body_of(response):
                out.append(f"{where} shows {secret} of {owner}")
    return out
