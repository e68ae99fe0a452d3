"""The lines of a charge: the contract's price (``vendors.pricing``) with the source of each quantity. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from vendors.pricing import Line, Quote, Terms, quote

MILES_SOURCES = {"driven": "as driven", "planned": "planned route"}


def charge_lines(terms: Terms, *, loaded_miles: Decimal, miles_source: str, contract: str) -> Quote:
    """Price a completed trip. Each line's rule names the contract (``contract``, e.g. "Contract version 2").

    ``miles_source`` is a key of :data:`MILES_SOURCES`. Raises ``KeyError`` for another, ``ValueError`` as ``quote``.
    """
    source = MILES_SOURCES[miles_source]

    def named(line: Line) -> Line:
        where = f", {source}" if line.kind == "loaded_mile" else ""
        return replace(line, rule=f"{contract}: {line.rule}{where}")

    return Quote(tuple(named(line) for line in quote(terms, loaded_miles).lines))


__all__ = ["MILES_SOURCES", "Line", "Quote", "Terms", "charge_lines"]
