"""Who may import whom, and which way keys point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.db.models import ForeignKey

ROOT = Path(__file__).resolve().parent.parent.parent
# From the ground up: a room may point to rooms of an earlier line only, and to itself.
FLOORS = (
    {"core"},
    {"accounts"},
    {"requests", "vendors"},
    {"dispatch"},
    {"billing"},
    {"integrations", "messaging"},
    {"insights"},
)
OURS = set().union(*FLOORS)


def floor_of(label: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if label in rooms)


def test_imports_go_down_only() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    run = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]


def test_foreign_keys_point_down_even_where_they_are_strings() -> None:
    wrong = []
    for model in apps.get_models():
        label = model._meta.app_label
        if label not in OURS:
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, ForeignKey) or field.related_model._meta.app_label not in OURS:
                continue
            target = field.related_model._meta.app_label
            if target != label and floor_of(target) >= floor_of(label):
                wrong.append(f"{model.__name__}.{field.name} points up or sideways to {target}")
    assert wrong == []


def test_every_room_of_ours_stands_on_a_floor() -> None:
    labels = {config.label for config in apps.get_app_configs() if _is_ours(config.name)}
    assert labels - {"config"} <= OURS


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in ("logistics", "integrations", "billing", "dispatch", "vendors")
