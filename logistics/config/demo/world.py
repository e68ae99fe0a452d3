"""The demo's invented world, as data: two health systems in two time zones, five vendors, their fleets.

Northbound works for both health systems, the other vendors for one. Streets, people and companies are invented;
ZIP codes and towns are real so that distances are.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hospital:
    """A health system with one site. ``units``: (code, name, beds, draft rule)."""

    slug: str
    name: str
    short_name: str
    zone: str
    facility: dict
    units: tuple[tuple[str, str, int], ...]
    feed: dict
    places: tuple[dict, ...]
    homes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Company:
    """A vendor. ``fleet``: (vehicle, level, also, seats, wheelchairs, stretchers, crew levels).

    ``rates``: level → (base, included miles, per mile, minimum). ``serves``: health system → tier.
    ``answers_in``: seconds it usually takes to answer an offer, ``late``: share of late pickups (for the past).
    """

    slug: str
    name: str
    short_name: str
    zone: str
    base: dict
    levels: tuple[str, ...]
    serves: dict[str, int]
    rates: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    fleet: tuple[tuple, ...] = ()
    crew: tuple[str, ...] = ()
    answers_in: int = 90
    late: float = 0.1
    phone: str = ""


CEDAR = Hospital(
    slug="cedar-ridge",
    name="Cedar Ridge Health",
    short_name="Cedar Ridge",
    zone="America/New_York",
    facility={
        "name": "Cedar Ridge Medical Center", "short_name": "Cedar Ridge", "code": "HOSP", "address": "615 Oak St",
        "city": "South Bend", "state": "IN", "zip_code": "46601", "latitude": 41.6761, "longitude": -86.2510,
        "time_zone": "America/New_York", "phone": "574 555 0100", "entrance": "Oak St discharge entrance after 09:00",
    },
    units=(
        ("4W", "4 West", 16), ("4E", "4 East", 16), ("5N", "5 North", 14), ("3S", "3 South", 12), ("ED", "Emergency", 10),
        ("4A", "4 A", 6), ("WARD7", "Medical 7", 6), ("WARD9", "Medical 9", 6),
    ),
    feed={"name": "Cedar Ridge ADT", "port_offset": 0},
    homes=(("South Bend", "IN", "46614"), ("South Bend", "IN", "46628"), ("Mishawaka", "IN", "46545"), ("Granger", "IN", "46530")),
    places=(
        {"name": "Willow Creek Skilled Nursing", "aliases": "willow wcsn snf", "kind": "snf", "address": "450 Creek Rd",
         "city": "Mishawaka", "state": "IN", "zip_code": "46544", "note": "Accepts until 18:00, ramp at rear"},
        {"name": "Bayview Rehabilitation", "aliases": "bayview irf", "kind": "rehab", "address": "1200 Bay Ave",
         "city": "South Bend", "state": "IN", "zip_code": "46628", "note": "Admissions desk, door 3"},
        {"name": "Bayview Dialysis Center", "aliases": "dialysis chair", "kind": "dialysis", "address": "1210 Bay Ave",
         "city": "South Bend", "state": "IN", "zip_code": "46628", "note": "Chair times from 05:30"},
        {"name": "Hospice of the Lakes", "aliases": "hospice", "kind": "hospice", "address": "88 Lantern Ln",
         "city": "Granger", "state": "IN", "zip_code": "46530", "note": "Ring at the garden gate"},
        {"name": "Dunes View Care Home", "aliases": "dunes", "kind": "snf", "address": "31 Shore Dr",
         "city": "Michigan City", "state": "IN", "zip_code": "46360", "note": "One hour behind South Bend"},
        {"name": "University Heart Institute", "aliases": "university uhi", "kind": "hospital", "address": "2 College Ave",
         "city": "Elkhart", "state": "IN", "zip_code": "46514", "note": "Transfer center, level 1"},
    ),
)  # fmt: skip

LAKEMONT = Hospital(
    slug="lakemont",
    name="Lakemont Health",
    short_name="Lakemont",
    zone="America/Chicago",
    facility={
        "name": "Lakemont Hospital", "short_name": "Lakemont", "code": "LKMT", "address": "301 Harbor St",
        "city": "Michigan City", "state": "IN", "zip_code": "46360", "latitude": 41.7075, "longitude": -86.8950,
        "time_zone": "America/Chicago", "phone": "219 555 0100", "entrance": "Main lobby",
    },
    units=(("2N", "2 North", 12), ("2S", "2 South", 12), ("ICU", "Intensive care", 8)),
    feed={"name": "Lakemont ADT", "port_offset": 1, "sending_facility": "LKMT"},
    homes=(("Michigan City", "IN", "46360"), ("La Porte", "IN", "46350"), ("Chesterton", "IN", "46304")),
    places=(
        {"name": "Dunes View Care Home", "aliases": "dunes", "kind": "snf", "address": "31 Shore Dr",
         "city": "Michigan City", "state": "IN", "zip_code": "46360", "note": "Front desk until 20:00"},
        {"name": "Harbor Rehabilitation", "aliases": "harbor", "kind": "rehab", "address": "9 Pier Rd",
         "city": "La Porte", "state": "IN", "zip_code": "46350", "note": "Door B"},
        {"name": "Chesterton Dialysis", "aliases": "dialysis", "kind": "dialysis", "address": "77 Calumet Rd",
         "city": "Chesterton", "state": "IN", "zip_code": "46304", "note": ""},
    ),
)  # fmt: skip

HOSPITALS = (CEDAR, LAKEMONT)

COMPANIES = (
    Company(
        slug="northbound", name="Northbound Medical", short_name="Northbound", zone="America/New_York",
        base={"address": "41 Depot Way", "zip": "46619"}, levels=("AMB", "WC", "WCB"),
        serves={"cedar-ridge": 1, "lakemont": 2}, phone="574 555 0190", answers_in=70, late=0.06,
        rates={"AMB": ("22.00", "5.0", "2.10", "0"), "WC": ("45.00", "0", "3.25", "0"), "WCB": ("88.00", "0", "4.10", "0")},
        fleet=(
            ("Northbound 1", "AMB", (), 3, 0, 0, ("driver",)), ("Northbound 2", "WC", ("AMB",), 2, 1, 0, ("driver",)),
            ("Northbound 3", "WC", ("AMB",), 2, 1, 0, ("driver",)), ("Northbound 5", "WC", ("AMB",), 2, 2, 0, ("driver",)),
            ("Northbound 8", "WCB", ("WC", "AMB"), 2, 1, 0, ("driver", "attendant")),
        ),
        crew=("Sam Ruiz", "Ida Kowalski", "Ben Achterberg", "Lena Fiore", "Mo Haddad", "Pia Strand", "Jo Winslow"),
    ),
    Company(
        slug="evergreen", name="Evergreen Mobility", short_name="Evergreen", zone="America/New_York",
        base={"address": "8 Fern Ct", "zip": "46545"}, levels=("AMB", "WC"), serves={"cedar-ridge": 1},
        phone="574 555 0171", answers_in=150, late=0.22,
        rates={"AMB": ("20.00", "3.0", "2.30", "0"), "WC": ("42.00", "0", "3.40", "0")},
        fleet=(
            ("Evergreen 4", "WC", ("AMB",), 2, 1, 0, ("driver",)), ("Evergreen 7", "WC", ("AMB",), 2, 1, 0, ("driver",)),
            ("Evergreen 9", "AMB", (), 3, 0, 0, ("driver",)),
        ),
        crew=("Luis Ferrara", "Kim Osgood", "Raj Pillai", "Tove Lind"),
    ),
    Company(
        slug="tamarack", name="Tamarack Ambulance", short_name="Tamarack", zone="America/New_York",
        base={"address": "300 Signal Rd", "zip": "46614"}, levels=("STR", "BLS", "ALS", "CCT"),
        serves={"cedar-ridge": 1}, phone="574 555 0112", answers_in=110, late=0.1,
        rates={"STR": ("118.00", "0", "4.50", "0"), "BLS": ("420.00", "0", "9.50", "0"), "ALS": ("540.00", "0", "9.50", "0"),
               "CCT": ("1150.00", "0", "14.00", "0")},
        fleet=(
            ("Tamarack 7", "BLS", ("STR",), 1, 0, 1, ("emt", "emt")), ("Tamarack 9", "ALS", ("BLS", "STR"), 1, 0, 1, ("paramedic", "emt")),
            ("Tamarack 11", "CCT", ("ALS", "BLS"), 1, 0, 1, ("paramedic", "emt", "rn")), ("Tamarack 12", "STR", (), 1, 0, 1, ("driver", "attendant")),
        ),
        crew=("Omar Diallo", "Ann Hahn", "Cy Ortiz", "Bea Novak", "Gus Lindh", "Rita Bell", "Ed Marsh", "Una Price", "Wes Adair", "Fay Moss"),
    ),
    Company(
        slug="prairie", name="Prairie Medical Transport", short_name="Prairie", zone="America/Chicago",
        base={"address": "12 Grain Rd", "zip": "46350"}, levels=("AMB", "WC", "STR", "BLS"), serves={"lakemont": 1},
        phone="219 555 0144", answers_in=120, late=0.12,
        rates={"AMB": ("24.00", "5.0", "2.20", "0"), "WC": ("48.00", "0", "3.30", "0"), "STR": ("125.00", "0", "4.60", "0"),
               "BLS": ("435.00", "0", "9.80", "0")},
        fleet=(
            ("Prairie 2", "WC", ("AMB",), 2, 1, 0, ("driver",)), ("Prairie 4", "STR", (), 1, 0, 1, ("driver", "attendant")),
            ("Prairie 9", "BLS", ("STR",), 1, 0, 1, ("emt", "emt")),
        ),
        crew=("Gail Mbeki", "Tom Becker", "Lia Romano", "Sid Farrow", "May Lund", "Al Greer"),
    ),
    Company(
        slug="dunes", name="Dunes Care Supply", short_name="Dunes", zone="America/New_York",
        base={"address": "5 Harvest Pl", "zip": "46530"}, levels=(), serves={"cedar-ridge": 2}, phone="574 555 0133",
    ),
    Company(
        slug="harborlight", name="Harborlight Home Care", short_name="Harborlight", zone="America/New_York",
        base={"address": "22 Beacon St", "zip": "46615"}, levels=(), serves={"cedar-ridge": 2}, phone="574 555 0148",
    ),
)  # fmt: skip
