"""Row-level security of standing orders: the health system's own, no vendor's."""

from django.db import migrations

from logistics.core.rls import ALL, APPEND, WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0006_standing_orders")]
    operations = [
        Protect("StandingOrder", staff(WRITE)),
        Protect("StandingOrderEvent", staff(APPEND)),
        Protect("StandingVersion", staff(WRITE)),
        Protect("StandingException", staff(WRITE)),
        Protect("StandingRide", staff(WRITE)),
        Protect("ClosedDay", staff(ALL)),
    ]
