"""Borrowing the table owner's login for migrations and test databases.

The application logs in as a role that owns nothing; only these commands need more, and only while they run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dj_database_url
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from logistics.core.roles import BACKUP

EVERYBODY = "cw_app, cw_staff, cw_vendor, cw_cross, cw_system"
# Sessions, authenticators and failed sign-ins are handled before a side is taken: no side reads them, so that a
# hole in a page of one organization shows nobody's secrets. The platform's side sets up people (seed, demo).
SIGN_IN = "cw_app, cw_system"
ALL = "SELECT, INSERT, UPDATE, DELETE"
# Tables that belong to no organization: what may be done there, and by whom.
GLOBAL_TABLES: dict[str, tuple[str, str]] = {
    "django_session": (ALL, "cw_app"),
    "django_content_type": ("SELECT", EVERYBODY),
    "django_migrations": ("SELECT", EVERYBODY),
    "otp_totp_totpdevice": (ALL, SIGN_IN),
    "otp_static_staticdevice": (ALL, SIGN_IN),
    "otp_static_statictoken": (ALL, SIGN_IN),
    "axes_accessattempt": (ALL, "cw_app"),
    "axes_accessattemptexpiration": (ALL, "cw_app"),
    "axes_accessfailurelog": ("SELECT, INSERT", "cw_app"),
    "axes_accesslog": ("SELECT, INSERT, UPDATE", "cw_app"),
}


@contextlib.contextmanager
def owner_login(alias: str = "default") -> Iterator[None]:
    """Log in as the table owner for the block (``DATABASE_OWNER_URL``)."""
    if not settings.DATABASE_OWNER_URL:
        raise ImproperlyConfigured("DATABASE_OWNER_URL is not set: this command changes tables as their owner.")
    owner = dj_database_url.parse(settings.DATABASE_OWNER_URL)
    connection = connections[alias]
    if connection.settings_dict["USER"] == owner["USER"]:
        yield
        return
    connection.close()
    saved = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.settings_dict.update(USER=owner["USER"], PASSWORD=owner["PASSWORD"])
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(saved)


def grant_global_tables(alias: str = "default") -> None:
    """Give every role its privileges on the tables of no organization. Repeatable; runs as the owner."""
    connection = connections[alias]
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute("GRANT USAGE ON SCHEMA public TO " + EVERYBODY)
        for table, (privileges, who) in GLOBAL_TABLES.items():
            if table in existing:
                cursor.execute(f"REVOKE ALL ON {table} FROM {EVERYBODY}")
                cursor.execute(f"GRANT {privileges} ON {table} TO {who}")
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BACKUP])
        if cursor.fetchone():
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {BACKUP}")
            cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {BACKUP}")
            cursor.execute(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {BACKUP}")
