"""Pages of the level rules: what is in force and was, the draft, publishing, going back."""

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
from logistics.requests.forms.rules import PublishForm, RestoreForm, RuleForm
from logistics.requests.models import LevelRuleDraft
from logistics.requests.selectors import rules as selectors
from logistics.requests.services import level_rules, rule_sets
from logistics.requests.views.page import see_other

LAST_VERSION = 1_000_000


@requires("rules.view")
@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """``/rules/levels``: the rules in force, or those of ``?version=``, and every version before."""
    return _list(request, request.GET.get("version", ""))


@requires("rules.edit")
@require_http_methods(["GET", "POST"])
def rule_draft(request: HttpRequest) -> HttpResponse:
    """The draft of the next version: POST starts one, GET shows it; ``?rule=`` is the key of a rule to change."""
    if request.method == "POST":
        rule_sets.start_draft()
        return see_other(reverse("requests:rule_draft"))
    draft = rule_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:rules"))
    key = request.GET.get("rule", "")
    chosen = next((rule for rule in rule_sets.draft_rules(draft) if rule.key == key), None)
    return _draft(request, draft, rule_form=RuleForm.for_rule(chosen))


@requires("rules.edit")
@require_POST
def rule_put(request: HttpRequest) -> HttpResponse:
    """Add a rule to the draft, or change one."""
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            rule = rule_sets.put_rule(**form.cleaned_data)
        except DomainError as error:
            if error.status_code == 409:
                raise
            _explain(form, error)
        else:
            messages.success(request, f"In the draft: {rule.when}.")
            return see_other(reverse("requests:rule_draft"))
    draft = rule_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:rules"))
    return _draft(request, draft, rule_form=form, status=422)


@requires("rules.edit")
@require_POST
def rule_remove(request: HttpRequest) -> HttpResponse:
    """Take a rule out of the draft."""
    rule_sets.remove_rule(key=request.POST.get("rule", ""))
    return see_other(reverse("requests:rule_draft"))


@requires("rules.edit")
@require_POST
def rule_discard(request: HttpRequest) -> HttpResponse:
    """Throw the draft away."""
    rule_sets.discard_draft()
    messages.success(request, "The draft is thrown away. The rules in force stay.")
    return see_other(reverse("requests:rules"))


@requires("rules.edit")
@require_POST
def rule_publish(request: HttpRequest) -> HttpResponse:
    """Put the draft in force."""
    form = PublishForm(request.POST)
    if form.is_valid():
        try:
            row = rule_sets.publish(note=form.cleaned_data["note"], seen=form.cleaned_data["seen"])
        except DomainError as error:
            if error.status_code == 409:
                raise
            _explain(form, error)
        else:
            messages.success(request, f"Version {row.version} is in force.")
            return see_other(reverse("requests:rules"))
    draft = rule_sets.current_draft()
    if draft is None:
        return see_other(reverse("requests:rules"))
    return _draft(request, draft, publish_form=form, status=422)


@requires("rules.edit")
@require_POST
def rule_restore(request: HttpRequest) -> HttpResponse:
    """Put an old version, or the built-in table, in force again."""
    form = RestoreForm(request.POST)
    if form.is_valid():
        try:
            row = rule_sets.publish_again(**form.cleaned_data)
        except DomainError as error:
            _explain(form, error)
        else:
            which = f"those of version {row.copy_of}" if row.copy_of else "the built-in rules"
            messages.success(request, f"Version {row.version} is in force: {which} again.")
            return see_other(reverse("requests:rules"))
    return _list(request, request.POST.get("version", ""), restore_form=form, status=422)


def _list(
    request: HttpRequest, version: str, *, restore_form: RestoreForm | None = None, status: int = 200
) -> HttpResponse:
    now = rule_sets.in_force()
    shown = now
    if version:
        number = int(version) if version.isdecimal() and int(version) <= LAST_VERSION else -1
        try:
            shown = rule_sets.of_version(number)
        except DomainError as error:
            raise Http404 from error
    draft = rule_sets.current_draft()
    versions = selectors.versions()
    context = {
        "shown": shown,
        "in_force": now,
        "is_in_force": shown.version == now.version,
        "row": next((each for each in versions if each.row.version == shown.version), None),
        "versions": versions,
        "changes": level_rules.differences(now.rules, shown.rules) if shown.version != now.version else [],
        "draft": draft,
        "draft_changes": level_rules.differences(now.rules, rule_sets.draft_rules(draft)) if draft else [],
        "may_edit": _may_edit(request),
        "restore_form": restore_form or RestoreForm(initial={"version": shown.version}),
    }
    return render(request, "requests/rules.html", context, status=status)


def _draft(
    request: HttpRequest,
    draft: LevelRuleDraft,
    *,
    rule_form: RuleForm | None = None,
    publish_form: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now, rules = rule_sets.in_force(), rule_sets.draft_rules(draft)
    form = rule_form or RuleForm()
    context: dict[str, Any] = {
        "draft": draft,
        "rules": rules,
        "in_force": now,
        "changes": level_rules.differences(now.rules, rules),
        "floor": level_rules.floor_problems(rules),
        "behind": draft.based_on != now.version,
        "rule_form": form,
        "changing": form["replaces"].value(),
        "publish_form": publish_form or PublishForm(initial={"seen": rule_sets.mark(draft)}),
    }
    return render(request, "requests/rules_draft.html", context, status=status)


def _may_edit(request: HttpRequest) -> bool:
    return "rules.edit" in request.membership.definition.permissions  # type: ignore[attr-defined]


def _explain(form: forms.Form, error: DomainError) -> None:
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)
    if not error.fields:
        form.add_error(None, error.message)
