"""The pages of the level rules: read, draft, change, publish, go back."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from logistics.requests.services import rule_sets
from tests.cast import Cast
from tests.requests.test_rule_set_publish import LONG_STAIRS, admin, published
from tests.support import act_as, signed_in

pytestmark = pytest.mark.django_db


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_every_rule_is_shown_with_its_reason_and_source(cast: Cast) -> None:
    text = page(signed_in(cast.people["transport_coordinator@lakeshore"]), "/rules/levels")
    assert "Built-in table" in text
    assert "IV running" in text
    assert "42 CFR 410.41(b)(2), advanced life support crew" in text
    assert "Draft a new version" not in text  # reads, does not write


def test_an_admin_drafts_a_rule_publishes_it_and_goes_back(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    assert client.post("/rules/levels/draft").status_code == 303
    answer = client.post("/rules/levels/draft/rule", LONG_STAIRS)
    assert (answer.status_code, answer["Location"]) == (303, "/rules/levels/draft")
    text = page(client, "/rules/levels/draft")
    assert "<b>Added:</b> Steps at one end above 12 steps" in text
    seen = re.search(r'name="seen" value="([^"]+)"', text)
    assert seen is not None

    unsure = client.post("/rules/levels/publish", {"note": "Stairs of the lift team", "seen": seen[1]})
    assert unsure.status_code == 422
    assert "Look at the differences, then tick this." in unsure.content.decode()
    done = client.post("/rules/levels/publish", {"note": "Stairs of the lift team", "seen": seen[1], "sure": "on"})
    assert done.status_code == 303
    text = page(client, "/rules/levels")
    assert "Version 1 is in force." in text
    assert LONG_STAIRS["reason"] in text

    old = page(client, "/rules/levels?version=0")
    assert "<b>Removed:</b> Steps at one end above 12 steps" in old
    assert client.post("/rules/levels/restore", {"version": 0, "note": ""}).status_code == 422
    assert client.post("/rules/levels/restore", {"version": 0, "note": "Too many ambulances"}).status_code == 303
    text = page(client, "/rules/levels")
    assert "the built-in table again" in text
    assert "Retired" in text


def test_a_rule_is_changed_in_its_form_and_removed_from_the_list(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    client.post("/rules/levels/draft")
    text = page(client, "/rules/levels/draft?rule=weight_lb%3E350")
    assert 'value="weight_lb&gt;350"' in text
    assert "Change a rule" in text
    changed = {**LONG_STAIRS, "answer": "weight_lb", "above": "325", "requires": ["heavy"], "replaces": "weight_lb>350"}
    assert client.post("/rules/levels/draft/rule", changed).status_code == 303
    assert client.post("/rules/levels/draft/remove", {"rule": "wander"}).status_code == 303
    text = page(client, "/rules/levels/draft")
    assert "<b>Changed:</b> Patient&#x27;s weight above 325 lb" in text
    assert "Before, Patient&#x27;s weight above 350 lb: Heavy-duty lift" in text
    assert "<b>Removed:</b> Wander risk" in text


def test_a_rule_that_cannot_be_one_comes_back_with_its_words(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    client.post("/rules/levels/draft")
    answer = client.post("/rules/levels/draft/rule", {**LONG_STAIRS, "above": ""})
    assert answer.status_code == 422
    assert "Write the figure above which the rule applies, in steps." in answer.content.decode()
    assert client.post("/rules/levels/draft/rule", {"answer": "zzz", "above": "NaN"}).status_code == 422


def test_a_draft_below_the_floor_names_the_rule_and_is_not_published(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    client.post("/rules/levels/draft")
    client.post("/rules/levels/draft/remove", {"rule": "iv"})
    assert "“IV running” must ask for: runs an IV" in page(client, "/rules/levels/draft")
    refused = client.post("/rules/levels/publish", {"note": "Without the drip rule", "sure": "on"})
    assert refused.status_code == 422
    assert "IV running" in refused.content.decode()
    with act_as(admin(cast)):
        assert rule_sets.in_force().version == 0


def test_a_draft_that_moved_on_answers_409_and_one_that_is_gone_leads_back(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    client.post("/rules/levels/draft")
    client.post("/rules/levels/draft/rule", LONG_STAIRS)
    form = {"note": "As I saw it before", "sure": "on", "seen": "2020-01-01T00:00:00+00:00"}
    assert client.post("/rules/levels/publish", form).status_code == 409
    assert client.post("/rules/levels/draft/discard").status_code == 303
    assert client.post("/rules/levels/draft/discard").status_code == 303
    assert client.get("/rules/levels/draft")["Location"] == "/rules/levels"
    assert client.post("/rules/levels/draft/remove", {"rule": "iv"}).status_code == 409
    assert client.post("/rules/levels/draft/rule", LONG_STAIRS).status_code == 409
    assert client.post("/rules/levels/publish", form).status_code == 409


def test_versions_of_another_health_system_or_from_nowhere_are_not_found(cast: Cast) -> None:
    published(cast, "prairie")
    client = signed_in(cast.people["admin@lakeshore"])
    assert client.get("/rules/levels?version=1").status_code == 404
    for odd in ("x", "-1", "99999999999999999999", "²"):
        assert client.get(f"/rules/levels?version={odd}").status_code == 404
    assert "Version 1" not in page(client, "/rules/levels")


def test_who_only_reads_cannot_draft_or_publish(cast: Cast) -> None:
    client = signed_in(cast.people["transport_coordinator@lakeshore"])
    assert client.post("/rules/levels/draft").status_code == 403
    assert client.post("/rules/levels/publish", {"note": "Mine now", "sure": "on"}).status_code == 403
    assert client.post("/rules/levels/restore", {"version": 0, "note": "Mine now"}).status_code == 403
    assert signed_in(cast.people["case_manager@lakeshore"]).get("/rules/levels").status_code == 403
