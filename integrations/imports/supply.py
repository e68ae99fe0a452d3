"""Rows of vendors: the companies, their fleets and crews, their papers, and the contracts with them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from integrations.imports.ledger import Ledger, RowRun
from integrations.imports.reading import Table
from logistics.accounts.models import Membership, Organization
from logistics.accounts.services import organizations, people
from logistics.core.errors import DomainError
from logistics.requests.services import geocode
from vendors.models import Contract, Credential, CrewMember, Network, Shift, Vehicle
from vendors.services import contracts, fleet, network

VEHICLE = ("level", "also_levels", "seats", "wheelchairs", "stretchers", "lift_lb", "door_in", "plate")
TERMS = ("base_amount", "mile_amount", "included_miles", "minimum_amount", "mile_rounding")


def companies(table: Table, ledger: Ledger) -> None:
    """Bring vendors into the network. One that nobody knows yet is made, with its profile and administrator."""
    with ledger.rows_of(table) as run:
        for number, values in table.rows:
            with run.row(number):
                _company(values, ledger, run)


def vehicles(table: Table, ledger: Ledger) -> None:
    """Create or change vehicles by vendor and name."""
    with ledger.rows_of(table) as run:
        for number, values in table.rows:
            with run.row(number), ledger.vendor(ledger.vendor_named(values["vendor_code"])):
                fields = {name: values[name] for name in VEHICLE}
                fields |= {
                    "wheelchairs": values["wheelchairs"] or 0,
                    "stretchers": values["stretchers"] or 0,
                }
                known = Vehicle.objects.filter(name=values["name"]).first()
                if known is None:
                    known = fleet.add_vehicle(name=values["name"], **fields)
                    ledger.note("vehicles", known, run.count("created"), vendor_id=known.vendor_id)
                else:
                    before = {name: getattr(known, name) for name in fields if getattr(known, name) != fields[name]}
                    if before:
                        fleet.change_vehicle(vehicle=known, **fields)
                    _count(run, ledger, "vehicles", known, before)
                if values["inspection_ends_on"]:
                    _paper(ledger, kind="inspection", ends_on=values["inspection_ends_on"], vehicle=known)


def crews(table: Table, ledger: Ledger) -> None:
    """Create or change crew members by vendor and name."""
    with ledger.rows_of(table) as run:
        for number, values in table.rows:
            with run.row(number), ledger.vendor(ledger.vendor_named(values["vendor_code"])):
                fields = {"level": values["level"], "phone": values["phone"]}
                known = CrewMember.objects.filter(name=values["name"]).first()
                if known is None:
                    member = fleet.add_crew_member(name=values["name"], **fields)
                    ledger.note("crews", member, run.count("created"), vendor_id=member.vendor_id)
                    continue
                before = {name: getattr(known, name) for name in fields if getattr(known, name) != fields[name]}
                if before:
                    fleet.change_crew_member(member=known, **fields)
                _count(run, ledger, "crews", known, before)


def papers(table: Table, ledger: Ledger) -> None:
    """Record credentials of crew members and vendors."""
    with ledger.rows_of(table) as run:
        for number, values in table.rows:
            with run.row(number), ledger.vendor(ledger.vendor_named(values["vendor_code"])):
                member = None
                if values["crew_name"]:
                    member = CrewMember.objects.filter(name=values["crew_name"]).first()
                    if member is None:
                        words = "Nobody of this vendor has this name. Add them to the crews sheet."
                        raise DomainError(words, code="no_crew_member", fields={"crew_name": words})
                made = _paper(
                    ledger, kind=values["kind"], ends_on=values["ends_on"], number=values["number"], crew_member=member
                )
                run.count("created" if made else "unchanged")


def rates(table: Table, ledger: Ledger) -> None:
    """Sign one contract for each vendor and first day, with all its rates."""
    with ledger.rows_of(table) as run, ledger.staff():
        for (code, effective_from), rows in _contracts(table).items():
            with run.row(rows[0][0]):
                vendor = ledger.vendor_named(code)
                values = rows[0][1]
                if _as_signed(vendor, effective_from, rows):
                    for _ in rows:
                        run.count("unchanged")
                    continue
                contract = contracts.draft(
                    vendor=vendor,
                    effective_from=effective_from,
                    response_minutes=values["response_minutes"] or 7,
                )
                for _, rate in rows:
                    contracts.set_rate(contract=contract, level=rate["level"], **_terms(rate))
                contracts.sign(contract=contract, signed_by_name=values["signed_by"])
                for _ in rows:
                    run.count("created")
                ledger.note("rates", contract, "created", vendor_id=vendor.pk)


def _contracts(table: Table) -> dict[tuple[str, Any], list[tuple[int, dict[str, Any]]]]:
    grouped: dict[tuple[str, Any], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, values in table.rows:
        grouped[(values["vendor_code"].lower(), values["effective_from"])].append((number, values))
    return grouped


def _terms(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in TERMS if values[name] not in (None, "")}


def _as_signed(vendor: Organization, effective_from: Any, rows: list[tuple[int, dict[str, Any]]]) -> bool:
    """Whether exactly these rates are signed already for that day. Raises when others are."""
    signed = Contract.objects.filter(vendor=vendor, status="signed", effective_from=effective_from).first()
    if signed is None:
        return False
    known = {rate.level: rate for rate in signed.rates.all()}
    same = known.keys() == {values["level"] for _, values in rows} and all(
        getattr(known[values["level"]], name) == value for _, values in rows for name, value in _terms(values).items()
    )
    if not same:
        words = "A contract from this day is signed with other rates. Start the new one on a later day."
        raise DomainError(words, code="contract_signed", fields={"effective_from": words})
    return True


def _company(values: dict[str, Any], ledger: Ledger, run: RowRun) -> None:
    code = values["code"].lower()
    location = geocode.locate(values["base_zip"], field="base_zip")
    organization, made = _organization(code, values, location.zone, ledger)
    with ledger.staff():
        before = Network.objects.filter(vendor=organization).first()
        if before is None and not made:
            # Its fleet would lie open to whoever guesses its code.
            words = "This company is on the platform already. Ask it, or the platform's operator, to connect you."
            raise DomainError(words, code="known_vendor", fields={"code": words})
        row = network.connect(
            vendor=organization,
            tier=values["tier"] or 1,
            hourly_capacity=values["hourly_capacity"] or 12,
            baa_signed_on=values["baa_signed_on"],
            baa_ends_on=values["baa_ends_on"],
        )
        ledger.vendors[code] = organization
        if before is None:
            ledger.note("vendors", row, "created", vendor_id=organization.pk)
    if made:
        with ledger.vendor(organization):
            fleet.set_profile(
                levels=values["levels"],
                base_address=values["base_address"],
                base_zip=values["base_zip"],
                base_latitude=location.lat,
                base_longitude=location.lon,
                radius_miles=values["radius_miles"] or 40,
                opens_minute=values["opens"] or 0,
                closes_minute=1440 if values["closes"] is None else values["closes"],
                dispatch_phone=values["phone"],
            )
        if values["admin_email"]:
            _administrator(organization, values, ledger)
    run.count("created" if made or before is None else "unchanged")


def _organization(code: str, values: dict[str, Any], zone: str, ledger: Ledger) -> tuple[Organization, bool]:
    """The vendor of this code: made here when the platform knows none."""
    with ledger.system():
        known = Organization.objects.filter(slug=code).first()
        if known is not None:
            if known.kind != "vendor":
                raise DomainError("Taken.", code="code_taken", fields={"code": "Choose another code: this is taken."})
            return known, False
        try:
            with transaction.atomic():
                made = organizations.create(
                    kind="vendor",
                    name=values["name"],
                    short_name=values["short_name"],
                    slug=code,
                    time_zone=zone,
                    phone=values["phone"],
                )
        except IntegrityError as error:
            raise DomainError("Taken.", code="code_taken", fields={"code": "Choose another code."}) from error
        ledger.note("organizations", made, "created", vendor_id=made.pk)
    ledger.managed.add(made.pk)
    return made, True


def _administrator(organization: Organization, values: dict[str, Any], ledger: Ledger) -> None:
    """Its first person, with a link to set a password: from then on the vendor keeps its own fleet."""
    name = values["admin_name"] or values["admin_email"]
    with ledger.vendor(organization):
        user, membership = people.add(
            organization=organization, email=values["admin_email"], name=name, role="vendor_admin"
        )
        ledger.note("vendor people", membership, "created", vendor_id=organization.pk)
        if not user.has_usable_password():
            ledger.links.append(
                {"name": name, "organization": organization.short_name, **people.set_up_path_parts(user)}
            )


def _paper(ledger: Ledger, **values: Any) -> bool:
    """Record one credential; False when it is recorded so already."""
    holder = {"crew_member": values.get("crew_member"), "vehicle": values.get("vehicle")}
    known = Credential.objects.filter(kind=values["kind"], **holder).first()
    number = values.get("number", "")
    if known is not None and known.ends_on == values["ends_on"] and known.number == number:
        return False
    credential = fleet.set_credential(**values)
    ledger.note("credentials", credential, "created", vendor_id=credential.vendor_id)
    return True


def _count(run: RowRun, ledger: Ledger, kind: str, row: Any, before: dict[str, Any]) -> None:
    if before:
        ledger.note(kind, row, run.count("changed"), vendor_id=row.vendor_id, before=before)
    else:
        run.count("unchanged")


def shifts(table: Table, ledger: Ledger) -> None:
    """Put vehicles on duty. Times are the vendor's own; an end before the start is on the next day."""
    with ledger.rows_of(table) as run:
        for number, values in table.rows:
            vendor_code = values["vendor_code"]
            with run.row(number):
                organization = ledger.vendor_named(vendor_code)
                with ledger.vendor(organization):
                    _shift(values, organization, ledger, run)


