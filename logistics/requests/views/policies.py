"""Pages of the approval policy: what is in force and was, the draft, trying it on past requests, publishing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.policies import PublishForm, RuleForm
from logistics.requests.models import PolicySet
from logistics.requests.policy_rules import read_all
from logistics.requests.selectors import policy_trial
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import policy_sets
from logistics.requests.views.page import desk, see_other

CHIPS = {
    "draft": {"status": "draft", "label": "Draft"},
    "published": {"status": "active", "label": "In force"},
    "retired": {"status": "inactive", "label": "Replaced"},
}
LAST_VERSION = 1_000_000


@requires("policies.view")
@require_GET
def policy_list(request: HttpRequest) -> HttpResponse:
    """``/policies``: the version in force, or that of ``?version=``, the draft, and every version before."""
    now, draft = policy_sets.in_force(), policy_sets.current_draft()
    wanted, shown = request.GET.get("version", ""), now
    if wanted:
        number = int(wanted) if wanted.isdecimal() and int(wanted) <= LAST_VERSION else -1
        shown = PolicySet.objects.filter(version=number).first()
        if shown is None:
            raise Http404
    context = {
        **_desk(request),
        "shown": shown,
        "chip": CHIPS[shown.standing] if shown else None,
        "rules": read_all(shown.rules) if shown else [],
        "changes": policy_sets.diff(shown, now) if now and shown and shown.pk != now.pk else [],
        "now": now,
        "draft": draft,
        "draft_changes": policy_sets.diff(now, draft) if draft else [],
        "versions": [{"row": row, "chip": CHIPS[row.standing]} for row in PolicySet.objects.order_by("-version")],
        "may_edit": "policies.edit" in request.membership.definition.permissions,  # type: ignore[attr-defined]
    }
    return render(request, "requests/policies.html", context)


@requires("policies.edit")
@require_http_methods(["GET", "POST"])
def policy_draft(request: HttpRequest) -> HttpResponse:
    """The draft: POST starts one, GET shows it; ``?rule=`` is the key of a rule to change."""
    if request.method == "POST":
        policy_sets.start_draft()
        return see_other(reverse("requests:policy_draft"))
    draft = policy_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:policies"))
    key = request.GET.get("rule", "")
    chosen = next((rule for rule in read_all(draft.rules) if rule.key == key), None)
    return _draft_page(request, draft, rule_form=RuleForm.for_rule(chosen))


@requires("policies.edit")
@require_POST
def policy_put(request: HttpRequest) -> HttpResponse:
    """Add a rule to the draft, or change one."""
    draft = policy_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:policies"))
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            rule = policy_sets.put_rule(policy_id=draft.pk, fields=form.rule(), key=form.cleaned_data["key"])
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, f"In the draft: {rule.sentence}.")
            return see_other(reverse("requests:policy_draft"))
    return _draft_page(request, draft, rule_form=form, status=422)


@requires("policies.edit")
@require_POST
def policy_remove(request: HttpRequest) -> HttpResponse:
    """Take a rule out of the draft."""
    draft = policy_sets.current_draft()
    if draft is not None:
        policy_sets.drop_rule(policy_id=draft.pk, key=request.POST.get("rule", ""))
    return see_other(reverse("requests:policy_draft"))


@requires("policies.edit")
@require_POST
def policy_discard(request: HttpRequest) -> HttpResponse:
    """Throw the draft away."""
    draft = policy_sets.current_draft()
    if draft is not None:
        policy_sets.discard(policy_id=draft.pk)
        messages.success(request, "The draft is thrown away. The rules in force stay.")
    return see_other(reverse("requests:policies"))


@requires("policies.edit")
@require_POST
def policy_publish(request: HttpRequest) -> HttpResponse:
    """Put the draft in force."""
    draft = policy_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:policies"))
    form = PublishForm(request.POST)
    if form.is_valid():
        try:
            row = policy_sets.publish(policy_id=draft.pk, note=form.cleaned_data["note"])
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, f"Version {row.version} is in force. The next booking obeys it.")
            return see_other(reverse("requests:policies"))
    return _draft_page(request, draft, publish_form=form, status=422)


@requires("policies.view")
@require_GET
def policy_test(request: HttpRequest) -> HttpResponse:
    """``/policies/test``: the draft (or no rules at all) against what is in force, on past requests. Sends nothing."""
    text = request.GET.get("days", "")
    days = int(text) if text in {str(each) for each in policy_trial.DAYS} else policy_trial.DAYS[0]
    now, draft = policy_sets.in_force(), policy_sets.current_draft()
    trial = policy_trial.try_on(now, draft or now, days=days)
    context = {
        **_desk(request),
        "trial": trial,
        "now": now,
        "draft": draft,
        "filters": [
            {
                "name": "days",
                "label": "Requests of the last",
                "value": str(days),
                "options": [(str(each), f"{each} days") for each in policy_trial.DAYS],
            }
        ],
        "changes": {
            "newly": {"status": "waiting", "label": "Would wait now"},
            "no_longer": {"status": "done", "label": "Would go now"},
            "same": {"status": "pending", "label": "Waits in both"},
        },
    }
    return render(request, "requests/policies_test.html", context)


def _draft_page(
    request: HttpRequest,
    draft: PolicySet,
    *,
    rule_form: RuleForm | None = None,
    publish_form: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    form = rule_form or RuleForm()
    now = policy_sets.in_force()
    context: dict[str, Any] = {
        **_desk(request),
        "draft": draft,
        "rules": read_all(draft.rules),
        "now": now,
        "changes": policy_sets.diff(now, draft),
        "rule_form": form,
        "changing": form["key"].value(),
        "publish_form": publish_form or PublishForm(),
    }
    return render(request, "requests/policies_draft.html", context, status=status)


def _desk(request: HttpRequest) -> dict[str, Any]:
    return desk(request, unit_list(request.membership.units))  # type: ignore[attr-defined]


def _explain(form: forms.Form, error: DomainError) -> None:
    """Show a refusal where it belongs. A conflict (409) is raised: nothing that was typed can be corrected."""
    if error.status_code == 409:
        raise error
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)
    if not error.fields:
        form.add_error(None, error.message)
