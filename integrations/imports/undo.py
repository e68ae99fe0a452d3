"""Taking an imported row back: what nothing uses is removed, what is in use stays and says why."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, RestrictedError
from django.db.utils import DatabaseError

from integrations.imports.ledger import Ledger
from integrations.models import ImportedRow
from logistics.accounts.models import Facility, Membership, Organization, Unit
from logistics.accounts.services import organizations, people
from logistics.core import audit, clock
from logistics.core.errors import DomainError
from logistics.requests.models import Place
from logistics.requests.services import places, standing_orders
from vendors.models import Contract, Credential, CrewMember, Network, Shift, Vehicle
from vendors.services import contracts, fleet, network

SUPPLY: dict[str, Any] = {"Vehicle": Vehicle, "CrewMember": CrewMember, "Credential": Credential, "Shift": Shift}
SITES: dict[str, Any] = {"Facility": Facility, "Unit": Unit}


def take_back(row: ImportedRow, ledger: Ledger) -> str:
    """Undo one row. Returns why it stays, or an empty text when it is undone."""
    with _scope_of(row, ledger) as refused:
        if refused:
            return refused
        try:
            with transaction.atomic():
                if row.action == "changed":
                    return _restore(row)
                return _remove(row)
        except (ProtectedError, RestrictedError, IntegrityError):
            return "It is in use."
        except DomainError as error:
            return error.message
        except DatabaseError:
            return "The database keeps it."


@contextlib.contextmanager
def _scope_of(row: ImportedRow, ledger: Ledger) -> Any:
    """The side that owns the row; yields the reason when this health system may not touch it any more."""
    if row.object_type == "Organization":
        with ledger.system():
            yield ""
        return
    vendors_own = row.object_type in SUPPLY or row.kind == "vendor people"
    if not vendors_own:
        with ledger.staff():
            yield ""
        return
    if row.holder_id not in ledger.managed:
        yield "The vendor keeps its own fleet now."
        return
    with ledger.system():
        organization = Organization.objects.get(pk=row.holder_id)
    with ledger.vendor(organization):
        yield ""


def _remove(row: ImportedRow) -> str:
    if row.object_type in SUPPLY or row.object_type in SITES or row.object_type == "Organization":
        model = SUPPLY.get(row.object_type) or SITES.get(row.object_type) or Organization
        found = model.objects.filter(pk=row.object_id).first()
        if found is not None:
            audit.record(action="import.removed", target=found)
            found.delete()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        return ""
    if row.object_type == "Membership":
        people.end(membership=Membership.objects.get(pk=row.object_id))
    elif row.object_type == "Place":
        places.deactivate(Place.objects.get(pk=row.object_id))
    elif row.object_type == "Contract":
        contract = Contract.objects.get(pk=row.object_id)
        if contract.status == "signed":
            contracts.end(contract=contract, on=clock.now().date())
    elif row.object_type == "StandingOrder":
        standing_orders.end(order_id=row.object_id, reason="The import was undone", code="other")
    elif row.object_type == "Network":
        member = Network.objects.get(pk=row.object_id)
        if member.status != "ended":
            network.set_status(network=member, status="ended")
    return ""


def _restore(row: ImportedRow) -> str:
    before = dict(row.before)
    if row.object_type == "Facility":
        organizations.change_facility(facility=Facility.objects.get(pk=row.object_id), **before)
    elif row.object_type == "Unit":
        organizations.change_unit(unit=Unit.objects.get(pk=row.object_id), **before)
    elif row.object_type == "Place":
        place = Place.objects.get(pk=row.object_id)
        known = {name: getattr(place, name) for name in places.FIELDS}
        places.edit(place, **{**known, **before})
    elif row.object_type == "Vehicle":
        fleet.change_vehicle(vehicle=Vehicle.objects.get(pk=row.object_id), **before)
    elif row.object_type == "CrewMember":
        fleet.change_crew_member(member=CrewMember.objects.get(pk=row.object_id), **before)
    return ""
