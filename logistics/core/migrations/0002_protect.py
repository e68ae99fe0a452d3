"""Row-level security of the audit trail and the outbox."""

from django.db import migrations

from logistics.core.rls import (
    APPEND,
    CROSS,
    READ,
    TENANT,
    VENDOR,
    Protect,
    cross,
    login,
    staff,
    system,
    vendor,
)

NOBODYS = "tenant_id IS NULL AND vendor_id IS NULL"


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [
        Protect(
            "AuditEntry",
            staff(APPEND, TENANT),
            vendor(APPEND, VENDOR),
            cross(APPEND, CROSS),
            login(APPEND, NOBODYS),
            system(APPEND),
            linked=False,
        ),
        Protect(
            "AuditSeal",
            staff(READ, "chain = (SELECT ctx_tenant())::text"),
            vendor(READ, "chain = (SELECT ctx_vendor())::text"),
            system(APPEND),
            linked=False,
        ),
        Protect(
            "OutboxEvent",
            staff(APPEND, TENANT),
            vendor(APPEND, VENDOR),
            cross(APPEND, CROSS),
            system("SELECT, INSERT, UPDATE, DELETE", columns=("relayed_at",)),
            linked=False,
        ),
        Protect("OutboxDelivery", system("SELECT, INSERT, UPDATE, DELETE")),
    ]
