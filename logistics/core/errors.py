"""Errors that a person can act on. Edges turn them into 4xx answers; none carries PHI."""

from __future__ import annotations


class DomainError(Exception):
    """A rule refused the request. ``code`` is stable and machine readable, ``message`` tells what to do."""

    status_code = 422

    def __init__(self, message: str, *, code: str = "refused", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.fields = fields or {}


class StaleState(DomainError):
    """Somebody else changed the row first. ``current`` is its status now."""

    status_code = 409

    def __init__(self, message: str, *, current: str = "", code: str = "stale_state") -> None:
        super().__init__(message, code=code)
        self.current = current


class NotAllowed(DomainError):
    """The person may see the thing but not do this to it."""

    status_code = 403


class IllegalMove(DomainError):
    """The state table has no such edge."""

    status_code = 409
