"""Row-level security of equipment orders: the health system's own, no supplier's."""

from django.db import migrations

from logistics.core.rls import APPEND, WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0015_equipment")]
    operations = [
        Protect("EquipmentItem", staff(WRITE)),
        Protect("EquipmentRule", staff(APPEND)),
        Protect("EquipmentDetail", staff(WRITE)),
        Protect("EquipmentLine", staff(WRITE)),
    ]
