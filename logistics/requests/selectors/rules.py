"""Reading the versions of the level rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from logistics.requests.models import LevelRuleSet

MOST_VERSIONS = 30


@dataclass(frozen=True)
class VersionRow:
    """One published version; ``in_force`` is the newest, the others are retired."""

    row: LevelRuleSet
    in_force: bool

    @property
    def chip(self) -> dict[str, str]:
        """How the page marks it."""
        return (
            {"status": "active", "label": "In force"} if self.in_force else {"status": "inactive", "label": "Retired"}
        )


def versions() -> list[VersionRow]:
    """The newest versions, newest first, without their rules. One query."""
    rows: Any = LevelRuleSet.objects.defer("rules").order_by("-version")[:MOST_VERSIONS]
    return [VersionRow(row, at == 0) for at, row in enumerate(rows)]
