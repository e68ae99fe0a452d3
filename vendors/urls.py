"""URLs of the vendors room."""

from __future__ import annotations

from django.urls import path

from vendors.views import contracts, fleet, network, scorecards, stock

app_name = "vendors"
urlpatterns = [
    path("scorecards", scorecards.scorecard_list, name="scorecards"),
    path("scorecards/<uuid:pk>", scorecards.scorecard_detail, name="scorecard"),
    path("my-scorecard", scorecards.own_scorecard, name="own_scorecard"),
    path("vendors", network.member_list, name="network"),
    path("vendors/<uuid:pk>", network.member_detail, name="member"),
    path("vendors/<uuid:pk>/status", network.change_status, name="member_status"),
    path("vendors/<uuid:pk>/terms", network.change_terms, name="member_terms"),
    path("contracts", contracts.contract_list, name="contracts"),
    path("contracts/new", contracts.contract_new, name="contract_new"),
    path("contracts/<uuid:pk>", contracts.contract_detail, name="contract"),
    path("contracts/<uuid:pk>/rates", contracts.set_rate, name="contract_rate"),
    path("contracts/<uuid:pk>/rates/remove", contracts.remove_rate, name="contract_rate_remove"),
    path("contracts/<uuid:pk>/cancel-terms", contracts.set_cancel_terms, name="contract_cancel_terms"),
    path("contracts/<uuid:pk>/sign", contracts.sign, name="contract_sign"),
    path("stock", stock.stock_list, name="stock"),
    path("stock/new", stock.stock_new, name="stock_new"),
    path("stock/<uuid:stock_id>", stock.stock_item, name="stock_item"),
    path("stock/<uuid:stock_id>/act", stock.stock_act, name="stock_act"),
    path("fleet", fleet.overview, name="fleet"),
    path("fleet/vehicles/new", fleet.vehicle_new, name="vehicle_new"),
    path("fleet/vehicles/<uuid:pk>/service", fleet.set_service, name="vehicle_service"),
    path("fleet/crew/new", fleet.crew_new, name="crew_new"),
    path("fleet/credentials/new", fleet.credential_new, name="credential_new"),
    path("fleet/shifts/new", fleet.shift_new, name="shift_new"),
]
