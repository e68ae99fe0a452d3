"""Every table is somebody's: a health system's, a vendor's, or declared to be everybody's."""

from __future__ import annotations

from django.apps import apps

from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel, VendorModel
from logistics.core.scoping import ScopedManager

OURS = ("core", "accounts", "requests", "vendors", "dispatch", "billing", "integrations", "messaging", "insights")
# Neither a health system's nor a vendor's alone. Each has rules of its own in the database (tests/tenancy).
SHARED = {
    "accounts.Organization": "read by those who work there or with it",
    "accounts.User": "a person may work for several organizations",
    "accounts.Membership": "belongs to an organization of either kind",
    "core.AuditEntry": "of either side, and of nobody before an organization is chosen",
    "core.AuditSeal": "one chain per organization",
    "core.OutboxEvent": "of either side, moved by the platform",
    "core.OutboxDelivery": "the platform's own",
}


def test_every_model_is_scoped_or_declared_shared() -> None:
    loose = []
    for model in _models():
        name = model._meta.label
        scoped = issubclass(model, TenantModel | VendorModel | StatusEvent) or "tenant_id" in _columns(model)
        if name not in SHARED and not (scoped and isinstance(model._default_manager, ScopedManager)):
            loose.append(name)
    assert loose == []


def test_relations_also_go_through_the_scoped_manager() -> None:
    wrong = [
        m._meta.label
        for m in _models()
        if m._meta.label not in SHARED and not isinstance(m._base_manager, ScopedManager)
    ]
    assert wrong == []


def test_the_list_of_shared_models_holds_no_ghosts() -> None:
    assert set(SHARED) <= {model._meta.label for model in _models()}


def _models():
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def _columns(model) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}
