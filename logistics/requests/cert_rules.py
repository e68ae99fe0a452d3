"""Is a certification needed, who may sign it, and does a signature hold for a ride (42 CFR 410.40; pure functions).

Medicare's rule for ambulance rides that are no emergency:

* scheduled and repetitive: the attending physician alone, before the ride, at most 60 days before the day of service;
* otherwise, for a patient under a physician's care in a facility: the physician, or certain people with personal
  knowledge whom the physician or the facility employs, before the ride or within 48 hours after it;
* at home, or in a facility without a physician's direct care, and not repetitive: none;
* not to be had for a ride that is not repetitive: the claim may go after 21 days with documented attempts.

A signature certifies; it does not make a ride necessary, and no words here say that anything is approved.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from logistics.core.levels import LEVELS

PHYSICIANS = frozenset({"MD", "DO"})
LISTED = PHYSICIANS | {"PA", "NP", "CNS", "RN", "LPN", "SW", "CM", "DP"}
# Employers whose people may sign where more than the physician may (42 CFR 410.40(a), "non-physician certification
# statement"). A supplier's and a broker's people never may.
EMPLOYERS = frozenset({"attending", "facility"})
MOST_DAYS = 60
LATE_HOURS = 48
WAIT_DAYS = 21
# Payers that pay by rules of their own: their forms and terms are not Medicare's.
OTHER_RULES = ("medicaid", "badgercare", "self", "private pay", "facility", "hospital pays", "veterans", "workers")


@dataclass(frozen=True)
class Rule:
    """What one ride needs. ``kind`` is ``none``, ``physician_only`` or ``physician_or_listed``; ``before`` means that
    a signature after the start is worthless; the other figures are None where the rule has none.

    ``late_hours`` after the ride's end a signature still holds; ``wait_days`` after the day of service the claim may
    go with documented attempts instead.
    """

    kind: str
    before: bool = False
    max_age_days: int | None = None
    late_hours: int | None = None
    wait_days: int | None = None

    @property
    def needed(self) -> bool:
        """Whether anything must be signed."""
        return self.kind != "none"


NONE = Rule("none")
PHYSICIAN_ONLY = Rule("physician_only", before=True, max_age_days=MOST_DAYS)
PHYSICIAN_OR_LISTED = Rule("physician_or_listed", late_hours=LATE_HOURS, wait_days=WAIT_DAYS)


@dataclass(frozen=True)
class Signed:
    """What a signature says: by whom, when (aware), for which days and which level."""

    credential: str
    employer_kind: str
    signed_at: dt.datetime
    starts_on: dt.date
    ends_on: dt.date
    level: str
    span: str = "single"


@dataclass(frozen=True)
class Service:
    """One ride: its rule, its start and end (aware; planned while it is not over), its level, and whether attempts to
    get a signature are documented by a signed return receipt."""

    rule: Rule
    starts_at: dt.datetime
    ends_at: dt.datetime
    level: str
    has_receipt: bool = False


@dataclass(frozen=True)
class Verdict:
    """``ok``: the ride is covered as far as the certification goes. ``code`` is stable; ``words`` say what happened
    and what to do. ``due_at`` is the last moment for a signature, ``claim_from`` the first day for attempts."""

    code: str
    ok: bool
    words: str
    due_at: dt.datetime | None = None
    claim_from: dt.date | None = None


def payer_follows(payer_name: str) -> bool:
    """Whether a payer asks for the certification of 42 CFR 410.40. One that nobody named yet is taken to."""
    name = payer_name.casefold()
    return not any(word in name for word in OTHER_RULES)


def cert_rule(*, payer_follows_410_40: bool, emergency: bool, scheduled: bool, repetitive: bool, setting: str) -> Rule:
    """The rule for one ride. ``setting`` is where it starts: ``facility``, ``facility_no_physician`` or ``home``."""
    if not payer_follows_410_40 or emergency:
        return NONE
    if scheduled and repetitive:
        return PHYSICIAN_ONLY
    if setting in ("home", "facility_no_physician"):
        return NONE
    return PHYSICIAN_OR_LISTED


def due_at(rule: Rule, *, starts_at: dt.datetime, ends_at: dt.datetime) -> dt.datetime | None:
    """The last moment at which a signature still holds; None when none is needed."""
    if not rule.needed:
        return None
    return starts_at if rule.before else ends_at + dt.timedelta(hours=rule.late_hours or 0)


def claim_from(rule: Rule, day: dt.date) -> dt.date | None:
    """The first day on which the claim may go with attempts instead of a signature (day 22); None if never."""
    return None if rule.wait_days is None else day + dt.timedelta(days=rule.wait_days + 1)


def may_sign(credential: str, employer_kind: str, rule: Rule) -> str | None:
    """None when this person may sign under ``rule``; otherwise why not and who may, in words."""
    who = credential or "This person"
    if employer_kind in ("supplier", "broker"):
        company = "the ambulance company" if employer_kind == "supplier" else "a broker or platform"
        return f"Nobody who works for {company} may sign. Ask the attending physician or the facility's own staff."
    if rule.kind == "none":
        return None if credential in LISTED else "Choose the signer's credential."
    if rule.kind == "physician_only":
        if credential in PHYSICIANS:
            return None
        return f"{who} cannot sign for repetitive rides. Only the attending physician (MD or DO) may."
    if credential in PHYSICIANS:
        return None
    if credential not in LISTED:
        return "Choose the signer's credential."
    if employer_kind not in EMPLOYERS:
        return f"{who} may sign only when employed by the attending physician or by the facility the patient leaves."
    return None


def valid_for(signed: Signed | None, service: Service, *, zone: str, now: dt.datetime) -> Verdict:
    """Whether ``signed`` (None: nothing yet) covers the ride, at ``now``, on the calendar of ``zone``."""
    rule = service.rule
    if not rule.needed:
        return Verdict("not_needed", True, "No certification is needed for this ride.")
    tz = ZoneInfo(zone)
    day = service.starts_at.astimezone(tz).date()
    due, claim = due_at(rule, starts_at=service.starts_at, ends_at=service.ends_at), claim_from(rule, day)
    assert due is not None  # a rule that needs a signature has a last moment for it
    if signed is None:
        return _unsigned(service, due=due, claim=claim, now=now, zone=tz)
    problem = may_sign(signed.credential, signed.employer_kind, rule)
    if problem:
        return Verdict("wrong_signer", False, problem, due, claim)
    if not signed.starts_on <= day <= signed.ends_on:
        words = f"It certifies {_span(signed)}, the ride is on {_day(day)}. Have one signed for that day."
        return Verdict("other_date", False, words, due, claim)
    if LEVELS[service.level].order > LEVELS[signed.level].order:
        words = f"It certifies {LEVELS[signed.level].label}, the ride is {LEVELS[service.level].label}."
        return Verdict("other_level", False, f"{words} Have it signed for that level.", due, claim)
    if rule.max_age_days is not None:
        if signed.ends_on - signed.starts_on > dt.timedelta(days=rule.max_age_days):
            return Verdict("too_long", False, f"Its period is longer than {rule.max_age_days} days.", due, claim)
        signed_on = signed.signed_at.astimezone(tz).date()
        if signed_on < day - dt.timedelta(days=rule.max_age_days):
            words = f"It was signed on {_day(signed_on)}, more than {rule.max_age_days} days before the ride."
            return Verdict("too_old", False, f"{words} Have the attending physician sign a new one.", due, claim)
    if rule.before and signed.signed_at > service.starts_at:
        words = "It was signed after the ride began. Repetitive rides must be certified before."
        return Verdict("after_start", False, words, due, claim)
    if signed.signed_at > due:
        return _late(service, due=due, claim=claim, now=now, zone=tz)
    return Verdict("certified", True, "Certified.", due, claim)


def _unsigned(
    service: Service, *, due: dt.datetime, claim: dt.date | None, now: dt.datetime, zone: ZoneInfo
) -> Verdict:
    if now <= due:
        if service.rule.before:
            words = "Have the attending physician (MD or DO) sign before the ride."
        else:
            words = f"Have it signed by {_moment(due.astimezone(zone))}."
        return Verdict("missing", False, words, due, claim)
    if claim is None:
        words = "The ride began without the attending physician's signature. It cannot be certified any more."
        return Verdict("too_late", False, words, due, claim)
    return _late(service, due=due, claim=claim, now=now, zone=zone)


def _late(service: Service, *, due: dt.datetime, claim: dt.date | None, now: dt.datetime, zone: ZoneInfo) -> Verdict:
    """Not signed within 48 hours: the way with documented attempts."""
    assert claim is not None  # only rides that are not repetitive come here
    if not service.has_receipt:
        words = (
            f"Not signed by {_moment(due.astimezone(zone))}. Send it by mail with return receipt and note the number"
        )
        return Verdict("late", False, f"{words}: with it the claim may go from {_day(claim)}.", due, claim)
    if now.astimezone(zone).date() < claim:
        words = f"Not signed in time, attempts are documented. The claim may go from {_day(claim)}."
        return Verdict("late", False, words, due, claim)
    return Verdict("attempts", True, "Not signed in time; attempts are documented and 21 days are over.", due, claim)


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _moment(moment: dt.datetime) -> str:
    return f"{moment.day} {moment:%b, %H:%M} {moment.tzname()}"


def _span(signed: Signed) -> str:
    if signed.starts_on == signed.ends_on:
        return _day(signed.starts_on)
    return f"{_day(signed.starts_on)} to {_day(signed.ends_on)}"


def npi_is_right(npi: str) -> bool:
    """Whether ``npi`` has ten digits and the right check digit: Luhn over ``80840`` and the number (45 CFR 162.406)."""
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    digits = [int(char) for char in reversed("80840" + npi)]
    return sum(d if place % 2 == 0 else sum(divmod(2 * d, 10)) for place, d in enumerate(digits)) % 10 == 0
