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

# Tables that belong to no organization, with what the login role and each side may do there.
GLOBAL_TABLES: dict[str, str] = {
    "django_session": "SELECT, INSERT, UPDATE, DELETE",
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    "otp_totp_totpdevice": "SELECT, INSERT, UPDATE, DELETE",
    "otp_static_staticdevice": "SELECT, INSERT, UPDATE, DELETE",
    "otp_static_statictoken": "SELECT, INSERT, UPDATE, DELETE",
    "axes_accessattempt": "SELECT, INSERT, UPDATE, DELETE",
    "axes_accessattemptexpiration": "SELECT, INSERT, UPDATE, DELETE",
    "axes_accessfailurelog": "SELECT, INSERT",
    "axes_accesslog": "SELECT, INSERT, UPDATE",
}
EVERYBODY = "cw_app, cw_staff, cw_vendor, cw_cross, cw_system"


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
    """Give every side its privileges on the tables of no organization. Repeatable; runs as the owner."""
    connection = connections[alias]
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute("GRANT USAGE ON SCHEMA public TO " + EVERYBODY)
        for table, privileges in GLOBAL_TABLES.items():
            if table in existing:
                cursor.execute(f"GRANT {privileges} ON {table} TO {EVERYBODY}")
