"""Signing in and out: password, second factor, setting up an authenticator, choosing a first password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as otp_login

from logistics.accounts import demo_hints, navigation, sessions
from logistics.accounts.forms import CodeForm, NewPasswordForm, RecoveryForm, SignInForm
from logistics.accounts.middleware import memberships_of, owes_second_factor
from logistics.accounts.models import Membership
from logistics.accounts.services import second_factor as factors
from logistics.accounts.services import signing_in
from logistics.accounts.views.answers import SeeOther, see_other
from logistics.core import access, scoping

BACKEND = "django.contrib.auth.backends.ModelBackend"
WRONG = "The email or the password is not right. Check both and try again."


@access.signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The first page of the person's role; the first page that the role has, where that one is not installed."""
    membership: Membership | None = request.membership  # type: ignore[attr-defined]
    if membership is None:
        return redirect("accounts:account")
    views = [membership.definition.start]
    views += [item["view"] for group in navigation.groups_for(membership) for item in group["items"]]
    for view in views:
        try:
            return redirect(reverse(view))
        except NoReverseMatch:
            continue
    return redirect("accounts:account")


@access.public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step 1 of 2: email and password."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    if request.method == "GET":
        form = SignInForm(initial=demo_hints.filled_in(request.GET.get("as", "")))
        return _sign_in_page(request, form)
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, status=422)
    person = signing_in.check_password(request, **form.cleaned_data)
    if person is None:
        form.add_error(None, WRONG)
        return _sign_in_page(request, form, status=422)
    login(request, person, backend=BACKEND)  # also takes a new session key
    mine = scoping.Scope(
        side="self",
        user_id=person.pk,
        actor_label=person.name,
        actor_role="person",
        request_id=request.scope.request_id,  # type: ignore[attr-defined]
        client_ip=request.scope.client_ip,  # type: ignore[attr-defined]
    )
    with scoping.enter(mine):
        request.memberships = memberships_of(person)  # type: ignore[attr-defined]
        request.membership = next(iter(request.memberships), None)  # type: ignore[attr-defined]
        sessions.begin(request, second_factor=bool(factors.authenticators(person)))
        person.is_verified = lambda: False  # type: ignore[attr-defined]
        if owes_second_factor(request):
            return see_other(_with_next("accounts:second_factor", request))
        return _enter(request, how="none")


@access.signing_in
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Step 2 of 2: a code from the authenticator, or a recovery code (``?recovery=1``)."""
    person: Any = request.user
    if not owes_second_factor(request):
        return HttpResponseRedirect(_next(request))
    if not factors.authenticators(person):
        return redirect(_with_next("accounts:enroll", request))
    recovery = "recovery" in request.GET
    form_class = RecoveryForm if recovery else CodeForm
    if request.method == "GET":
        return _code_page(request, form_class(), recovery)
    form = form_class(request.POST)
    if not form.is_valid():
        return _code_page(request, form, recovery, status=422)
    check = factors.check_recovery_code if recovery else factors.check_code
    outcome = check(person, form.cleaned_data["code"])
    if outcome.device is None:
        signing_in.record_refusal(_membership(request), step="recovery_code" if recovery else "code")
        form.add_error("code", _refusal(outcome.wait_seconds, recovery=recovery))
        return _code_page(request, form, recovery, status=422)
    otp_login(request, outcome.device)
    request.session.cycle_key()
    if recovery:
        left = factors.recovery_codes_left(person)
        messages.warning(request, f"You used a recovery code. {left} left. Set up your new phone under Account.")
    return _enter(request, how="recovery_code" if recovery else "code")


@access.signing_in
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def enroll(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator: QR picture, secret to type, first code; then recovery codes, shown once.

    Open to people who own none yet, and to people who have just proven one they own.
    """
    person: Any = request.user
    first = not factors.authenticators(person)
    if not first and not person.is_verified():
        return redirect(_with_next("accounts:second_factor", request))
    key = request.session.get(sessions.ENROLL_KEY)
    if key is None:
        key = request.session[sessions.ENROLL_KEY] = factors.new_key()
    form = CodeForm(request.POST or None)
    device = None
    if request.method == "POST" and form.is_valid():
        device = factors.confirm(person, key=key, code=form.cleaned_data["code"])
        if device is None:
            form.add_error("code", "This code did not fit. Wait for the next one in the app and enter that.")
    if device is None:
        context = {
            "form": form,
            "qr": factors.qr_picture(person, key),
            "secret": factors.shown_secret(key),
            "first": first,
            "next": _next(request),
        }
        return render(request, "accounts/enroll.html", context, status=422 if form.is_bound else 200)
    del request.session[sessions.ENROLL_KEY]
    otp_login(request, device)
    request.session.cycle_key()
    signing_in.record_device(_membership(request), device.pk, added=True)
    codes = factors.new_recovery_codes(person)
    if first:
        signing_in.record_start(_membership(request), second_factor="enrolled")
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "next": _next(request)})


