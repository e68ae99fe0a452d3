"""Row-level security of discharge plans: the health system's own."""

from django.db import migrations

from logistics.core.rls import WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0021_discharge_plan")]
    operations = [Protect(model, staff(WRITE)) for model in ("PlanEdge", "MilestoneOwner", "RetimeProposal")]
