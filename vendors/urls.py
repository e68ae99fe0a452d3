"""URLs of the vendors room."""

from __future__ import annotations

from typing import Any

app_name = "vendors"
urlpatterns: list[Any] = []
