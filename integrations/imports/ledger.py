"""What a run of an import did, row by row, and for whom it may work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from integrations.imports.reading import Problem, Table
from logistics.accounts.models import Organization
from logistics.core import scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope


@dataclass(frozen=True)
class Made:
    """One row that was created or changed; ``before`` holds the old values of what was changed."""

    kind: str
    object_type: str
    object_id: UUID
    action: str
    vendor_id: UUID | None = None
    before: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ledger:
    """The health system that imports, who does it, and what was done so far.

    ``managed`` are the ids of vendors whose fleet this health system may write: those that an import of its own
    created and of whom nobody has signed in yet. ``rehearses``: what is written will be rolled back.
    """

    tenant: Organization
    actor: dict[str, Any]
    managed: set[UUID] = field(default_factory=set)
    vendors: dict[str, Organization] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    rehearses: bool = False
    report: list[dict[str, Any]] = field(default_factory=list)

    def staff(self) -> contextlib.AbstractContextManager[Scope]:
        """Work as the health system."""
        return scoping.enter(Scope.staff(self.tenant.pk, **self.actor))

    def vendor(self, organization: Organization) -> contextlib.AbstractContextManager[Scope]:
        """Work as a vendor that this health system set up. Refused for one that keeps its own fleet."""
        if organization.pk not in self.managed:
            raise DomainError(
                f"{organization.short_name} keeps its own fleet. Leave its rows out.",
                code="not_managed",
                fields={"vendor_code": f"{organization.short_name} keeps its own fleet. Leave its rows out."},
            )
        return scoping.enter(Scope.vendor(organization.pk, **self.actor))

    def system(self) -> contextlib.AbstractContextManager[Scope]:
        """Make organizations."""
        return scoping.enter(Scope.system(**self.actor))

    def vendor_named(self, code: str) -> Organization:
        """The vendor of this code in the network, or in this import. Raises :class:`DomainError`."""
        found = self.vendors.get(code.lower())
        if found is None:
            words = "No vendor of yours has this code. Add it to the vendors sheet."
            raise DomainError(words, code="no_vendor", fields={"vendor_code": words})
        return found

    def note(self, kind: str, row: Any, action: str, **more: Any) -> None:
        """Remember what was done with ``row`` (created, changed)."""
        self.made.append(Made(kind, type(row).__name__, row.pk, action, **more))

    @contextlib.contextmanager
    def rows_of(self, table: Table) -> Iterator[RowRun]:
        """Run a table's rows; its counts and problems join the report."""
        run = RowRun(table)
        yield run
        problems = sorted(table.problems + run.problems, key=lambda problem: problem.row)
        self.report.append(
            {
                "kind": table.sheet.kind,
                "title": table.sheet.title,
                "file": table.filename,
                "rows": len(table.rows) + len({problem.row for problem in table.problems}),
                **run.counts,
                "problems": [problem.as_dict() for problem in problems],
            }
        )


class RowRun:
    """Counts of one table's rows; a row that is refused leaves nothing behind and the next one goes on."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.counts = {"created": 0, "changed": 0, "unchanged": 0}
        self.problems: list[Problem] = []

    @contextlib.contextmanager
    def row(self, number: int) -> Iterator[None]:
        """One row in a savepoint of its own, its foreign keys checked at its end."""
        try:
            with transaction.atomic():
                yield
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        except DomainError as error:
            named = {name: words for name, words in error.fields.items() if name in self.table.sheet.header}
            for name, words in (named or {"": error.message}).items():
                self.problems.append(Problem(number, name, words))

    def count(self, action: str) -> str:
        """Count a row as created, changed or unchanged."""
        self.counts[action] += 1
        return action
