"""Database roles and the database itself, created once by an administrator. Pure psycopg2, no Django.

Who is who:

* ``cw_owner`` owns tables and runs migrations; never used by the running application.
* ``cw_app`` is what Django, Celery and the listeners log in as. It inherits nothing, so that a
  forgotten scope is "permission denied" and not somebody else's rows.
* ``cw_staff`` (one health system), ``cw_vendor`` (one vendor), ``cw_cross`` (a vendor acting on one
  health system's trip) and ``cw_system`` (relay, feeds, sealing) cannot log in; a transaction takes one
  of them with ``SET LOCAL ROLE`` and row-level security decides what it sees.
* ``cw_backup`` cannot log in either. It reads every row and writes none, and only the owner may take it: forced
  row-level security hides all rows from the owner as well, so a backup made as the owner would be empty.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

SIDES = ("cw_staff", "cw_vendor", "cw_cross", "cw_system")
BACKUP = "cw_backup"
OWNER = "cw_owner"
APP = "cw_app"


def bootstrap(
    admin_url: str, *, database: str, owner_password: str, app_password: str, createdb: bool = True
) -> tuple[str, str]:
    """Create roles and database where missing; repeatable.

    ``admin_url`` must belong to a role that may create roles and databases. ``createdb`` lets the owner
    create further databases, which only test runs need. Returns ``(owner_url, app_url)``.
    """
    connection = psycopg2.connect(admin_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            # Two bootstraps at once (two clones, two test runs on one server) must not race.
            cursor.execute("SELECT pg_advisory_lock(727274)")
            for role in SIDES:
                _ensure_role(cursor, role, "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
            _ensure_role(
                cursor,
                OWNER,
                f"LOGIN NOSUPERUSER NOBYPASSRLS {'CREATEDB' if createdb else 'NOCREATEDB'} NOCREATEROLE",
                owner_password,
            )
            _ensure_role(cursor, APP, "LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE", app_password)
            for role in SIDES:
                cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(APP)))
            _ensure_backup_role(cursor)
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            if cursor.fetchone() is None:
                # An administrator that is not a superuser must be a member of the owner it hands over to.
                cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(OWNER)))
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(database), sql.Identifier(OWNER)
                    )
                )
            cursor.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(APP))
            )
            cursor.execute("SELECT pg_advisory_unlock(727274)")
    finally:
        connection.close()
    return (
        _with_login(admin_url, OWNER, owner_password, database),
        _with_login(admin_url, APP, app_password, database),
    )


def _ensure_backup_role(cursor) -> None:
    """Only a superuser may let a role pass row-level security; without it everything works except backups."""
    try:
        _ensure_role(cursor, BACKUP, "NOLOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE")
        cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(BACKUP), sql.Identifier(OWNER)))
    except psycopg2.errors.InsufficientPrivilege:
        return


def _ensure_role(cursor, role: str, options: str, password: str | None = None) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(f"{verb} ROLE {{}} {options}").format(sql.Identifier(role))
    if password is not None:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    cursor.execute(statement)


def _with_login(url: str, user: str, password: str, database: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    netloc = f"{quote(user)}:{quote(password)}@{host}" + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))
