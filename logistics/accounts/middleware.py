"""Opens the scope of a request: who, for which organization, with which permission.

Runs last before the view. A view that declares nothing is shut (403). The whole request, template
rendering included, happens in one transaction under one database role; an unhandled error rolls it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.response import SimpleTemplateResponse
from django.urls import resolve, reverse
from django.urls.exceptions import Resolver404
from django.utils.http import urlencode

from logistics.accounts import audit_log, sessions
from logistics.accounts.models import Membership
from logistics.accounts.sessions import MEMBERSHIP_KEY
from logistics.core import access, scoping
from logistics.core.errors import DomainError

__all__ = ["MEMBERSHIP_KEY", "ScopeMiddleware", "scope_of"]


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
        if person is not None and not sessions.is_alive(request):
            logout(request)
            person = None
            if not declared.public:
                return _to_sign_in(request, expired=True)
        if person is None:
            if declared.public:
                return self._inside(request, _nobody(request))
            return _to_sign_in(request)
        response = self._for_person(request, person, declared, match.view_name)
        # A page must not come back from the browser's store after sign-out on a shared workstation.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _for_person(self, request: HttpRequest, person: Any, declared: access.Access, view_name: str) -> HttpResponse:
        mine = scoping.Scope(
            side="self", user_id=person.pk, actor_label=person.name, actor_role="person", **_origin(request)
        )
        with transaction.atomic(), scoping.enter(mine):
            request.memberships = memberships_of(person)  # type: ignore[attr-defined]
        chosen = _chosen(request)
        request.membership = chosen  # type: ignore[attr-defined]
        if declared.public or declared.signing_in:
            return self._inside(request, mine)
        if owes_second_factor(request):
            return _send_to(request, "accounts:second_factor", code="second_factor_owed")
        if declared.signed_in:
            return self._inside(request, mine)
        if chosen is None:
            return _refuse(request, 403, "You have no active role in any organization. Ask your administrator.")
        scope = scope_of(chosen, **_origin(request))
        if declared.permission not in chosen.definition.permissions:
            with transaction.atomic(), scoping.enter(scope):
                audit_log.refused(declared.permission, view_name)
            return _refuse(request, 403, "Your role does not include this page.")
        if declared.own_scope:
            request.scope = scope  # type: ignore[attr-defined]
            request.still_allowed = lambda: _still_allowed(request, declared.permission)  # type: ignore[attr-defined]
            return self.get_response(request)
        return self._inside(request, scope)

    def _inside(self, request: HttpRequest, scope: scoping.Scope) -> HttpResponse:
        request.scope = scope  # type: ignore[attr-defined]
        with transaction.atomic(), scoping.enter(scope):
            response = self.get_response(request)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A domain error becomes its answer; anything else rolls the request back and becomes a 500."""
        if transaction.get_connection().in_atomic_block:
            transaction.set_rollback(True)
        if isinstance(error, DomainError):
            return _refuse(request, error.status_code, error.message, code=error.code)
        return None


def memberships_of(person: Any) -> list[Membership]:
    """The active roles of ``person`` in active organizations. Needs a scope that names the person."""
    return list(
        Membership.objects.filter(user_id=person.pk, is_active=True, organization__is_active=True).select_related(
            "organization"
        )
    )


def owes_second_factor(request: HttpRequest) -> bool:
    """Whether this session must still show a second factor: by role, or because the person owns one."""
    if request.user.is_verified():  # type: ignore[union-attr]  # added by django-otp
        return False
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    return bool(request.session.get(sessions.FACTOR_KEY)) or any(
        membership.definition.needs_second_factor for membership in memberships
    )


def scope_of(membership: Membership, **origin: Any) -> scoping.Scope:
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


def _nobody(request: HttpRequest) -> scoping.Scope:
    return scoping.Scope(side="self", actor_label="anonymous", actor_role="anonymous", **_origin(request))


def _chosen(request: HttpRequest) -> Membership | None:
    memberships: list[Membership] = request.memberships  # type: ignore[attr-defined]
    for membership in memberships:
        membership.user = request.user  # type: ignore[assignment]
    wanted = request.session.get(MEMBERSHIP_KEY)
    for membership in memberships:
        if str(membership.pk) == wanted:
            return membership
    return memberships[0] if memberships else None


def _still_allowed(request: HttpRequest, permission: str) -> bool:
    """Asked by a long stream while it runs: session, person and role as they are now."""
    if not request.session.exists(request.session.session_key or ""):
        return False
    request.session = type(request.session)(request.session.session_key)
    person = get_user(request)
    if not person.is_authenticated or not sessions.is_alive(request):
        return False
    with transaction.atomic(), scoping.enter(scoping.Scope(side="self", user_id=person.pk)):
        mine = memberships_of(person)
    kept = request.membership.pk  # type: ignore[attr-defined]
    return any(row.pk == kept and permission in row.definition.permissions for row in mine)


def _origin(request: HttpRequest) -> dict[str, Any]:
    return {
        "request_id": getattr(request, "request_id", ""),
        "client_ip": request.META.get("REMOTE_ADDR", ""),
    }


def _came_for(request: HttpRequest) -> str:
    """The page to return to: for a fragment or a form the page that holds it, never the fragment itself."""
    if request.method == "GET" and not request.headers.get("HX-Request"):
        return request.get_full_path()
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
    if page.netloc and page.netloc != request.get_host():
        return "/"
    return (page.path or "/") + (f"?{page.query}" if page.query else "")


def _to_sign_in(request: HttpRequest, *, expired: bool = False) -> HttpResponse:
    return _send_to(request, "accounts:sign_in", code="signed_out", **({"expired": "1"} if expired else {}))


def _send_to(request: HttpRequest, view: str, *, code: str, **query: str) -> HttpResponse:
    url = f"{reverse(view)}?{urlencode({'next': _came_for(request), **query})}"
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer["HX-Redirect"] = url
        return answer
    if request.path_info.startswith("/api/") or request.path_info == "/live":
        return JsonResponse({"code": code, "detail": "Sign in first."}, status=401)
    return redirect(url)


def _refuse(request: HttpRequest, status: int, message: str, *, code: str = "refused") -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return JsonResponse({"code": code, "detail": message}, status=status)
    if request.headers.get("HX-Request") and status in (409, 422):
        # The page swaps these answers in, and a whole error page does not belong into a fragment's place.
        answer = HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
        answer["HX-Reswap"] = "none"
        answer["HX-Trigger"] = json.dumps({"carrywell:say": {"text": message, "tone": "bad"}})
        return answer
    known = {400, 403, 404, 409, 422, 429}
    return render(
        request,
        f"errors/{status if status in known else 400}.html",
        {"message": message, "code": code},
        status=status,
    )
