"""People and their roles in one organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.accounts.forms import PersonForm, RoleForm, role_choices
from logistics.accounts.selectors import people as selector
from logistics.accounts.services import people
from logistics.accounts.views.answers import see_other
from logistics.core import access
from logistics.core.errors import DomainError, NotAllowed

STATES = [("active", "Active"), ("ended", "Ended"), ("all", "All")]


@access.requires("people.view")
@require_GET
def people_list(request: HttpRequest) -> HttpResponse:
    """Who works here, searchable."""
    organization = request.membership.organization  # type: ignore[attr-defined]
    search, role = request.GET.get("q", "").strip(), request.GET.get("role", "")
    state = request.GET.get("state", "active")
    found = selector.membership_list(search=search, role=role, state=state)
    roles = [("", "All"), *role_choices(organization.kind)]
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "search": {"name": "q", "label": "Find a person by name or email", "value": search},
        "filters": [
            {"name": "role", "label": "Role", "value": role, "options": roles},
            {"name": "state", "label": "State", "value": state, "options": STATES},
        ],
        "narrowed": bool(search or role or state != "active"),
    }
    return render(request, "accounts/people.html", context)


@access.requires("people.edit")
@require_http_methods(["GET", "POST"])
def person_add(request: HttpRequest) -> HttpResponse:
    """Add a person, or a further role of one who works here."""
    organization = request.membership.organization  # type: ignore[attr-defined]
    form = PersonForm(request.POST or None, side=organization.kind)
    if request.method == "POST" and form.is_valid():
        try:
            user, membership = people.add(organization=organization, **form.cleaned_data)
        except DomainError as error:
            add_errors(form, error)
        else:
            messages.success(request, f"{user.name} is added.")
            return see_other("accounts:person", membership.pk)
    return render(request, "accounts/person_add.html", {"form": form}, status=422 if form.is_bound else 200)


@access.requires("people.view")
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """One role of one person; a POST changes the role."""
    membership = selector.membership_get(membership_id)
    side = membership.organization.kind
    may_edit = "people.edit" in request.membership.definition.permissions  # type: ignore[attr-defined]
    form = RoleForm(request.POST or None, side=side, initial={"role": membership.role})
    if request.method == "POST":
        if not may_edit:
            raise NotAllowed("Your role may look at people, not change them.", code="not_allowed")
        if form.is_valid():
            try:
                people.change_role(membership=membership, role=form.cleaned_data["role"])
            except DomainError as error:
                add_errors(form, error)
            else:
                messages.success(request, f"{membership.user.name} is {membership.definition.label} now.")
                return see_other("accounts:person", membership.pk)
    context = {"person": membership, "form": form, "may_edit": may_edit, "link": _set_up_link(request, membership)}
    return render(request, "accounts/person.html", context, status=422 if form.is_bound else 200)


@access.requires("people.edit")
@require_POST
def person_end(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Take a role away; it ends at once, open pages included."""
    membership = selector.membership_get(membership_id)
    people.end(membership=membership)
    messages.success(request, f"{membership.user.name} is no longer {membership.definition.label} here.")
    return see_other("accounts:people")


@access.requires("people.edit")
@require_POST
def person_restore(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Give an ended role back."""
    membership = selector.membership_get(membership_id)
    people.restore(membership=membership)
    messages.success(request, f"{membership.user.name} is {membership.definition.label} again.")
    return see_other("accounts:person", membership.pk)


def add_errors(form: Any, error: DomainError) -> None:
    """Put a refusal into a form, beside its fields where it names them."""
    if not error.fields:
        form.add_error(None, error.message)
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)


def _set_up_link(request: HttpRequest, membership: Any) -> str:
    """Only for who may edit, and only while the person has no password."""
    user = membership.user
    may_edit = "people.edit" in request.membership.definition.permissions  # type: ignore[attr-defined]
    if not may_edit or not membership.is_active or user.has_usable_password():
        return ""
    return request.build_absolute_uri(reverse("accounts:welcome", kwargs=people.set_up_path_parts(user)))
