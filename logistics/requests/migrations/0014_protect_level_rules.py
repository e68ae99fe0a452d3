"""Row-level security of the level rules: a published version is only ever added, the draft is its health system's."""

from django.db import migrations

from logistics.core.rls import ALL, APPEND, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0013_level_rules")]
    operations = [
        Protect("LevelRuleSet", staff(APPEND)),
        Protect("LevelRuleDraft", staff(ALL)),
    ]
