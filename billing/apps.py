"""App registration."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """The billing room."""

    name = "billing"
    label = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the room's event subscribers."""
        if find_spec(f"{self.name}.subscribers"):
            import_module(f"{self.name}.subscribers")
