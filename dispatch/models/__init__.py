"""Trips and home health: matched or chosen, offered, accepted, carried out and proven."""

from __future__ import annotations

from dispatch.models.changes import Proposal, ProposalEvent
from dispatch.models.equipment import (
    DeliveryAttempt,
    DeliveryProof,
    EquipmentEvent,
    EquipmentOffer,
    EquipmentOfferEvent,
    EquipmentOrder,
    EquipmentOrderLine,
    EquipmentRecipient,
)
from dispatch.models.home_health import (
    Referral,
    ReferralEvent,
    ReferralOffer,
    ReferralOfferEvent,
    ReferralPatient,
    Visit,
    VisitEdit,
    VisitEvent,
)
from dispatch.models.trips import (
    Leg,
    LegEvent,
    MatchExplanation,
    NextTripNumber,
    Offer,
    OfferEvent,
    Passenger,
    Proof,
    Run,
    RunCrew,
    Trip,
    TripEvent,
)

__all__ = [
    "DeliveryAttempt",
    "DeliveryProof",
    "EquipmentEvent",
    "EquipmentOffer",
    "EquipmentOfferEvent",
    "EquipmentOrder",
    "EquipmentOrderLine",
    "EquipmentRecipient",
    "Leg",
    "LegEvent",
    "MatchExplanation",
    "NextTripNumber",
    "Offer",
    "OfferEvent",
    "Passenger",
    "Proof",
    "Proposal",
    "ProposalEvent",
    "Referral",
    "ReferralEvent",
    "ReferralOffer",
    "ReferralOfferEvent",
    "ReferralPatient",
    "Run",
    "RunCrew",
    "Trip",
    "TripEvent",
    "Visit",
    "VisitEdit",
    "VisitEvent",
]
