"""Imports from upload to undo: checked first, applied as a whole or not at all, taken back row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.imports import own, series, supply, undo
from integrations.imports.ledger import Ledger, Made
from integrations.imports.reading import Table, decode, in_order, read_file
from integrations.models import ImportBatch, ImportedRow
from logistics.accounts.models import Organization
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.scoping import Scope
from vendors.models import Network

MOST_FILES = 12
RUNS: dict[str, Callable[[Table, Ledger], None]] = {
    "sites": own.sites,
    "units": own.units,
    "people": own.members,
    "vendors": supply.companies,
    "vehicles": supply.vehicles,
    "crews": supply.crews,
    "credentials": supply.papers,
    "shifts": supply.shifts,
    "rates": supply.rates,
    "places": own.address_book,
    "standing_orders": series.standing,
}


class _Undone(Exception):
    """Ends a rehearsal: everything that it wrote is rolled back."""


def upload(*, files: list[tuple[str, bytes]], key: str) -> ImportBatch:
    """Keep CSV files and have them checked. The same form sent twice answers with the same batch.

    Raises :class:`DomainError` when a file is no sheet that we know; nothing is kept then. Publishes
    ``import.queued``.
    """
    known = ImportBatch.objects.filter(key=key).first()
    if known is not None:
        return known
    if not files:
        raise DomainError("Choose at least one CSV file.", code="no_file", fields={"files": "Choose a CSV file."})
    if len(files) > MOST_FILES:
        raise DomainError(f"At most {MOST_FILES} files at once.", code="too_many", fields={"files": "Fewer files."})
    kept, kinds = [], []
    for filename, raw in files:
        try:
            text = decode(raw)
            table = read_file(filename, text)
        except DomainError as error:
            raise DomainError(error.message, code=error.code, fields={"files": error.message}) from error
        if table.sheet.kind in kinds:
            words = f"Two files are {table.sheet.title.lower()}. Put them into one."
            raise DomainError(words, code="kind_twice", fields={"files": words})
        kinds.append(table.sheet.kind)
        kept.append({"name": filename[:120], "kind": table.sheet.kind, "text": text})
    scope = scoping.current()
    batch = ImportBatch.objects.create(
        key=key,
        kinds=kinds,
        files=kept,
        uploaded_by_id=scope.user_id,
        uploaded_by_name=scope.actor_label,
    )
    audit.record(action="import.uploaded", target=batch, details={"kinds": kinds})
    outbox.publish("import.queued", {"batch_id": str(batch.pk), "run": "check"})
    return batch


def start(*, batch_id: UUID, run: str) -> ImportBatch:
    """Ask for ``apply`` of a checked batch without problems, or for ``undo`` of an applied one. Idempotent."""
    batch = ImportBatch.objects.select_for_update().filter(pk=batch_id).first()
    if batch is None:
        raise DomainError("This import does not exist.", code="not_found")
    wanted = {"apply": ("checked", "applying"), "undo": ("applied", "undoing")}[run]
    if batch.state == wanted[1] or (run, batch.state) in (("apply", "applied"), ("undo", "undone")):
        return batch
    if batch.state != wanted[0]:
        raise IllegalMove(f"This import is {batch.get_state_display().lower()}. Reload the page.", code="illegal_move")
    if run == "apply" and batch.problems:
        raise DomainError("Correct the rows with problems first, and upload the files again.", code="has_problems")
    batch.state = wanted[1]
    batch.save(update_fields=["state"])
    audit.record(action=f"import.{batch.state}", target=batch)
    outbox.publish("import.queued", {"batch_id": str(batch.pk), "run": run})
    return batch


def run(tenant_id: UUID, batch_id: UUID, what: str) -> str:
    """Check, apply or undo one batch (the worker's side; opens its own scopes). Returns the state reached."""
    doing = {"check": "uploaded", "apply": "applying", "undo": "undoing"}[what]
    with transaction.atomic():
        with scoping.enter(Scope.staff(tenant_id, actor_label="import")):
            batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
            tenant = Organization.objects.get(pk=tenant_id)
            if batch.state != doing:
                return batch.state
            files = list(batch.files)
            who = {"actor_label": f"{batch.uploaded_by_name} (import)", "user_id": batch.uploaded_by_id}
        if what == "undo":
            return _take_back(tenant, batch, who)
        ledger = _ledger(tenant, who)
        ledger.rehearses = what == "check"
        _run_files(files, ledger)
        problems = sum(len(part["problems"]) for part in ledger.report)
        with scoping.enter(Scope.staff(tenant_id, **who)):
            batch.report = {"sheets": ledger.report, "links": ledger.links if what == "apply" else []}
            batch.problems = problems
            if what == "apply" and not problems:
                ImportedRow.objects.bulk_create(_row(batch, number, made) for number, made in enumerate(ledger.made))
                batch.applied_at = clock.now()
            # Rows may have changed since the check: then nothing was applied, and the report says why.
            batch.state = "applied" if what == "apply" and not problems else "checked"
            batch.save()
            audit.record(action=f"import.{batch.state}", target=batch, details={"problems": problems})
            outbox.publish(f"import.{batch.state}", {"batch_id": str(batch.pk)})
        return batch.state


def _run_files(files: list[dict[str, str]], ledger: Ledger) -> None:
    """Run every file; what a rehearsal or a run with problems wrote is rolled back."""
    try:
        with transaction.atomic():
            for table in in_order([read_file(part["name"], part["text"]) for part in files]):
                RUNS[table.sheet.kind](table, ledger)
            if ledger.rehearses or any(part["problems"] for part in ledger.report):
                raise _Undone
    except _Undone:
        ledger.made.clear()


def _ledger(tenant: Organization, who: dict[str, Any]) -> Ledger:
    with scoping.enter(Scope.staff(tenant.pk, **who)):
        mine = ImportedRow.objects.filter(object_type="Organization", undone_at__isnull=True)
        made_here = set(mine.values_list("object_id", flat=True))
        network = {row.vendor.slug: row.vendor for row in Network.objects.select_related("vendor")}
    ledger = Ledger(tenant, who, vendors=network)
    with ledger.system():
        ledger.managed = supply.managed_by(made_here)
    return ledger


def _row(batch: ImportBatch, number: int, made: Made) -> ImportedRow:
    return ImportedRow(
        batch=batch,
        sequence=number,
        kind=made.kind,
        object_type=made.object_type,
        object_id=made.object_id,
        holder_id=made.vendor_id,
        action=made.action,
        before=made.before,
    )


def _take_back(tenant: Organization, batch: ImportBatch, who: dict[str, Any]) -> str:
    ledger = _ledger(tenant, who)
    with ledger.staff():
        rows = list(ImportedRow.objects.filter(batch=batch, undone_at__isnull=True).order_by("-sequence"))
    kept = []
    for row in rows:
        why = undo.take_back(row, ledger)
        with ledger.staff():
            if why:
                kept.append({"kind": row.kind, "why": why})
            else:
                row.undone_at = clock.now()
                row.save(update_fields=["undone_at"])
    with ledger.staff():
        batch.state, batch.undone_at = "undone", clock.now()
        batch.report = {**batch.report, "kept": kept, "taken_back": len(rows) - len(kept), "links": []}
        batch.save()
        audit.record(action="import.undone", target=batch, details={"kept": len(kept)})
        outbox.publish("import.undone", {"batch_id": str(batch.pk)})
    return batch.state
