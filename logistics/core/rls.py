"""Row-level security as migration operations (wall two of two).

``Protect`` puts a model's table under forced row-level security, gives each database role exactly the
privileges and rows that its rules name, and turns every :class:`TenantForeignKey`
and :class:`VendorForeignKey` into a composite constraint. The catalogue tests read the database, not these operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.migrations.operations.base import Operation

from logistics.core.fields import TenantForeignKey, VendorForeignKey

TENANT = "tenant_id = (SELECT ctx_tenant())"
VENDOR = "vendor_id = (SELECT ctx_vendor())"
CROSS = "tenant_id = (SELECT ctx_tenant()) AND vendor_id = (SELECT ctx_vendor())"
NETWORK = "vendor_id IN (SELECT n.vendor_id FROM vendors_network n WHERE n.tenant_id = (SELECT ctx_tenant()))"
ALL = "SELECT, INSERT, UPDATE, DELETE"
WRITE = "SELECT, INSERT, UPDATE"
APPEND = "SELECT, INSERT"
READ = "SELECT"

# A trip's rows before acceptance carry no vendor: a vendor that was asked may take them (dispatch.services.offers).
CROSS_ASKED = (
    "tenant_id = (SELECT ctx_tenant()) AND (vendor_id = (SELECT ctx_vendor()) OR (vendor_id IS NULL AND {trip} IN"
    " (SELECT o.trip_id FROM dispatch_offer o WHERE o.vendor_id = (SELECT ctx_vendor()))))"
)
CROSS_TAKEN = "tenant_id = (SELECT ctx_tenant()) AND (vendor_id = (SELECT ctx_vendor()) OR vendor_id IS NULL)"

CONTEXT_FUNCTIONS = """
CREATE OR REPLACE FUNCTION ctx_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION ctx_vendor() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.vendor_id', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION ctx_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;
"""


@dataclass(frozen=True)
class Rule:
    """What one role may do with which rows. ``using`` filters reads and old rows, ``check`` new rows.

    ``columns`` narrows UPDATE to some columns and ``read_columns`` SELECT (row-level security knows rows,
    not columns).
    """

    role: str
    privileges: str
    using: str
    check: str | None = None
    columns: tuple[str, ...] = ()
    read_columns: tuple[str, ...] = ()

    def grants(self, table: str) -> list[str]:
        """GRANT statements for ``table``."""
        out = []
        for privilege in (part.strip() for part in self.privileges.split(",")):
            columns = {"UPDATE": self.columns, "SELECT": self.read_columns}.get(privilege, ())
            listed = f"({', '.join(columns)})" if columns else ""
            out.append(f"GRANT {privilege} {listed} ON {table} TO {self.role}")
        return out


def staff(privileges: str = WRITE, using: str = TENANT, **more: Any) -> Rule:
    """The health system's own rows."""
    return Rule("cw_staff", privileges, using, **more)


def vendor(privileges: str = READ, using: str = VENDOR, **more: Any) -> Rule:
    """The vendor's own rows."""
    return Rule("cw_vendor", privileges, using, **more)


def cross(privileges: str = WRITE, using: str = CROSS, **more: Any) -> Rule:
    """A vendor acting on one health system's rows."""
    return Rule("cw_cross", privileges, using, **more)


def system(privileges: str, using: str = "true", **more: Any) -> Rule:
    """Relay, feeds and sealing."""
    return Rule("cw_system", privileges, using, **more)


def login(privileges: str, using: str, **more: Any) -> Rule:
    """The login role itself, before an organization is chosen."""
    return Rule("cw_app", privileges, using, **more)


