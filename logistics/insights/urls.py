"""URLs of the insights room."""

from __future__ import annotations

from typing import Any

app_name = "insights"
urlpatterns: list[Any] = []
