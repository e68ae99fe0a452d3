"""Row-level security of equipment: the health system owns it, a supplier sees its offers and what it accepted."""

from django.db import migrations

from logistics.core.rls import (
    APPEND,
    CROSS,
    CROSS_TAKEN,
    READ,
    VENDOR,
    WRITE,
    Protect,
    cross,
    staff,
    vendor,
)

# Minimum necessary: a supplier may know the patient while the order is its own and until 24 hours after it closed.
RECIPIENT = (
    f"{VENDOR} AND EXISTS (SELECT 1 FROM dispatch_equipmentorder o WHERE o.id = dispatch_equipmentrecipient.order_id"
    " AND o.vendor_id = (SELECT ctx_vendor()) AND o.status <> 'canceled'"
    " AND (o.closed_at IS NULL OR o.closed_at > now() - interval '24 hours'))"
)
PROOF = f"{VENDOR} AND (recorded_at > now() - interval '24 hours')"
# Rows of an order before acceptance carry no vendor: a supplier that was asked may take them.
ASKED = (
    "tenant_id = (SELECT ctx_tenant()) AND (vendor_id = (SELECT ctx_vendor()) OR (vendor_id IS NULL AND {order} IN"
    " (SELECT o.order_id FROM dispatch_equipmentoffer o WHERE o.vendor_id = (SELECT ctx_vendor())"
    " AND o.status <> 'waiting')))"
)
REVIEW = ("review", "review_note", "reviewed_by_name", "reviewed_at")


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0009_equipment"),
        ("requests", "0016_protect_equipment"),
        ("vendors", "0009_protect_equipment"),
    ]
    operations = [
        Protect(
            "EquipmentOrder",
            staff(WRITE),
            vendor(READ),
            cross("SELECT, UPDATE", ASKED.format(order="id"), check=CROSS_TAKEN),
        ),
        Protect("EquipmentEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect(
            "EquipmentOrderLine",
            staff(WRITE),
            vendor(READ),
            cross("SELECT, UPDATE", ASKED.format(order="order_id"), check=CROSS_TAKEN),
        ),
        Protect(
            "EquipmentRecipient",
            staff(WRITE),
            vendor(READ, RECIPIENT),
            cross(
                "SELECT, UPDATE",
                ASKED.format(order="order_id"),
                check=CROSS_TAKEN,
                columns=("vendor_id",),
                read_columns=("id", "tenant_id", "order_id", "vendor_id"),
            ),
        ),
        Protect(
            "EquipmentOffer",
            staff(WRITE),
            vendor(READ, f"{VENDOR} AND status <> 'waiting'"),
            cross("SELECT, UPDATE", CROSS),
        ),
        Protect("EquipmentOfferEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect("DeliveryAttempt", staff(READ), vendor(READ), cross(APPEND, CROSS)),
        Protect(
            "DeliveryProof",
            staff("SELECT, INSERT, UPDATE", columns=REVIEW),
            vendor(READ, PROOF),
            cross(APPEND, CROSS),
        ),
    ]
