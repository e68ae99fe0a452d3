"""Opens the scope of a request: who, for which organization, with which permission.

Runs last before the view. A view that declares nothing is shut (403). The whole request, template
rendering included, happens in one transaction under one database role; an unhandled error rolls it back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.urls.exceptions import Resolver404
from django.utils.http import urlencode

from logistics.accounts import audit_log
from logistics.accounts.models import Membership
from logistics.core import access, clock, scoping
from logistics.core.errors import DomainError

MEMBERSHIP_KEY = "membership"
SEEN_KEY = "seen_at"
STARTED_KEY = "started_at"


class ScopeMiddleware:
    """Deny by default, then one transaction and one scope for the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.membership = None  # type: ignore[attr-defined]
        request.memberships = []  # type: ignore[attr-defined]
        try:
            match = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return self.get_response(request)
        declared = access.access_of(match.func)
        if declared is None:
            return _refuse(request, 403, "This page is not open to anybody yet.")
        person = request.user if request.user.is_authenticated else None
        if person is not None and not _session_alive(request):
            logout(request)
            return _to_sign_in(request, expired=True)
        if person is None:
            if declared.public:
                return self._inside(request, scoping.Scope(side="self", **_origin(request)))
            return _to_sign_in(request)
        mine = scoping.Scope(side="self", user_id=person.pk, actor_label=person.name, **_origin(request))
        with transaction.atomic(), scoping.enter(mine):
            request.memberships = list(  # type: ignore[attr-defined]
                Membership.objects.filter(user=person, is_active=True, organization__is_active=True).select_related(
                    "organization"
                )
            )
        chosen = _chosen(request)
        request.membership = chosen  # type: ignore[attr-defined]
        if declared.public or declared.signed_in:
            return self._inside(request, mine)
        if _needs_second_factor(request) and not person.is_verified():
            return redirect(f"{reverse('accounts:second_factor')}?{urlencode({'next': request.get_full_path()})}")
        if chosen is None:
            return _refuse(request, 403, "You have no active role in any organization. Ask your administrator.")
        scope = scope_of(chosen, **_origin(request))
        if declared.permission not in chosen.definition.permissions:
            with transaction.atomic(), scoping.enter(scope):
                audit_log.refused(declared.permission, match.view_name)
            return _refuse(request, 403, "Your role does not include this page.")
        if declared.own_scope:
            request.scope = scope  # type: ignore[attr-defined]
            return self.get_response(request)
        return self._inside(request, scope)

    def _inside(self, request: HttpRequest, scope: scoping.Scope) -> HttpResponse:
        request.scope = scope  # type: ignore[attr-defined]
        with transaction.atomic(), scoping.enter(scope):
            response = self.get_response(request)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A domain error becomes its answer; anything else rolls the request back and becomes a 500."""
        if transaction.get_connection().in_atomic_block:
            transaction.set_rollback(True)
        if isinstance(error, DomainError):
            return _refuse(request, error.status_code, error.message, code=error.code)
        return None


def scope_of(membership: Membership, **origin: str) -> scoping.Scope:
    """The scope in which this membership works."""
    side = {"health_system": "staff", "vendor": "vendor", "operator": "self"}[membership.organization.kind]
    return scoping.Scope(
        side=side,
        tenant_id=membership.organization_id if side == "staff" else None,
        vendor_id=membership.organization_id if side == "vendor" else None,
        user_id=membership.user_id,
        actor_label=membership.user.name,
        actor_role=membership.role,
        **origin,
    )


def _chosen(request: HttpRequest) -> Membership | None:
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    for membership in memberships:
        membership.user = request.user  # type: ignore[assignment]
    wanted = request.session.get(MEMBERSHIP_KEY)
    for membership in memberships:
        if str(membership.pk) == wanted:
            return membership
    return memberships[0] if memberships else None


def _needs_second_factor(request: HttpRequest) -> bool:
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    return any(membership.definition.needs_second_factor for membership in memberships)


def _session_alive(request: HttpRequest) -> bool:
    now = clock.now()
    started = _moment(request.session.get(STARTED_KEY)) or now
    seen = _moment(request.session.get(SEEN_KEY)) or now
    if now - seen > dt.timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        return False
    if now - started > dt.timedelta(hours=settings.SESSION_ABSOLUTE_HOURS):
        return False
    # Polling by the page itself is not a person at work, and a write per request is not needed.
    background = request.headers.get("HX-Trigger-Name") == "poll" or request.path_info == "/live"
    if not background and (SEEN_KEY not in request.session or (now - seen).total_seconds() > 30):
        request.session[SEEN_KEY] = now.isoformat()
        request.session.setdefault(STARTED_KEY, now.isoformat())
    return True


def _moment(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _origin(request: HttpRequest) -> dict[str, str]:
    return {
        "request_id": getattr(request, "request_id", ""),
        "client_ip": request.META.get("REMOTE_ADDR", ""),
    }


def _to_sign_in(request: HttpRequest, *, expired: bool = False) -> HttpResponse:
    target = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    query = urlencode({"next": target if target.startswith("/") else "/", **({"expired": "1"} if expired else {})})
    url = f"{reverse('accounts:sign_in')}?{query}"
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer["HX-Redirect"] = url
        return answer
    if request.path_info.startswith("/api/") or request.path_info == "/live":
        return JsonResponse({"code": "signed_out", "detail": "Sign in first."}, status=401)
    return redirect(url)


def _refuse(request: HttpRequest, status: int, message: str, *, code: str = "refused") -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return JsonResponse({"code": code, "detail": message}, status=status)
    known = {400, 403, 404, 409, 422, 429}
    return render(
        request,
        f"errors/{status if status in known else 400}.html",
        {"message": message, "code": code},
        status=status,
    )