@access.public
@never_cache
@sensitive_post_parameters("new_password", "again")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, user_id: Any, token: str) -> HttpResponse:
    """A new person chooses a password through the link from the administrator. Looking does not use it up."""
    person = signing_in.find_for_set_up(user_id, token)
    if person is None:
        raise Http404("no such link")
    form = NewPasswordForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        signing_in.set_password(person, form.cleaned_data["new_password"])
        messages.success(request, "Your password is set. Sign in with it.")
        return see_other("accounts:sign_in")
    context = {"form": form, "person": person}
    return render(request, "accounts/welcome.html", context, status=422 if form.is_bound else 200)


@access.signing_in
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session, on the server too."""
    if request.user.is_verified() or not owes_second_factor(request):  # type: ignore[union-attr]
        signing_in.record_end(_membership(request))
    logout(request)
    return see_other(f"{reverse('accounts:sign_in')}?{urlencode({'out': '1'})}")


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "next": _next(request, default=""),
        "expired": "expired" in request.GET,
        "signed_out": "out" in request.GET,
        "idle_text": f"{settings.SESSION_IDLE_MINUTES} minutes without activity. Drafts are kept.",
        "people": demo_hints.people(),
    }
    return render(request, "accounts/sign_in.html", context, status=status)


def _code_page(request: HttpRequest, form: Any, recovery: bool, status: int = 200) -> HttpResponse:
    membership = _membership(request)
    context = {
        "form": form,
        "recovery": recovery,
        "next": _next(request, default=""),
        "where": membership.organization.name if membership else "",
        "idle_text": f"{settings.SESSION_IDLE_MINUTES} minutes without activity. Drafts are kept.",
        "demo_code": "" if recovery else demo_hints.code_for(request.user),
    }
    return render(request, "accounts/second_factor.html", context, status=status)


def _enter(request: HttpRequest, *, how: str) -> HttpResponse:
    signing_in.record_start(_membership(request), second_factor=how)
    return SeeOther(_next(request))


def _membership(request: HttpRequest) -> Membership | None:
    return request.membership  # type: ignore[attr-defined]


def _refusal(wait_seconds: int, *, recovery: bool) -> str:
    if wait_seconds:
        unit = "second" if wait_seconds == 1 else "seconds"
        return f"Too many codes in a row. Wait {wait_seconds} {unit}, then enter the newest code."
    if recovery:
        return "This recovery code does not work. Each works once; try another."
    return "This code did not work. Wait for the next one in your app and enter that."


def _next(request: HttpRequest, default: str = "/") -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe and not wanted.startswith("/sign-") else default


def _with_next(view: str, request: HttpRequest) -> str:
    wanted = _next(request, default="")
    return f"{reverse(view)}?{urlencode({'next': wanted})}" if wanted else reverse(view)
