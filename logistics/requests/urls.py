"""URLs of the requests room."""

from __future__ import annotations

from typing import Any

app_name = "requests"
urlpatterns: list[Any] = []
