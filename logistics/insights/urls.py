"""URLs of the insights room."""

from __future__ import annotations

from django.urls import path

from logistics.insights.views import deidentified

app_name = "insights"
urlpatterns = [
    path("deidentified", deidentified.deidentified, name="deidentified"),
    path("deidentified.csv", deidentified.deidentified_csv, name="deidentified_csv"),
]
