"""Row-level security of charges: made once by the health system's side, read by the vendor they concern."""

from django.db import migrations

from logistics.core.rls import APPEND, READ, Protect, staff, vendor


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("dispatch", "0002_protect")]
    operations = [
        Protect("Charge", staff(APPEND), vendor(READ)),
        Protect("ChargeLine", staff(APPEND), vendor(READ)),
    ]
