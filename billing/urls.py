"""URLs of the billing room."""

from __future__ import annotations

from typing import Any

app_name = "billing"
urlpatterns: list[Any] = []
