"""Row-level security of organizations, sites and people."""

from django.db import migrations

from logistics.core.rls import (
    ALL,
    READ,
    TENANT,
    WRITE,
    Protect,
    cross,
    login,
    staff,
    system,
    vendor,
)

MINE = "id IN (SELECT m.organization_id FROM accounts_membership m WHERE m.user_id = (SELECT ctx_user()))"


def members(context: str) -> str:
    """People of one organization, and oneself."""
    return (
        "id = (SELECT ctx_user()) OR id IN (SELECT m.user_id FROM accounts_membership m"
        f" WHERE m.organization_id = (SELECT {context}()))"
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("core", "0001_initial")]
    operations = [
        Protect(
            "Organization",
            login(READ, MINE),
            staff(READ, "id = (SELECT ctx_tenant())"),
            vendor(READ, "id = (SELECT ctx_vendor())"),
            cross(READ, "id IN ((SELECT ctx_tenant()), (SELECT ctx_vendor()))"),
            system(ALL),
        ),
        Protect(
            "User",
            login("SELECT, UPDATE", "true"),
            staff(WRITE, members("ctx_tenant"), check="true"),
            vendor(WRITE, members("ctx_vendor"), check="true"),
            system(WRITE),
        ),
        Protect(
            "Membership",
            login(READ, "user_id = (SELECT ctx_user())"),
            staff(WRITE, "organization_id = (SELECT ctx_tenant())"),
            vendor(WRITE, "organization_id = (SELECT ctx_vendor())"),
            system(WRITE),
        ),
        Protect("Facility", staff(WRITE), cross(READ, TENANT)),
        Protect("Unit", staff(WRITE), cross(READ, TENANT)),
    ]
