"""App registration."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Scoping, row-level security, audit, outbox, sealed fields."""

    name = "logistics.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
