"""URLs of the requests room."""

from __future__ import annotations

from django.urls import path

from logistics.requests.views import beds, patients, places, rules

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
    path("rules/levels", rules.rule_list, name="rules"),
    path("rules/levels/draft", rules.rule_draft, name="rule_draft"),
    path("rules/levels/draft/rule", rules.rule_put, name="rule_put"),
    path("rules/levels/draft/remove", rules.rule_remove, name="rule_remove"),
    path("rules/levels/draft/discard", rules.rule_discard, name="rule_discard"),
    path("rules/levels/publish", rules.rule_publish, name="rule_publish"),
    path("rules/levels/restore", rules.rule_restore, name="rule_restore"),
]
