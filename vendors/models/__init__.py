"""Supply: vendors and their network, fleet, crews, credentials, shifts, contracts, scorecards and agencies."""

from __future__ import annotations

from vendors.models.home_health import (
    AgencyTerms,
    HomeHealthProfile,
)
from vendors.models.stock import (
    ClosetItem,
    ClosetMove,
    ClosetReorder,
    ClosetUnit,
    StockHold,
    StockItem,
    StockMove,
    StockReorder,
    StockUnit,
)
from vendors.models.supply import (
    Commitment,
    CommitmentCrew,
    Contract,
    Credential,
    CrewMember,
    During,
    Network,
    Rate,
    Scorecard,
    Shift,
    ShiftCrew,
    Vehicle,
    VendorProfile,
)

__all__ = [
    "AgencyTerms",
    "ClosetItem",
    "ClosetMove",
    "ClosetReorder",
    "ClosetUnit",
    "Commitment",
    "CommitmentCrew",
    "Contract",
    "Credential",
    "CrewMember",
    "During",
    "HomeHealthProfile",
    "Network",
    "Rate",
    "Scorecard",
    "Shift",
    "ShiftCrew",
    "StockHold",
    "StockItem",
    "StockMove",
    "StockReorder",
    "StockUnit",
    "Vehicle",
    "VendorProfile",
]
