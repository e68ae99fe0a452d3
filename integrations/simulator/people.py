"""Invented patients and the words that an EHR has for them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

FAMILIES = (
    "Abara", "Bexley", "Calloway", "Dorsett", "Ekberg", "Fairbank", "Gadsden", "Hartigan", "Isherwood", "Juarez",
    "Kinsella", "Lofgren", "Marchetti", "Nakata", "Ostrander", "Pemberton", "Quigley", "Rasmussen", "Sokolov",
    "Thackeray", "Ullman", "Varga", "Whitcomb", "Yancey", "Zamora",
)  # fmt: skip
GIVEN = {
    "F": (
        "Alma",
        "Beatriz",
        "Corinne",
        "Dagny",
        "Estelle",
        "Freya",
        "Gwen",
        "Hana",
        "Imelda",
        "Jolene",
        "Katya",
        "Noor",
    ),
    "M": ("Alvin", "Boris", "Cedric", "Dmitri", "Emil", "Felix", "Gordon", "Hideo", "Isaac", "Jerome", "Kemal", "Nils"),
}
STREETS = ("Thistle Ave", "Quarry Rd", "Mill Race Ln", "Sycamore St", "Beacon Ct", "Orchard Way")
PAYERS = (
    ("MCR", "Medicare Part B"),
    ("MCD", "State Medicaid Plan"),
    ("PPO", "Harborlight PPO"),
    ("HMO", "Prairie Star HMO"),
)
# Disposition (UB-04) and how often: skilled nursing and rehabilitation lead, since they are what rides are for.
DISPOSITIONS = (("03", 34), ("01", 24), ("06", 14), ("62", 14), ("02", 5), ("51", 4), ("63", 3), ("07", 1), ("20", 1))


@dataclass
class Person:
    """One invented stay. ``stage``: in, planned or left."""

    mrn: str
    visit: str
    family: str
    given: str
    sex: str
    born: str
    street: str
    phone: str
    payer: int
    weight_kg: int
    mobility: str
    oxygen_lpm: int
    isolation: str
    unit: str
    room: str
    bed: str
    admitted: str
    stage: str = "in"
    expected: str = ""
    told: bool = False
    left: str = ""
    city: str = "Larkmoor"
    state: str = ""
    zip_code: str = "00000"

    def moment(self, name: str) -> dt.datetime:
        """One of the moments (``admitted``, ``expected``, ``left``)."""
        return dt.datetime.fromisoformat(getattr(self, name))


def invent(
    rng: random.Random,
    number: str,
    place: tuple[str, str, str],
    admitted: dt.datetime,
    *,
    homes: Sequence[Sequence[str]] = (),
) -> Person:
    """A new patient in a bed; ``rng`` decides, ``number`` makes the identifiers.

    ``homes`` are (city, state, ZIP code) of where patients live; without any, a town that does not exist.
    """
    city, state, zip_code = rng.choice(homes) if homes else ("Larkmoor", "", "00000")
    sex = rng.choice("FM")
    age = rng.choice((rng.randint(24, 64), rng.randint(58, 94), rng.randint(65, 90)))
    return Person(
        mrn=f"S{number}",
        visit=f"SV{number}",
        family=rng.choice(FAMILIES),
        given=rng.choice(GIVEN[sex]),
        sex=sex,
        born=f"{admitted.year - age}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}",
        street=f"{rng.randint(2, 1900)} {rng.choice(STREETS)}",
        phone=f"(555) 555-{rng.randint(100, 199):04d}",
        payer=rng.randrange(len(PAYERS)),
        weight_kg=rng.choice((49, 56, 63, 70, 77, 84, 92, 101, 116, 148, 171)),
        mobility=rng.choice(("Walks", "Walks", "Walks with cane", "Wheelchair", "Wheelchair, one assist", "Stretcher")),
        oxygen_lpm=rng.choice((0, 0, 0, 0, 0, 2, 3)),
        isolation=rng.choice(("", "", "", "", "", "", "Contact", "Droplet")),
        unit=place[0],
        room=place[1],
        bed=place[2],
        admitted=admitted.isoformat(),
        city=city,
        state=state,
        zip_code=zip_code,
    )


def disposition(rng: random.Random, who: Person) -> str:
    """How this stay ends: who cannot walk goes to a facility more often."""
    if who.mobility != "Walks" and rng.random() < 0.6:
        return rng.choice(("03", "03", "62"))
    codes, weights = zip(*DISPOSITIONS, strict=True)
    return rng.choices(codes, weights)[0]


def message(site: Any, event: str, who: Person, at: dt.datetime, control: str, *, code: str = "") -> bytes:
    """The ADT message that ``site`` sends about ``who`` at ``at``. ``code`` is the disposition of an A03."""
    zone = ZoneInfo(site.zone)

    def local(moment: dt.datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y%m%d%H%M%S}" if moment else ""

    left = who.moment("left") if event == "A03" and who.left else None
    expected = who.moment("expected") if who.expected else None
    pv1 = ["PV1", "1", "I", f"{who.unit}^{who.room}^{who.bed}^{site.facility}"] + [""] * 15
    pv1 += [
        f"{who.visit}^^^{site.facility}^VN",
        *[""] * 16,
        code,
        *[""] * 7,
        local(who.moment("admitted")),
        local(left),
    ]
    plan, payer = PAYERS[who.payer]
    dead = f"{'|' * 11}{local(at)}|Y" if code == "20" else ""
    lines = [
        f"MSH|^~\\&|{site.application}|{site.sender}|CARRYWELL|CW|{local(at)}||ADT^{event}|{control}|P|2.5.1",
        f"EVN|{event}|{local(at)}||||{local(at)}",
        f"PID|1||{who.mrn}^^^{site.facility}^MR||{who.family}^{who.given}||{who.born}|{who.sex}|||"
        f"{who.street}^^{who.city}^{who.state}^{who.zip_code}||{who.phone}|||||{who.visit}{dead}",
        "|".join(pv1).rstrip("|"),
    ]
    if event in ("A01", "A08", "A16", "A25"):
        deleted = '""' if event == "A25" else ""
        lines.append(f"PV2|||||||||{local(expected) or deleted}")
        lines += _observations(who)
        lines.append(f"IN1|1|{plan}^{payer}|{plan}01|{payer}")
    return "".join(f"{line}\r" for line in lines).encode()


def _observations(who: Person) -> list[str]:
    found = [
        ("NM", "29463-7^Body weight^LN", str(who.weight_kg), "kg"),
        ("ST", "MOBILITY^Mobility^L", who.mobility, ""),
        ("ST", "ISOLATION^Isolation^L", who.isolation or "None", ""),
        ("NM", "3151-8^Inhaled oxygen flow rate^LN", str(who.oxygen_lpm), "L/min"),
    ]
    return [f"OBX|{n}|{kind}|{name}||{value}|{unit}|||||F" for n, (kind, name, value, unit) in enumerate(found, 1)]
