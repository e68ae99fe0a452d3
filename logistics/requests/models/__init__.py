"""Demand: patients, encounters, beds, discharges and what they need to leave."""

from __future__ import annotations

from logistics.requests.models.asked import Alert, Gate, Journey, Place, RequestEvent, ServiceRequest, TransportDetail
from logistics.requests.models.authorizations import Authorization, AuthorizationEvent, AuthorizationUse
from logistics.requests.models.certificates import (
    CertificationAttempt,
    CertificationEvent,
    CertificationVersion,
    PhysicianCertification,
    SignLink,
)
from logistics.requests.models.equipment import (
    EquipmentDetail,
    EquipmentItem,
    EquipmentLine,
    EquipmentRule,
)
from logistics.requests.models.home_health import HomeHealthDetail, PatientChoice
from logistics.requests.models.patients import Patient, PatientIdentifier, PatientToken
from logistics.requests.models.plan import MilestoneOwner, PlanEdge, RetimeProposal
from logistics.requests.models.policy import (
    Budget,
    CostCenter,
    Handoff,
    HandoffTemplate,
    PolicySet,
    ProtocolTick,
    UnitProtocol,
)
from logistics.requests.models.records import Attachment, PatientAddress, PatientMerge
from logistics.requests.models.rules import LevelRuleDraft, LevelRuleSet
from logistics.requests.models.standing import (
    ClosedDay,
    StandingException,
    StandingOrder,
    StandingOrderEvent,
    StandingRide,
    StandingVersion,
)
from logistics.requests.models.stays import Bed, Discharge, DischargeEvent, Encounter, EncounterEvent, Tombstone

__all__ = [
    "Alert",
    "Attachment",
    "Authorization",
    "AuthorizationEvent",
    "AuthorizationUse",
    "Bed",
    "Budget",
    "CertificationAttempt",
    "CertificationEvent",
    "CertificationVersion",
    "ClosedDay",
    "CostCenter",
    "Discharge",
    "DischargeEvent",
    "Encounter",
    "EncounterEvent",
    "EquipmentDetail",
    "EquipmentItem",
    "EquipmentLine",
    "EquipmentRule",
    "Gate",
    "Handoff",
    "HandoffTemplate",
    "HomeHealthDetail",
    "Journey",
    "LevelRuleDraft",
    "LevelRuleSet",
    "MilestoneOwner",
    "Patient",
    "PatientAddress",
    "PatientChoice",
    "PatientIdentifier",
    "PatientMerge",
    "PatientToken",
    "PhysicianCertification",
    "Place",
    "PlanEdge",
    "PolicySet",
    "ProtocolTick",
    "RequestEvent",
    "RetimeProposal",
    "ServiceRequest",
    "SignLink",
    "StandingException",
    "StandingOrder",
    "StandingOrderEvent",
    "StandingRide",
    "StandingVersion",
    "Tombstone",
    "TransportDetail",
    "UnitProtocol",
]
