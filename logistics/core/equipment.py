"""Equipment that patients take home: the items that a health system starts with, and the words for them.

Here, because demand (what is ordered) and supply (what a depot holds) both speak of items and do not know each other:
the code is what they share. A health system edits its own catalog; a depot stocks any code.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

CATEGORIES = [
    ("walking", "Walking"),
    ("wheelchair", "Wheelchair"),
    ("bed", "Bed"),
    ("bathroom", "Bathroom"),
    ("oxygen", "Oxygen"),
    ("breathing", "Breathing"),
    ("wound", "Wound care"),
    ("other", "Other"),
]


@dataclass(frozen=True)
class StarterItem:
    """One item: ``code`` is its HCPCS code. ``needs_wopd_from`` is the day since when Medicare wants a written order
    before delivery (42 CFR 410.38(d)); the list changes, so a health system keeps dated rows of its own."""

    code: str
    name: str
    category: str
    sizes: tuple[str, ...] = ()
    serialised: bool = False
    needs_setup: bool = False
    returnable: bool = False
    substitutes: tuple[str, ...] = ()
    needs_wopd_from: dt.date | None = None


# Names are short forms of the HCPCS descriptions.
STARTER = (
    StarterItem("E0143", "Folding walker, wheeled", "walking", ("Junior", "Adult", "Tall"), substitutes=("E0135",)),
    StarterItem("E0135", "Folding walker, no wheels", "walking", ("Junior", "Adult", "Tall"), substitutes=("E0143",)),
    StarterItem("E0149", "Heavy duty walker, wheeled", "walking"),
    StarterItem("K0001", "Standard wheelchair", "wheelchair", ("16 in", "18 in", "20 in"), serialised=True,
                returnable=True, substitutes=("K0003",)),
    StarterItem("K0003", "Lightweight wheelchair", "wheelchair", ("16 in", "18 in", "20 in"), serialised=True,
                returnable=True, substitutes=("K0001",)),
    StarterItem("K0823", "Power wheelchair, group 2, captain's chair", "wheelchair", serialised=True, needs_setup=True,
                returnable=True, needs_wopd_from=dt.date(2022, 4, 13)),
    StarterItem("E0163", "Commode chair, fixed arms", "bathroom"),
    StarterItem("E0260", "Hospital bed, semi-electric, rails, mattress", "bed", serialised=True, needs_setup=True,
                returnable=True, substitutes=("E0303",)),
    StarterItem("E0303", "Hospital bed, heavy duty, 350 to 600 lb", "bed", serialised=True, needs_setup=True,
                returnable=True),
    StarterItem("E1390", "Oxygen concentrator", "oxygen", serialised=True, needs_setup=True, returnable=True),
    StarterItem("E1392", "Portable oxygen concentrator", "oxygen", serialised=True, needs_setup=True, returnable=True,
                substitutes=("E0431",)),
    StarterItem("E0431", "Portable oxygen, gas cylinders", "oxygen", needs_setup=True, returnable=True,
                substitutes=("E1392",)),
    StarterItem("E0601", "CPAP device", "breathing", serialised=True, needs_setup=True, returnable=True),
    StarterItem("E0570", "Nebulizer with compressor", "breathing", serialised=True),
    StarterItem("E2402", "Wound vac pump", "wound", serialised=True, needs_setup=True, returnable=True),
)  # fmt: skip
BY_CODE = {item.code: item for item in STARTER}


def full_name(name: str, size: str, quantity: int = 1) -> str:
    """``2 × Folding walker, wheeled (Adult)``."""
    words = f"{name} ({size})" if size else name
    return words if quantity == 1 else f"{quantity} × {words}"
