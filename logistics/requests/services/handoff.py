"""What is handed over with a patient: situation, background, assessment, recommendation (SBAR), by level of service.

Each item is answered yes or no, as done, or in words. A hard item must be answered before the crew leaves with the
patient (Joint Commission PC.02.02.01 EP 2 asks for a hand-off with room for questions). An answer that names a need the
booked level cannot meet, a drip that still runs, becomes a question about the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.core import audit, outbox, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.core.levels import LEVELS
from logistics.requests.models import Handoff, HandoffTemplate, ServiceRequest, TransportDetail
from logistics.requests.services import advice
from logistics.requests.services.protocols import key_for

SECTIONS: dict[str, str] = {
    "situation": "Situation",
    "background": "Background",
    "assessment": "Assessment",
    "recommendation": "Recommendation",
}
KINDS: dict[str, str] = {"yes_no": "Yes or no", "done": "Done", "words": "In words"}
MOST_ITEMS = 30
OPEN = ("draft", "pending", "requested", "scheduled", "in_progress", "held")


@dataclass(frozen=True)
class Item:
    """One thing to hand over. ``need`` is a key of ``advice.NEEDS`` that a yes says the patient has."""

    key: str
    section: str
    words: str
    kind: str
    hard: bool = False
    need: str = ""

    @property
    def kind_label(self) -> str:
        """How it is answered, in words."""
        return KINDS[self.kind]


def _item(section: str, key: str, words: str, kind: str, *, hard: bool = False, need: str = "") -> Item:
    return Item(key, section, words, kind, hard, need)


# Before a health system writes its own: what a crew must know on any ride, and what only one that treats must know.
EVERY_RIDE = (
    _item("situation", "destination", "Destination and who receives the patient said", "done", hard=True),
    _item("background", "isolation", "Isolation precautions", "yes_no", need="isolation"),
    _item("recommendation", "meds_sent", "Medicines sent along", "yes_no"),
    _item("recommendation", "belongings", "Belongings and papers with the patient", "done"),
)
IN_CARE = (
    _item("situation", "why", "Why the patient goes, in a sentence", "words"),
    _item("background", "code_status", "Code status said", "done", hard=True),
    _item("background", "allergies", "Allergies", "words"),
    _item("assessment", "vitals", "Last vital signs and when", "words", hard=True),
    _item("assessment", "iv_running", "IV running", "yes_no", hard=True, need="iv"),
    _item("assessment", "ventilator", "On a ventilator, or titrated drips", "yes_no", hard=True, need="critical"),
    _item("assessment", "monitored", "On a cardiac monitor", "yes_no", need="monitor"),
    _item("recommendation", "last_dose", "Last dose: which, how much, when", "words", hard=True),
    _item("recommendation", "report", "Report given to the receiving nurse", "done", hard=True),
)


@dataclass(frozen=True)
class Template:
    """What is asked at ``level``; ``version`` 0 is the built-in list."""

    level: str
    version: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Line:
    """An item with its answer (empty while there is none)."""

    item: Item
    answer: str

    @property
    def is_open(self) -> bool:
        """Whether a hard item still waits."""
        return self.item.hard and not self.answer


def built_in(level: str) -> Template:
    """The list before the health system wrote its own."""
    items = EVERY_RIDE + (IN_CARE if "attended" in LEVELS[level].offers else ())
    order = list(SECTIONS)
    return Template(level, 0, tuple(sorted(items, key=lambda item: order.index(item.section))))


def template_for(level: str) -> Template:
    """What is asked at this level now. Raises ``KeyError`` for an unknown level."""
    stored = HandoffTemplate.objects.filter(level=level).order_by("-version").first()
    return _template(stored) if stored else built_in(level)


def templates() -> list[Template]:
    """What is asked at every level now, in the order of levels. One query."""
    newest = {row.level: row for row in HandoffTemplate.objects.order_by("version")}
    return [_template(newest[code]) if code in newest else built_in(code) for code in LEVELS]


def save_template(*, level: str, items: Sequence[dict[str, Any]], seen_version: int) -> Template:
    """What is asked at this level from now on: a new version, or the current one when nothing differs.

    ``items`` have ``section``, ``words``, ``kind``, ``hard``, ``need`` and, when they were there before, their ``key``.
    Errors as in :func:`protocols.save`.
    """
    if level not in LEVELS:
        raise DomainError("Choose a level of service.", code="level")
    kept = _read(items)
    latest = template_for(level)
    if latest.items == kept:
        return latest
    if seen_version != latest.version:
        raise StaleState("Somebody changed this list while you did. Look at the new version, then change it.")
    try:
        with transaction.atomic():
            made = HandoffTemplate.objects.create(
                level=level,
                version=seen_version + 1,
                items=[asdict(item) for item in kept],
                created_by_name=scoping.current().actor_label[:120],
            )
    except IntegrityError as error:
        raise StaleState("Somebody changed this list in the same moment. Open it again.") from error
    audit.record(action="handoff.template_changed", target=made, details={"level": level, "version": made.version})
    return _template(made)


def lines_of(request: ServiceRequest) -> list[Line]:
    """The list of a ride's level with the answers so far; empty while the ride has no level. Three queries."""
    level = _level_of(request)
    if not level:
        return []
    row = Handoff.objects.filter(request=request).first()
    answers = dict(row.answers or {}) if row else {}
    return [Line(item, str(answers.get(item.key, ""))) for item in template_for(level).items]


