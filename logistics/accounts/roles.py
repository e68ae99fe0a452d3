"""What a person may be, and what each role may do. Data, not code: one row per role.

Permissions are ``noun.verb`` words that views name in ``core.access.requires``. Which *rows* a permission
reaches is decided by the scope and by row-level security, which *fields* by the page's own selector
(docs/security.md has the role by field table).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """``side`` is the kind of organization it exists in; ``start`` the URL name of its first page."""

    label: str
    side: str
    start: str
    permissions: frozenset[str]
    needs_second_factor: bool = True


def _role(label: str, side: str, start: str, permissions: str, *, second_factor: bool = True) -> Role:
    return Role(label, side, start, frozenset(permissions.split()), second_factor)


SEE_TRIPS = "live.follow trips.view palette.search"
CARE = (
    f"{SEE_TRIPS} board.view beds.view patients.search patients.view patients.edit requests.view requests.book"
    " requests.cancel requests.export places.view places.edit approvals.view plans.view plans.edit"
)

HOME_CARE = "referrals.view referrals.answer visits.view visits.plan agency.edit"
GEAR = "equipment.view equipment.order stock.view"
GEAR_SUPPLY = "deliveries.view deliveries.answer deliveries.act stock.view stock.edit"

ROLES: dict[str, Role] = {
    "case_manager": _role(
        "Case manager",
        "health_system",
        "dispatch:board",
        f"{CARE} {GEAR} certs.view certs.edit certs.sign auths.view auths.edit",
    ),
    "transport_coordinator": _role(
        "Transport coordinator",
        "health_system",
        "dispatch:console",
        f"{CARE} {GEAR} stock.edit equipment.catalog dispatch.view dispatch.act vendors.view"
        " scorecards.view inbox.view approvals.answer policies.view"
        " budgets.view protocols.view rules.view certs.view",
    ),
    "biller": _role(
        "Biller",
        "health_system",
        "billing:charges",
        f"{SEE_TRIPS} charges.view patients.search patients.view certs.view auths.view auths.edit",
    ),
    "payables": _role(
        "Contracts and payables",
        "health_system",
        "vendors:contracts",
        f"{SEE_TRIPS} charges.view contracts.view contracts.edit vendors.view scorecards.view approvals.view"
        " approvals.answer policies.view budgets.view budgets.edit",
    ),
    "quality": _role(
        "Quality", "health_system", "vendors:scorecards", f"{SEE_TRIPS} vendors.view scorecards.view rules.view"
    ),
    "admin": _role(
        "Administrator",
        "health_system",
        "vendors:scorecards",
        f"{SEE_TRIPS} vendors.view vendors.edit equipment.catalog stock.view stock.edit contracts.view scorecards.view"
        " people.view people.edit sites.view sites.edit setup.edit audit.view inbox.view approvals.view"
        " approvals.answer policies.view policies.edit budgets.view budgets.edit protocols.view protocols.edit"
        " rules.view rules.edit",
    ),
    "integration_engineer": _role(
        "Integration engineer",
        "health_system",
        "integrations:inbox",
        "live.follow palette.search inbox.view inbox.reveal inbox.replay mappings.edit feeds.view feeds.edit",
    ),
    "auditor": _role(
        "Auditor", "health_system", "accounts:audit", "live.follow palette.search audit.view audit.verify trips.view"
    ),
    "analyst": _role(
        "De-identified analyst", "health_system", "insights:deidentified", "palette.search insights.deidentified"
    ),
    "vendor_dispatcher": _role(
        "Vendor dispatcher",
        "vendor",
        "dispatch:offers",
        f"{SEE_TRIPS} offers.view offers.answer assignments.edit fleet.view scorecards.own",
    ),
    "home_health": _role(
        "Home health coordinator", "vendor", "dispatch:referrals", f"{SEE_TRIPS} {HOME_CARE} scorecards.own"
    ),
    "clinician": _role(
        "Home health clinician", "vendor", "dispatch:visit_day", "live.follow visits.act", second_factor=False
    ),
    "dme": _role(
        "Equipment coordinator",
        "vendor",
        "dispatch:deliveries",
        f"{SEE_TRIPS} {GEAR_SUPPLY} offers.view offers.answer assignments.edit scorecards.own",
    ),
    "fleet_manager": _role(
        "Fleet manager", "vendor", "vendors:fleet", f"{SEE_TRIPS} fleet.view fleet.edit scorecards.own"
    ),
    "vendor_admin": _role(
        "Vendor administrator",
        "vendor",
        "dispatch:offers",
        f"{SEE_TRIPS} {GEAR_SUPPLY} offers.view offers.answer assignments.edit fleet.view fleet.edit scorecards.own"
        f" {HOME_CARE} people.view people.edit audit.view",
    ),
    "driver": _role(
        "Driver or crew",
        "vendor",
        "dispatch:driver_day",
        "live.follow drive.view drive.act deliveries.view deliveries.act",
        second_factor=False,
    ),
    "operator": _role("Platform operator", "operator", "accounts:organizations", "organizations.view live.follow"),
}

CHOICES = [(name, role.label) for name, role in ROLES.items()]
ALL_PERMISSIONS = frozenset().union(*(role.permissions for role in ROLES.values()))


def roles_for(side: str) -> dict[str, Role]:
    """The roles that exist in an organization of this kind."""
    return {name: role for name, role in ROLES.items() if role.side == side}
