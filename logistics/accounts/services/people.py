"""People and their roles."""

from __future__ import annotations

import base64

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts import roles
from logistics.accounts.models import Membership, Organization, User
from logistics.core import audit
from logistics.core.errors import DomainError


def add(
    *, organization: Organization, email: str, name: str, role: str, password: str | None = None
) -> tuple[User, Membership]:
    """A person with a role here; an existing person gets a further role.

    Raises :class:`DomainError` when the role does not exist in this kind of organization, or when the address
    belongs to somebody whom this organization may not see (the words do not tell which).
    """
    if role not in roles.roles_for(organization.kind):
        raise DomainError("Choose a role that exists in this organization.", code="wrong_role", fields={"role": role})
    email = email.strip().lower()
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User(email=email, name=name, password=make_password(password))
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            raise DomainError(
                "This address cannot be added here. Ask the platform's operator to connect the person.",
                code="address_taken",
                fields={"email": "This address cannot be added here."},
            ) from error
        audit.record(action="person.created", target=user)
    membership, made = Membership.objects.get_or_create(
        organization=organization, user=user, role=role, defaults={"is_active": True}
    )
    if made:
        audit.record(action="membership.created", target=membership, details={"role": role, "user_id": str(user.pk)})
    elif not membership.is_active:
        Membership.objects.filter(pk=membership.pk).update(is_active=True)
        audit.record(action="membership.restored", target=membership, details={"role": role})
    return user, membership


def end(*, membership: Membership) -> None:
    """Take a role away. The last active administrator of an organization cannot be removed."""
    if membership.role in ("admin", "vendor_admin"):
        others = (
            Membership.objects.filter(organization_id=membership.organization_id, role=membership.role, is_active=True)
            .exclude(pk=membership.pk)
            .exists()
        )
        if not others:
            raise DomainError(
                "This is the last administrator. Give somebody else the role first.",
                code="last_administrator",
            )
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    membership.is_active = False
    audit.record(action="membership.ended", target=membership, details={"role": membership.role})


def set_totp(*, user: User, secret: str) -> TOTPDevice:
    """Give a person a confirmed authenticator with this base32 ``secret`` (demo and tests only)."""
    key = base64.b32decode(secret).hex()
    device, _ = TOTPDevice.objects.update_or_create(
        user=user, name="Authenticator app", defaults={"key": key, "confirmed": True}
    )
    return device
