"""Signing a certification: who, by which rule, with what; and the hash that shows a later change of it.

Typed names and drawings both sign (15 U.S.C. 7001); the signer's date is typed by the signer and never filled in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from logistics.core import audit, clock, pictures, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.requests import cert_rules
from logistics.requests.cert_rules import Rule
from logistics.requests.models import CertificationVersion, PhysicianCertification
from logistics.requests.models.certificates import CREDENTIALS, EMPLOYERS
from logistics.requests.services import certificates, transitions


@dataclass(frozen=True)
class Signer:
    """Who signs: as printed, with the credential and the employer that the rule asks for. ``npi`` may be empty."""

    name: str
    credential: str
    employer: str
    employer_kind: str
    npi: str = ""


def sign(
    *,
    certification_id: UUID,
    seen_version: int,
    signer: Signer,
    attested: bool,
    dated_on: dt.date | None,
    drawing: bytes = b"",
    typed_name: str = "",
    method: str = "",
    signed_at: dt.datetime | None = None,
    signed_by_id: UUID | None = None,
    device: str = "",
) -> CertificationVersion:
    """Sign the form as it is. The same version signed again answers with the signature that is there.

    A drawing or a typed name; for paper (``method="paper"``) the scan, and the date and time on it as ``signed_at``.
    ``dated_on`` is the date that the signer wrote: it must be today's (for paper: the paper's). Raises
    :class:`DomainError` whose ``fields`` name what is missing, and who may not sign by which rule.
    """
    row = certificates.locked(certification_id)
    given = CertificationVersion.objects.filter(certification=row, version=seen_version).first()
    if row.status == "signed" and row.version == seen_version and given is not None:
        return given
    certificates.check_version(row, seen_version)
    if row.status != "draft":
        raise StaleState("This form was taken back. Begin a new one.", current=row.status)
    lacking = certificates.missing(row)
    if lacking:
        raise DomainError(
            "The form is not complete. Fill in what is missing, then sign.", code="incomplete_form", fields={}
        )
    zone = certificates.zone_of(row)
    now = clock.now()
    paper = method == "paper"
    at = signed_at if paper and signed_at is not None else now
    problems = _signer_problems(signer, certificates.rule_of(row))
    problems |= _date_problems(dated_on, at=at, now=now, zone=zone, paper=paper)
    if not attested:
        problems["attested"] = "Confirm that you know the patient's condition at the time of the ride."
    picture = pictures.signature(drawing) if drawing else b""
    if paper and not picture:
        problems["scan"] = "Add a picture of the signed page."
    elif not paper and not picture and not typed_name.strip():
        problems["signature"] = "Draw your signature, or type your full name instead."
    elif not paper and not picture and plain_name(typed_name) != plain_name(signer.name):
        problems["typed_name"] = "Type the name as it is printed above."
    if problems:
        raise DomainError("The signature is not complete.", code="unsigned", fields=problems)
    assert dated_on is not None  # its absence is one of the problems above
    scope = scoping.current()
    words = {"name": signer.name.strip(), "npi": signer.npi, "employer": signer.employer.strip()}
    if not picture:
        words["typed_name"] = typed_name.strip()
    # The form is sealed with who it speaks of: the chart may change later.
    patient = row.patient
    answers = {**row.answers, "patient": {"name": patient.display_name, "born": patient.birth_date, "sex": patient.sex}}
    version = CertificationVersion.objects.create(
        certification=row,
        version=row.version,
        span=row.span,
        level=row.level,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        answers=answers,
        signer=words,
        credential=signer.credential,
        employer_kind=signer.employer_kind,
        method="paper" if paper else "drawn" if picture else "typed",
        signature=picture,
        dated_on=dated_on,
        signed_at=at,
        signed_by_id=None if paper else signed_by_id,
        recorded_by_name=scope.actor_label[:120],
        ip=scope.client_ip or None,
        device=device[:200],
        digest=digest(answers, row, words, signer, picture, at),
    )
    transitions.certification_to(
        row,
        "signed",
        changes={"signed_at": at, "credential": signer.credential},
        details={"version": row.version, "credential": signer.credential, "method": version.method},
    )
    audit.record(
        action="certification.locked",
        target=version,
        patient_id=row.patient_id,
        details={"version": row.version, "digest": version.digest, "credential": signer.credential},
    )
    return version


def digest(
    answers: dict[str, Any],
    row: PhysicianCertification,
    words: dict[str, str],
    signer: Signer,
    picture: bytes,
    at: dt.datetime,
) -> str:
    """SHA-256 over everything that was signed, each part with its length."""
    head = [row.version, row.span, row.level, row.starts_on.isoformat(), row.ends_on.isoformat()]
    body = hashlib.sha256()
    for part in (
        json.dumps(head).encode(),
        json.dumps(answers, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps([words, signer.credential, signer.employer_kind], sort_keys=True).encode(),
        at.astimezone(dt.UTC).isoformat().encode(),
        picture,
    ):
        body.update(len(part).to_bytes(8, "big") + part)
    return body.hexdigest()


def digest_holds(version: CertificationVersion) -> bool:
    """Whether a stored signature still is what was signed."""
    row = PhysicianCertification(
        version=version.version,
        span=version.span,
        level=version.level,
        starts_on=version.starts_on,
        ends_on=version.ends_on,
    )
    words = dict(version.signer)
    signer = Signer(words.get("name", ""), version.credential, words.get("employer", ""), version.employer_kind)
    return digest(version.answers, row, words, signer, version.signature, version.signed_at) == version.digest


def _signer_problems(signer: Signer, rule: Rule) -> dict[str, str]:
    problems = {}
    if len(signer.name.split()) < 2:
        problems["name"] = "Write the signer's first and last name."
    if not signer.employer.strip():
        problems["employer"] = "Write who employs the signer."
    if signer.employer_kind not in dict(EMPLOYERS):
        problems["employer_kind"] = "Choose who employs the signer."
    if signer.credential not in dict(CREDENTIALS):
        problems["credential"] = "Choose the signer's credential."
    elif "employer_kind" not in problems:
        refused = cert_rules.may_sign(signer.credential, signer.employer_kind, rule)
        if refused:
            problems["credential"] = refused
    if signer.npi and not cert_rules.npi_is_right(signer.npi):
        problems["npi"] = "An NPI has 10 digits, the last one checks the others. Compare it with the card."
    elif not signer.npi and signer.credential in cert_rules.PHYSICIANS:
        problems["npi"] = "Write the physician's NPI."
    return problems


def _date_problems(
    dated_on: dt.date | None, *, at: dt.datetime, now: dt.datetime, zone: str, paper: bool
) -> dict[str, str]:
    if dated_on is None:
        return {"dated_on": "Write the date on which it is signed."}
    day = clock.local(at, zone).date()
    if paper and at > now:
        return {"signed_time": "The paper cannot be signed later than now."}
    if dated_on != day:
        words = "The paper's date and time do not agree." if paper else f"Today is {day:%m/%d/%Y}. Write that date."
        return {"dated_on": words}
    return {}


def plain_name(name: str) -> str:
    """A name without case and punctuation, to compare two ways of writing it."""
    return " ".join("".join(char if char.isalnum() else " " for char in name.casefold()).split())
