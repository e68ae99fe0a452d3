"""The list that the patient is shown, and the choice that the patient makes from it.

The list travels signed with the form: what is recorded is what was shown, even when a figure changed meanwhile.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction

from dispatch.models import Referral
from dispatch.selectors import agencies
from dispatch.services import proof
from dispatch.services.home_health import referrals
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import HomeHealthDetail, Patient, PatientChoice
from logistics.requests.services import alerts

SALT = "carrywell.agency-list"
# A discharge is planned over days; a list older than this is shown anew.
VALID = dt.timedelta(days=3)


@dataclass(frozen=True)
class Shown:
    """A list as shown: ``listed`` (rows of ``agencies.agency_list``), its digest, when, and the token for the form."""

    listed: list[dict[str, Any]]
    digest: str
    shown_at: dt.datetime
    token: str


@dataclass(frozen=True)
class Signing:
    """Who chose and how it is signed. ``chooser`` is ``patient`` or ``representative`` (then with ``relation``);
    ``signature`` an image of any common kind, or empty with ``unsigned_reason``."""

    chooser: str
    name: str
    relation: str = ""
    signature: bytes = b""
    unsigned_reason: str = ""


def show(referral: Referral) -> Shown:
    """Today's list for a referral. Writes nothing. Eight queries."""
    detail = HomeHealthDetail.objects.get(request_id=referral.request_id)
    now = clock.now()
    need = agencies.Need(
        disciplines=tuple(referral.disciplines),
        payer_class=referral.payer_class,
        zip_code=str(detail.address.get("zip_code", "")),
        latitude=detail.latitude or 0.0,
        longitude=detail.longitude or 0.0,
    )
    listed = agencies.agency_list(need, now=now, zone=referral.time_zone)
    body = {"request": str(referral.request_id), "at": now.isoformat(), "listed": listed}
    token = signing.dumps(body, salt=SALT, compress=True)
    return Shown(listed, agencies.digest_of(listed), now, token)


def read(token: str, request_id: UUID) -> Shown:
    """The list that ``token`` carries. Raises ``DomainError`` when it is old, changed, or another request's."""
    try:
        body = signing.loads(token, salt=SALT, max_age=VALID)
    except signing.SignatureExpired as error:
        words = "This list is older than three days. Show the patient the list anew."
        raise DomainError(words, code="list_old") from error
    except signing.BadSignature as error:
        raise DomainError("This list cannot be read. Open the page again.", code="list_unknown") from error
    if body["request"] != str(request_id):
        raise DomainError("This list was made for another order. Open the page again.", code="list_unknown")
    listed = body["listed"]
    return Shown(listed, agencies.digest_of(listed), dt.datetime.fromisoformat(body["at"]), token)


@transaction.atomic
def record(
    *,
    request_id: UUID,
    token: str,
    vendor_id: UUID | None,
    signed: Signing,
    key: str,
    second_vendor_id: UUID | None = None,
    no_preference: bool = False,
    picked_reason: str = "",
) -> PatientChoice:
    """Keep the patient's choice and ask the chosen agency. The same ``key`` again answers with the same choice.

    A choice made before is superseded, and an agency that was asked or had accepted is let go, until care has begun.
    With ``no_preference`` staff name the agency and say in ``picked_reason`` how they came to it. Publishes
    ``home_health.chosen`` and ``referral.sent``. Raises ``DomainError`` naming fields. Staff scope.
    """
    known = referrals.live_of(request_id)
    if known is None:
        raise DomainError("This order does not wait for a choice now.", code="not_found")
    referral = referrals.get_locked(known.pk)
    before = PatientChoice.objects.filter(request_id=request_id, key=key).first()
    if before is not None:
        return before
    if referral.status not in ("choosing", "asked", "accepted"):
        words = {"held": "The order is on hold. Let it go on first.", "in_care": "Care has begun with an agency."}
        raise DomainError(words.get(referral.status, "This order is over."), code="not_open")
    shown = read(token, request_id)
    names = {row["vendor_id"]: row["name"] for row in shown.listed}
    patient = Patient.objects.get(pk=referral.request.patient_id)
    name = " ".join(signed.name.split())[:120] or (patient.display_name if signed.chooser == "patient" else "")
    _check(names, vendor_id, second_vendor_id, signed, name, no_preference, picked_reason)
    assert vendor_id is not None
    signature = proof.signature_of(signed.signature, signed.unsigned_reason)
    now, scope = clock.now(), scoping.current()
    old = PatientChoice.objects.filter(request_id=request_id, superseded_at__isnull=True)
    superseded = old.update(superseded_at=now)
    facts = {
        "list": shown.digest,
        "agency": str(vendor_id),
        "second": str(second_vendor_id or ""),
        "no_preference": no_preference,
        "chooser": signed.chooser,
        "name": name,
        "relation": signed.relation,
        "signature": hashlib.sha256(signature).hexdigest(),
        "at": now.isoformat(),
    }
    choice = PatientChoice.objects.create(
        request_id=request_id,
        listed=shown.listed,
        list_digest=shown.digest,
        shown_at=shown.shown_at,
        vendor_id=vendor_id,
        agency_name=names[str(vendor_id)],
        second_vendor_id=second_vendor_id,
        second_agency_name=names.get(str(second_vendor_id), ""),
        no_preference=no_preference,
        picked_reason=picked_reason.strip()[:200] if no_preference else "",
        chooser=signed.chooser,
        chooser_name=name,
        relation=signed.relation.strip()[:60] if signed.chooser == "representative" else "",
        signature=signature,
        unsigned_reason="" if signature else signed.unsigned_reason.strip()[:120],
        digest=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        key=key,
        chosen_at=now,
        recorded_by_id=scope.user_id,
        recorded_by_name=scope.actor_label,
    )
    audit.record(
        action="home_health.chosen",
        target=choice,
        patient_id=patient.pk,
        details={
            "list": shown.digest, "agencies": len(names), "vendor_id": str(vendor_id), "no_preference": no_preference,
            "chooser": signed.chooser, "signed": bool(signature), "superseded": superseded,
        },
    )  # fmt: skip
    outbox.publish("home_health.chosen", {"request_id": str(request_id), "choice_id": str(choice.pk)})
    alerts.resolve(["home_health_choose_again", "home_health_all_declined"], request=referral.request)
    referrals.ask(referral, choice, vendor_id)
    return choice


def _check(
    names: dict[str, str],
    vendor_id: UUID | None,
    second_vendor_id: UUID | None,
    signed: Signing,
    name: str,
    no_preference: bool,
    picked_reason: str,
) -> None:
    problems = {}
    if vendor_id is None or str(vendor_id) not in names:
        problems["vendor"] = "Choose an agency from the list."
    if second_vendor_id is not None and (str(second_vendor_id) not in names or second_vendor_id == vendor_id):
        problems["second"] = "Choose another agency from the list, or none."
    if signed.chooser not in ("patient", "representative"):
        problems["chooser"] = "Say who chose."
    if not name:
        problems["chooser_name"] = "Write the full name of who chose."
    if signed.chooser == "representative" and not signed.relation.strip():
        problems["relation"] = "Write how they are related to the patient."
    if no_preference and len(picked_reason.strip()) < 5:
        problems["picked_reason"] = "Write how you came to this agency, since the patient has no preference."
    if not signed.signature and not signed.unsigned_reason.strip():
        problems["signature"] = "Sign here, or say why there is no signature."
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