def _shift(values: dict[str, Any], organization: Organization, ledger: Ledger, run: RowRun) -> None:
    vehicle = Vehicle.objects.filter(name=values["vehicle"]).first()
    if vehicle is None:
        raise _absent("vehicle", "No vehicle of this vendor has this name. Add it to the vehicles sheet.")
    names = [name.strip() for name in values["crew"].split(";") if name.strip()]
    crew = list(CrewMember.objects.filter(name__in=names, is_active=True))
    if {member.name for member in crew} != set(names):
        raise _absent("crew", "Somebody named here is not on the crews sheet.")
    starts_at = _moment(values["date"], values["starts"], organization.time_zone)
    end_day = values["date"] if values["ends"] > values["starts"] else values["date"] + dt.timedelta(days=1)
    ends_at = _moment(end_day, values["ends"], organization.time_zone)
    if Shift.objects.filter(vehicle=vehicle, starts_at=starts_at, ends_at=ends_at).exists():
        run.count("unchanged")
        return
    shift = fleet.add_shift(vehicle=vehicle, starts_at=starts_at, ends_at=ends_at, crew=crew)
    ledger.note("shifts", shift, run.count("created"), vendor_id=shift.vendor_id)


def _moment(day: dt.date, minute: int, zone: str) -> dt.datetime:
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minute)
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def _absent(column: str, words: str) -> DomainError:
    return DomainError(words, code=f"no_{column}", fields={column: words})


def managed_by(tenant_vendors: set[UUID]) -> set[UUID]:
    """Of the vendors that a health system's imports made, those of whom nobody has signed in yet (system scope)."""
    used = Membership.objects.filter(organization_id__in=tenant_vendors, user__last_login__isnull=False)
    return tenant_vendors - set(used.values_list("organization_id", flat=True))
