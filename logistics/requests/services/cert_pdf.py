"""A certification on paper: one letter page, the fields in the order of the form, signature block, the trip's code.

The same lines are the page's own view of a form. Text is set in a font that has the letters of names; where the system
has none of the usual ones, letters outside of Latin-1 are written without their accents.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests.models import PhysicianCertification
from logistics.requests.models.certificates import CREDENTIALS, EMPLOYERS
from logistics.requests.selectors.certificates import Page
from logistics.requests.services.certificates import CHECKLIST, zone_of

FONT_FOLDERS = ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu", "/usr/share/fonts/dejavu-sans-fonts")
BODY, SMALL = 9.0, 7.5
PRIVACY = "Contains protected health information. Keep it with the run record; shred copies that are not needed."


@dataclass(frozen=True)
class Line:
    """One field: its label and its words; ``head`` begins a section."""

    label: str
    text: str
    head: str = ""


def lines_of(row: PhysicianCertification, answers: dict[str, Any]) -> list[Line]:
    """Every field of the form in its order, unanswered ones too. ``answers`` are the signed ones, or the draft's."""
    who = answers.get("patient") or {
        "name": row.patient.display_name,
        "born": row.patient.birth_date,
        "sex": row.patient.sex,
    }
    size = [f"{answers['height_in']} in" if answers.get("height_in") else "",
            f"{answers['weight_lb']} lb" if answers.get("weight_lb") else ""]  # fmt: skip
    checks = [label for code, label in CHECKLIST if code in answers.get("checklist", [])]
    if answers.get("ulcer_site"):
        checks.append(f"ulcers: {answers['ulcer_site']}")
    if answers.get("checklist_other"):
        checks.append(answers["checklist_other"])
    codes = ", ".join(answers.get("icd10", []))
    closest = {"yes": "Yes", "no": f"No: {answers.get('farther_reason', '')}"}.get(answers.get("nearest", ""), "")
    period = f"{row.starts_on:%m/%d/%Y}"
    if row.ends_on != row.starts_on:
        period = f"{period} to {row.ends_on:%m/%d/%Y}"
    return [
        Line("Name", who.get("name", ""), head="Patient"),
        Line("Born", _date(who.get("born", ""))),
        Line("Sex", who.get("sex", "")),
        Line("Medicare number", answers.get("mbi", "")),
        Line("Height and weight", ", ".join(part for part in size if part)),
        Line("For", f"{row.get_span_display()}, {period}", head="Trip"),
        Line("From", answers.get("origin", "")),
        Line("To", answers.get("destination", "")),
        Line("Round trip", "Yes" if answers.get("round_trip") else "No"),
        Line("Service needed there", answers.get("service_needed", "")),
        Line("Closest appropriate", closest),
        Line("Diagnosis", " · ".join(part for part in (answers.get("diagnosis", ""), codes) if part), head="Condition"),
        Line("Cannot get up from bed without help", "Yes" if answers.get("bed_alone") else "No"),
        Line("Cannot walk", "Yes" if answers.get("bed_walk") else "No"),
        Line("Cannot sit in a chair or wheelchair", "Yes" if answers.get("bed_sit") else "No"),
        Line("What needs an ambulance", "; ".join(checks)),
        Line("Function", answers.get("narrative", "")),
        Line("Level asked for", LEVELS[row.level].label if row.level in LEVELS else row.level),
        Line("Why this level", answers.get("level_reason", "")),
    ]


def sections_of(row: PhysicianCertification, answers: dict[str, Any]) -> list[tuple[str, list[Line]]]:
    """The same in sections: (title, fields)."""
    found: list[tuple[str, list[Line]]] = []
    for line in lines_of(row, answers):
        if line.head:
            found.append((line.head, []))
        found[-1][1].append(line)
    return found


def qr_svg(text: str) -> str:
    """A data URL of ``text`` as a QR code (SVG)."""
    return segno.make(text, error="m").svg_data_uri(scale=4, border=3, dark="#000", light="#fff")


def letter(page: Page, *, printed_by: str, organization: str) -> bytes:
    """The form of ``page`` as a PDF of one US letter page."""
    row, version, zone = page.row, page.current, zone_of(page.row)
    answers = (version.answers if version else row.answers) or {}
    # A long narrative is set smaller until the page holds everything.
    for size in (BODY, 8.0, 7.2, 6.4, 5.6):
        paper = _Paper(
            size, row=row, trip=page.trip_number, printed_by=printed_by, organization=organization, zone=zone
        )
        paper.add_page()
        paper.fields(lines_of(row, answers))
        paper.signature(page, zone)
        if paper.page_no() == 1:
            break
    return bytes(paper.output())


