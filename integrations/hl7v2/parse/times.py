"""HL7 timestamps (data types DT, TM and TS/DTM): `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_TS = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """One timestamp as sent and as understood.

    `utc` is aware; None when the value has no time of day (`on` is then its date) or no zone is known for it.
    `note` is `dst_fold` (the hour that occurs twice: the first one is taken), `dst_gap` (the hour that does
    not
    occur: read with the offset in force before it) or empty.
    """

    raw: str
    iso: str
    utc: datetime | None
    on: date | None
    note: str = ""


def iso(raw: str) -> str | None:
    """ISO 8601 at the precision that was sent, offset kept; None when it is no HL7 timestamp or no real
    date.
    """
    match = _TS.fullmatch(raw)
    return _iso(match) if match is not None else None


def _iso(match: re.Match[str]) -> str | None:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    text = year
    if month:
        text += "-" + month
    if day:
        text += "-" + day
    if hour:
        text += f"T{hour}:{minute}" if minute else f"T{hour}"
    if second:
        text += ":" + second + (fraction or "")
    if offset and hour:
        if int(offset[1:3]) > 23 or int(offset[3:]) > 59:
            return None
        text += f"{offset[:3]}:{offset[3:]}"
    return text


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def moment(raw: str, zone: str | None = None) -> Moment | None:
    """`raw` read as a moment, its own offset first, else the feed's `zone` (an IANA name); None when
    unreadable.
    """
    raw = raw.strip()
    match = _TS.fullmatch(raw)
    text = _iso(match) if match is not None else None
    if match is None or text is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    on = date(int(year), int(month), int(day)) if day else None
    if not hour:
        return Moment(raw, text, None, on)
    micros = int((fraction or ".0")[1:].ljust(6, "0"))
    naive = datetime(int(year), int(month), int(day), int(hour), int(minute or 0), int(second or 0), micros)
    if offset:
        sign = -1 if offset[0] == "-" else 1
        shift = timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:])))
        return Moment(raw, text, _to_utc(naive.replace(tzinfo=shift)), on)
    if zone is None:
        return Moment(raw, text, None, on)
    tz = _zone(zone)
    # PEP 495: with fold=0 a repeated hour means its first pass, and a skipped hour keeps the offset before
    # the jump.
    first, second_pass = naive.replace(tzinfo=tz), naive.replace(tzinfo=tz, fold=1)
    note = ""
    before, after = first.utcoffset(), second_pass.utcoffset()
    if before is not None and after is not None and before != after:
        note = "dst_fold" if before > after else "dst_gap"
    return Moment(raw, text, _to_utc(first), on, note)


def _to_utc(local: datetime) -> datetime | None:
    try:
        return local.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 and an offset that leaves the calendar
        return None
