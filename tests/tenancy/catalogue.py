"""What the database itself says about the walls, read from its catalogue and not from our migrations.

Each check returns sentences, one per hole; an empty list means that the wall stands. ``cursor`` may belong to
any role that can read the catalogue (the owner's, inside a transaction that weakens something, as well).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from logistics.core.owner import GLOBAL_TABLES

SIDES = ("cw_staff", "cw_vendor", "cw_cross", "cw_system")
RUNNING = ("cw_app", *SIDES)
# Tables with an organization in a column of another name, or with rows of both kinds, each under its own rules.
SHARED = {
    "accounts_organization",
    "accounts_user",
    "accounts_membership",
    "core_auditseal",
    "core_outboxdelivery",
}
# Django makes these for its own permission system, which nothing here uses: nobody holds a privilege on them.
UNUSED = {"auth_permission", "auth_group", "auth_group_permissions"}
# What the login role itself may touch, before anybody has chosen an organization.
LOGIN_TABLES = {"accounts_organization", "accounts_user", "accounts_membership", "core_auditentry"}
# Whose context a rule of a role must compare with, so that it cannot show another organization's rows.
CONTEXT = {
    "cw_staff": ("ctx_tenant()",),
    "cw_vendor": ("ctx_vendor()",),
    "cw_cross": ("ctx_tenant()", "ctx_vendor()"),
}
# The platform's own side moves events and finds work; these tables it must never read or write.
SYSTEM_NEVER = re.compile(r"^(requests|dispatch|billing)_|^vendors_(?!network$)|^integrations_messageeffect$")
APPEND_ONLY = re.compile(
    r"^core_audit|event$|^billing_charge|^dispatch_matchexplanation$|^integrations_messageeffect$"
    r"|^requests_certification(version|attempt)$|^requests_(unitprotocol|handofftemplate)$"
)

Check = Callable[[Any], list[str]]


def protected_tables(cursor: Any) -> list[str]:
    """Tables that hold rows of some organization."""
    return sorted(set(_columns(cursor)) | SHARED)


def _columns(cursor: Any) -> dict[str, set[str]]:
    # Not information_schema: that shows a role only what it may touch.
    cursor.execute(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND a.attname IN ('tenant_id', 'vendor_id') AND NOT a.attisdropped"
    )
    found: dict[str, set[str]] = {}
    for table, column in cursor.fetchall():
        found.setdefault(table, set()).add(column)
    return found


def every_table_is_protected_or_declared_global(cursor: Any) -> list[str]:
    """A table is under forced row-level security with a policy, or listed as one of no organization."""
    cursor.execute(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)"
        " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    )
    rows = {name: (enabled, forced, policies) for name, enabled, forced, policies in cursor.fetchall()}
    out = []
    for name in protected_tables(cursor):
        enabled, forced, policies = rows[name]
        if not enabled:
            out.append(f"{name}: row-level security is off")
        if not forced:
            out.append(f"{name}: row-level security is not forced on the owner")
        if not policies:
            out.append(f"{name}: no policy")
    declared = set(GLOBAL_TABLES) | UNUSED | set(protected_tables(cursor))
    out += [f"{name}: neither protected nor declared global" for name in sorted(set(rows) - declared)]
    return out


def every_rule_names_its_context(cursor: Any) -> list[str]:
    """Reads and writes of a side compare with that side's context, in a sub-select (not a call a row)."""
    cursor.execute("SELECT tablename, roles::text[], qual, with_check, permissive FROM pg_policies")
    out = []
    for table, roles, qual, check, permissive in cursor.fetchall():
        if permissive != "PERMISSIVE" or len(roles) != 1 or roles[0] not in RUNNING:
            out.append(f"{table}: a policy for {roles}")
            continue
        role = roles[0]
        for kind, rule in (("USING", qual or ""), ("CHECK", check or "")):
            if role in CONTEXT and not _holds_context(table, role, kind, rule):
                out.append(f"{table}: {role} {kind} ({rule}) does not compare with the organization at work")
            bare = re.sub(r"\(\s*SELECT ctx_\w+\(\)(?: AS ctx_\w+)?\s*\)", "", rule)
            if "ctx_" in bare:
                out.append(f"{table}: {role} {kind} calls the context once a row")
    return out


def _holds_context(table: str, role: str, kind: str, rule: str) -> bool:
    if table == "accounts_user" and kind == "CHECK":
        return True  # a new person is nobody's member yet; reading and changing stay with the members
    wanted = CONTEXT[role]
    if role == "cw_cross":
        # A vendor's own supply has no health system; a health system's sites have no vendor.
        return any(name in rule for name in wanted)
    return all(name in rule for name in wanted) and "OR true" not in rule and rule != "true"


def foreign_keys_carry_their_owner(cursor: Any) -> list[str]:
    """Between two tables of one health system (or one vendor) the key includes the owner on both ends.

    Row-level security does not apply to foreign key checks: a plain key could point into another organization.
    """
    owners = _owners(cursor)
    cursor.execute(
        "SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,"
        " (SELECT array_agg(a.attname::text ORDER BY k.i) FROM unnest(c.conkey) WITH ORDINALITY k(n, i)"
        "  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n),"
        " (SELECT array_agg(a.attname::text ORDER BY k.i) FROM unnest(c.confkey) WITH ORDINALITY k(n, i)"
        "  JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n)"
        " FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace"
    )
    out, seen = [], set()
    for name, table, target, columns, target_columns in cursor.fetchall():
        shared = [column for column in ("tenant_id", "vendor_id") if column in owners.get(target, ())]
        if table in owners and shared and target != "accounts_organization":
            carried = [pair for pair in zip(columns, target_columns, strict=True) if pair[0] == pair[1] in shared]
            if not carried:
                out.append(f"{name}: {table} points to {target} without its owner")
        seen.update((table, column) for column in columns)
    return out + [
        f"{table}.{column}: no foreign key in the database"
        for table, column in _model_keys()
        if (table, column) not in seen
    ]


