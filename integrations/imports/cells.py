"""Reading one cell of a sheet. Each reader takes text and answers with a value or raises :class:`BadCell`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import available_timezones

Reader = Callable[[str], Any]
YES, NO = {"yes", "y", "true", "1", "x"}, {"no", "n", "false", "0", ""}


class BadCell(ValueError):
    """A cell that cannot be read; the words say what to write instead, and never quote the cell."""


def text(longest: int = 200) -> Reader:
    """Up to ``longest`` characters, runs of spaces made one."""

    def read(cell: str) -> str:
        value = " ".join(cell.split())
        if len(value) > longest:
            raise BadCell(f"Write at most {longest} characters.")
        return value

    return read


def whole(least: int, most: int) -> Reader:
    """A whole number from ``least`` to ``most``; None when the cell is empty."""

    def read(cell: str) -> int | None:
        if not cell:
            return None
        try:
            value = int(cell.replace(",", ""))
        except ValueError:
            raise BadCell(f"Write a whole number from {least} to {most}.") from None
        if not least <= value <= most:
            raise BadCell(f"Write a whole number from {least} to {most}.")
        return value

    return read


def money(cell: str) -> Decimal | None:
    """Dollars and cents, zero or more; None when the cell is empty."""
    if not cell:
        return None
    try:
        value = Decimal(cell.lstrip("$").replace(",", ""))
    except InvalidOperation:
        raise BadCell("Write an amount such as 45.00.") from None
    exponent = value.as_tuple().exponent
    if not value.is_finite() or value < 0 or value >= 100_000 or (isinstance(exponent, int) and exponent < -2):
        raise BadCell("Write an amount such as 45.00: zero or more, at most two decimals.")
    return value


def miles(cell: str) -> Decimal | None:
    """Miles to a tenth, zero or more; None when the cell is empty."""
    value = money(cell)
    if value is not None and value != value.quantize(Decimal("0.1")):
        raise BadCell("Write miles to a tenth, such as 5.0.")
    return value


def degrees(most: float) -> Reader:
    """A coordinate between ``-most`` and ``most``; None when the cell is empty."""

    def read(cell: str) -> float | None:
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            raise BadCell("Write degrees as a decimal number, such as 41.6761.") from None
        if not -most <= value <= most:
            raise BadCell(f"Degrees lie between -{most:g} and {most:g}.")
        return value

    return read


def date(cell: str) -> dt.date | None:
    """``2026-11-24`` or ``11/24/2026``; None when the cell is empty."""
    if not cell:
        return None
    for pattern in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return dt.datetime.strptime(cell, pattern).date()
        except ValueError:
            continue
    raise BadCell("Write the date as 2026-11-24 or 11/24/2026.")


def minute_of_day(cell: str) -> int | None:
    """``06:30`` as minutes after midnight, ``24:00`` as the end of the day; None when the cell is empty."""
    if not cell:
        return None
    hours, colon, minutes = cell.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit()):
        raise BadCell("Write the time as 06:30.")
    value = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or value > 1440:
        raise BadCell("Write a time between 00:00 and 24:00.")
    return value


def yes_no(cell: str) -> bool:
    """``yes`` or ``no``; an empty cell is no."""
    word = cell.lower()
    if word not in YES | NO:
        raise BadCell("Write yes or no.")
    return word in YES


def one_of(words: Iterable[str]) -> Reader:
    """One of ``words``, whatever its case; empty when the cell is."""
    known = {word.lower(): word for word in words}

    def read(cell: str) -> str:
        if cell and cell.lower() not in known:
            raise BadCell(f"Write one of: {', '.join(known.values())}.")
        return known.get(cell.lower(), "")

    return read


def some_of(words: Iterable[str]) -> Reader:
    """Several of ``words``, apart by spaces or semicolons."""
    single = one_of(words)

    def read(cell: str) -> list[str]:
        return list(dict.fromkeys(single(part) for part in cell.replace(";", " ").split()))

    return read


DAYS = {"mo": "MO", "tu": "TU", "we": "WE", "th": "TH", "fr": "FR", "sa": "SA", "su": "SU"}


def week_days(cell: str) -> list[str]:
    """``Mon Wed Fri`` as codes of RFC 5545, in the order of the week."""
    found = {DAYS.get(part[:2].lower(), "") for part in cell.replace(";", " ").replace(",", " ").split()}
    if "" in found or (cell and not found):
        raise BadCell("Write the days apart by spaces: Mon Wed Fri.")
    return [code for code in DAYS.values() if code in found]


def hours(cell: str) -> Decimal | None:
    """``4.5`` hours, more than none and at most a day; None when the cell is empty."""
    value = money(cell)
    if value is not None and not 0 < value <= 24:
        raise BadCell("Write hours such as 4.5, at most 24.")
    return value


def email(cell: str) -> str:
    """An address with one @ and a dotted domain, in lower case."""
    value = cell.lower()
    name, at, domain = value.rpartition("@")
    if value and (not at or not name or "." not in domain or " " in value or len(value) > 254):
        raise BadCell("Write an email address such as dana@hospital.example.")
    return value


def time_zone(cell: str) -> str:
    """An IANA time zone; empty when the cell is (the ZIP code knows it)."""
    if cell and cell not in available_timezones():
        raise BadCell("Write a time zone such as America/Chicago, or leave it empty: the ZIP code knows it.")
    return cell
