"""The audit trail's transaction numbers go on after a restore.

A restored database lives in a server that counts transactions from its own beginning: without an offset its new
entries would sort before old ones and would never be sealed. ``restore`` sets the offset.
"""

from django.db import migrations

MAKE = """
CREATE SEQUENCE core_xid_offset MINVALUE 0 START 0;
GRANT SELECT ON SEQUENCE core_xid_offset TO cw_app, cw_staff, cw_vendor, cw_cross, cw_system;
CREATE FUNCTION core_audit_xid() RETURNS bigint LANGUAGE sql VOLATILE
  AS $$ SELECT pg_current_xact_id()::text::bigint + last_value FROM core_xid_offset $$;
ALTER TABLE core_auditentry ALTER COLUMN xid SET DEFAULT core_audit_xid();
"""
UNDO = """
ALTER TABLE core_auditentry ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text::bigint);
DROP FUNCTION core_audit_xid();
DROP SEQUENCE core_xid_offset;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_protect")]
    operations = [migrations.RunSQL(MAKE, UNDO)]
