"""One's own account: how pages look, how one signs in, in which role one works."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.accounts import sessions
from logistics.accounts.forms import ChangePasswordForm, ConfirmForm, PreferencesForm
from logistics.accounts.services import second_factor as factors
from logistics.accounts.services import signing_in
from logistics.accounts.views.answers import see_other
from logistics.core import access

YEAR_SECONDS = 365 * 24 * 3600


@access.signed_in
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Everything about oneself on one page."""
    return _page(request)


@access.signed_in
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Theme (of this device), time format, single-key shortcuts."""
    form = PreferencesForm(request.POST, instance=request.user)
    if not form.is_valid():
        return _page(request, preferences=form, status=422)
    form.instance.save(update_fields=["time_format", "single_key_shortcuts"])
    messages.success(request, "Your preferences are saved.")
    answer = see_other("accounts:account")
    theme = form.cleaned_data["theme"]
    if theme:
        answer.set_cookie("theme", theme, max_age=YEAR_SECONDS, samesite="Lax")
    else:
        answer.delete_cookie("theme", samesite="Lax")
    return answer


@access.signed_in
@sensitive_post_parameters("old_password", "new_password", "again")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Change the password. All other sessions of the person end."""
    person: Any = request.user
    form = ChangePasswordForm(request.POST, person=person)
    if form.is_valid() and not signing_in.check_own_password(request, form.cleaned_data["old_password"]):
        form.add_error("old_password", "This is not your present password.")
    if not form.is_valid():
        return _page(request, password=form, status=422)
    signing_in.set_password(person, form.cleaned_data["new_password"], request.membership)  # type: ignore[attr-defined]
    update_session_auth_hash(request, person)  # this session goes on, under a new key
    messages.success(request, "Your password is changed. You are signed out everywhere else.")
    return see_other("accounts:account")


@access.signed_in
@sensitive_post_parameters("password")
@require_POST
def device_remove(request: HttpRequest, device_id: int) -> HttpResponse:
    """Take an authenticator away, after the password. The last one stays while the role needs one."""
    person: Any = request.user
    own = factors.authenticators(person)
    if device_id not in {device.pk for device in own}:
        raise Http404("no such device")
    form = _confirmed(request)
    needed = any(row.definition.needs_second_factor for row in request.memberships)  # type: ignore[attr-defined]
    if form.is_valid() and needed and len(own) == 1:
        form.add_error(None, "Your role needs an authenticator. Add the new one first, then remove this one.")
    if not form.is_valid():
        return _page(request, confirm=form, status=422)
    name = factors.remove(person, device_id)
    signing_in.record_device(request.membership, device_id, added=False)  # type: ignore[attr-defined]
    messages.success(request, f"{name} is removed.")
    return see_other("accounts:account")


@access.signed_in
@sensitive_post_parameters("password")
@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes, after the password; the old ones stop working."""
    form = _confirmed(request)
    if not form.is_valid():
        return _page(request, confirm=form, status=422)
    codes = factors.new_recovery_codes(request.user)  # type: ignore[arg-type]
    signing_in.record_recovery_codes(request.membership)  # type: ignore[attr-defined]
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "next": "/account"})


@access.signed_in
@require_POST
def keep_alive(request: HttpRequest) -> HttpResponse:
    """Somebody pressed "Stay signed in": the middleware has noted it."""
    return HttpResponse(status=204)


@access.signed_in
@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Work in another of one's roles."""
    if request.method == "GET":
        return render(request, "accounts/switch.html")
    wanted = request.POST.get("membership", "")
    for row in request.memberships:  # type: ignore[attr-defined]
        if str(row.pk) == wanted:
            request.session[sessions.MEMBERSHIP_KEY] = wanted
            signing_in.record_switch(row)
            return see_other("home")
    raise Http404("no such role")


def _confirmed(request: HttpRequest) -> ConfirmForm:
    form = ConfirmForm(request.POST)
    if form.is_valid() and not signing_in.check_own_password(request, form.cleaned_data["password"]):
        form.add_error("password", "This is not your password. Nothing was changed.")
    return form


def _page(request: HttpRequest, *, status: int = 200, **bound: Any) -> HttpResponse:
    person: Any = request.user
    context = {
        "preferences": bound.get("preferences")
        or PreferencesForm(instance=person, initial={"theme": request.COOKIES.get("theme", "")}),
        "password_form": bound.get("password") or ChangePasswordForm(person=person),
        "confirm": bound.get("confirm") or ConfirmForm(),
        "devices": factors.authenticators(person),
        "codes_left": factors.recovery_codes_left(person),
    }
    return render(request, "accounts/account.html", context, status=status)
