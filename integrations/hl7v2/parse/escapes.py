"""Escape sequences of HL7 2.x (chapter 2, section 2.7): `\\F\\`, `\\Xdd\\`, `\\.br\\` and their kin."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_SWITCH = re.compile(r"C[0-9A-F]{4}|M[0-9A-F]{4}(?:[0-9A-F]{2})?|Z[0-9A-Za-z]+")


class Separators(NamedTuple):
    """The five characters that MSH-1 and MSH-2 set for the whole message."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@lru_cache(maxsize=64)
def _pattern(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(f"{mark}([^{mark}\r]{{1,512}}){mark}")


@lru_cache(maxsize=64)
def _literals(separators: Separators) -> dict[str, str]:
    return {
        "F": separators.field,
        "S": separators.component,
        "R": separators.repetition,
        "E": separators.escape,
        "T": separators.subcomponent,
        "H": "",  # start and end of highlighting: a look, not text
        "N": "",
        "P": "\N{HORIZONTAL ELLIPSIS}",  # truncated by the sender (2.7 and later)
        ".br": "\n",
        ".ce": "\n",
        ".fi": "",
        ".nf": "",
    }


def unescape(text: str, separators: Separators, codec: str = "utf-8") -> str:
    """`text` with its escape sequences replaced; anything that is not a sequence stays as it was written.

    `\\Xdd..\\` bytes are read in the message's own `codec`, or Latin-1 when they do not fit it.
    """
    if separators.escape not in text:
        return text
    literals = _literals(separators)

    def replace(match: re.Match[str]) -> str:
        body = match.group(1)
        literal = literals.get(body)
        if literal is not None:
            return literal
        if body[0] == "X":
            decoded = _from_hex(body[1:], codec)
            return match.group(0) if decoded is None else decoded
        if body[:3] == ".sp":
            count = body[3:].strip(" +")
            return "\n" * min(int(count), 100) if count.isascii() and count.isdigit() else "\n"
        if body[:3] in (".in", ".ti", ".sk"):
            return " " if body[:3] == ".sk" else ""
        if _SWITCH.fullmatch(body):
            # Character set switches and local sequences carry nothing that can be read without the site's own
            # table.
            return ""
        return match.group(0)

    return _pattern(separators.escape).sub(replace, text)


def _from_hex(digits: str, codec: str) -> str | None:
    try:
        # A NUL means nothing in text, and no database column of text takes one.
        data = bytes.fromhex(digits).replace(b"\x00", b"")
    except ValueError:
        return None
    try:
        return data.decode(codec)
    except UnicodeError:
        return data.decode("latin-1")


def escape(text: str, separators: Separators) -> str:
    """`text` made safe to stand in a field: separators escaped, line ends as `\\.br\\`, other controls as
    `\\Xdd\\`.

    `unescape(escape(t))` is `t` for any text whose only line end is `\\n`.
    """
    mark = separators.escape
    table = {
        separators.field: f"{mark}F{mark}",
        separators.component: f"{mark}S{mark}",
        separators.repetition: f"{mark}R{mark}",
        mark: f"{mark}E{mark}",
        separators.subcomponent: f"{mark}T{mark}",
        "\n": f"{mark}.br{mark}",
    }
    return "".join(table.get(char) or (f"{mark}X{ord(char):02X}{mark}" if ord(char) < 32 else char) for char in text)
