"""What OBX segments say about how a patient can travel: weight, isolation, mobility, oxygen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from .parse.message import NULL
from .values import CLEARED, UNCHANGED, Given, Group, Mark

WEIGHT, ISOLATION, MOBILITY, OXYGEN, OXYGEN_FLOW = "weight", "isolation", "mobility", "oxygen", "oxygen_flow"

DEFAULT_CODES: Mapping[str, str] = MappingProxyType(
    {
        # LOINC: body weight as such, measured, stated, estimated and dry; inhaled oxygen flow rate.
        "29463-7": WEIGHT,
        "3141-9": WEIGHT,
        "3142-7": WEIGHT,
        "8335-2": WEIGHT,
        "8341-0": WEIGHT,
        "3151-8": OXYGEN_FLOW,
        # Names that sites use where they have no LOINC.
        "WEIGHT": WEIGHT,
        "BODY WEIGHT": WEIGHT,
        "WT": WEIGHT,
        "ISOLATION": ISOLATION,
        "ISOLATION STATUS": ISOLATION,
        "ISOLATION PRECAUTIONS": ISOLATION,
        "MOBILITY": MOBILITY,
        "MOBILITY STATUS": MOBILITY,
        "MODE OF TRANSPORT": MOBILITY,
        "OXYGEN": OXYGEN,
        "OXYGEN THERAPY": OXYGEN,
        "O2": OXYGEN,
        "O2 FLOW": OXYGEN_FLOW,
        "OXYGEN FLOW": OXYGEN_FLOW,
        "OXYGEN FLOW RATE": OXYGEN_FLOW,
    }
)
"""OBX-3 codes and names (upper case) that are understood; a feed may add its own."""

# OBX-11 (table 0085): not a result at all, withdrawn as wrong, or never obtained.
_VOID = frozenset(("D", "N", "W", "X"))

_NUMBER = re.compile(r"[<>=~\s]*(\d{1,5}(?:\.\d{1,4})?)\s*([A-Za-z\[\]_/#]*)\.?", re.ASCII)
_POUNDS = {
    "kg": Decimal("2.2046226218"),
    "g": Decimal("0.0022046226218"),
    "lb": Decimal(1),
    "lbs": Decimal(1),
    "[lb_av]": Decimal(1),
    "#": Decimal(1),
    "oz": Decimal(1) / 16,
    "[oz_av]": Decimal(1) / 16,
}
_FLOW_UNITS = frozenset(("l/min", "lpm", "l", "liters/min", "l/m"))
_HEAVIEST_LB = Decimal(1500)
_STRONGEST_LPM = Decimal(100)


@dataclass(frozen=True, slots=True)
class Observations:
    """weight_lb: pounds to one decimal. oxygen_lpm: liters a minute. The others are the sender's own
    words.
    """

    weight_lb: Given[Decimal] = UNCHANGED
    isolation: Given[str] = UNCHANGED
    mobility: Given[str] = UNCHANGED
    oxygen: Given[str] = UNCHANGED
    oxygen_lpm: Given[Decimal] = UNCHANGED


def read_observations(group: Group, codes: Mapping[str, str] = DEFAULT_CODES) -> Observations:
    """The travel-related observations of one patient. Of several, the one observed last counts (OBX-14).

    An unreadable number or unit leaves the value UNCHANGED and adds `bad_value:<name>` to the group's
    problems.
    """
    latest: dict[str, tuple[str, list[str]]] = {}
    for obx in group.every("OBX"):
        for kind in _kinds(group, obx, codes):
            # Timestamps of one message share a format, so their text sorts; an equal or missing one is later.
            observed = obx[14] if len(obx) > 14 else ""
            if kind not in latest or not observed or observed >= latest[kind][0]:
                latest[kind] = (observed, obx)
            break
    rows = {kind: obx for kind, (_, obx) in latest.items()}
    return Observations(
        weight_lb=_weight(group, rows.get(WEIGHT)),
        isolation=_words(group, rows.get(ISOLATION)),
        mobility=_words(group, rows.get(MOBILITY)),
        oxygen=_words(group, rows.get(OXYGEN)),
        oxygen_lpm=_flow(group, rows.get(OXYGEN_FLOW)),
    )


def _kinds(group: Group, obx: list[str], codes: Mapping[str, str]) -> Iterator[str]:
    if len(obx) <= 5 or (len(obx) > 11 and obx[11] in _VOID):
        return
    # CE/CWE: code and text, then the alternate code and text.
    for component in (1, 4, 2, 5):
        name = group.part(obx[3], component)
        kind = codes.get(name.upper()) if name else None
        if kind:
            yield kind


def _words(group: Group, obx: list[str] | None) -> Given[str]:
    if obx is None:
        return UNCHANGED
    field = obx[5]
    if field == NULL:
        return CLEARED
    # A coded value is read by its text, else by its code.
    found = [
        words
        for one in group.message.repetitions(field)
        if (words := group.part(one, 2) or group.part(one)) is not None
    ]
    return "; ".join(found) or UNCHANGED


def _number(group: Group, obx: list[str] | None, name: str) -> tuple[Given[Decimal], str]:
    if obx is None:
        return UNCHANGED, ""
    if obx[5] == NULL:
        return CLEARED, ""
    value = group.part(obx[5]) or ""
    match = _NUMBER.fullmatch(value)
    if match is None:
        if value:
            group.problems.append(f"bad_value:{name}")
        return UNCHANGED, ""
    unit = group.part(obx[6]) if len(obx) > 6 else None
    try:
        return Decimal(match.group(1)), (unit or match.group(2)).lower()
    except InvalidOperation:
        group.problems.append(f"bad_value:{name}")
        return UNCHANGED, ""


def _weight(group: Group, obx: list[str] | None) -> Given[Decimal]:
    number, unit = _number(group, obx, WEIGHT)
    if isinstance(number, Mark):
        return number
    factor = _POUNDS.get(unit)
    pounds = number * factor if factor is not None else Decimal(0)
    # A weight without a unit is not guessed: 90 could be a frail adult in pounds or a heavy one in kilograms.
    if not 0 < pounds <= _HEAVIEST_LB:
        group.problems.append(f"bad_value:{WEIGHT}")
        return UNCHANGED
    return pounds.quantize(Decimal("0.1"))


def _flow(group: Group, obx: list[str] | None) -> Given[Decimal]:
    number, unit = _number(group, obx, OXYGEN_FLOW)
    if isinstance(number, Mark):
        return number
    if (unit and unit not in _FLOW_UNITS) or number > _STRONGEST_LPM:
        group.problems.append(f"bad_value:{OXYGEN_FLOW}")
        return UNCHANGED
    return number
