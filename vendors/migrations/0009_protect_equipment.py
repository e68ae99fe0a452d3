"""Row-level security of stock: a depot's counts are seen by its network, what they are promised for by nobody else."""

from django.db import migrations

from logistics.core.rls import APPEND, NETWORK, READ, VENDOR, WRITE, Protect, cross, staff, vendor


class Migration(migrations.Migration):
    dependencies = [("vendors", "0008_equipment")]
    operations = [
        Protect("StockItem", vendor(WRITE), staff(READ, NETWORK), cross(WRITE, VENDOR)),
        Protect("StockUnit", vendor(WRITE), cross(WRITE, VENDOR)),
        Protect("StockHold", vendor(WRITE), cross(WRITE, VENDOR)),
        Protect("StockReorder", vendor(WRITE)),
        Protect("StockMove", vendor(APPEND), cross(APPEND, VENDOR)),
        Protect("ClosetItem", staff(WRITE)),
        Protect("ClosetUnit", staff(WRITE)),
        Protect("ClosetReorder", staff(WRITE)),
        Protect("ClosetMove", staff(APPEND)),
    ]
