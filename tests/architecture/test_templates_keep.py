"""Templates hold nothing that the content security policy forbids and nothing that escaping would not see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.I),
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.I),
    "an event handler": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    "a script address": re.compile(r"javascript:", re.I),
    "unescaped text": re.compile(r"\|\s*safe\b|\{%\s*autoescape\s+off|\|\s*safeseq\b"),
    "htmx that evaluates": re.compile(r"hx-(on|vals\s*=\s*[\"']js:)", re.I),
    "a foreign address": re.compile(r"(src|href|action)\s*=\s*[\"'](https?:)?//", re.I),
    "a query": re.compile(r"\.objects\.|\.filter\("),
}
# The 500 page stands alone when nothing else does, and its style is its own file's.
COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.S)


def holes(text: str) -> list[str]:
    """What is wrong with one template."""
    plain = COMMENT.sub("", text)
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(plain)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_a_template_holds_nothing_forbidden_and_compiles(path: Path) -> None:
    assert holes(path.read_text()) == []
    get_template(path.relative_to(ROOT / "templates").as_posix())


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<p style="color:red">',
        '<button onclick="x()">',
        '<a href="javascript:x">',
        "{{ name|safe }}",
        '<div hx-vals="js:{a: 1}">',
        '<script src="https://cdn.example/x.js"></script>',
    ],
)
def test_the_search_finds_each(text: str) -> None:
    assert holes(text) != []


def test_python_marks_no_text_as_safe() -> None:
    rooms = ("logistics", "integrations", "billing", "dispatch", "vendors")
    found = [
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\bmark_safe\b|SafeString\(", path.read_text())
    ]
    assert found == []
