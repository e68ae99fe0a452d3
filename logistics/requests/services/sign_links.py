"""One-time links by which a physician without an account signs one form.

The link names the health system and a secret of 256 bits, of which only a hash is kept; it ends after 72 hours, when it
is used, when the form changes, and after five wrong answers. The document opens to who types the addressee's name and
the patient's birth date.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.requests.models import CertificationVersion, SignLink
from logistics.requests.services import cert_signing, certificates
from logistics.requests.services.cert_signing import Signer

LASTS = dt.timedelta(hours=72)
MOST_WRONG = 5
# How long a document stays open after name and birth date were right.
OPEN_SECONDS = 30 * 60
SALT = "requests.sign_link"


class Closed(DomainError):
    """The link does not open any more; the words say why."""

    status_code = 410


def make(*, certification_id: UUID, addressee: str) -> tuple[SignLink, str]:
    """A link for this form as it is now, and its text, which is shown once. Earlier links for it end.

    Raises :class:`DomainError` for a form that is not complete or not waiting for a signature.
    """
    row = certificates.locked(certification_id)
    name = " ".join(addressee.split())
    if len(name.split()) < 2:
        words = "Write the physician's first and last name: the link opens to that name."
        raise DomainError(words, code="no_addressee", fields={"addressee": words})
    if row.status != "draft":
        raise DomainError("This form waits for no signature.", code="locked")
    if certificates.missing(row):
        raise DomainError("The form is not complete. Fill in what is missing, then send it.", code="incomplete_form")
    now = clock.now()
    SignLink.objects.filter(certification=row, used_at__isnull=True, ended_at__isnull=True).update(ended_at=now)
    scope = scoping.current()
    secret = secrets.token_urlsafe(32)
    link = SignLink.objects.create(
        certification=row,
        version=row.version,
        token_hash=_hash(secret),
        addressee=name[:120],
        expires_at=now + LASTS,
        made_by_id=scope.user_id,
        made_by_name=scope.actor_label[:120],
    )
    audit.record(action="sign_link.made", target=link, patient_id=row.patient_id, details={"version": row.version})
    outbox.publish("sign_link.made", _about(link))
    return link, f"{scoping.current_tenant_id().hex}.{secret}"


def end(*, link_id: UUID) -> SignLink:
    """Take a link back."""
    link = SignLink.objects.select_for_update(of=("self",)).select_related("certification").get(pk=link_id)
    if link.used_at is None and link.ended_at is None:
        _end(link, "taken_back")
    return link


def scope_of(token: str, *, client_ip: str = "", request_id: str = "") -> Scope | None:
    """The scope in which a link's text is looked up, or None when it cannot be one. It says nothing yet of who asks."""
    tenant, _, secret = token.partition(".")
    if not 40 <= len(secret) <= 64:
        return None
    try:
        tenant_id = UUID(hex=tenant)
    except ValueError:
        return None
    return Scope.staff(
        tenant_id, actor_label="Signature link", actor_role="sign_link", client_ip=client_ip, request_id=request_id
    )


def find(token: str) -> SignLink | None:
    """The link of this text, locked, or None. Raises :class:`Closed` when it has ended. Needs the link's scope."""
    secret = token.partition(".")[2]
    link = (
        SignLink.objects.select_for_update(of=("self",))
        .select_related("certification__patient", "certification__request__facility")
        .filter(token_hash=_hash(secret))
        .first()
    )
    if link is None:
        return None
    if link.used_at is not None:
        raise Closed("This form is signed. Thank you; nothing else is needed.", code="used")
    if link.ended_at is not None or link.version != link.certification.version:
        raise Closed("This link was replaced or taken back. Ask the hospital for a new one.", code="ended")
    if link.certification.status != "draft" or link.expires_at <= clock.now():
        raise Closed("This link has ended. Ask the hospital for a new one.", code="expired")
    return link


def open_document(link: SignLink, *, name: str, born_on: dt.date | None) -> str:
    """Check who asks: a text that keeps the document open for half an hour, or empty when an answer is wrong.

    Which of the two answers was wrong is not said; the fifth wrong try ends the link.
    """
    patient = link.certification.patient
    right_name = cert_signing.plain_name(name) == cert_signing.plain_name(link.addressee)
    right_date = born_on is not None and patient.birth_date[:10] == born_on.isoformat()
    if not (right_name and right_date):
        link.wrong_tries += 1
        link.save(update_fields=["wrong_tries"])
        audit.record(
            action="sign_link.refused",
            target=link,
            patient_id=patient.pk,
            result="denied",
            details={"tries": link.wrong_tries},
        )
        if link.wrong_tries >= MOST_WRONG:
            _end(link, "wrong_tries")
        return ""
    if link.opened_at is None:
        link.opened_at = clock.now()
        link.save(update_fields=["opened_at"])
    audit.record(action="certification.viewed", target=link.certification, patient_id=patient.pk, purpose="treatment")
    return signing.dumps(str(link.pk), salt=SALT)


def is_open(link: SignLink, proof: str) -> bool:
    """Whether ``proof`` is what :func:`open_document` gave for this link, not too long ago."""
    try:
        return signing.loads(proof, salt=SALT, max_age=OPEN_SECONDS) == str(link.pk)
    except signing.BadSignature:
        return False


@transaction.atomic
def sign(link: SignLink, *, signer: Signer, **given: Any) -> CertificationVersion:
    """Sign through the link (see :func:`cert_signing.sign`) and use it up. The printed name is the addressee's."""
    named = Signer(link.addressee, signer.credential, signer.employer, signer.employer_kind, signer.npi)
    version = cert_signing.sign(
        certification_id=link.certification_id, seen_version=link.version, signer=named, **given
    )
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])
    audit.record(action="sign_link.used", target=link, patient_id=link.certification.patient_id)
    outbox.publish("sign_link.used", _about(link))
    return version


def _end(link: SignLink, why: str) -> None:
    link.ended_at = clock.now()
    link.save(update_fields=["ended_at"])
    audit.record(action="sign_link.ended", target=link, patient_id=link.certification.patient_id, details={"why": why})
    outbox.publish("sign_link.ended", _about(link))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _about(link: SignLink) -> dict[str, str]:
    return {"sign_link_id": str(link.pk), "certification_id": str(link.certification_id)}
