"""The life of a session: when it began, when somebody last worked in it, and when it ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from logistics.core import clock

MEMBERSHIP_KEY = "membership"
SEEN_KEY = "seen_at"
STARTED_KEY = "started_at"
# Set at sign-in when the person owns an authenticator: then it is asked for even where the role would not.
FACTOR_KEY = "second_factor_owed"
# Kept between the steps of setting up an authenticator; a device exists only after its first right code.
ENROLL_KEY = "enroll_key"
WRITE_EVERY_SECONDS = 30


def begin(request: HttpRequest, *, second_factor: bool) -> None:
    """Start the clocks of a session whose person has just given the right password."""
    now = clock.now().isoformat()
    request.session[STARTED_KEY] = request.session[SEEN_KEY] = now
    request.session[FACTOR_KEY] = second_factor


def is_alive(request: HttpRequest) -> bool:
    """Whether the session is within its idle and absolute limits; notes that somebody is at work.

    45 CFR 164.312(a)(2)(iii), automatic logoff.
    """
    now = clock.now()
    started = _moment(request.session.get(STARTED_KEY)) or now
    seen = _moment(request.session.get(SEEN_KEY)) or now
    if now - seen > dt.timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        return False
    if now - started > dt.timedelta(hours=settings.SESSION_ABSOLUTE_HOURS):
        return False
    # Not a write for every request of a busy page.
    if not in_background(request) and (
        SEEN_KEY not in request.session or (now - seen).total_seconds() > WRITE_EVERY_SECONDS
    ):
        request.session[SEEN_KEY] = now.isoformat()
        request.session.setdefault(STARTED_KEY, now.isoformat())
    return True


def in_background(request: HttpRequest) -> bool:
    """Whether the page asked by itself (stream, live refresh): that is no person at work.

    The header can only shorten the sender's own session.
    """
    return (
        request.path_info == "/live"
        or request.headers.get("X-Background") == "1"
        or request.headers.get("HX-Trigger-Name") == "poll"
    )


def seconds_left(request: HttpRequest) -> int:
    """Seconds until sign-out if nobody does anything more: idle or absolute limit, whichever comes first."""
    now = clock.now()
    idle = settings.SESSION_IDLE_MINUTES * 60
    started = _moment(request.session.get(STARTED_KEY))
    if started is None:
        return idle
    absolute = settings.SESSION_ABSOLUTE_HOURS * 3600 - int((now - started).total_seconds())
    return max(min(idle, absolute), 0)


def _moment(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
