"""People and their roles."""

from __future__ import annotations

import base64

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts import roles
from logistics.accounts.models import Membership, Organization, User
from logistics.accounts.services.signing_in import set_up_tokens
from logistics.core import audit, outbox
from logistics.core.errors import DomainError

ADMINS = ("admin", "vendor_admin")


def add(
    *, organization: Organization, email: str, name: str, role: str, password: str | None = None
) -> tuple[User, Membership]:
    """A person with a role here; an existing person gets a further role.

    Raises :class:`DomainError` when the role does not exist in this kind of organization, or when the address
    belongs to somebody whom this organization may not see (the words do not tell which).
    """
    _check_role(organization, role)
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
        membership.is_active = True
        audit.record(action="membership.restored", target=membership, details={"role": role})
    return user, membership


def change_role(*, membership: Membership, role: str) -> Membership:
    """Give a person another role in the same organization, in place of this one.

    Raises :class:`DomainError` for a role of another kind of organization, a role that the person has already,
    and for the last administrator.
    """
    _check_role(membership.organization, role)
    if role == membership.role:
        return membership
    _keep_one_administrator(membership)
    taken = Membership.objects.filter(organization_id=membership.organization_id, user_id=membership.user_id, role=role)
    if taken.exists():
        raise DomainError(
            "This person has or had that role here. Add it to the person again, then end this one.",
            code="role_taken",
            fields={"role": "This person has or had that role here already."},
        )
    old = membership.role
    Membership.objects.filter(pk=membership.pk).update(role=role)
    membership.role = role
    audit.record(action="membership.changed", target=membership, details={"old": old, "new": role})
    outbox.publish("membership.changed", {"membership_id": str(membership.pk)})
    return membership


def end(*, membership: Membership) -> None:
    """Take a role away, at once. The last active administrator of an organization cannot be removed."""
    if not membership.is_active:
        return
    _keep_one_administrator(membership)
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    membership.is_active = False
    audit.record(action="membership.ended", target=membership, details={"role": membership.role})
    outbox.publish("membership.ended", {"membership_id": str(membership.pk)})


def restore(*, membership: Membership) -> None:
    """Give a role back that was taken away."""
    if membership.is_active:
        return
    Membership.objects.filter(pk=membership.pk).update(is_active=True)
    membership.is_active = True
    audit.record(action="membership.restored", target=membership, details={"role": membership.role})


def set_up_path_parts(user: User) -> dict[str, str]:
    """The arguments of the set-up page's URL for somebody who has no password yet.

    Raises :class:`DomainError` when there is one: a link would then take an account over.
    """
    if user.has_usable_password():
        raise DomainError("This person has a password already.", code="has_password")
    return {"user_id": str(user.pk), "token": set_up_tokens.make_token(user)}


def set_totp(*, user: User, secret: str) -> TOTPDevice:
    """Give a person a confirmed authenticator with this base32 ``secret`` (demo and tests only)."""
    key = base64.b32decode(secret).hex()
    device, _ = TOTPDevice.objects.update_or_create(
        user=user, name="Authenticator app", defaults={"key": key, "confirmed": True}
    )
    return device


def _check_role(organization: Organization, role: str) -> None:
    if role not in roles.roles_for(organization.kind):
        raise DomainError(
            "Choose a role that exists in this organization.",
            code="wrong_role",
            fields={"role": "Choose a role that exists in this organization."},
        )


def _keep_one_administrator(membership: Membership) -> None:
    if membership.role not in ADMINS or not membership.is_active:
        return
    # Locked in one order, so that two administrators cannot remove each other at the same moment.
    admins = list(
        Membership.objects.select_for_update()
        .filter(
            organization_id=membership.organization_id,
            role=membership.role,
            is_active=True,
            user__is_active=True,
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not [pk for pk in admins if pk != membership.pk]:
        raise DomainError(
            "This is the last administrator. Give somebody else the role first.",
            code="last_administrator",
        )
