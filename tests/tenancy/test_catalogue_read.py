"""The walls in the database stand, and each weakening of them is noticed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.owner import owner_cursor
from tests.tenancy import catalogue

# One weakening each, as somebody might write it by mistake or in haste.
MUTANTS = {
    "a policy is dropped": "DROP POLICY cw_staff_rows ON requests_patient",
    "row-level security is switched off": "ALTER TABLE dispatch_trip DISABLE ROW LEVEL SECURITY",
    "it is no longer forced on the owner": "ALTER TABLE requests_encounter NO FORCE ROW LEVEL SECURITY",
    "a side sees every row": "ALTER POLICY cw_staff_rows ON dispatch_leg USING (true)",
    "a side writes rows of others": "ALTER POLICY cw_staff_rows ON requests_bed WITH CHECK (true)",
    "a second, wider policy": "CREATE POLICY wide ON requests_patient TO cw_staff USING (true)",
    "a policy for everybody": "CREATE POLICY anyone ON requests_patient USING (tenant_id = (SELECT ctx_tenant()))",
    "a vendor's policy compares the health system": (
        "ALTER POLICY cw_vendor_rows ON dispatch_offer USING (tenant_id = (SELECT ctx_tenant()))"
    ),
    "the context is called once a row": (
        "ALTER POLICY cw_staff_rows ON requests_place USING (tenant_id = ctx_tenant())"
    ),
    "the context answers a constant": (
        "CREATE OR REPLACE FUNCTION ctx_tenant() RETURNS uuid LANGUAGE sql STABLE AS"
        " $$ SELECT (SELECT id FROM accounts_organization LIMIT 1) $$"
    ),
    "the login role may read patients": "GRANT SELECT ON requests_patient TO cw_app",
    "the login role may read one column": "GRANT SELECT (family_name) ON requests_patient TO cw_app",
    "everybody may read trips": "GRANT SELECT ON dispatch_trip TO PUBLIC",
    "the platform's side may read trips": "GRANT SELECT ON dispatch_trip TO cw_system",
    "the audit trail can be changed": "GRANT UPDATE ON core_auditentry TO cw_staff",
    "history can be deleted": "GRANT DELETE ON dispatch_tripevent TO cw_staff",
    "tables can be emptied": "GRANT TRUNCATE ON requests_patient TO cw_staff",
    "a foreign key forgets the owner": (
        "ALTER TABLE dispatch_leg DROP CONSTRAINT dispatch_leg_trip_id_cfk;"
        " ALTER TABLE dispatch_leg ADD CONSTRAINT plain FOREIGN KEY (trip_id) REFERENCES dispatch_trip (id)"
    ),
    "a foreign key is gone": "ALTER TABLE dispatch_leg DROP CONSTRAINT dispatch_leg_trip_id_cfk",
    "a function with its owner's rights": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS"
        " $$ SELECT count(*) FROM requests_patient $$"
    ),
    "a view with its owner's rights": "CREATE VIEW every_trip AS SELECT * FROM dispatch_trip",
    "a materialized view": "CREATE MATERIALIZED VIEW trip_copy AS SELECT * FROM dispatch_trip",
    "a new table that nobody protected": "CREATE TABLE dispatch_note (id bigint, tenant_id uuid, text text)",
    "a new table of no known kind": "CREATE TABLE loose (id bigint)",
}


@pytest.mark.parametrize("check", catalogue.CHECKS, ids=lambda check: check.__name__)
def test_the_catalogue_shows_no_hole(db: None, check: Any) -> None:
    with connection.cursor() as cursor:
        assert check(cursor) == []


def test_the_owner_reads_the_same_whole_walls(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), owner_cursor() as cursor:
        assert catalogue.holes(cursor) == []


@pytest.mark.parametrize("weakening", MUTANTS, ids=lambda text: text.replace(" ", "-").replace("'", ""))
def test_each_weakening_of_the_walls_is_noticed(django_db_setup: None, django_db_blocker: Any, weakening: str) -> None:
    with django_db_blocker.unblock(), owner_cursor() as cursor:
        cursor.execute(MUTANTS[weakening])
        assert catalogue.holes(cursor) != []


def test_there_is_something_to_protect(db: None) -> None:
    with connection.cursor() as cursor:
        assert len(catalogue.protected_tables(cursor)) > 40