def hard_open(request: ServiceRequest) -> list[Item]:
    """Hard items without an answer, which are to have one before the crew leaves."""
    return [line.item for line in lines_of(request) if line.is_open]


def answer(*, request_id: UUID, answers: dict[str, str]) -> Handoff:
    """Keep answers (item key → ``yes``, ``no``, ``done``, or words; empty takes an answer back).

    Sent again it changes nothing. Raises :class:`DomainError` with ``fields`` by item key. Publishes
    ``handoff.changed``.
    """
    request = ServiceRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
    if request is None:
        raise DomainError("This request is not there.", code="not_found")
    if request.status not in OPEN:
        raise DomainError(f"This request is {request.get_status_display().lower()}; its list is closed.", code="closed")
    level = _level_of(request)
    if not level:
        raise DomainError("Choose the level of service first: it decides what is handed over.", code="no_level")
    template = template_for(level)
    given = _checked(template, answers)
    row, made = Handoff.objects.get_or_create(request=request, defaults={"level": level})
    kept = {**(row.answers or {}), **given}
    kept = {key: value for key, value in kept.items() if value}
    if not made and kept == (row.answers or {}) and (row.level, row.template_version) == (level, template.version):
        return row
    scope = scoping.current()
    row.answers, row.level, row.template_version = kept, level, template.version
    row.updated_by_id, row.updated_by_name = scope.user_id, scope.actor_label[:120]
    row.save()
    audit.record(
        action="handoff.changed",
        target=row,
        patient_id=request.patient_id,
        details={"items": sorted(given), "level": level, "version": template.version},
    )
    outbox.publish("handoff.changed", {"request_id": str(request.pk), "unit_id": str(request.unit_id or "")})
    return row


def level_questions(request: ServiceRequest) -> list[advice.LevelQuestion]:
    """Needs that were handed over and that the booked level cannot meet, such as a drip that still runs."""
    level = _level_of(request)
    needs = {line.item.need for line in lines_of(request) if line.item.need and line.answer == "yes"}
    return advice.level_questions(level=level, needs=needs) if level and needs else []


def _level_of(request: ServiceRequest) -> str:
    return TransportDetail.objects.filter(request=request).values_list("level", flat=True).first() or ""


def _template(stored: HandoffTemplate) -> Template:
    return Template(stored.level, stored.version, tuple(Item(**each) for each in stored.items))


def _checked(template: Template, answers: dict[str, str]) -> dict[str, str]:
    known = {item.key: item for item in template.items}
    given: dict[str, str] = {}
    problems: dict[str, str] = {}
    for key, value in answers.items():
        item = known.get(key)
        if item is None:
            continue
        text = " ".join(str(value).split())[:300]
        allowed = {"yes_no": ("", "yes", "no"), "done": ("", "done")}.get(item.kind)
        if allowed is not None and text not in allowed:
            problems[key] = "Choose yes or no." if item.kind == "yes_no" else "Tick it when it is done."
        given[key] = text
    if problems:
        raise DomainError("Some answers need a change.", code="answers", fields=problems)
    return given


def _read(items: Sequence[dict[str, Any]]) -> tuple[Item, ...]:
    if len(items) > MOST_ITEMS:
        raise DomainError(f"Keep it to {MOST_ITEMS} items.", code="too_many")
    needs = {code for code, _ in advice.NEEDS}
    kept: list[Item] = []
    problems: dict[str, str] = {}
    keys = [str(each.get("key") or "")[:24] for each in items]
    taken = {key for key in keys if key}
    for index, each in enumerate(items):
        words = " ".join(str(each.get("words") or "").split())
        section, kind = str(each.get("section") or ""), str(each.get("kind") or "")
        need = str(each.get("need") or "")
        if not 2 <= len(words) <= 120:
            problems[f"words-{index}"] = "Write what is handed over, in 2 to 120 characters."
        if section not in SECTIONS:
            problems[f"section-{index}"] = "Choose where it belongs."
        if kind not in KINDS:
            problems[f"kind-{index}"] = "Choose how it is answered."
        if need and (need not in needs or kind != "yes_no"):
            problems[f"need-{index}"] = "Only a yes or no can name a need; choose one from the list."
        key = keys[index] or key_for(words, taken)
        if key in {item.key for item in kept}:
            key = key_for(words, taken)
        taken.add(key)
        kept.append(Item(key, section, words, kind, bool(each.get("hard")), need))
    if problems:
        raise DomainError("Some items need a change.", code="items", fields=problems)
    return tuple(sorted(kept, key=lambda item: list(SECTIONS).index(item.section)))
