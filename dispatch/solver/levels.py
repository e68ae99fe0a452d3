"""Levels of service as sets of capabilities, and the crew that each level needs.

A vehicle serves a request when the set it offers contains the set the request requires. The levels
form a lattice, not a ladder: an ambulance does not serve a wheelchair request, because it has no
securement, and a stretcher van and a wheelchair van cannot replace one another.

Sources: 42 CFR 410.41(b) (ambulance crews), 49 CFR 38.23 (lifts). States are stricter and differ, so
crew rules are defaults that ``Policy.crew_rules`` replaces level by level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_SEATED = frozenset({"seat", "trained_driver"})
_CHAIR = frozenset({"wheelchair_securement", "hands_on_assist", "trained_driver"})
_LYING = frozenset({"stretcher", "hands_on_assist"})
_BASIC = _LYING | {"o2_administer", "suction", "vitals", "aed"}
_ADVANCED = _BASIC | {"ecg", "iv_drugs", "advanced_airway"}
_CRITICAL = _ADVANCED | {"vent", "multi_drip", "critical_rn"}

REQUIRED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "TAXI": frozenset({"seat"}),
        "AMB": _SEATED,
        "WC": _CHAIR,
        "WCB": _CHAIR | {"heavy_lift"},
        "STR": _LYING,
        "SECURE": frozenset({"seat", "secure_cabin", "hands_on_assist"}),
        "BLS": _BASIC,
        "ALS1": _ADVANCED,
        "SCT": _CRITICAL,
        "NEO": _CRITICAL | {"isolette"},
        "ROTOR": _CRITICAL | {"rotor"},
        "FIXED": _CRITICAL | {"fixed_wing"},
    }
)
"""What a vehicle must have to be sent for a level. ALS2 is missing on purpose: it is found out from the
care record after the trip (42 CFR 414.605) and cannot be booked."""

OFFERED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **REQUIRED,
        # A wheelchair van has passenger seats; an ambulance's bench is for an escort only.
        "WC": _CHAIR | {"seat"},
        "WCB": _CHAIR | {"seat", "heavy_lift"},
    }
)
"""What a vehicle of a level has when nothing else is known about it."""

CAPABILITY_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "wheelchair_securement": "Does not carry wheelchairs",
        "stretcher": "Does not carry stretchers",
        "seat": "Has no passenger seat",
        "hands_on_assist": "Does not give hands-on help",
        "trained_driver": "Driver is not trained in patient assistance",
        "heavy_lift": "Has no heavy-duty lift",
        "bariatric_cot": "Has no bariatric cot",
        "o2_administer": "Crew does not give oxygen",
        "suction": "Has no suction",
        "vitals": "Crew does not take vital signs",
        "aed": "Has no AED",
        "ecg": "Has no cardiac monitor",
        "iv_drugs": "Crew does not give IV drugs",
        "advanced_airway": "Crew does not manage an advanced airway",
        "vent": "Does not carry a ventilator",
        "multi_drip": "Does not run several drips",
        "critical_rn": "Has no critical care nurse",
        "isolette": "Has no isolette",
        "secure_cabin": "Has no secure cabin",
        "negative_pressure": "Has no negative-pressure cabin",
        "rotor": "Is not a helicopter",
        "fixed_wing": "Is not an airplane",
    }
)
"""What a dispatcher reads when a capability is missing, the most telling first."""


def serves(offered_level: str, required_level: str) -> bool:
    """Whether a vehicle of one level may be sent for a request of another.

    Raises
    ------
    KeyError
        If either level is not bookable.
    """
    return REQUIRED[required_level] <= OFFERED[offered_level]


@dataclass(frozen=True, slots=True)
class Role:
    """One place in a crew. A person fills it who holds one credential of every group in ``holds``."""

    words: str
    holds: tuple[frozenset[str], ...] = ()


_DRIVER = Role("driver", (frozenset({"DRIVER"}),))
_ATTENDANT = Role("attendant")
_EMT = frozenset({"EMT", "AEMT", "PARAMEDIC", "CCP"})
_MEDIC = frozenset({"AEMT", "PARAMEDIC", "CCP"})
_CLINICIAN = frozenset({"RN", "RT", "CCP", "MD"})
_SECUREMENT = Role("driver trained in wheelchair securement", (frozenset({"DRIVER"}), frozenset({"SECUREMENT"})))
_CRITICAL_CREW = (_DRIVER, Role("EMT", (_EMT,)), Role("critical care clinician", (_CLINICIAN,)))
_AIR_CREW = (
    Role("pilot", (frozenset({"PILOT"}),)),
    Role("paramedic", (frozenset({"PARAMEDIC", "CCP"}),)),
    Role("critical care clinician", (_CLINICIAN,)),
)

CREW: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        "TAXI": (_DRIVER,),
        "AMB": (_DRIVER,),
        "WC": (_SECUREMENT,),
        "WCB": (_SECUREMENT,),
        "STR": (_DRIVER, _ATTENDANT),
        "SECURE": (_DRIVER, _ATTENDANT),
        # 42 CFR 410.41(b): two people, one of them at least an EMT; for ALS one who may give ALS services.
        "BLS": (_DRIVER, Role("EMT", (_EMT,))),
        "ALS1": (_DRIVER, Role("paramedic or AEMT", (_MEDIC,))),
        "SCT": _CRITICAL_CREW,
        "NEO": _CRITICAL_CREW,
        "ROTOR": _AIR_CREW,
        "FIXED": _AIR_CREW,
    }
)
