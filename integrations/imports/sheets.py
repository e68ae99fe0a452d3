"""The sheets that can be imported, as data: their columns, in the order in which they build on each other."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.imports import cells
from integrations.imports.cells import Reader
from logistics.accounts import roles
from logistics.core.levels import LEVELS
from logistics.requests.models import Place, TransportDetail
from vendors.models import Credential, CrewMember, Rate


@dataclass(frozen=True)
class Column:
    """One column. ``help`` says what to write, ``example`` fills the template's row."""

    name: str
    read: Reader
    help: str
    example: str = ""
    required: bool = False


@dataclass(frozen=True)
class Sheet:
    """One kind of sheet. ``names_row`` are the columns that tell its rows apart."""

    kind: str
    title: str
    purpose: str
    columns: tuple[Column, ...]
    names_row: tuple[str, ...]

    @property
    def header(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """Columns that every row must fill."""
        return [column.name for column in self.columns if column.required]


def _must(name: str, read: Reader, help_text: str, example: str) -> Column:
    return Column(name, read, help_text, example, required=True)


ADDRESS = (
    _must("address", cells.text(200), "Street and number", "615 Oak St"),
    _must("city", cells.text(80), "City", "South Bend"),
    _must("state", cells.text(2), "Two letters", "IN"),
    _must("zip_code", cells.text(10), "5 digits: it gives the place and the time zone", "46601"),
)
PIN = (
    Column("latitude", cells.degrees(90), "Only if the ZIP code is not exact enough", ""),
    Column("longitude", cells.degrees(180), "Only if the ZIP code is not exact enough", ""),
)
VENDOR = _must("vendor_code", cells.text(60), "The vendor's code from the vendors sheet", "riverside")

SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "sites",
        "Sites",
        "Hospitals and other places where your patients are",
        (
            _must("code", cells.text(40), "As the EHR names it (PV1-3.4)", "HOSP"),
            _must("name", cells.text(120), "Full name", "Riverside Hospital"),
            _must("short_name", cells.text(40), "As people say it", "Riverside"),
            *ADDRESS,
            *PIN,
            Column("time_zone", cells.time_zone, "Only if the ZIP code's is wrong", ""),
            Column("phone", cells.text(30), "Switchboard", "574 555 0100"),
            Column("entrance", cells.text(200), "Where crews come in", "Oak St discharge entrance"),
        ),
        ("code",),
    ),
    Sheet(
        "units",
        "Units",
        "Nursing units, from which patients leave",
        (
            _must("site_code", cells.text(40), "The site's code", "HOSP"),
            _must("code", cells.text(40), "As the EHR names it (PV1-3.1)", "4W"),
            _must("name", cells.text(80), "As people say it", "4 West"),
            Column("phone", cells.text(30), "The desk", "574 555 0140"),
            Column("draft_rule", cells.one_of(["draft", "off"]), "draft: a foreseen discharge drafts a ride", "draft"),
        ),
        ("site_code", "code"),
    ),
    Sheet(
        "people",
        "People",
        "Who works with Carrywell, and as what",
        (
            _must("email", cells.email, "They sign in with it", "dana.morales@hospital.example"),
            _must("name", cells.text(120), "First and last name", "Dana Morales"),
            _must("role", cells.one_of(roles.roles_for("health_system")), "What they do", "case_manager"),
        ),
        ("email", "role"),
    ),
    Sheet(
        "vendors",
        "Vendors",
        "Companies that drive your patients, and since when you trust them with data",
        (
            _must("code", cells.text(60), "Short, in small letters", "riverside-rides"),
            _must("name", cells.text(120), "Full name", "Riverside Rides"),
            _must("short_name", cells.text(40), "As people say it", "Riverside Rides"),
            _must("base_address", cells.text(200), "Where its vehicles start", "41 Depot Way"),
            _must("base_zip", cells.text(10), "5 digits", "46619"),
            _must("levels", cells.some_of(LEVELS), "Levels of service, apart by spaces", "AMB WC"),
            Column("phone", cells.text(30), "Its dispatch", "574 555 0190"),
            Column("radius_miles", cells.whole(1, 500), "How far it drives; 40 if empty", "40"),
            Column("opens", cells.minute_of_day, "00:00 if empty", "06:00"),
            Column("closes", cells.minute_of_day, "24:00 if empty", "22:00"),
            Column("tier", cells.whole(1, 9), "1 is asked first", "1"),
            Column("hourly_capacity", cells.whole(1, 500), "Trips in an hour; 12 if empty", "12"),
            Column("baa_signed_on", cells.date, "Without a signed BAA nothing is offered", "2026-01-15"),
            Column("baa_ends_on", cells.date, "If it has an end", ""),
            Column("admin_name", cells.text(120), "Who answers offers there", "Jo Winslow"),
            Column("admin_email", cells.email, "They get a link to set their password", "jo@riverside-rides.example"),
        ),
        ("code",),
    ),
    Sheet(
        "vehicles",
        "Vehicles",
        "The vendors' fleets, as long as a vendor does not keep its own",
        (
            VENDOR,
            _must("name", cells.text(40), "As crews call it", "Riverside 3"),
            _must("level", cells.one_of(LEVELS), "Highest level it may run", "WC"),
            Column("also_levels", cells.some_of(LEVELS), "Further levels, apart by spaces", "AMB"),
            _must("seats", cells.whole(0, 60), "Seats for passengers", "2"),
            Column("wheelchairs", cells.whole(0, 12), "Wheelchair places", "1"),
            Column("stretchers", cells.whole(0, 6), "Cots", "0"),
            Column("lift_lb", cells.whole(100, 3000), "Rating of lift or cot", "800"),
            Column("door_in", cells.whole(20, 60), "Clear width of lift or door", "32"),
            Column("plate", cells.text(20), "License plate", ""),
            Column("inspection_ends_on", cells.date, "Without one the vehicle is not offered", "2027-06-30"),
        ),
        ("vendor_code", "name"),
    ),
    Sheet(
        "crews",
        "Crews",
        "Drivers, attendants and clinicians, with what they must hold",
        (
            VENDOR,
            _must("name", cells.text(120), "First and last name", "Sam Ruiz"),
            _must("level", cells.one_of([code for code, _ in CrewMember.LEVELS]), "What they are", "driver"),
            Column("phone", cells.text(30), "", ""),
        ),
        ("vendor_code", "name"),
    ),
    Sheet(
        "credentials",
        "Credentials",
        "Licenses, cards and insurance with their ends",
        (
            VENDOR,
            Column("crew_name", cells.text(120), "Empty for the vendor itself", "Sam Ruiz"),
            _must("kind", cells.one_of([code for code, _ in Credential.KINDS]), "Which one", "driver_license"),
            _must("ends_on", cells.date, "Last day", "2027-06-30"),
            Column("number", cells.text(40), "", ""),
        ),
        ("vendor_code", "crew_name", "kind"),
    ),
    Sheet(
        "shifts",
        "Shifts",
        "Which vehicle is on duty when, with whom: a ride within 12 hours needs one",
        (
            VENDOR,
            _must("vehicle", cells.text(40), "The vehicle's name", "Riverside 3"),
            _must("date", cells.date, "Day of the start", "2026-11-25"),
            _must("starts", cells.minute_of_day, "Vendor's local time", "06:00"),
            _must("ends", cells.minute_of_day, "Before the start means the next day", "18:00"),
            _must("crew", cells.text(300), "Names, apart by semicolons", "Sam Ruiz"),
        ),
        ("vendor_code", "vehicle", "date", "starts"),
    ),
    Sheet(
        "rates",
        "Contracts and rates",
        "What each vendor is paid: all rows of one vendor make one signed contract",
        (
            VENDOR,
            _must("effective_from", cells.date, "First day", "2026-01-01"),
            _must("signed_by", cells.text(120), "Who signed for you", "Pat Olsen"),
            _must("level", cells.one_of(LEVELS), "Level of service", "WC"),
            _must("base_amount", cells.money, "Dollars for a trip", "45.00"),
            _must("mile_amount", cells.money, "Dollars for a loaded mile", "3.25"),
            Column("included_miles", cells.miles, "Miles in the base", "0"),
            Column("minimum_amount", cells.money, "Least for a trip", "0"),
            Column("mile_rounding", cells.one_of([code for code, _ in Rate.ROUNDINGS]), "ceil_tenth if empty", ""),
            Column("response_minutes", cells.whole(2, 120), "How long an offer stays open; 7 if empty", "7"),
        ),
        ("vendor_code", "effective_from", "level"),
    ),
    Sheet(
        "places",
        "Address book",
        "Where your patients go",
        (
            _must("name", cells.text(120), "Full name", "Willow Creek Skilled Nursing"),
            _must("kind", cells.one_of([code for code, _ in Place.KINDS]), "What it is", "snf"),
            *ADDRESS,
            Column("aliases", cells.text(200), "Other words people type for it", "willow wcsn"),
            Column("phone", cells.text(30), "", ""),
            Column("note", cells.text(200), "Entrance, hours, ramp or steps", "Ramp at rear"),
        ),
        ("name",),
    ),
    Sheet(
        "standing_orders",
        "Recurring trips",
        "Patients who ride from home to the same place on the same days, and back when they are ready",
        (
            _must("mrn", cells.text(40), "The patient's number; one that is not known adds the patient", "RV100001"),
            _must("family_name", cells.text(80), "Family name", "Okonjo"),
            _must("given_name", cells.text(80), "Given name", "Ruth"),
            _must("birth_date", cells.date, "Birth date", "1952-08-19"),
            Column("phone", cells.text(30), "The patient's", "574 555 0311"),
            _must("address", cells.text(200), "The patient's street and number", "614 Lincoln Way"),
            Column("city", cells.text(80), "The ZIP code knows it", ""),
            Column("state", cells.text(2), "The ZIP code knows it", ""),
            _must("zip_code", cells.text(10), "5 digits", "46544"),
            _must("site_code", cells.text(40), "The site that sees to it", "HOSP"),
            _must("unit_code", cells.text(40), "The unit that sees to it", "4W"),
            _must("place", cells.text(120), "Its name in the address book", "Bayview Dialysis Center"),
            _must("days", cells.week_days, "Apart by spaces", "Mon Wed Fri"),
            _must("chair_time", cells.minute_of_day, "When to be there, on the site's clock", "05:30"),
            Column("return_hours", cells.hours, "Back after about so many hours; empty for one way", "4.5"),
            Column("return_owner", cells.text(120), "Who says ready; the place if empty", ""),
            _must(
                "mobility",
                cells.one_of([code for code, _ in TransportDetail.MOBILITY]),
                "How they travel",
                "wheelchair",
            ),
            Column("weight_lb", cells.whole(1, 1000), "Pounds", "151"),
            Column("payer", cells.text(80), "Who pays", "Medicaid"),
            _must("start_on", cells.date, "First day", "2026-12-01"),
            Column("end_on", cells.date, "Last day, if it has one", ""),
        ),
        ("mrn", "place", "days", "start_on"),
    ),
)
BY_KIND = {sheet.kind: sheet for sheet in SHEETS}


def kind_of(header: list[str]) -> Sheet | None:
    """The sheet that this header belongs to: it has every required column and no unknown one."""
    names = set(header)
    fitting = [sheet for sheet in SHEETS if names <= set(sheet.header) and set(sheet.required) <= names]
    return max(fitting, key=lambda sheet: len(names & set(sheet.header)), default=None)
