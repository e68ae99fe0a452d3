"""Who lies in the demo's beds: invented patients, and the ADT messages that say so."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from itertools import count
from zoneinfo import ZoneInfo

from logistics.config.demo.world import Hospital

FAMILIES = [
    "Okafor",
    "Brandt",
    "Lindqvist",
    "Nguyen",
    "Petrov",
    "Hughes",
    "Diaz",
    "Abbott",
    "Fischer",
    "Osei",
    "Silva",
    "Grant",
    "Yamada",
    "Cole",
    "Moreno",
    "Adeyemi",
    "Kessler",
    "Fenn",
    "Kemp",
    "Haddad",
    "Iversen",
    "Janik",
    "Kaplan",
    "Lowry",
    "Mensah",
    "Novak",
    "Oyelaran",
    "Pruitt",
    "Quist",
    "Rossi",
    "Sandoval",
    "Tran",
    "Ueda",
    "Vasquez",
    "Weller",
    "Xiong",
    "Yilmaz",
    "Zielinski",
    "Ashby",
    "Bellamy",
    "Castro",
    "Drummond",
    "Eklund",
    "Farah",
    "Gallo",
    "Holt",
    "Ingram",
    "Joshi",
    "Keller",
]
GIVEN_F = [
    "Miriam",
    "Ada",
    "Rosa",
    "Anke",
    "Marta",
    "Emi",
    "Agnes",
    "Carol",
    "Thea",
    "Ruth",
    "Lena",
    "Nadia",
    "Paula",
    "Greta",
    "Ines",
    "Joan",
    "Vera",
    "Elsa",
]
GIVEN_M = [
    "Walter",
    "Thanh",
    "Ivan",
    "James",
    "Kofi",
    "Leroy",
    "Omar",
    "Hugo",
    "Peter",
    "Anders",
    "Luis",
    "Amir",
    "Jonas",
    "Pavel",
    "Karl",
    "Dele",
    "Sven",
    "Marco",
]
STREETS = ("Alder St", "Pier Rd", "Fern Ct", "Cedar Ave", "Juniper Ln", "Maple St", "Harbor Dr", "Locust Way")
HOME_ZIPS = {
    "cedar-ridge": (("South Bend", "46614"), ("South Bend", "46628"), ("Mishawaka", "46545"), ("Granger", "46530")),
    "lakemont": (("Michigan City", "46360"), ("La Porte", "46350"), ("Chesterton", "46304")),
}
PAYERS = ("Lakeshore Medicare Advantage", "Medicare Part B", "Hoosier Medicaid Plan", "Blue Harbor PPO")


@dataclass(frozen=True)
class Resident:
    """One invented patient in one bed."""

    mrn: str
    visit: str
    family: str
    given: str
    sex: str
    born: dt.date
    line: str
    city: str
    zip_code: str
    phone: str
    payer: str
    unit: str
    room: str
    bed: str
    admitted: dt.datetime
    weight_kg: int
    oxygen_lpm: int
    isolation: str


def residents(hospital: Hospital, beds: dict[str, list[tuple[str, str]]], now: dt.datetime) -> list[Resident]:
    """A house that is about four fifths full, the same for the same day."""
    rng = random.Random(f"{hospital.slug}|{now:%Y-%m-%d}")
    numbers = count(1)
    out = []
    for unit, places in beds.items():
        for room, bed in places:
            # The three small wards stay free for whoever tries the feed by hand.
            if unit in ("4A", "WARD7", "WARD9") or rng.random() > 0.8:
                continue
            out.append(invent(hospital, rng, now, next(numbers), unit, room, bed))
    return out


def invent(
    hospital: Hospital, rng: random.Random, now: dt.datetime, number: int, unit: str, room: str, bed: str
) -> Resident:
    """One patient; ``rng`` decides everything."""
    sex = rng.choice("FM")
    city, zip_code = rng.choice(HOME_ZIPS[hospital.slug])
    stamp = f"{now:%y%m%d}{number:03d}"
    return Resident(
        mrn=f"{7 if hospital.slug == 'cedar-ridge' else 3}{stamp}",
        visit=f"V{stamp}",
        family=rng.choice(FAMILIES),
        given=rng.choice(GIVEN_F if sex == "F" else GIVEN_M),
        sex=sex,
        born=dt.date(now.year - rng.randint(38, 93), rng.randint(1, 12), rng.randint(1, 28)),
        line=f"{rng.randint(3, 2400)} {rng.choice(STREETS)}",
        city=city,
        zip_code=zip_code,
        phone=f"574555{rng.randint(1000, 9999)}",
        payer=rng.choice(PAYERS),
        unit=unit,
        room=room,
        bed=bed,
        admitted=now - dt.timedelta(hours=rng.randint(8, 160), minutes=rng.randint(0, 59)),
        weight_kg=rng.choice((52, 58, 64, 71, 78, 85, 93, 104, 118, 151)),
        oxygen_lpm=rng.choice((0, 0, 0, 0, 2, 3)),
        isolation=rng.choice(("", "", "", "", "", "", "", "CONTACT", "DROPLET")),
    )


def message(
    hospital: Hospital,
    event: str,
    who: Resident,
    at: dt.datetime,
    *,
    expected: dt.datetime | None = None,
    disposition: str = "",
    left: dt.datetime | None = None,
    bed: tuple[str, str, str] | None = None,
) -> bytes:
    """An HL7 v2.5.1 ADT message about one resident, as the hospital's EHR would send it at ``at``."""
    zone = ZoneInfo(hospital.zone)

    def local(moment: dt.datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y%m%d%H%M%S}" if moment else ""

    code = hospital.facility["code"]
    unit, room, place = bed or (who.unit, who.room, who.bed)
    control = f"{who.visit}-{event}-{local(at)}"
    pv1 = ["PV1", "1", "I", f"{unit}^{room}^{place}^{code}"] + [""] * 15 + [f"{who.visit}^^^{code}^VN"]
    pv1 += [""] * 16 + [disposition] + [""] * 7 + [local(who.admitted), local(left)]
    segments = [
        f"MSH|^~\\&|EPIC|{code}|CARRYWELL|CW|{local(at)}||ADT^{event}|{control}|P|2.5.1",
        f"EVN|{event}|{local(at)}||||{local(at)}",
        f"PID|1||{who.mrn}^^^{code}^MR||{who.family}^{who.given}||{who.born:%Y%m%d}|{who.sex}|||"
        f"{who.line}^^{who.city}^IN^{who.zip_code}||{who.phone}|||||{who.visit}",
        "|".join(pv1),
        "PV2|||||||||" + local(expected),
        f"OBX|1|NM|29463-7^Body weight^LN||{who.weight_kg}|kg|||||F",
    ]
    if who.oxygen_lpm:
        segments.append(f"OBX|2|NM|3151-8^Inhaled oxygen flow rate^LN||{who.oxygen_lpm}|L/min|||||F")
    if who.isolation:
        segments.append(f"OBX|3|ST|ISOLATION^Isolation^L||{who.isolation}||||||F")
    segments.append(f"IN1|1|{who.payer.split()[0].upper()}|1|{who.payer}")
    return "\r".join(segments).encode() + b"\r"
