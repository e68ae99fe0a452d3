"""URLs of the vendors room."""

from __future__ import annotations

from django.urls import path

from vendors.views import scorecards

app_name = "vendors"
urlpatterns = [
    path("scorecards", scorecards.scorecard_list, name="scorecards"),
    path("scorecards/<uuid:pk>", scorecards.scorecard_detail, name="scorecard"),
    path("my-scorecard", scorecards.own_scorecard, name="own_scorecard"),
]
