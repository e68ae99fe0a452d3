"""URLs of the integrations room."""

from __future__ import annotations

from django.urls import path

from integrations.views import feeds, fhir, inbox, setup

app_name = "integrations"
urlpatterns = [
    path("integrations/inbox", inbox.inbox, name="inbox"),
    path("integrations/inbox/search", inbox.search, name="search"),
    path("integrations/inbox/replay-stopped", inbox.replay_stopped, name="replay_stopped"),
    path("integrations/inbox/<int:message_id>", inbox.inbox, name="message"),
    path("integrations/inbox/<int:message_id>/raw", inbox.raw, name="raw"),
    path("integrations/inbox/<int:message_id>/replay", inbox.replay, name="replay"),
    path("integrations/inbox/<int:message_id>/skip", inbox.skip, name="skip"),
    path("integrations/inbox/<int:message_id>/map", inbox.map_unit, name="map"),
    path("integrations/feeds", feeds.feeds, name="feeds"),
    path("integrations/feeds/add", feeds.feed_edit, name="feed_add"),
    path("integrations/feeds/<uuid:feed_id>", feeds.feed_edit, name="feed"),
    path("integrations/mappings", feeds.mappings, name="mappings"),
    path("integrations/mappings/add", feeds.mapping_add, name="mapping_add"),
    path("integrations/mappings/<uuid:mapping_id>/remove", feeds.mapping_remove, name="mapping_remove"),
    path("fhir/ServiceRequest/<uuid:request_id>", fhir.request_resource, name="fhir_request"),
    path("setup", setup.setup, name="setup"),
    path("setup/template", setup.template, name="import_template"),
    path("setup/imports/<uuid:batch_id>", setup.batch, name="import"),
    path("setup/imports/<uuid:batch_id>/<slug:run>", setup.batch_run, name="import_run"),
]
