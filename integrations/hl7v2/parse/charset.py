"""Bytes to text: which character set a message is in, and what to do when it does not keep its word.

MSH-18 declares the set with a name from HL7 table 0211. Most feeds leave it empty and send UTF-8 or
Windows-1252, some declare one set and send another. Text is always recovered; what had to be assumed is
noted.
"""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

# HL7 table 0211, plus the spellings that interface engines are known to write instead.
_CODECS = {
    "ASCII": "ascii",
    "US-ASCII": "ascii",
    "ISO IR6": "ascii",
    "8859/1": "latin-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "ISO-8859-1": "latin-1",
    "ISO8859-1": "latin-1",
    "ISO-8859-15": "iso8859-15",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
    "UNICODE": "utf-8",  # withdrawn in 2.7 as ambiguous; over MLLP it can only be the byte-oriented form
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE UTF-16": "utf-16",
    "UNICODE UTF-32": "utf-32",
    "ISO IR14": "iso2022_jp_3",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}

_STRIP = b"\x0b\x1c\x00 \t\r\n"


def header_field(raw: bytes, number: int) -> bytes:
    """Field `number` of the MSH line as bytes, before anything is decoded; empty when there is none."""
    start = raw.find(b"MSH", 0, 64)
    if start < 0 or len(raw) < start + 4:
        return b""
    separator = raw[start + 3 : start + 4]
    end = len(raw)
    for terminator in (b"\r", b"\n"):
        found = raw.find(terminator, start)
        if 0 <= found < end:
            end = found
    # MSH-1 is the separator itself, so MSH-n is element n-1. A header longer than this is not one.
    fields = raw[start : min(end, start + 4096)].split(separator, number)
    return fields[number - 1] if len(fields) >= number else b""


def codec_for(declared: str) -> str | None:
    """The Python codec for an MSH-18 value (repetitions joined by `~`), or None when no name in it is known.

    Several repetitions mean a default set plus ISO 2022 alternates (HL7 2.8.2 section 2.14.9.18); the
    alternate is then the codec, because the default is contained in it.
    """
    names = [name.split("^")[0].strip().upper() for name in declared.split("~")]
    known = [_CODECS[name] for name in names if name in _CODECS]
    if not known:
        return None
    shifting = [codec for codec in known if codec.startswith("iso2022")]
    return shifting[0] if shifting else known[0]


def decode(raw: bytes) -> tuple[str, str, list[str]]:
    """(text, codec, notes) for the bytes of one message. Never raises.

    Framing bytes, NULs and white space around the message are dropped. Notes: `bom`, `utf16`,
    `charset_unknown:<name>`, `charset_mismatch`.
    """
    notes: list[str] = []
    body = raw.lstrip(_STRIP)
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        notes.append("utf16")
        # No stripping here: half of every character is a NUL.
        text = body.decode("utf-16", "replace").replace("\x00", "")
        return text.strip("\x0b\x1c \t\r\n"), "utf-16", notes
    body = body.rstrip(_STRIP)
    if body.startswith(BOM_UTF8):
        notes.append("bom")
        body = body[3:].lstrip(_STRIP)
    if b"\x00" in body:
        body = body.replace(b"\x00", b"")
    declared = header_field(body, 18)
    if declared:
        # Names in table 0211 are ASCII; latin-1 keeps a wrong one readable in the note.
        name = declared.decode("latin-1")
        codec = codec_for(name)
        if codec is None:
            notes.append(f"charset_unknown:{name[:40]}")
        else:
            try:
                return body.decode(codec), codec, notes
            except UnicodeError:
                notes.append("charset_mismatch")
    for codec in ("utf-8", "cp1252"):
        try:
            return body.decode(codec), codec, notes
        except UnicodeError:
            continue
    return body.decode("latin-1"), "latin-1", notes
