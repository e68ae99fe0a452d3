"""Row-level security of feeds and messages. The system side finds work, it does not read content."""

from django.db import migrations

from logistics.core.rls import ALL, APPEND, READ, WRITE, Protect, staff, system


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("requests", "0002_protect")]
    operations = [
        Protect("Feed", staff(WRITE), system(READ)),
        Protect("UnitMapping", staff(ALL)),
        Protect(
            "InboundMessage",
            staff(WRITE),
            system(
                READ,
                read_columns=(
                    "id",
                    "tenant_id",
                    "feed_id",
                    "state",
                    "received_at",
                    "visit_token",
                    "attempts",
                ),
            ),
        ),
        Protect("MessageEffect", staff(APPEND)),
    ]
