"""From the bytes of a file to rows of values, with every problem named by row and column."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from integrations.imports.cells import BadCell
from integrations.imports.sheets import SHEETS, Sheet, kind_of
from logistics.core.errors import DomainError

MOST_BYTES = 2_000_000
MOST_ROWS = 5_000


@dataclass(frozen=True)
class Problem:
    """What is wrong with one row (counted as a spreadsheet does: the header is row 1); no cell is quoted."""

    row: int
    column: str
    words: str

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return {"row": self.row, "column": self.column, "words": self.words}


@dataclass
class Table:
    """A file that was read: its sheet, its rows as (row number, values), and what was wrong."""

    sheet: Sheet
    filename: str
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def decode(raw: bytes) -> str:
    """The text of a CSV file: UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252.

    Raises :class:`DomainError` for what is no text.
    """
    if len(raw) > MOST_BYTES:
        raise DomainError(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Split it.", code="too_large")
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DomainError("This is a spreadsheet, not CSV. Save it as CSV first.", code="not_csv")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DomainError("The file cannot be read as text. Save it as CSV (UTF-8).", code="not_text") from error
    if b"\x00" in raw:
        raise DomainError("The file cannot be read as text. Save it as CSV (UTF-8).", code="not_text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def read_file(filename: str, text: str) -> Table:
    """The rows of one CSV file. The header tells which sheet it is.

    Raises :class:`DomainError` when no sheet has this header.
    """
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise DomainError(f"{filename} is empty. Start from a template.", code="empty")
    header = [_plain(cell).lower().replace(" ", "_") for cell in lines[0]]
    sheet = kind_of(header)
    if sheet is None:
        raise DomainError(_no_sheet(filename, header), code="unknown_header")
    if len(set(header)) != len(header):
        raise DomainError(f"{filename} names a column twice.", code="column_twice")
    table = Table(sheet, filename)
    seen: dict[tuple[str, ...], int] = {}
    filled = [(number, line) for number, line in enumerate(lines[1:], start=2) if any(cell.strip() for cell in line)]
    if len(filled) > MOST_ROWS:
        raise DomainError(f"{filename} has more than {MOST_ROWS:,} rows. Split it.", code="too_many_rows")
    for number, line in filled:
        if len(line) > len(header) and any(cell.strip() for cell in line[len(header) :]):
            table.problems.append(Problem(number, "", "The row has more cells than the header."))
            continue
        given = dict(zip(header, (_plain(cell) for cell in line), strict=False))
        values, problems = _values(sheet, given, number)
        key = tuple(given.get(name, "").lower() for name in sheet.names_row)
        if key in seen and not problems:
            problems.append(Problem(number, sheet.names_row[-1], f"Row {seen[key]} says the same. Keep one of them."))
        seen.setdefault(key, number)
        table.problems += problems
        if not problems:
            table.rows.append((number, values))
    return table


def in_order(tables: list[Table]) -> list[Table]:
    """Files in the order in which they build on each other."""
    order = {sheet.kind: number for number, sheet in enumerate(SHEETS)}
    return sorted(tables, key=lambda table: order[table.sheet.kind])


def _values(sheet: Sheet, given: dict[str, str], number: int) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = []
    for column in sheet.columns:
        cell = given.get(column.name, "")
        if column.required and not cell:
            problems.append(Problem(number, column.name, f"Fill this in: {column.help[0].lower()}{column.help[1:]}."))
            continue
        try:
            values[column.name] = column.read(cell)
        except BadCell as error:
            problems.append(Problem(number, column.name, str(error)))
    return values, problems


def _plain(cell: str) -> str:
    """Without outer spaces, and without the apostrophe that disarms a formula in our own exports."""
    cell = cell.strip().strip("\ufeff")
    return cell[1:] if cell.startswith("'") else cell


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _no_sheet(filename: str, header: list[str]) -> str:
    """Which sheet it comes closest to, and what it lacks."""
    names = set(header)
    nearest = max(SHEETS, key=lambda sheet: len(names & set(sheet.header)))
    if not names & set(nearest.header):
        return f"{filename} has no header that we know. Start from a template."
    unknown, missing = sorted(names - set(nearest.header)), sorted(set(nearest.required) - names)
    parts = [f"{filename} looks like {nearest.title.lower()}"]
    if missing:
        parts.append(f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    if unknown:
        parts.append(f"has {len(unknown)} unknown column{'s' if len(unknown) > 1 else ''}")
    return f"{', '.join(parts)}. Compare it with the template."
