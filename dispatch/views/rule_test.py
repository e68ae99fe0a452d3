"""The test page of the level rules: by hand, and on the last days' bookings. Nothing is sent."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch.forms.rule_test import AnswersForm
from dispatch.services import rule_replay
from logistics.core.access import requires
from logistics.requests.services import level_rules, rule_sets
from logistics.requests.services.level_rules import BUILT_IN, RuleSet

DAYS = ("7", "30")


@requires("rules.view")
@require_GET
def rules_test(request: HttpRequest) -> HttpResponse:
    """``/rules/levels/test``: the draft beside what is in force; without a draft, what is in force beside the built-in.

    ``?mobility=…`` are answers typed by hand, ``?days=7`` or ``30`` tries the rules on that many days' bookings.
    """
    candidate, against, has_draft = _tables()
    form = AnswersForm(request.GET if "mobility" in request.GET or "hand" in request.GET else None)
    context: dict[str, Any] = {
        "candidate_name": "The draft" if has_draft else f"In force, {candidate.name}",
        "both": f"The draft beside what is in force, {against.name}"
        if has_draft
        else "What is in force beside built in",
        "against_name": f"In force, {against.name}" if has_draft else "Built-in table",
        "has_draft": has_draft,
        "differ": bool(level_rules.differences(against.rules, candidate.rules)),
        "form": form,
        "days": request.GET.get("days", ""),
    }
    if form.is_bound and form.is_valid():
        context["by_hand"] = [
            {"title": context["candidate_name"], "advice": form.advised(candidate)},
            {"title": context["against_name"], "advice": form.advised(against)},
        ]
    if context["days"] in DAYS:
        context["replay"] = rule_replay.replay(candidate, against=against, days=int(context["days"]))
    return render(request, "dispatch/rules_test.html", context, status=422 if form.errors else 200)


def _tables() -> tuple[RuleSet, RuleSet, bool]:
    now, draft = rule_sets.in_force(), rule_sets.current_draft()
    if draft is None:
        return now, BUILT_IN, False
    return RuleSet(now.version + 1, rule_sets.draft_rules(draft)), now, True
