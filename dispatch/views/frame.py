"""Small things that every page of dispatch needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from logistics.core import clock


def frame(**context: Any) -> dict[str, Any]:
    """``context`` with one moment for the whole page; ``facility_zone`` in it turns the clocks to that zone."""
    now = clock.now()
    return {"now": now, "facility_time": now, **context}


def see_other(url: str) -> HttpResponse:
    """303: after a POST the browser reads the page anew."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def own_next(request: HttpRequest) -> str:
    """Where the form asks to go back to, if that is a page of ours; else empty."""
    target = request.POST.get("next", "")
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/") else ""


def not_here(request: HttpRequest) -> HttpResponse:
    """404 as an answer, not as an exception: what the request wrote (its audit entry) stays."""
    return render(request, "errors/404.html", {}, status=404)