class _Paper(FPDF):
    def __init__(
        self,
        size: float,
        *,
        row: PhysicianCertification,
        trip: int | None,
        printed_by: str,
        organization: str,
        zone: str,
    ) -> None:
        super().__init__(orientation="portrait", unit="mm", format="Letter")
        self.size, self.row, self.trip = size, row, trip
        self.printed_by, self.organization, self.zone = printed_by, organization, zone
        self.set_margins(14, 12, 14)
        self.set_auto_page_break(True, margin=16)
        self.set_title("Certification of medical necessity")
        self.face, self.wide = _face(self)

    def header(self) -> None:
        """Title, organization, and the code of the trip."""
        self.set_font(self.face, "B", 13)
        title = (
            "Physician certification statement"
            if self.row.span == "repetitive"
            else "Certification of medical necessity"
        )
        self._cell(title, 7)
        self.set_font(self.face, "", SMALL + 0.5)
        self._cell(f"{self.organization} · ambulance transport, 42 CFR 410.40 · version {self.row.version}", 4.5)
        state = {"draft": "Not signed", "signed": "Certified", "voided": "Taken back: certifies nothing"}
        trip = f"Trip {self.trip}" if self.trip else "No trip yet"
        self._cell(f"{trip} · {state[self.row.status]}", 4.5)
        if self.trip:
            picture = io.BytesIO()
            segno.make(f"TRIP {self.trip}", error="m", micro=False).save(picture, kind="png", scale=6, border=1)
            self.image(picture, x=self.w - 14 - 19, y=10, w=19, h=19)
        self.set_y(max(self.get_y(), 30) + 1)

    def footer(self) -> None:
        """Who printed it, when, which page, and the privacy line."""
        self.set_y(-13)
        self.set_font(self.face, "", 6.8)
        now = clock.local(clock.now(), self.zone)
        self._cell(
            f"Printed by {self.printed_by}, {now:%m/%d/%Y %H:%M} {now.tzname()} · page {self.page_no()} of 1", 3.4
        )
        self._cell(PRIVACY, 3.4)

    def fields(self, lines: Iterable[Line]) -> None:
        """Label and words, one field after the other."""
        height, label_width = self.size * 0.46, 47.0
        for line in lines:
            if line.head:
                self.ln(1.2)
                self.set_font(self.face, "B", self.size + 1)
                self._cell(line.head, height + 1)
                self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
                self.ln(0.6)
            top = self.get_y()
            self.set_font(self.face, "", self.size - 0.8)
            self.multi_cell(label_width, height, self.words(line.label), new_x=XPos.RIGHT, new_y=YPos.TOP)
            self.set_font(self.face, "", self.size)
            width = self.w - self.l_margin - self.r_margin - label_width
            self.multi_cell(
                width, height, self.words(line.text or "\u2014"), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L"
            )
            self.set_y(max(self.get_y(), top + height) + 0.5)

    def signature(self, page: Page, zone: str) -> None:
        """Who signed, with what, when; or the lines to sign on."""
        version = page.current
        height = self.size * 0.46
        self.ln(1.2)
        self.set_font(self.face, "B", self.size + 1)
        self._cell("Certification", height + 1)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(0.8)
        self.set_font(self.face, "", self.size)
        statement = (
            "I have personal knowledge of the patient's condition at the time of the ride. What is written here is "
            "true to the best of my knowledge: other means of transport are contraindicated by that condition."
        )
        self.multi_cell(0, height, self.words(statement), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)
        if version is None:
            for label in ("Signature", "Printed name and credential", "Employer and NPI", "Date and time"):
                self._cell(f"{label}:", height + 3.2)
                self.line(self.l_margin + 48, self.get_y() - 1, self.w - self.r_margin, self.get_y() - 1)
            return
        signer = version.signer
        if version.signature and version.method == "drawn":
            top = self.get_y()
            self.image(io.BytesIO(version.signature), x=self.l_margin, y=top, h=14, keep_aspect_ratio=True, w=60)
            self.set_y(top + 15)
        elif version.method == "typed":
            self.set_font(self.face, "B", self.size + 2)
            self._cell(f"/s/ {signer.get('typed_name', '')}", height + 2.5)
        else:
            self._cell("Signed on paper; the scan is kept with the form.", height + 1)
        self.set_font(self.face, "", self.size)
        at = clock.local(version.signed_at, zone)
        npi = f", NPI {signer['npi']}" if signer.get("npi") else ""
        employer = dict(EMPLOYERS).get(version.employer_kind, "")
        self._cell(f"{signer.get('name', '')}, {dict(CREDENTIALS)[version.credential]}{npi}", height + 0.8)
        self._cell(f"Employed by {signer.get('employer', '')} ({employer.lower()})", height + 0.8)
        how = version.get_method_display().lower()
        signed = f"{at:%m/%d/%Y %H:%M} {at.tzname()}"
        self._cell(f"Dated {version.dated_on:%m/%d/%Y}, signed {signed} ({how})", height + 0.8)
        self.set_font(self.face, "", 6.4)
        self._cell(f"SHA-256 of what was signed: {version.digest}", 3.4)

    def words(self, text: str) -> str:
        """``text`` as this font can show it."""
        plain = unicodedata.normalize("NFC", str(text))
        if self.wide:
            return plain
        return "".join(char if ord(char) < 256 else _spelled(char) for char in plain)

    def _cell(self, text: str, height: float) -> None:
        self.cell(0, height, self.words(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _face(paper: FPDF) -> tuple[str, bool]:
    for folder in FONT_FOLDERS:
        plain, bold = Path(folder) / "DejaVuSans.ttf", Path(folder) / "DejaVuSans-Bold.ttf"
        if plain.is_file() and bold.is_file():
            paper.add_font("DejaVu", "", plain)
            paper.add_font("DejaVu", "B", bold)
            return "DejaVu", True
    return "Helvetica", False


def _spelled(char: str) -> str:
    known = {"\u2014": "-", "\u2013": "-", "\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'}
    plain = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return known.get(char) or (plain if plain and all(ord(part) < 256 for part in plain) else "?")


def _date(text: str) -> str:
    parts = text[:10].split("-")
    return f"{parts[1]}/{parts[2]}/{parts[0]}" if len(parts) == 3 else text
