"""URLs of the requests room."""

from __future__ import annotations

from django.urls import path

from logistics.requests import care_urls, policy_urls
from logistics.requests.views import (
    attachments,
    beds,
    equipment,
    patient_forms,
    patients,
    places,
    rules,
    standing,
    standing_change,
    standing_closed,
    standing_order,
)

app_name = "requests"
urlpatterns = [
    *policy_urls.urlpatterns,
    *care_urls.urlpatterns,
    path("beds", beds.bed_board, name="beds"),
    path("places", places.place_index, name="places"),
    path("places/add", places.place_add, name="place_add"),
    path("places/find", places.place_options, name="place_options"),
    path("places/<uuid:place_id>", places.place_edit, name="place_edit"),
    path("places/<uuid:place_id>/deactivate", places.place_deactivate, name="place_deactivate"),
    path("places/<uuid:place_id>/restore", places.place_restore, name="place_restore"),
    path("places/<uuid:place_id>/closed", standing_closed.place_closed, name="place_closed"),
    path("attachments/<uuid:attachment_id>", attachments.attachment, name="attachment"),
    path("attachments/<uuid:attachment_id>/switch", attachments.attachment_switch, name="attachment_switch"),
    path("requests/<uuid:request_id>/attachments", attachments.attachment_list, name="attachments"),
    path("patients", patient_forms.patient_list, name="patients"),
    path("patients/add", patient_forms.patient_add, name="patient_add"),
    path("patients/<uuid:patient_id>/edit", patient_forms.patient_edit, name="patient_edit"),
    path("patients/<uuid:patient_id>/home", patient_forms.home_confirm, name="home_confirm"),
    path("equipment/catalog", equipment.catalog, name="catalog"),
    path("equipment/catalog/starter", equipment.catalog_starter, name="catalog_starter"),
    path("equipment/catalog/new", equipment.catalog_new, name="catalog_new"),
    path("equipment/catalog/<uuid:item_id>", equipment.catalog_item, name="catalog_item"),
    path("patients/find", patients.patient_options, name="patient_options"),
    path("patients/<uuid:patient_id>", patients.patient_page, name="patient"),
    path("rules/levels", rules.rule_list, name="rules"),
    path("rules/levels/draft", rules.rule_draft, name="rule_draft"),
    path("rules/levels/draft/rule", rules.rule_put, name="rule_put"),
    path("rules/levels/draft/remove", rules.rule_remove, name="rule_remove"),
    path("rules/levels/draft/discard", rules.rule_discard, name="rule_discard"),
    path("rules/levels/publish", rules.rule_publish, name="rule_publish"),
    path("rules/levels/restore", rules.rule_restore, name="rule_restore"),
    path("standing", standing.standing_list, name="standing"),
    path("standing/export.csv", standing.standing_csv, name="standing_csv"),
    path("standing/new", standing.standing_new, name="standing_new"),
    path("standing/<uuid:series_id>", standing_order.standing_order, name="standing_order"),
    path("standing/<uuid:series_id>/print", standing_order.standing_print, name="standing_print"),
    path("standing/<uuid:series_id>/change", standing_change.standing_change, name="standing_change"),
    path("standing/<uuid:series_id>/date", standing_order.standing_date, name="standing_date"),
    path("standing/<uuid:series_id>/add", standing_order.standing_add, name="standing_add"),
    path("standing/<uuid:series_id>/undo", standing_order.standing_undo, name="standing_undo"),
    path("standing/<uuid:series_id>/state", standing_order.standing_state, name="standing_state"),
]
