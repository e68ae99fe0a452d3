"""A URL table of awkward views, to see what the middleware makes of them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from logistics.accounts.models import Facility
from logistics.accounts.services import organizations
from logistics.accounts.views import signing
from logistics.core import access
from logistics.core.errors import DomainError, StaleState

handler404 = "logistics.core.views.not_found"
handler500 = "logistics.core.views.server_error"


def _write() -> None:
    facility = Facility.objects.get()
    organizations.add_unit(facility=facility, name="Half done", code="HALF")


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@access.requires("sites.view")
def lazy(request: HttpRequest) -> HttpResponse:
    """Rows are read while the template renders, after the view has returned."""
    template = engines["django"].from_string("{% for f in rows %}{{ f.name }} {% endfor %}")
    return TemplateResponse(request, template, {"rows": Facility.objects.all()})


@access.requires("sites.view")
def breaks(request: HttpRequest) -> HttpResponse:
    _write()
    raise RuntimeError("Zzyzxcanary is in this text")


@access.requires("sites.view")
def refuses(request: HttpRequest) -> HttpResponse:
    _write()
    raise StaleState("Somebody was first.")


@access.requires("sites.view")
def missing(request: HttpRequest) -> HttpResponse:
    _write()
    raise Http404("Zzyzxcanary")


@access.requires("sites.view")
@api_view(["GET"])
def api_lists(request: Request) -> Response:
    return Response([facility.name for facility in Facility.objects.all()])


@access.requires("sites.view")
@api_view(["GET"])
def api_refuses(request: Request) -> Response:
    _write()
    raise DomainError("Not like this.", code="not_like_this", fields={"x": "wrong"})


@access.requires("sites.view")
@api_view(["GET"])
def api_breaks(request: Request) -> Response:
    _write()
    raise RuntimeError("Zzyzxcanary")


urlpatterns = [
    path("", signing.home, name="home"),
    path("live", undeclared, name="live"),
    path("undeclared", undeclared, name="undeclared"),
    path("lazy", lazy, name="lazy"),
    path("breaks", breaks, name="breaks"),
    path("refuses", refuses, name="refuses"),
    path("missing", missing, name="missing"),
    path("api/lists", api_lists, name="api_lists"),
    path("api/refuses", api_refuses, name="api_refuses"),
    path("api/breaks", api_breaks, name="api_breaks"),
    path("", include("logistics.accounts.urls")),
]
