"""What the documents say is what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from integrations import dispositions
from integrations.handlers.adt import HANDLERS
from integrations.models import InboundMessage
from logistics.config.management.commands import describe_states
from logistics.core.live import PING_KEYS
from tests.docs import tables

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("static/vendor/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.+)$", re.M)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Set by the programs that we start or that start us, not by whoever runs Carrywell.
NOBODY_SETS = {"DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER", "PGAPPNAME", "PYTHONUNBUFFERED"}
# Read by Docker Compose or uvicorn, and so in no Python file of ours.
READ_BY_OTHERS = {
    "CARRYWELL_POSTGRES_PASSWORD", "CARRYWELL_OWNER_PASSWORD", "CARRYWELL_APP_PASSWORD", "CARRYWELL_REDIS_PASSWORD",
    "CARRYWELL_LISTEN", "FORWARDED_ALLOW_IPS",
}  # fmt: skip
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")


def text_of(name: str) -> str:
    """One page of docs/."""
    return (DOCS / name).read_text()


def between(name: str, mark: str) -> str:
    """The part of a page between two marks."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- /{mark} -->", text_of(name), re.S)
    assert found is not None, f"docs/{name} has no part marked {mark}"
    return found[1]


def anchors(page: Path) -> set[str]:
    """What a link may name behind ``#``."""
    plain = (re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in HEADING.findall(page.read_text()))
    return {re.sub(r"\s", "-", title) for title in plain}


def functions_in(path: Path) -> set[str]:
    """Names of the functions that a file defines at its top."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def variables_read() -> set[str]:
    """Environment variables that settings, the server's entry and the stack read, by name."""
    config = ROOT / "logistics/config"
    files = [*config.glob("settings/*.py"), *config.glob("devstack/*.py"), config / "asgi.py"]
    found: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            found |= _named(node)
    return found - NOBODY_SETS


def _named(node: ast.AST) -> set[str]:
    """The variable that one piece of code reads: ``env.text("X")``, ``env.get("X")``, ``environ["X"]`` and the like."""
    first: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        first = node.slice
    elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
        if _is_environment(node.func.value):
            first = node.args[0]
    elif isinstance(node, ast.Call) and len(node.args) == 2 and ast.unparse(node.func) == "_port":
        first = node.args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and VARIABLE.fullmatch(first.value):
        return {first.value}
    return set()


def _is_environment(value: ast.expr) -> bool:
    return ast.unparse(value) in ("env", "os.environ", "environ", "self._env")


def variables_told() -> set[str]:
    """The first column of the tables of variables in docs/operations.md."""
    found: set[str] = set()
    for line in between("operations.md", "variables").splitlines():
        if line.startswith("| `"):
            found |= {name for name in re.findall(r"`([^`]+)`", line.split("|")[1]) if VARIABLE.fullmatch(name)}
    return found


def test_the_states_are_those_of_the_code() -> None:
    assert text_of("states.md") == describe_states.document(), "run: manage.py describe_states > docs/states.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists():
            broken.append(f"{target} does not exist")
        elif anchor and anchor not in anchors(aim):
            broken.append(f"{target} has no such heading")
    assert broken == []


def test_every_document_is_in_the_index() -> None:
    named = set(LINK.findall(text_of("README.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= named


def test_every_test_that_the_security_page_names_exists() -> None:
    named = TEST.findall(text_of("security.md"))
    assert len(named) > 40
    missing = [
        f"{path}::{name}" for path, name in named if not (ROOT / path).exists() or name not in functions_in(ROOT / path)
    ]
    assert missing == []


def test_every_file_that_a_control_names_exists() -> None:
    rows = [line.split("|") for line in between("security.md", "controls").splitlines()[2:]]
    named = [name for row in rows for name in re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.\w+)`", row[2])]
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_table_of_roles_and_fields_is_the_one_that_decides() -> None:
    assert between("security.md", "roles") == tables.roles_by_field(), "run: python -m tests.docs.tables"


def test_the_table_of_facts_and_rides_is_the_one_that_decides() -> None:
    assert between("integration.md", "rides") == tables.facts_by_ride(), "run: python -m tests.docs.tables"


def test_the_tables_of_levels_and_rules_are_those_that_decide() -> None:
    assert between("levels.md", "levels") == tables.levels(), "run: python -m tests.docs.tables"
    assert between("levels.md", "rules") == tables.rules(), "run: python -m tests.docs.tables"


def test_the_events_with_an_effect_are_the_handled_ones() -> None:
    rows = between("integration.md", "events").splitlines()[2:]
    named = [event for row in rows for event in re.findall(r"\b[AZ]\d\d\b", row.split("|")[1])]
    assert sorted(named) == sorted(HANDLERS)


def test_every_disposition_has_its_meaning() -> None:
    told = {}
    for row in between("integration.md", "dispositions").splitlines()[2:]:
        meaning, codes = (cell.strip() for cell in row.split("|")[1:3])
        told |= dict.fromkeys(codes.split(", "), meaning)
    assert told == {code: meaning for code, (meaning, _) in dispositions.UB04.items()}


def test_every_outcome_is_explained() -> None:
    section = text_of("integration.md").partition("## Outcomes")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == {name for name, _ in InboundMessage.OUTCOMES}


def test_the_keys_of_a_live_ping_are_all_named() -> None:
    section = text_of("api.md").partition("## GET /live")[2].partition("\n## ")[0]
    assert [key for key in PING_KEYS if f"`{key}`" not in section] == []


def test_every_variable_that_is_read_is_told_and_the_other_way_round() -> None:
    assert variables_told() == variables_read() | READ_BY_OTHERS


def test_the_search_for_variables_finds_each_way_of_reading() -> None:
    code = 'env.text("A_B"); env.get("C_D"); os.environ["E_F"]; os.environ.get("G"); _port("H", 1); other.get("I")'
    assert set().union(*(_named(node) for node in ast.walk(ast.parse(code)))) == {"A_B", "C_D", "E_F", "G", "H"}
