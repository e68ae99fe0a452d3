"""One HL7 2.x message, split only as far as somebody asks.

`parse` takes bytes as they came off the wire and always returns a `Message`: a wrong one has `ok` False and
says why in `problem`. Lines are found once; the fields of a segment are split when first asked for and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

from .charset import decode
from .escapes import Separators, unescape

NULL = '""'
"""What a sender writes to say "delete this value". Readers return it as it is; an absent value is None."""

NO_MSH = "no MSH"
BAD_HEADER = "MSH too short or invalid separators"
BAD_ENCODING_CHARACTERS = "duplicate or alphanumeric encoding characters"
BATCH = "batch"

_SEGMENT_ID = re.compile(r"[A-Z][A-Z0-9]{2}")
_DEFAULTS = "^~\\&"


class Message:
    """A message, or what arrived in its place.

    ok: a header could be read, so fields may be asked for.
    problem: one of NO_MSH, BAD_HEADER, BAD_ENCODING_CHARACTERS, BATCH when not ok; else empty.
    encoding: the Python codec that the bytes were read with.
    notes: what had to be assumed or repaired, as short words (`bom`, `charset_mismatch`, `raw_lf`,
    `junk_lines:1`,
        `truncated_tail`, `second_message_in_frame`, ...).
    zone: the IANA zone for timestamps without an offset, as given to `parse`.
    """

    __slots__ = (
        "_fields",
        "_lines",
        "batch_size",
        "encoding",
        "notes",
        "ok",
        "problem",
        "raw",
        "segment_ids",
        "separators",
        "zone",
    )

    def __init__(self, raw: bytes, encoding: str, notes: list[str], zone: str | None) -> None:
        self.raw = raw
        self.encoding = encoding
        self.notes = notes
        self.zone = zone
        self.ok = False
        self.problem = ""
        self.separators = Separators()
        self.segment_ids: list[str] = []
        self.batch_size = 0
        self._lines: list[str] = []
        self._fields: dict[int, list[str]] = {}

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes as they arrived."""
        return sha256(self.raw).hexdigest()

    def positions(self, segment: str) -> list[int]:
        """Where segments of this name stand, in message order."""
        return [index for index, name in enumerate(self.segment_ids) if name == segment]

    def fields_at(self, position: int) -> list[str]:
        """Raw fields of the segment at `position`; element n is field n, for MSH too. Element 0 is the
        name.
        """
        fields = self._fields.get(position)
        if fields is None:
            line = self._lines[position]
            fields = line.split(self.separators.field)
            if self.segment_ids[position] in ("MSH", "BHS", "FHS"):
                # MSH-1 is the separator between the name and MSH-2.
                fields.insert(1, self.separators.field)
            self._fields[position] = fields
        return fields

    def fields(self, segment: str) -> list[str]:
        """Raw fields of the first segment of this name; an empty list when there is none."""
        try:
            return self.fields_at(self.segment_ids.index(segment))
        except ValueError:
            return []

    def every(self, segment: str) -> Iterator[list[str]]:
        """Raw fields of each segment of this name, in message order."""
        return (self.fields_at(position) for position in self.positions(segment))

    def field(self, segment: str, number: int) -> str:
        """Raw text of one field of the first such segment, repetitions and all; empty when absent."""
        fields = self.fields(segment)
        return fields[number] if len(fields) > number else ""

    def get(self, segment: str, number: int, component: int = 1, subcomponent: int = 1) -> str | None:
        """One decoded value of the first repetition: text, NULL when deleted by the sender, None when
        absent.
        """
        return self.value(self.field(segment, number), component, subcomponent)

    def value(self, field: str, component: int = 1, subcomponent: int = 1) -> str | None:
        """One decoded value of a raw field's first repetition: text, NULL, or None when absent."""
        if not field:
            return None
        separators = self.separators
        if separators.repetition in field:
            field = field.split(separators.repetition, 1)[0]
        if separators.component in field:
            parts = field.split(separators.component, component)
            if len(parts) < component:
                return None
            field = parts[component - 1]
        elif component > 1:
            return None
        if separators.subcomponent in field:
            parts = field.split(separators.subcomponent, subcomponent)
            if len(parts) < subcomponent:
                return None
            field = parts[subcomponent - 1]
        elif subcomponent > 1:
            return None
        if not field:
            return None
        if separators.escape in field:
            return unescape(field, separators, self.encoding) or None
        return field

    def whole(self, segment: str, number: int) -> str | None:
        """One field of data type ST, where separators would be text: decoded whole; None when absent."""
        field = self.field(segment, number)
        return unescape(field, self.separators, self.encoding) or None

    def repetitions(self, field: str) -> list[str]:
        """The raw repetitions of a raw field that are not empty."""
        return [part for part in field.split(self.separators.repetition) if part] if field else []

    def text(self, field: str) -> str:
        """A whole raw field as readable text: escapes replaced, repetitions as lines, components as
        blanks.
        """
        separators = self.separators
        lines = []
        for part in self.repetitions(field):
            words = part.replace(separators.subcomponent, separators.component).split(separators.component)
            lines.append(" ".join(unescape(word, separators, self.encoding) for word in words if word))
        return "\n".join(lines)


