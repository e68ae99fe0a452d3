"""Row-level security of supply, and what the two sides of a network may know of each other."""

from django.db import migrations

from logistics.core.rls import (
    ALL,
    CROSS,
    NETWORK,
    READ,
    TENANT,
    VENDOR,
    WRITE,
    AddRule,
    Protect,
    cross,
    staff,
    system,
    vendor,
)

SUPPLY = ["VendorProfile", "Vehicle", "CrewMember", "Credential", "Shift", "ShiftCrew"]


class Migration(migrations.Migration):
    dependencies = [("vendors", "0001_initial"), ("accounts", "0002_protect")]
    operations = [
        Protect("Network", staff(WRITE), vendor(READ), cross(READ, CROSS), system(READ)),
        *[Protect(model, vendor(ALL), staff(READ, NETWORK), cross(READ, VENDOR)) for model in SUPPLY],
        Protect("Commitment", vendor(WRITE), staff(READ, NETWORK), cross(WRITE, VENDOR)),
        Protect("CommitmentCrew", vendor(WRITE), staff(READ, NETWORK), cross(WRITE, VENDOR)),
        # A signed version never changes: updates reach drafts, and signing or ending only touch the status.
        Protect("Contract", staff(WRITE), vendor(READ), cross(READ, CROSS)),
        Protect("Rate", staff(ALL), vendor(READ), cross(READ, CROSS)),
        Protect("Scorecard", staff(WRITE, TENANT), vendor(READ)),
        AddRule(
            "accounts_organization",
            staff(
                READ,
                "id IN (SELECT n.vendor_id FROM vendors_network n WHERE n.tenant_id = (SELECT ctx_tenant()))",
            ),
            "network",
        ),
        AddRule(
            "accounts_organization",
            vendor(
                READ,
                "id IN (SELECT n.tenant_id FROM vendors_network n WHERE n.vendor_id = (SELECT ctx_vendor()))",
            ),
            "network",
        ),
    ]
