"""docker-compose.yml as Compose itself reads it: merged, and with variables put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from logistics.config.devstack.layout import ROOT

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


class Missing(Exception):
    """A `${NAME:?…}` has no value; the message is the file's own."""


def raw_text() -> str:
    """The file as it is."""
    return (ROOT / "docker-compose.yml").read_text()


def read(env: Mapping[str, str]) -> dict[str, Any]:
    """The file with `${NAME:-default}` and `${NAME:?message}` filled from `env`; raises `Missing`."""

    def fill(found: re.Match[str]) -> str:
        value = env.get(found["name"], "")
        if not value and found["kind"] == "?":
            raise Missing(f"{found['name']}: {found['text']}")
        return value or (found["text"] if found["kind"] == "-" else "")

    # Comments are not filled in by Compose either: it works on the parsed values.
    return _filled(yaml.safe_load(raw_text()), fill)


def required() -> set[str]:
    """The variables without which the file refuses to be used."""
    return {found["name"] for found in _VARIABLE.finditer(raw_text()) if found["kind"] == "?"}


def named() -> set[str]:
    """Every variable that the file reads."""
    return {found["name"] for found in _VARIABLE.finditer(raw_text())}


def _filled(value: Any, fill: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, fill) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, fill) for inner in value]
    return _VARIABLE.sub(fill, value) if isinstance(value, str) else value
