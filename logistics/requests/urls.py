"""URLs of the requests room."""

from __future__ import annotations

from django.urls import path

from logistics.requests.views import beds, patients, places

app_name = "requests"
urlpatterns = [
    path("beds", beds.bed_board, name="beds"),
    path("places", places.place_index, name="places"),
    path("places/add", places.place_add, name="place_add"),
    path("places/find", places.place_options, name="place_options"),
    path("places/<uuid:place_id>", places.place_edit, name="place_edit"),
    path("places/<uuid:place_id>/deactivate", places.place_deactivate, name="place_deactivate"),
    path("places/<uuid:place_id>/restore", places.place_restore, name="place_restore"),
    path("patients/find", patients.patient_options, name="patient_options"),
    path("patients/<uuid:patient_id>", patients.patient_page, name="patient"),
]
