"""axe finds nothing on any page, light and dark: every address of the product that shows a page."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.stack import Stack, running
from tests.support import signed_in
from tests.tenancy.table import STREAMS, Address, addresses
from tests.tenancy.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Who opens a page first where several roles may: the role whose work it is.
FIRST = (
    "case_manager@lakeshore", "transport_coordinator@lakeshore", "admin@lakeshore", "integration_engineer@lakeshore",
    "biller@lakeshore", "payables@lakeshore", "auditor@lakeshore", "analyst@lakeshore", "vendor_admin@northbound",
    "driver@northbound", "operator@carrywell",
)  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_no_page_has_an_accessibility_violation_in_either_theme(new_page: Any) -> None:
    world = build_world()
    problems: list[str] = []
    seen: set[str] = set()
    with running("web") as stack:
        try:
            for key in FIRST:
                problems += _walk(world, stack, new_page, key, seen)
        finally:
            new_page.close()
    assert not problems, "\n".join(problems)
    assert len(seen) > 40, f"only {len(seen)} pages were looked at"


def _walk(world: World, stack: Stack, new_page: Any, key: str, seen: set[str]) -> list[str]:
    membership = world.cast.people[key]
    slug = key.partition("@")[2]
    cookie = signed_in(membership).cookies["carrywell_session"].value
    size = {"width": 390, "height": 844} if membership.role == "driver" else {"width": 1440, "height": 900}
    page = new_page(viewport=size)
    page.context.add_cookies([{"name": "carrywell_session", "value": cookie, "url": stack.url}])
    problems = []
    for address in addresses():
        if not _opens(address, membership) or address.name in seen:
            continue
        response = page.request.get(f"{stack.url}{address.path(world, slug)}", max_redirects=0)
        if response.status != 200 or "text/html" not in response.headers.get("content-type", ""):
            continue
        if "<html" not in response.text():
            continue  # a fragment that a page above includes
        seen.add(address.name)
        page.goto(f"{stack.url}{address.path(world, slug)}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            problems += _violations(page, address.name, scheme)
    page.context.close()
    return problems


def _opens(address: Address, membership: Any) -> bool:
    access = address.access
    if access is None or address.name in STREAMS:
        return False
    return access.public or access.signed_in or access.permission in membership.definition.permissions


def _violations(page: Any, name: str, scheme: str) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    return [f"{name} ({scheme}): {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found.response["violations"]]
