"""App registration."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """The requests room."""

    name = "logistics.requests"
    label = "requests"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the room's event subscribers, and who may ask for a gate before a request goes out."""
        import_module(f"{self.name}.services.transfers")
        import_module(f"{self.name}.services.approvals")
        import_module(f"{self.name}.services.authorizations")
        import_module(f"{self.name}.gate_subscribers")
        import_module(f"{self.name}.care_subscribers")
        if find_spec(f"{self.name}.subscribers"):
            import_module(f"{self.name}.subscribers")