class Protect(Operation):
    """Force row-level security on one model's table, with these rules."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, *rules: Rule, linked: bool = True) -> None:
        self.model = model
        self.rules = rules
        self.linked = linked  # False for logs, whose rows must outlive the organization they speak of

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """For the migration writer."""
        return type(self).__name__, [self.model, *self.rules], {"linked": self.linked}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The model state does not change."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Apply."""
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        run = schema_editor.execute
        run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", params=None)
        run(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY", params=None)
        for rule in self.rules:
            add_rule(run, table, rule)
        owner = owner_column(model)
        if owner and self.linked:
            pk = model._meta.pk.column
            run(f"ALTER TABLE {table} ADD CONSTRAINT {table}_owner_uq UNIQUE ({owner}, {pk})", params=None)
        for column in ("tenant_id", "vendor_id"):
            if self.linked and any(
                f.column == column and f.__class__.__name__ == "UUIDField" for f in model._meta.concrete_fields
            ):
                run(
                    f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY ({column})"
                    " REFERENCES accounts_organization (id) DEFERRABLE INITIALLY DEFERRED",
                    params=None,
                )
        for column, field in composite_keys(model):
            add_link(run, table, column, field)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Undo: drop policies, constraints and grants."""
        model = from_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        run = schema_editor.execute
        for _column, field in composite_keys(model):
            run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{field.column}_cfk", params=None)
        for name in (f"{table}_tenant_id_fk", f"{table}_vendor_id_fk", f"{table}_owner_uq"):
            run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE", params=None)
        for rule in self.rules:
            run(f"DROP POLICY IF EXISTS {policy_name(rule)} ON {table}", params=None)
            run(f"REVOKE ALL ON {table} FROM {rule.role}", params=None)
        run(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", params=None)
        run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", params=None)

    def describe(self) -> str:
        """One line for ``sqlmigrate``."""
        return f"Row-level security on {self.model}"


class AddRule(Operation):
    """One more rule for a table that is already protected (``table`` is the database name)."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str, rule: Rule, suffix: str) -> None:
        self.table = table
        self.rule = rule
        self.suffix = suffix

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """For the migration writer."""
        return type(self).__name__, [self.table, self.rule, self.suffix], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The model state does not change."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Apply."""
        add_rule(schema_editor.execute, self.table, self.rule, self.suffix)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Undo the policy (privileges may be shared with another rule and stay)."""
        schema_editor.execute(
            f"DROP POLICY IF EXISTS {policy_name(self.rule, self.suffix)} ON {self.table}", params=None
        )

    def describe(self) -> str:
        """One line for ``sqlmigrate``."""
        return f"Row-level rule {self.suffix} on {self.table}"


class Link(Operation):
    """Give foreign keys that were added to a protected table later their composite constraint."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, *fields: str) -> None:
        self.model = model
        self.fields = fields

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """For the migration writer."""
        return type(self).__name__, [self.model, *self.fields], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The model state does not change."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Apply."""
        model = to_state.apps.get_model(app_label, self.model)
        for column, field in composite_keys(model):
            if field.name in self.fields:
                add_link(schema_editor.execute, model._meta.db_table, column, field)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the constraints."""
        table = from_state.apps.get_model(app_label, self.model)._meta.db_table
        for name in self.fields:
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{name}_id_cfk", params=None)

    def describe(self) -> str:
        """One line for ``sqlmigrate``."""
        return f"Owner carried by {', '.join(self.fields)} of {self.model}"


def add_link(run: Any, table: str, column: str, field: Any) -> None:
    """A foreign key that carries its owner: (owner, id) references (owner, id)."""
    target = field.remote_field.model._meta
    run(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{field.column}_cfk"
        f" FOREIGN KEY ({column}, {field.column})"
        f" REFERENCES {target.db_table} ({column}, {target.pk.column})"
        " DEFERRABLE INITIALLY DEFERRED",
        params=None,
    )


def owner_column(model: Any) -> str:
    """``tenant_id`` of a health system's table, ``vendor_id`` of a vendor's own, else empty."""
    columns = {field.column for field in model._meta.concrete_fields}
    if "tenant_id" in columns:
        return "tenant_id"
    return "vendor_id" if "vendor_id" in columns else ""


def composite_keys(model: Any) -> list[tuple[str, Any]]:
    """(owner column, field) of every foreign key that must carry its owner."""
    kinds = ((TenantForeignKey, "tenant_id"), (VendorForeignKey, "vendor_id"))
    return [
        (column, field) for field in model._meta.concrete_fields for kind, column in kinds if isinstance(field, kind)
    ]


def policy_name(rule: Rule, suffix: str = "") -> str:
    """Policies are named after their role."""
    return f"{rule.role}{'_' + suffix if suffix else ''}_rows"


def add_rule(run: Any, table: str, rule: Rule, suffix: str = "") -> None:
    """Create the policy and grant the privileges of ``rule`` on ``table``."""
    check = rule.check if rule.check is not None else rule.using
    run(
        f"CREATE POLICY {policy_name(rule, suffix)} ON {table} TO {rule.role}"
        f" USING ({rule.using}) WITH CHECK ({check})",
        params=None,
    )
    for grant in rule.grants(table):
        run(grant, params=None)
