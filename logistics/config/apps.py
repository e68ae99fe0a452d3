"""App registration: the project's own commands (seed_demo)."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Settings, URLs and the demo; knows every room."""

    name = "logistics.config"
    label = "config"
