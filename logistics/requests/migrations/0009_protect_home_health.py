"""Row-level security of home health orders and choices: the health system's own, no vendor's."""

from django.db import migrations

from logistics.core.rls import WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0008_home_health")]
    operations = [
        Protect("HomeHealthDetail", staff(WRITE)),
        Protect("PatientChoice", staff(WRITE)),
    ]