def _owners(cursor: Any) -> dict[str, set[str]]:
    return {table: columns for table, columns in _columns(cursor).items() if not table.startswith("core_")}


def _model_keys() -> list[tuple[str, str]]:
    from django.apps import apps
    from django.db.models import ForeignKey

    return [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        if model._meta.managed and model.__module__.partition(".")[0] not in ("django", "axes", "django_otp")
        for field in model._meta.local_fields
        if isinstance(field, ForeignKey)
    ]


def roles_are_plain(cursor: Any) -> list[str]:
    """No role that the product runs as is a superuser, passes row-level security, owns a table or inherits a side."""
    cursor.execute(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolinherit,"
        " (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r WHERE rolname = ANY(%s)",
        [list(RUNNING)],
    )
    out = []
    for name, super_, bypass, createrole, createdb, login, inherit, owned in cursor.fetchall():
        for bad, word in (
            (super_, "is a superuser"), (bypass, "passes row-level security"), (createrole, "creates roles"),
            (createdb, "creates databases"), (owned, "owns a table"), (login and name != "cw_app", "can log in"),
            (inherit and name == "cw_app", "inherits the sides: a forgotten scope would not be refused"),
        ):  # fmt: skip
            if bad:
                out.append(f"{name} {word}")
    return out


def the_login_role_holds_little(cursor: Any) -> list[str]:
    """Without a scope the login role reaches its few tables only: forgetting the scope is "permission denied"."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN"
        " ('r', 'p', 'v', 'm') AND (has_table_privilege('cw_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        "  OR has_any_column_privilege('cw_app', c.oid, 'SELECT, INSERT, UPDATE'))"
    )
    allowed = LOGIN_TABLES | set(GLOBAL_TABLES)
    return [f"{name}: open to the login role itself" for (name,) in cursor.fetchall() if name not in allowed]


def grants_stay_with_their_side(cursor: Any) -> list[str]:
    """Nobody but the running roles holds a privilege; the system side reads no patient; history is append-only."""
    cursor.execute(
        "SELECT c.relname, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type"
        " FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p', 'v', 'm') AND a.grantee <> c.relowner"
    )
    out = []
    for table, grantee, privilege in cursor.fetchall():
        if grantee == "cw_backup" and privilege == "SELECT":
            continue
        if grantee not in RUNNING or table in UNUSED:
            out.append(f"{table}: {privilege} for {grantee}")
        if grantee == "cw_system" and SYSTEM_NEVER.match(table):
            out.append(f"{table}: the platform's side may {privilege}")
        if privilege in ("TRUNCATE", "TRIGGER", "REFERENCES", "MAINTAIN"):
            out.append(f"{table}: {grantee} may {privilege}")
        if privilege in ("UPDATE", "DELETE") and APPEND_ONLY.search(table) and table != "core_outboxevent":
            out.append(f"{table}: {grantee} may {privilege} what is append-only")
    cursor.execute("SELECT tablename, roles::text[] FROM pg_policies")
    for table, roles in cursor.fetchall():
        if "cw_system" in roles and SYSTEM_NEVER.match(table):
            out.append(f"{table}: a policy for the platform's side")
    return out


def no_back_doors(cursor: Any) -> list[str]:
    """No SECURITY DEFINER function, no view with its owner's rights, no materialized view, no foreign table."""
    cursor.execute("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef")
    out = [f"{name}(): SECURITY DEFINER" for (name,) in cursor.fetchall()]
    cursor.execute(
        "SELECT relname, relkind, coalesce(array_to_string(reloptions, ','), '') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')"
    )
    for name, kind, options in cursor.fetchall():
        if kind == "m":
            out.append(f"{name}: a materialized view shows everybody's rows")
        elif kind == "f":
            out.append(f"{name}: a foreign table")
        elif "security_invoker=true" not in options.lower().replace("=on", "=true"):
            out.append(f"{name}: a view with its owner's rights")
    cursor.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'ctx\\_%' AND pronamespace = 'public'::regnamespace")
    sources = [row[0] for row in cursor.fetchall()]
    plain = re.compile(r"\s*SELECT nullif\(current_setting\('app\.\w+', true\), ''\)::uuid\s*")
    if len(sources) != 3 or not all(plain.fullmatch(source) for source in sources):
        out.append("a context function answers something else than its setting")
    return out


CHECKS: list[Check] = [
    every_table_is_protected_or_declared_global,
    every_rule_names_its_context,
    foreign_keys_carry_their_owner,
    roles_are_plain,
    the_login_role_holds_little,
    grants_stay_with_their_side,
    no_back_doors,
]


def holes(cursor: Any) -> list[str]:
    """Everything that is wrong, over all checks."""
    return [sentence for check in CHECKS for sentence in check(cursor)]
