"""Every partial renders with its sample data, and carries nothing that the Content-Security-Policy forbids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.template.loader import get_template

from tests.ui import gallery, sample

TEMPLATES = Path(settings.BASE_DIR) / "templates"
KIT = sorted(p.name for p in (TEMPLATES / "ui").glob("*.html"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {path: gallery.page(path) for path in gallery.PAGES}


def test_the_gallery_shows_every_partial():
    galleries = "".join((TEMPLATES / name).read_text() for name in gallery.PAGES.values())
    shells = "".join(p.read_text() for p in TEMPLATES.glob("*.html"))
    partials = "".join(p.read_text() for p in (TEMPLATES / "ui").glob("*.html"))
    by_tag = {
        "chip.html",
        "countdown.html",
        "spark.html",
        "chart_line.html",
        "chart_bar.html",
        "gantt.html",
        "map.html",
    }
    for name in KIT:
        if name.startswith("gallery") or name in by_tag:
            continue
        assert f'"ui/{name}"' in galleries + shells + partials, f"{name} is used nowhere"


@pytest.mark.parametrize("name", KIT)
def test_each_partial_says_what_it_needs_at_its_top(name):
    assert "{% comment %}" in (TEMPLATES / "ui" / name).read_text()[:60]


@pytest.mark.parametrize("path", gallery.PAGES)
def test_a_page_needs_no_inline_style_script_or_handler(pages, path):
    html = pages[path]
    assert not re.search(r"<[^>]+\sstyle\s*=", html)
    assert not re.search(r"<style\b", html)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<[^>]+\son\w+\s*=", html)
    assert not re.search(r"\b(?:src|href|action)=\"(?:https?:)?//", html)


@pytest.mark.parametrize("path", gallery.PAGES)
def test_a_page_has_unique_ids_and_one_main_heading(pages, path):
    ids = re.findall(r'\sid="([^"]+)"', pages[path])
    assert sorted(ids) == sorted(set(ids))
    assert len(re.findall(r"<h1\b", pages[path])) == 1


@pytest.mark.parametrize("path", gallery.PAGES)
def test_every_icon_on_a_page_is_in_the_sprite(pages, path):
    sprite = (TEMPLATES.parent / "static/img/sprite.svg").read_text()
    for name in set(re.findall(r"sprite\.svg#i-([\w-]+)", pages[path])):
        assert f'id="i-{name}"' in sprite, name


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_a_table_without_rows_says_why():
    html = get_template("ui/table.html").render(
        {"rows": [], "empty": {"title": "No trips late", "text": "All 14 are on time."}}
    )
    assert "No trips late" in html
    assert "<table" not in html


def test_exceptions_collapse_to_one_line_when_there_are_none():
    html = get_template("ui/exception_list.html").render({"exceptions": []})
    assert "Nothing needs you" in html
    assert "<ul" not in html


def test_a_field_error_stands_at_the_field_and_in_the_summary():
    form = sample.TripForm({"destination": "Willow", "pickup_time": "13:15", "payer": "a", "mobility": "chair"})
    html = render(
        '{% include "ui/error_summary.html" %}{% include "ui/field.html" with field=form.pickup_time %}', form=form
    )
    assert html.count("Pickup must be after 13:42 CST") == 2
    assert 'href="#id_pickup_time"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_pickup_time-error"' in html


def test_a_choice_is_made_of_real_radios_in_a_fieldset():
    form = sample.TripForm(initial={"mobility": "chair"})
    html = render('{% include "ui/field.html" with field=form.mobility %}', form=form)
    assert html.count('type="radio"') == 3
    assert "<fieldset" in html
    assert "<legend" in html


def test_text_from_people_is_escaped_everywhere():
    evil = "<img src=x onerror=alert(1)>"
    form = sample.TripForm({"destination": evil})
    html = "".join(
        [
            render('{% chip "late" text %}', text=evil),
            render("{% icon text label=text %}", text=evil),
            render('{% include "ui/field.html" with field=form.destination %}', form=form),
            render('{% include "ui/toast.html" %}', text=evil),
            render('{% include "ui/messages.html" with other=text %}', text=evil, thread=[{"text": evil}]),
            render("{% map stops label=text %}", text=evil, stops=[{"lat": 1, "lon": 1, "label": evil}]),
            render('{% include "ui/combobox_options.html" %}', options=[], q=evil),
        ]
    )
    assert "<img" not in html


def test_an_action_that_changes_something_is_a_form_with_a_token():
    html = render('{% include "ui/action.html" %}', a=sample.action("Accept", method="post"), csrf_token="t0k3n")
    assert 'method="post"' in html
    assert 'value="t0k3n"' in html


def test_the_500_page_needs_no_context():
    assert "We could not do this" in get_template("errors/500.html").render()
    assert "{%" not in get_template("500.html").render()
