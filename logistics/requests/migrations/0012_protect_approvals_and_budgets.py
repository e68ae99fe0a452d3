"""Row-level security of policies, budgets and protocols: the health system's own, and what was published stays."""

from django.db import migrations

from logistics.core.rls import ALL, APPEND, WRITE, Protect, staff

# A published version may only be retired, once: an approval must stay readable with the rules that asked for it.
GUARD = """
CREATE FUNCTION requests_policyset_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.published_at IS NULL THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.retired_at IS NOT NULL
    OR (to_jsonb(NEW) - 'retired_at') IS DISTINCT FROM (to_jsonb(OLD) - 'retired_at') THEN
    RAISE EXCEPTION 'a published policy never changes: draft a new version' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER requests_policyset_published BEFORE UPDATE OR DELETE ON requests_policyset
  FOR EACH ROW EXECUTE FUNCTION requests_policyset_guard();
"""
UNGUARD = """
DROP TRIGGER requests_policyset_published ON requests_policyset;
DROP FUNCTION requests_policyset_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("requests", "0011_approvals_and_budgets")]
    operations = [
        Protect("PolicySet", staff(ALL)),
        Protect("CostCenter", staff(WRITE)),
        Protect("Budget", staff(WRITE)),
        Protect("UnitProtocol", staff(APPEND)),
        Protect("ProtocolTick", staff(WRITE)),
        Protect("HandoffTemplate", staff(APPEND)),
        Protect("Handoff", staff(WRITE)),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
