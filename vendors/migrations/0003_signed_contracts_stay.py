"""A signed contract never changes, whoever writes: the database refuses what the services would refuse."""

from django.db import migrations

# Only the status and the end may move, and only forward: a price that was charged must stay provable.
GUARD = """
CREATE FUNCTION vendors_contract_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'draft' THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a signed contract is not deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status = 'draft'
    OR (OLD.status = 'ended' AND NEW.status <> 'ended')
    OR (to_jsonb(NEW) - 'status' - 'effective_to') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'effective_to') THEN
    RAISE EXCEPTION 'a signed contract never changes: draft a new version' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER vendors_contract_signed BEFORE UPDATE OR DELETE ON vendors_contract
  FOR EACH ROW EXECUTE FUNCTION vendors_contract_guard();

CREATE FUNCTION vendors_rate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wanted uuid[] := CASE TG_OP
    WHEN 'INSERT' THEN ARRAY[NEW.contract_id] WHEN 'DELETE' THEN ARRAY[OLD.contract_id]
    ELSE ARRAY[OLD.contract_id, NEW.contract_id] END;
  found_status text;
BEGIN
  -- The lock makes a rate's write wait for a signature that is being made at the same moment.
  FOR found_status IN SELECT c.status FROM vendors_contract c WHERE c.id = ANY (wanted) FOR SHARE LOOP
    IF found_status <> 'draft' THEN
      RAISE EXCEPTION 'a signed contract keeps its rates: draft a new version' USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER vendors_rate_signed BEFORE INSERT OR UPDATE OR DELETE ON vendors_rate
  FOR EACH ROW EXECUTE FUNCTION vendors_rate_guard();
"""
UNGUARD = """
DROP TRIGGER vendors_rate_signed ON vendors_rate;
DROP FUNCTION vendors_rate_guard();
DROP TRIGGER vendors_contract_signed ON vendors_contract;
DROP FUNCTION vendors_contract_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0002_protect")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
