"""Which vehicles of the network would take this patient and wheelchair, by their own lift, cot and door."""

from __future__ import annotations

from dataclasses import dataclass

from logistics.core.levels import LEVELS, in_sentence
from logistics.requests.services import fit
from vendors.models import Network, Vehicle

MOST_NAMED = 3
# The checks that a vehicle's own figures decide.
OWN = ("lift", "door", "cot")


@dataclass(frozen=True)
class VehicleFit:
    """One vehicle that runs the level: ``verdict`` is the worst of its checks, ``why`` the words of that check."""

    vendor: str
    name: str
    verdict: str
    why: str


def vehicles_that_fit(asked: fit.Asked) -> list[VehicleFit]:
    """Every vehicle of the network's active vendors that runs ``asked.level``, those that fit first. Two queries.

    Stairs and questions that are the same for all vehicles are left to :func:`fit.check_fit`: here the vehicle's own
    lift, cot and door decide.
    """
    names = dict(Network.objects.filter(status="active").values_list("vendor_id", "vendor__short_name"))
    rows = Vehicle.objects.filter(vendor_id__in=names, out_of_service=False).order_by("name")
    found = []
    for row in rows:
        if asked.level not in row.levels:
            continue
        results = [
            each
            for each in fit.for_vehicle(
                asked, level=asked.level, lift_lb=row.lift_lb, door_in=row.door_in, name=row.name
            )
            if each.rule in OWN
        ]
        verdict = fit.worst(results)
        why = next((each.words for each in results if each.verdict == verdict), "")
        found.append(VehicleFit(names[row.vendor_id], row.name, verdict, why))
    return sorted(found, key=lambda each: -fit.ORDER.index(each.verdict))


def words(found: list[VehicleFit], level: str) -> str:
    """``2 of 5 in the network (wheelchair van) would fit: Northbound 3, Tamarack 12.``; empty without such vehicles."""
    if not found:
        return ""
    fitting = [each.name for each in found if each.verdict == "ok"]
    count = f"{len(fitting)} of {len(found)} in the network ({in_sentence(LEVELS[level].label)})"
    if not fitting:
        return f"{count} would fit. {found[0].why}"
    named = ", ".join(fitting[:MOST_NAMED])
    more = f" and {len(fitting) - MOST_NAMED} more" if len(fitting) > MOST_NAMED else ""
    return f"{count} would fit: {named}{more}."
