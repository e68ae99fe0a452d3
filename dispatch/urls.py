"""URLs of the dispatch room."""

from __future__ import annotations

from typing import Any

app_name = "dispatch"
urlpatterns: list[Any] = []
