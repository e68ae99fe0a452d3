"""A pickup at somebody's home is shown to whom a home address is shown, and to nobody else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from dispatch.models import Passenger
from dispatch.selectors.passenger import shown
from logistics.core import clock

HOME = {
    "name": "Home", "line": "18 Pier Rd", "city": "Madison", "state": "WI", "zip_code": "53704", "note": "",
    "phone": "", "contact": "Ring twice", "entrance": "", "private": True,
}  # fmt: skip
UNIT = {
    "facility": "Lakeshore Medical Center", "unit": "4 West", "bed": "4W-12", "contact": "4 West desk",
    "entrance": "Oak St entrance", "address": "1 High St, Madison, WI 53703",
}  # fmt: skip
PLACE = HOME | {"name": "Willow Creek", "line": "450 Creek Rd", "private": False, "entrance": "Ramp at rear"}


def seen(pickup: dict[str, Any], role: str, **details: Any) -> Any:
    passenger = Passenger(tenant_id=uuid4(), details={"family_name": "Cole", "pickup": pickup, **details})
    return shown(passenger, role=role, level="WC", today=clock.today("America/Chicago"))


@pytest.mark.parametrize("role", ["case_manager", "vendor_dispatcher", "driver"])
def test_a_home_is_shown_to_who_goes_there(role: str) -> None:
    who = seen(HOME, role)
    assert who.pickup == "Home"
    assert who.pickup_address == "18 Pier Rd, Madison, WI, 53704"


@pytest.mark.parametrize("role", ["quality", "payables", "fleet_manager", "biller", "auditor", "admin"])
def test_a_home_address_is_not_shown_to_others(role: str) -> None:
    who = seen(HOME | {"name": ""}, role)
    full = "Pier Rd" in f"{who.pickup} {who.pickup_address}"
    assert full == (role == "biller")


def test_a_unit_and_a_place_are_shown_as_they_were() -> None:
    role = "case_manager"
    assert seen(UNIT, role).pickup == "Lakeshore Medical Center, 4 West, bed 4W-12"
    assert seen(UNIT, role).pickup_address == "1 High St, Madison, WI 53703"
    assert seen(PLACE, role).pickup == "Willow Creek"
    assert seen(PLACE, role).pickup_note == "Ramp at rear"
    assert seen(PLACE, "quality").pickup_address == "450 Creek Rd, Madison, WI, 53704"


def test_names_of_escort_and_receiver_go_to_who_hands_the_patient_over() -> None:
    people = ["Rides along: Maria Cole", "Hand over to Charge nurse Lee"]
    for role in ("case_manager", "driver", "vendor_dispatcher"):
        assert people[0] in [tag["text"] for tag in seen(UNIT, role, people=people).tags]
    for role in ("quality", "payables", "biller", "fleet_manager"):
        assert people[0] not in [tag["text"] for tag in seen(UNIT, role, people=people).tags]
