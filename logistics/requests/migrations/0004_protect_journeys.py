"""Row-level security of journeys and gates: the health system's own, no vendor's."""

from django.db import migrations

from logistics.core.rls import WRITE, Link, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0003_journeys_and_gates")]
    operations = [
        Protect("Journey", staff(WRITE)),
        Protect("Gate", staff(WRITE)),
        Link("ServiceRequest", "journey"),
        Link("TransportDetail", "pickup_place"),
    ]
