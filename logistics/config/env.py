"""Typed reading of the environment. A wrong or missing value stops the start with a sentence."""

from __future__ import annotations

import os


class BadEnvironment(RuntimeError):
    """A setting is missing or cannot be read."""


def text(name: str, default: str | None = None) -> str:
    """The variable's text; without a default it must be set."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise BadEnvironment(f"{name} is not set. See docs/operations.md for what it holds.")
    return default


def integer(name: str, default: int) -> int:
    """A whole number."""
    value = os.environ.get(name, "")
    if not value:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise BadEnvironment(f"{name} must be a whole number, not {value!r}.") from error


def flag(name: str, default: bool) -> bool:
    """true/false, 1/0, yes/no."""
    value = os.environ.get(name, "").lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadEnvironment(f"{name} must be true or false, not {value!r}.")


def listing(name: str, default: list[str] | None = None) -> list[str]:
    """Comma-separated values."""
    value = os.environ.get(name, "")
    if not value:
        if default is None:
            raise BadEnvironment(f"{name} is not set. See docs/operations.md for what it holds.")
        return default
    return [part.strip() for part in value.split(",") if part.strip()]
