"""The side navigation: which pages exist, who may open them, in the order of the work."""

from __future__ import annotations

from typing import Any

from logistics.accounts.models import Membership

PAGES: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "Work",
        [
            ("My board", "dispatch:board", "layout-list", "board.view"),
            ("Dispatch", "dispatch:console", "radar", "dispatch.view"),
            ("Discharges", "dispatch:plans", "log-out", "plans.view"),
            ("Bed board", "requests:beds", "bed-double", "beds.view"),
            ("Book a trip", "dispatch:book", "plus", "requests.book"),
            ("Recurring trips", "requests:standing", "calendar-days", "requests.view"),
            ("Home health", "dispatch:home_health", "heart-handshake", "requests.view"),
            ("Approvals", "requests:approvals", "clipboard-check", "approvals.view"),
            ("Offers", "dispatch:offers", "inbox", "offers.view"),
            ("Referrals", "dispatch:referrals", "heart-handshake", "referrals.view"),
            ("Visits", "dispatch:visits", "calendar-check", "visits.view"),
            ("My visits", "dispatch:visit_day", "calendar-check", "visits.act"),
            ("Today", "dispatch:driver_day", "route", "drive.view"),
            ("Trips", "dispatch:trips", "route", "trips.view"),
            ("Patients", "requests:patients", "search", "patients.search"),
            ("Forms and PCS", "requests:certs", "signature", "certs.view"),
            ("Authorizations", "requests:authorizations", "badge-check", "auths.view"),
            ("Equipment", "dispatch:equipment", "package", "equipment.view"),
            ("Deliveries", "dispatch:deliveries", "truck", "deliveries.view"),
            ("Charges", "billing:charges", "receipt", "charges.view"),
            ("Inbox", "integrations:inbox", "inbox", "inbox.view"),
            ("De-identified trips", "insights:deidentified", "bar-chart-3", "insights.deidentified"),
        ],
    ),
    (
        "Reference",
        [
            ("Address book", "requests:places", "book-user", "places.view"),
            ("Vendors", "vendors:network", "truck", "vendors.view"),
            ("Home health agencies", "dispatch:agencies", "stethoscope", "vendors.view"),
            ("Agency profile", "dispatch:agency", "clipboard-list", "agency.edit"),
            ("Fleet and crews", "vendors:fleet", "truck", "fleet.view"),
            ("Stock", "vendors:stock", "package-check", "stock.view"),
            ("Equipment catalog", "requests:catalog", "list", "equipment.catalog"),
            ("Contracts", "vendors:contracts", "file-signature", "contracts.view"),
            ("Budgets", "requests:budgets", "wallet", "budgets.view"),
            ("Scorecards", "vendors:scorecards", "bar-chart-3", "scorecards.view"),
            ("My scorecard", "vendors:own_scorecard", "bar-chart-3", "scorecards.own"),
            ("Feeds", "integrations:feeds", "radio", "feeds.view"),
            ("Unit mappings", "integrations:mappings", "link", "mappings.edit"),
        ],
    ),
    (
        "Settings",
        [
            ("Set up", "integrations:setup", "list-checks", "setup.edit"),
            ("People and roles", "accounts:people", "users", "people.view"),
            ("Sites and units", "accounts:sites", "building-2", "sites.view"),
            ("Level rules", "requests:rules", "scale", "rules.view"),
            ("Approval policy", "requests:policies", "shield-check", "policies.view"),
            ("Protocols", "requests:protocols", "list-checks", "protocols.view"),
            ("Organizations", "accounts:organizations", "building-2", "organizations.view"),
            ("Audit log", "accounts:audit", "shield-check", "audit.view"),
        ],
    ),
]


def groups_for(membership: Membership) -> list[dict[str, Any]]:
    """The groups that this membership's permissions leave."""
    allowed = membership.definition.permissions
    groups = []
    for title, pages in PAGES:
        items = [
            {"label": label, "view": view, "icon": icon}
            for label, view, icon, permission in pages
            if permission in allowed
        ]
        if items:
            groups.append({"title": title, "items": items})
    return groups
