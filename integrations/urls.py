"""URLs of the integrations room."""

from __future__ import annotations

from typing import Any

app_name = "integrations"
urlpatterns: list[Any] = []
