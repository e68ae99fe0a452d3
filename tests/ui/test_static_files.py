"""Vendored files are what VENDORED.md says, and every file that a page or stylesheet names exists."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
STATIC = ROOT / "static"
VENDORED = re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (STATIC / "vendor/VENDORED.md").read_text(), re.M)


@pytest.mark.parametrize(("name", "sha256"), VENDORED)
def test_a_vendored_file_is_unchanged(name, sha256):
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == sha256


def test_every_vendored_script_and_font_is_listed():
    listed = {name for name, _ in VENDORED}
    present = {str(p.relative_to(STATIC)) for p in [*STATIC.glob("vendor/*.js"), *STATIC.glob("fonts/*.woff2")]}
    assert present == listed


def test_every_file_that_a_stylesheet_names_exists():
    for sheet in STATIC.glob("css/*.css"):
        for target in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            if not target.startswith("data:"):
                assert (sheet.parent / target).exists(), (sheet.name, target)


def test_every_static_file_that_a_template_of_the_kit_names_exists():
    for page in [*(ROOT / "templates").glob("*.html"), *(ROOT / "templates/ui").glob("*.html")]:
        for target in re.findall(r"{% static '([^']+)' %}", page.read_text()):
            assert (STATIC / target).exists(), (page.name, target)
    for target in re.findall(r'"/static/([^"]+)"', (ROOT / "templates/errors/500.html").read_text()):
        assert (STATIC / target).exists(), target


def test_the_drivers_manifest_names_real_icons():
    manifest = json.loads((STATIC / "driver.webmanifest").read_text())
    assert all((STATIC / i["src"]).exists() for i in manifest["icons"])


def test_our_scripts_use_neither_eval_nor_another_host():
    for script in STATIC.glob("js/*.js"):
        text = script.read_text()
        assert not re.search(r"\beval\(|new Function|https?://|\.innerHTML = [`\"']", text), script.name


def test_every_class_of_a_partial_is_styled():
    css = "".join(p.read_text() for p in STATIC.glob("css/*.css"))
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", css)) | {"i", "ico", "tick", "act"}
    for page in (ROOT / "templates/ui").glob("*.html"):
        text = re.sub(r"{[{%#].*?[}%#]}", " ", page.read_text())
        for classes in re.findall(r'class="([^"]*)"', text):
            for name in classes.split():
                assert name in known, (page.name, name)
