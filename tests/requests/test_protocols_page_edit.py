"""Editing what a unit does before a discharge and what is handed over: a row an item, each save a version."""

from __future__ import annotations

from typing import Any

from django.test import Client

from logistics.requests.models import HandoffTemplate, UnitProtocol
from logistics.requests.services import handoff, protocols
from tests.cast import Cast
from tests.support import act_as, signed_in


def admin(cast: Cast) -> Client:
    return signed_in(cast.people["admin@lakeshore"])


def rows(seen: int, *items: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    data = {"form-TOTAL_FORMS": len(items), "form-INITIAL_FORMS": initial, "seen_version": seen}
    for number, item in enumerate(items):
        data |= {f"form-{number}-{name}": value for name, value in item.items()}
    return data


MEDS = {"words": "Medicines reconciled", "who": "pharmacy", "hard": "on", "offset_minutes": "120"}
CALL = {"words": "Family called", "who": "nurse", "offset_minutes": "240"}


def test_a_protocol_is_written_changed_and_kept_in_versions(cast: Cast) -> None:
    unit = cast.units["4W@lakeshore"]
    url, browser = f"/protocols/units/{unit.pk}", admin(cast)
    assert browser.get(url).status_code == 200
    assert browser.post(url, rows(0, MEDS, CALL, {"words": ""})).status_code == 303
    shown = " ".join(browser.get("/protocols").content.decode().split())
    assert shown.index("Family called") < shown.index("Medicines reconciled")
    assert "Pharmacy, 2 h before" in shown
    second = rows(1, {**CALL, "key": "family_called", "remove": "on"}, {**MEDS, "key": "medicines_reconcil"}, initial=2)
    assert browser.post(url, second).status_code == 303
    with act_as(cast.staff()):
        assert [row.version for row in UnitProtocol.objects.order_by("version")] == [1, 2]
        assert [item.key for item in protocols.items_of(protocols.current(unit.pk))] == ["medicines_reconcil"]
    # Somebody who still looks at version 1 is told, and nothing is lost silently.
    assert browser.post(url, rows(1, CALL)).status_code == 409


def test_a_wrong_row_comes_back_with_what_to_do(cast: Cast) -> None:
    url = f"/protocols/units/{cast.units['4W@lakeshore'].pk}"
    refused = admin(cast).post(
        url, rows(0, MEDS, {**CALL, "who": ""}, {**CALL, "words": "Ride booked", "offset_minutes": ""})
    )
    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "Item 2: Choose who does it." in shown
    assert "Item 3: Write how many minutes before leaving it is due" in shown
    assert 'value="Family called"' in shown
    assert admin(cast).post(url, {"seen_version": 0}).status_code == 422
    with act_as(cast.staff()):
        assert not UnitProtocol.objects.exists()


def test_a_handoff_list_replaces_the_built_in_one(cast: Cast) -> None:
    browser = admin(cast)
    assert "IV running" in browser.get("/protocols/handoff?level=ALS").content.decode()
    drip = {"section": "assessment", "words": "Drip running", "kind": "yes_no", "need": "iv", "hard": "on"}
    wrong = browser.post("/protocols/handoff?level=ALS", rows(0, {**drip, "kind": "words"}))
    assert wrong.status_code == 422
    assert "Only a yes or no can name a need" in wrong.content.decode()
    assert browser.post("/protocols/handoff?level=ALS", rows(0, drip)).status_code == 303
    with act_as(cast.staff()):
        assert HandoffTemplate.objects.get().level == "ALS"
        assert [item.key for item in handoff.template_for("ALS").items] == ["drip_running"]
    assert browser.get("/protocols/handoff?level=XYZ").status_code == 404


def test_a_coordinator_reads_the_lists_and_changes_nothing(cast: Cast) -> None:
    browser = signed_in(cast.people["transport_coordinator@lakeshore"])
    shown = browser.get("/protocols").content.decode()
    assert "No protocol yet" in shown
    assert "Change" not in shown.split("<main", 1)[1]
    assert browser.post("/protocols/handoff?level=ALS", rows(0)).status_code == 403
