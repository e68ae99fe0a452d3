"""App registration."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    """The dispatch room."""

    name = "dispatch"
    label = "dispatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the room's event subscribers, and what it tells rooms below."""
        import_module(f"{self.name}.selectors.trip_numbers")
        for module in ("subscribers", "equipment_subscribers", "plan_subscribers"):
            if find_spec(f"{self.name}.{module}"):
                import_module(f"{self.name}.{module}")
