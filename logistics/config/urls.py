"""Every URL of the product. Each room lists its own under its noun."""

from __future__ import annotations

from django.urls import include, path

from logistics.accounts.views import signing
from logistics.core import views as core

handler400 = "logistics.core.views.bad_request"
handler403 = "logistics.core.views.forbidden"
handler404 = "logistics.core.views.not_found"
handler500 = "logistics.core.views.server_error"

urlpatterns = [
    path("healthz", core.healthz, name="healthz"),
    path("", signing.home, name="home"),
    path("live", core.live_stream, name="live"),
    path("", include("logistics.accounts.urls")),
    path("", include("logistics.requests.urls")),
    path("", include("dispatch.urls")),
    path("", include("vendors.urls")),
    path("", include("billing.urls")),
    path("", include("integrations.urls")),
    path("", include("logistics.insights.urls")),
]
