"""Which of the network's vehicles fit: by their own figures, two queries, no vehicle of a stranger."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.services.fit_supply import vehicles_that_fit, words
from logistics.requests.services.fit import Asked
from tests.cast import Cast
from tests.support import act_as
from vendors.models import Network, Vehicle

pytestmark = pytest.mark.django_db

POWER = Asked(
    mobility="wheelchair", level="WC", chair="power", chair_width_in=30, chair_weight_lb=350, weight_lb=320
)  # 670 lb


def rated(cast: Cast, name: str, **figures: Any) -> None:
    vehicle = cast.vehicles[name]
    with act_as(cast.vendor(cast.tamarack if name.startswith("Tamarack") else cast.northbound)):
        Vehicle.objects.filter(pk=vehicle.pk).update(**figures)


def test_a_670_lb_chair_and_patient_fit_where_the_lift_carries_them(cast: Cast, django_assert_num_queries: Any) -> None:
    rated(cast, "Northbound 3", lift_lb=600)
    rated(cast, "Northbound 5", door_in=29)
    with act_as(cast.staff()), django_assert_num_queries(2):
        found = vehicles_that_fit(POWER)
    assert [(each.name, each.verdict) for each in found] == [
        ("Tamarack 12", "ok"),
        ("Northbound 3", "no"),
        ("Northbound 5", "no"),
    ]
    assert found[1].why == "320 lb and a 350 lb wheelchair are 670 lb; the lift of Northbound 3 carries 600 lb."
    assert words(found, "WC") == "1 of 3 in the network (wheelchair van) would fit: Tamarack 12."


def test_vehicles_out_of_service_of_another_level_or_network_are_not_counted(cast: Cast) -> None:
    rated(cast, "Northbound 3", out_of_service=True)
    with act_as(cast.staff()):
        Network.objects.filter(vendor=cast.tamarack).update(status="suspended")
        found = vehicles_that_fit(POWER)
    assert [each.name for each in found] == ["Northbound 5"]
    with act_as(cast.staff(cast.prairie)):
        assert {each.name for each in vehicles_that_fit(POWER)} == {"Northbound 5"}
        assert words(vehicles_that_fit(Asked("lies", "CCT")), "CCT") == ""


def test_an_unknown_width_fits_nowhere(cast: Cast) -> None:
    with act_as(cast.staff()):
        found = vehicles_that_fit(Asked("wheelchair", "WC", "power", None, 300, 180))
    assert {each.verdict for each in found} == {"ask"}
    assert words(found, "WC").startswith("0 of 3 in the network (wheelchair van) would fit. How wide is")


def test_a_heavy_patient_lying_finds_only_bariatric_cots(cast: Cast) -> None:
    lying = Asked("lies", "BLS", weight_lb=420)
    with act_as(cast.staff()):
        assert [each.verdict for each in vehicles_that_fit(lying)] == ["no"]  # 800 lb, an ordinary cot
    rated(cast, "Tamarack 7", lift_lb=1000)
    with act_as(cast.staff()):
        assert words(vehicles_that_fit(lying), "BLS") == (
            "1 of 1 in the network (BLS ambulance) would fit: Tamarack 7."
        )
