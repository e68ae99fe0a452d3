"""Row-level security of trips: the health system owns them, a vendor sees its offers and what it accepted."""

from django.db import migrations

from logistics.core.rls import (
    APPEND,
    CROSS,
    CROSS_ASKED,
    CROSS_TAKEN,
    READ,
    VENDOR,
    WRITE,
    Protect,
    cross,
    staff,
    vendor,
)

# Minimum necessary: a vendor may know the patient while the trip is its own and until 24 hours after it ended.
PASSENGER = (
    f"{VENDOR} AND EXISTS (SELECT 1 FROM dispatch_trip t WHERE t.id = dispatch_passenger.trip_id"
    " AND t.vendor_id = (SELECT ctx_vendor()) AND t.status <> 'canceled'"
    " AND (t.completed_at IS NULL OR t.completed_at > now() - interval '24 hours'))"
)
PROOF = f"{VENDOR} AND (recorded_at > now() - interval '24 hours')"
ASKED = CROSS_ASKED.format(trip="trip_id")


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0001_initial"),
        ("requests", "0002_protect"),
        ("vendors", "0002_protect"),
    ]
    operations = [
        Protect(
            "Trip",
            staff(WRITE),
            vendor(READ),
            cross("SELECT, UPDATE", CROSS_ASKED.format(trip="id"), check=CROSS_TAKEN),
        ),
        Protect("TripEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect(
            "Passenger",
            staff(WRITE),
            vendor(READ, PASSENGER),
            cross(
                "SELECT, UPDATE",
                ASKED,
                check=CROSS_TAKEN,
                columns=("vendor_id",),
                read_columns=("id", "tenant_id", "trip_id", "vendor_id"),
            ),
        ),
        Protect("Leg", staff(WRITE), vendor(READ), cross("SELECT, UPDATE", ASKED, check=CROSS_TAKEN)),
        Protect("LegEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect("Run", staff("SELECT, UPDATE", columns=("is_active",)), vendor(READ), cross(WRITE, CROSS)),
        Protect("RunCrew", staff(READ), vendor(READ), cross(WRITE, CROSS)),
        Protect(
            "Offer",
            staff(WRITE),
            vendor(READ, f"{VENDOR} AND status <> 'waiting'"),
            cross("SELECT, UPDATE", CROSS),
        ),
        Protect("OfferEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Protect("MatchExplanation", staff(APPEND)),
        Protect("Proof", staff(READ), vendor(READ, PROOF), cross(APPEND, CROSS)),
    ]