@lru_cache(maxsize=64)
def _line_break(separator: str) -> re.Pattern[str]:
    # A line feed ends a segment only where another segment, another line end or nothing follows: engines that
    # wrap text and senders that put raw line feeds into addresses both exist, and cutting there would lose
    # the rest.
    return re.compile(rf"\r\n?|\n(?=[A-Z][A-Z0-9]{{2}}(?:{re.escape(separator)}|[\r\n]|\Z)|[\r\n])")


def parse(raw: bytes, *, zone: str | None = None) -> Message:
    """Read one message. Never raises for any bytes; see `Message.ok`, `.problem` and `.notes`.

    Framing bytes, a byte order mark, CR LF or LF line ends, blank lines, NULs and wrapped lines are put up
    with. When a second MSH follows, the message ends before it and `second_message_in_frame` is noted.
    Batches (FHS, BHS)
    are not opened: `problem` is BATCH, `batch_size` counts the messages, and `split_batch` gives them.
    """
    text, encoding, notes = decode(raw)
    message = Message(raw, encoding, notes, zone)
    if text.startswith(("FHS", "BHS")) and not text[3:4].isalnum():
        message.problem = BATCH
        message.batch_size = len(_batch_starts(text))
        notes.append("batch")
        return message
    if not text.startswith("MSH"):
        message.problem = NO_MSH
        return message
    separator = text[3:4]
    if not separator or separator.isalnum() or separator.isspace():
        message.problem = BAD_HEADER
        return message
    lines = _lines(text, separator)
    header = lines[0].split(separator)
    if len(header) < 9:
        message.problem = BAD_HEADER
        return message
    separators = _separators(separator, header[1])
    if separators is None:
        message.problem = BAD_ENCODING_CHARACTERS
        return message
    message.ok = True
    message.separators = separators
    header.insert(1, separator)
    message._fields[0] = header
    _place(message, lines)
    return message


def _lines(text: str, separator: str) -> list[str]:
    if "\n" not in text:
        return text.split("\r")
    if "\r" not in text and "\n\n" not in text:
        # The usual file with LF line ends: every piece that begins like a segment is one.
        lines = text.split("\n")
        if all(line[3:4] == separator for line in lines):
            return lines
    return _line_break(separator).split(text)


@lru_cache(maxsize=256)
def _separators(field: str, encoding_characters: str) -> Separators | None:
    """The message's separators, missing ones filled with the usual; None when they cannot tell anything
    apart.
    """
    # A fifth character (truncation, 2.7 and later) marks the end of shortened values and separates nothing.
    given = encoding_characters[:4]
    filled = given + _DEFAULTS[len(given) :]
    if len(set(filled + field)) < 5 or any(char.isalnum() or char.isspace() for char in filled):
        return None
    return Separators(field, *filled)


def _place(message: Message, lines: list[str]) -> None:
    """Name the lines; leave out what is no segment, and say so."""
    ids, kept = message.segment_ids, message._lines
    separator = message.separators.field
    junk = 0
    raw_lf = False
    last = ""
    for line in lines:
        if not line:
            continue
        name = line[:3]
        rest = line[3:4]
        if rest != separator and rest:
            line = line.lstrip("\x0b\x1c \t\n")
            name, rest = line[:3], line[3:4]
        if (rest == separator or not rest) and _SEGMENT_ID.fullmatch(name):
            if name == "MSH" and ids:
                message.notes.append("second_message_in_frame")
                break
            ids.append(name)
            kept.append(line)
            raw_lf = raw_lf or "\n" in line
            last = ""
        elif line and not line.isspace():
            junk += 1
            last = line
    if junk:
        message.notes.append(f"junk_lines:{junk}")
        if 0 < len(last) < 3 and last.isalnum() and last.isupper():
            message.notes.append("truncated_tail")
    if raw_lf:
        message.notes.append("raw_lf")


_BATCH_BREAK = re.compile(rb"[\r\n]+(?=MSH[^A-Za-z0-9\s])")
_BATCH_END = re.compile(rb"[\r\n]+(?=(?:BTS|FTS|BHS|FHS)(?:[^A-Za-z0-9\s]|[\r\n]|\Z))")


def _batch_starts(text: str) -> list[str]:
    return re.findall(r"(?:\A|[\r\n])MSH[^A-Za-z0-9\s]", text)


def split_batch(raw: bytes) -> list[bytes]:
    """The messages inside a batch or file (FHS/BHS ... BTS/FTS), each as bytes; other bytes come back as one
    item.
    """
    if parse(raw).problem != BATCH:
        return [raw]
    pieces = _BATCH_BREAK.split(raw)[1:]
    return [_BATCH_END.split(piece, 1)[0] + b"\r" for piece in pieces]
