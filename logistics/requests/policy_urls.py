"""Addresses of approvals, the approval policy, budgets and protocols (part of ``requests``)."""

from __future__ import annotations

from django.urls import path

from logistics.requests.views import approvals, budgets, policies, protocols

urlpatterns = [
    path("approvals", approvals.approval_list, name="approvals"),
    path("approvals/<uuid:approval_id>/answer", approvals.approval_answer, name="approval_answer"),
    path("policies", policies.policy_list, name="policies"),
    path("policies/draft", policies.policy_draft, name="policy_draft"),
    path("policies/draft/rule", policies.policy_put, name="policy_put"),
    path("policies/draft/remove", policies.policy_remove, name="policy_remove"),
    path("policies/draft/discard", policies.policy_discard, name="policy_discard"),
    path("policies/publish", policies.policy_publish, name="policy_publish"),
    path("policies/test", policies.policy_test, name="policy_test"),
    path("budgets", budgets.budget_month, name="budgets"),
    path("budgets/export.csv", budgets.budget_csv, name="budgets_csv"),
    path("budgets/centers/add", budgets.center_add, name="cost_center_add"),
    path("budgets/centers/<uuid:cost_center_id>", budgets.center_edit, name="cost_center"),
    path("budgets/centers/<uuid:cost_center_id>/amount", budgets.budget_set, name="budget_set"),
    path("protocols", protocols.protocol_list, name="protocols"),
    path("protocols/units/<uuid:unit_id>", protocols.protocol_edit, name="protocol"),
    path("protocols/handoff", protocols.handoff_edit, name="handoff_template"),
]
