"""Row-level security of imports, and what an import may take back: sites and units that nothing uses."""

from django.db import migrations

from logistics.core.rls import WRITE, AddRule, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_imports"), ("accounts", "0002_protect")]
    operations = [
        Protect("ImportBatch", staff(WRITE)),
        Protect("ImportedRow", staff(WRITE)),
        AddRule("accounts_facility", staff("DELETE"), "undo"),
        AddRule("accounts_unit", staff("DELETE"), "undo"),
    ]
