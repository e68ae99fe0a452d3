"""The kinds of value that an ADT message carries, and how they are taken from its fields.

HL7 knows three things to say about a field: nothing (it stays as it is), `""` (delete it) and a value. A
reader that mixes the first two up deletes what nobody meant to delete, so every optional value here keeps
them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias, TypeVar

from .parse.message import NULL, Message
from .parse.times import moment


class Mark(Enum):
    """What a field says when it holds no value."""

    UNCHANGED = "unchanged"
    CLEARED = "cleared"


UNCHANGED = Mark.UNCHANGED
CLEARED = Mark.CLEARED

T = TypeVar("T")
Given: TypeAlias = T | Mark
"""A value, UNCHANGED when the sender said nothing about it, CLEARED when the sender deleted it."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number with the authority that gave it out (CX). type: table 0203, such as MR, AN or VN."""

    number: str
    authority: str | None = None
    type: str | None = None
    authority_oid: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A location as far as it was given (PL); at least one part is not None."""

    point_of_care: str | None = None
    room: str | None = None
    bed: str | None = None
    facility: str | None = None
    building: str | None = None
    floor: str | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """A number to call. use: table 0201 (PRN home, WPN work, ORN other); equipment: table 0202 (PH, CP,
    FX).
    """

    number: str
    use: str | None = None
    equipment: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A street address (XAD). lines: without empty ones; kind: table 0190 (H home, M mailing, C current)."""

    lines: tuple[str, ...] = ()
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff (XCN); at least the number or the family name is not None."""

    number: str | None = None
    family: str | None = None
    given: str | None = None


_NOWHERE, _NOBODY = Place(), Person()


class Group:
    """The segments that speak of one patient, and of one visit: from a PID up to the next one.

    The first patient also owns what stands before its PID, so that a message without a PID is one group.
    `problems` collects what could not be read, as `<word>:<name>` without any value.
    """

    __slots__ = ("_first", "message", "positions", "problems", "zone")

    # Most fields of a real message are empty, and a whole reading asks for about seventy of them: every method
    # leaves at once where there is nothing to read, and cuts a field into its components once.

    def __init__(self, message: Message, positions: list[int], zone: str | None) -> None:
        self.message = message
        self.positions = positions
        self.zone = zone
        self.problems: list[str] = []
        # Each segment's first fields. MSH and EVN stand once in a message and are shared by its groups.
        self._first: dict[str, list[str]] = {"MSH": message.fields("MSH"), "EVN": message.fields("EVN")}
        for position in positions:
            name = message.segment_ids[position]
            if name not in self._first:
                self._first[name] = message.fields_at(position)

    def field(self, segment: str, number: int) -> str:
        """Raw text of a field of the group's first such segment; MSH and EVN are shared by all groups."""
        found = self._first.get(segment)
        return found[number] if found is not None and len(found) > number else ""

    def every(self, segment: str) -> list[list[str]]:
        """Raw fields of each segment of this name in the group."""
        ids = self.message.segment_ids
        return [self.message.fields_at(position) for position in self.positions if ids[position] == segment]

    def part(self, field: str, component: int = 1, subcomponent: int = 1) -> str | None:
        """A component's text without surrounding blanks; None when absent, blank or deleted."""
        if not field:
            return None
        value = self.message.value(field, component, subcomponent)
        if value is None or value == NULL:
            return None
        return value.strip() or None

    def parts(self, field: str, *components: int) -> list[str | None]:
        """Several components of one field's first repetition, each as :meth:`part` gives it."""
        separators = self.message.separators
        if separators.repetition in field:
            field = field.split(separators.repetition, 1)[0]
        cut = field.split(separators.component)
        found: list[str | None] = []
        for number in components:
            piece = cut[number - 1] if number <= len(cut) else ""
            if not piece or piece == NULL:
                found.append(None)
            elif separators.subcomponent in piece or separators.escape in piece:
                found.append(self.part(piece))
            else:
                found.append(piece.strip() or None)
        return found

    def text(self, segment: str, number: int, component: int = 1) -> Given[str]:
        """One component as text."""
        field = self.field(segment, number)
        if not field:
            return UNCHANGED
        value = self.message.value(field, component)
        if value is None or not (stripped := value.strip()):
            return UNCHANGED
        return CLEARED if value == NULL else stripped

    def flag(self, segment: str, number: int) -> Given[bool]:
        """A yes/no field (table 0136); anything but a clear Y or N says nothing."""
        value = self.text(segment, number)
        if isinstance(value, Mark):
            return value
        answer = {"Y": True, "YES": True, "N": False, "NO": False}.get(value.upper())
        return UNCHANGED if answer is None else answer

    def time(self, segment: str, number: int, name: str) -> tuple[Given[datetime], Given[date]]:
        """(moment in UTC, calendar date where it was written) of a timestamp field.

        A date without a time of day gives UNCHANGED and the date; an unreadable value gives UNCHANGED twice
        and a problem. The hour that a clock change repeats or skips is read as `Moment` says, and noted as a
        problem.
        """
        value = self.text(segment, number)
        if isinstance(value, Mark):
            return value, value
        read = moment(value, self.zone)
        if read is None:
            self.problems.append(f"bad_time:{name}")
            return UNCHANGED, UNCHANGED
        if read.note:
            self.problems.append(f"{read.note}:{name}")
        return UNCHANGED if read.utc is None else read.utc, UNCHANGED if read.on is None else read.on

    def identifiers(self, segment: str, number: int) -> tuple[Identifier, ...]:
        """Every identifier of a CX field, deleted and empty ones left out."""
        return tuple(
            found
            for one in self.message.repetitions(self.field(segment, number))
            if (found := self._identifier(one)) is not None
        )

    def identifier(self, segment: str, number: int) -> Given[Identifier]:
        """The first repetition of a CX field."""
        field = self.field(segment, number)
        if not field:
            return UNCHANGED
        if self.message.value(field) == NULL:
            return CLEARED
        return self._identifier(field) or UNCHANGED

    def _identifier(self, field: str) -> Identifier | None:
        found, authority, kind = self.parts(field, 1, 4, 5)
        if found is None:
            return None
        has_parts = self.message.separators.subcomponent in field
        return Identifier(found, authority, kind, self.part(field, 4, 2) if has_parts else None)

    def place(self, segment: str, number: int) -> Given[Place]:
        """A location field (PL)."""
        field = self.field(segment, number)
        if not field:
            return UNCHANGED
        if field == NULL:
            return CLEARED
        found = Place(*self.parts(field, 1, 2, 3, 4, 7, 8))
        return found if found != _NOWHERE else UNCHANGED

    def phones(self, *places: tuple[str, int]) -> Given[tuple[Phone, ...]]:
        """The telephone numbers of one or more XTN fields; CLEARED only when every given field is deleted."""
        given = [field for segment, number in places if (field := self.field(segment, number))]
        if given and all(field == NULL for field in given):
            return CLEARED
        found = tuple(
            phone
            for field in given
            for one in self.message.repetitions(field)
            if (phone := self._phone(one)) is not None
        )
        return found or UNCHANGED

    def _phone(self, field: str) -> Phone | None:
        plain, use, equipment, country, area, local, extension, whole = self.parts(field, 1, 2, 3, 5, 6, 7, 8, 12)
        if use == "NET" or equipment in ("Internet", "X.400", "MD"):
            return None
        number = whole or plain
        if number is None:
            if local is None:
                return None
            number = " ".join(part for part in (country and f"+{country.lstrip('+')}", area, local) if part)
            if extension:
                number += f" x{extension}"
        return Phone(number, use, equipment)

    def address(self, segment: str, number: int) -> Given[Address]:
        """The home address among an XAD field's repetitions, else the first one that is not marked bad."""
        field = self.field(segment, number)
        if not field:
            return UNCHANGED
        if field == NULL:
            return CLEARED
        found = [self._address(one) for one in self.message.repetitions(field)]
        usable = [one for one in found if (one.lines or one.city or one.zip) and one.kind != "BA"]
        homes = [one for one in usable if one.kind == "H"]
        return next(iter(homes or usable), UNCHANGED)

    def _address(self, field: str) -> Address:
        first, second, *rest = self.parts(field, 1, 2, 3, 4, 5, 6, 7)
        return Address(tuple(line for line in (first, second) if line), *rest)

    def person(self, segment: str, number: int) -> Given[Person]:
        """The first person of an XCN field."""
        field = self.field(segment, number)
        if not field:
            return UNCHANGED
        if field == NULL:
            return CLEARED
        found = Person(*self.parts(field, 1, 2, 3))
        return found if found != _NOBODY else UNCHANGED


def groups(message: Message, zone: str | None) -> list[Group]:
    """One group per PID in message order, and per MRG where one patient has several (A45 moves many visits).

    A message without a PID is one group.
    """
    starts = message.positions("PID")
    cuts = [0, *starts[1:], len(message.segment_ids)]
    found = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        merges = [position for position in message.positions("MRG") if start <= position < end]
        if len(merges) < 2:
            found.append(Group(message, list(range(start, end)), zone))
            continue
        shared = list(range(start, merges[0]))
        for merge, following in zip(merges, [*merges[1:], end], strict=True):
            found.append(Group(message, [*shared, *range(merge, following)], zone))
    return found
