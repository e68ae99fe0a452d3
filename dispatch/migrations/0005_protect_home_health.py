"""Row-level security of home health: the health system owns it, an agency sees its offers and what it accepted."""

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

# Minimum necessary: an agency may know the patient while the referral is its own and until 24 hours after care ended.
PATIENT = (
    f"{VENDOR} AND EXISTS (SELECT 1 FROM dispatch_referral r WHERE r.id = dispatch_referralpatient.referral_id"
    " AND r.vendor_id = (SELECT ctx_vendor()) AND r.status <> 'canceled'"
    " AND (r.ended_at IS NULL OR r.ended_at > now() - interval '24 hours'))"
)
# Rows of a referral before acceptance carry no vendor: an agency that was asked may take them.
ASKED = (
    "tenant_id = (SELECT ctx_tenant()) AND (vendor_id = (SELECT ctx_vendor()) OR (vendor_id IS NULL AND {referral} IN"
    " (SELECT o.referral_id FROM dispatch_referraloffer o WHERE o.vendor_id = (SELECT ctx_vendor())"
    " AND o.status <> 'waiting')))"
)


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0004_home_health"),
        ("requests", "0009_protect_home_health"),
        ("vendors", "0005_protect_home_health"),
    ]
    operations = [
        Protect(
            "Referral",
            staff(WRITE),
            vendor(READ),
            cross("SELECT, UPDATE", ASKED.format(referral="id"), check=CROSS_TAKEN),
        ),
        Protect("ReferralEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect(
            "ReferralPatient",
            staff(WRITE),
            vendor(READ, PATIENT),
            cross(
                "SELECT, UPDATE",
                ASKED.format(referral="referral_id"),
                check=CROSS_TAKEN,
                columns=("vendor_id",),
                read_columns=("id", "tenant_id", "referral_id", "vendor_id"),
            ),
        ),
        Protect(
            "ReferralOffer",
            staff(WRITE),
            vendor(READ, f"{VENDOR} AND status <> 'waiting'"),
            cross("SELECT, UPDATE", CROSS),
        ),
        Protect("ReferralOfferEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect("Visit", staff(WRITE), vendor(READ), cross(WRITE, CROSS)),
        Protect("VisitEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect("VisitEdit", staff(READ), vendor(READ), cross(APPEND, CROSS)),
    ]
