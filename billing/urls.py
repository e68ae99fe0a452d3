"""URLs of the billing room."""

from __future__ import annotations

from django.urls import path

from billing.views import charges

app_name = "billing"
urlpatterns = [
    path("charges", charges.charge_list, name="charges"),
    path("charges.csv", charges.charge_csv, name="charges_csv"),
    path("charges/<uuid:pk>", charges.charge_detail, name="charge"),
    path("charges/trip/<int:number>", charges.trip_charge, name="trip_charge"),
]
