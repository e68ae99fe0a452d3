"""Home health agencies: what an agency says it serves, and what a health system tells patients about it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal

from logistics.accounts.models import Organization
from logistics.core import audit, outbox
from logistics.core.errors import DomainError
from vendors.models import AgencyTerms, HomeHealthProfile

ZIP = re.compile(r"^\d{3}(?:\d{2})?$")


def set_profile(
    *,
    disciplines: Iterable[str],
    zips: Iterable[str],
    payers: Iterable[str],
    weekly_starts: int,
    languages: str = "",
    medicare_number: str = "",
    stars: Decimal | None = None,
    stars_as_of: dt.date | None = None,
) -> HomeHealthProfile:
    """What the agency at work serves; repeatable. Vendor scope. Raises ``DomainError`` naming fields."""
    areas = sorted({text.strip() for text in zips if text.strip()})
    wrong = [text for text in areas if not ZIP.match(text)]
    problems = {}
    if not list(disciplines):
        problems["disciplines"] = "Choose the services that you offer."
    if not list(payers):
        problems["payers"] = "Choose the payers that you take."
    if wrong:
        problems["zips"] = f"Write ZIP codes with 5 digits, or their first 3: {', '.join(wrong[:3])} is neither."
    if stars is not None and not (Decimal(1) <= stars <= Decimal(5) and stars * 2 == int(stars * 2)):
        problems["stars"] = "Ratings go from 1 to 5 in halves."
    elif stars is not None and stars_as_of is None:
        problems["stars_as_of"] = "Write when this rating was published."
    if problems:
        raise DomainError("Some answers need a change.", code="incomplete", fields=problems)
    values = {
        "disciplines": sorted(set(disciplines)),
        "zips": areas,
        "payers": sorted(set(payers)),
        "weekly_starts": weekly_starts,
        "languages": languages.strip()[:120],
        "medicare_number": medicare_number.strip()[:10],
        "stars": stars,
        "stars_as_of": stars_as_of if stars is not None else None,
        "is_active": True,
    }
    profile, _ = HomeHealthProfile.objects.update_or_create(defaults=values)
    audit.record(action="agency.profile_changed", target=profile, details={"zips": len(areas)})
    return profile


def set_terms(*, vendor: Organization, financial_interest: str, response_minutes: int) -> AgencyTerms:
    """What the open scope's health system tells patients about an agency, and how long it may think; repeatable.

    ``financial_interest`` is shown on every list (42 CFR 482.43(c)(3)); empty means none.
    """
    if not 15 <= response_minutes <= 2880:
        words = "Give the agency between 15 minutes and 2 days."
        raise DomainError(words, code="response_minutes", fields={"response_minutes": words})
    values = {"financial_interest": " ".join(financial_interest.split())[:300], "response_minutes": response_minutes}
    terms, _ = AgencyTerms.objects.update_or_create(vendor=vendor, defaults=values)
    audit.record(action="agency.terms_changed", target=terms, details={"interest": bool(values["financial_interest"])})
    outbox.publish("agency.terms_changed", {"terms_id": str(terms.pk)})
    return terms
