"""A status is assigned in one module per room, and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("logistics", "integrations", "billing", "dispatch", "vendors")
MOVERS = ("logistics/core/machines.py", "services/transitions.py")
# These words are no machine of ours: an HTTP answer's code, a solver's verdict, and a vendor's standing, which
# moves along its own table in one service.
OTHERS = {
    "vendors/services/network.py": "Network.status",
    "vendors/services/contracts.py": "Contract.status",
}


def assignments(tree: ast.AST) -> Iterator[int]:
    """Lines that set ``.status`` or update ``status=``."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        flat = [part for target in targets for part in ast.walk(target)]
        if any(isinstance(part, ast.Attribute) and part.attr == "status" for part in flat):
            yield node.lineno
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called in ("update", "bulk_update") and any(word.arg == "status" for word in node.keywords):
                yield node.lineno
            if called == "bulk_update" and any(
                isinstance(part, ast.Constant) and part.value == "status"
                for arg in node.args[1:]
                for part in ast.walk(arg)
            ):
                yield node.lineno
            if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) > 1:
                name = node.args[1]
                if isinstance(name, ast.Constant) and name.value == "status":
                    yield node.lineno


def sources() -> list[Path]:
    return [
        path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts and "solver" not in path.parts
    ]


def test_only_the_transition_modules_assign_a_status() -> None:
    found = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if name.endswith(MOVERS) or name in OTHERS:
            continue
        found += [f"{name}:{line}" for line in assignments(ast.parse(path.read_text()))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "trip.status = 'held'",
        "trip.status, x = 'held', 1",
        "self.trip.status: str = 'held'",
        "Trip.objects.filter(pk=1).update(status='held')",
        "Trip.objects.bulk_update(rows, ['status'])",
        "setattr(trip, 'status', 'held')",
    ],
)
def test_the_search_finds_every_way_of_assigning(code: str) -> None:
    assert list(assignments(ast.parse(code))) == [1]


@pytest.mark.parametrize("code", ["trip.status == 'held'", "x = trip.status", "rows.filter(status='held')"])
def test_reading_a_status_is_no_assignment(code: str) -> None:
    assert list(assignments(ast.parse(code))) == []
