"""Template tags of the interface kit: icons, status chips, figures, and times in the facility's zone.

A zone argument is an IANA name (``America/Chicago``), a ``tzinfo``, or empty for Django's current zone. Naive
datetimes are refused with ValueError: a time without a zone cannot be shown honestly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField
from django.http import QueryDict
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import drawing
from .status_map import display

register = template.Library()

Zone = str | dt.tzinfo | None
THEMES = ("light", "dark")
MINUS = "\u2212"


# icons and status


@register.simple_tag
def icon(name: str, cls: str = "", label: str = "", tone: str = "") -> SafeString:
    """A sprite icon. ``cls`` and ``tone`` add classes. With ``label`` it is an image so named, else hidden."""
    href = f"{static('img/sprite.svg')}#i-{name}"
    classes = " ".join(part for part in ("i", cls, tone) if part)
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, href)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, href)


@register.inclusion_tag("ui/chip.html")
def chip(
    status: str, detail: str = "", label: str = "", tone: str = "", icon: str = "", cls: str = ""
) -> dict[str, str]:
    """A status chip: ``{% chip "late" "14 min" %}`` reads "Late 14 min". Label, tone, icon can be set."""
    shown = display(str(status))
    return {
        "status": str(status),
        "tone": tone or shown.tone,
        "icon": icon or shown.icon,
        "label": label or shown.label,
        "detail": detail,
        "cls": cls,
    }


@register.filter
def status_label(status: str) -> str:
    """The label of a status: ``en_route`` is "En route"."""
    return display(str(status)).label


@register.filter
def status_tone(status: str) -> str:
    """The tone class of a status."""
    return display(str(status)).tone


@register.filter
def status_icon(status: str) -> str:
    """The sprite icon of a status."""
    return display(str(status)).icon


# numbers and words


@register.filter
def money(value: Decimal | int | None, places: int = 2) -> str:
    """US dollars: "$1,348.00", "−$38.00"; ``money:0`` rounds half up to whole dollars. None is empty."""
    if value is None or value == "":
        return ""
    amount = Decimal(value).quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP)
    return f"{MINUS if amount < 0 else ''}${abs(amount):,}"


@register.filter
def minutes(value: float | Decimal | dt.timedelta | None) -> str:
    """Minutes in words: "14 min", "1 h 18 min", "−5 min". A timedelta counts too; None is empty."""
    if value is None or value == "":
        return ""
    total = round(value.total_seconds() / 60) if isinstance(value, dt.timedelta) else round(value)
    sign, (hours, rest) = MINUS if total < 0 else "", divmod(abs(total), 60)
    if not hours:
        return f"{sign}{rest} min"
    return f"{sign}{hours} h {rest} min" if rest else f"{sign}{hours} h"


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar: "Dana Morales" is "DM", "Evergreen" is "EV"."""
    words = [w for w in str(name).split() if w[:1].isalnum()]
    if len(words) >= 2:
        return (words[0][0] + words[-1][0]).upper()
    return (words[0][:2] if words else "?").upper()


# times


def _local(value: dt.datetime, zone: Zone) -> dt.datetime:
    if timezone.is_naive(value):
        raise ValueError("a time without a zone cannot be shown")
    tz = ZoneInfo(zone) if isinstance(zone, str) and zone else zone
    return value.astimezone(tz if isinstance(tz, dt.tzinfo) else timezone.get_current_timezone())


def _clock(local: dt.datetime, twelve: bool) -> str:
    if twelve:
        return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    return f"{local:%H:%M}"


@register.filter("facility_time")
def facility_time_filter(value: dt.datetime | None, zone: Zone = None) -> str:
    """``value`` on the facility's clock, 24-hour: "14:30". None is empty."""
    return "" if not value else _clock(_local(value, zone), twelve=False)


@register.simple_tag(takes_context=True)
def facility_time(context: Context, value: dt.datetime | None, zone: Zone = None) -> str:
    """Like the filter, in the context's ``facility_zone`` unless told; "2:30 pm" where it has ``clock_12h``."""
    if not value:
        return ""
    return _clock(_local(value, zone or context.get("facility_zone")), bool(context.get("clock_12h")))


@register.filter
def facility_date(value: dt.datetime | dt.date | None, zone: Zone = None) -> str:
    """The facility's calendar day: "Tue 24 Nov", with the year when it is not this year. None is empty."""
    if not value:
        return ""
    today = timezone.now()
    day = _local(value, zone) if isinstance(value, dt.datetime) else value
    year = _local(today, zone).year
    return f"{day:%a} {day.day} {day:%b}" + ("" if day.year == year else f" {day.year}")


@register.filter
@register.simple_tag
def zone_name(value: dt.datetime | None, zone: Zone = None) -> str:
    """The zone's abbreviation at that moment: "CST" in winter, "CDT" in summer. A tag and a filter."""
    return "" if not value else _local(value, zone).tzname() or ""


@register.simple_tag(takes_context=True)
def stamp(context: Context, value: dt.datetime | None, zone: Zone = None, cls: str = "") -> SafeString | str:
    """A ``<time>`` element: the facility's clock inside, the exact moment in ``datetime``."""
    if not value:
        return ""
    return format_html(
        '<time class="{}" datetime="{}">{}</time>',
        cls,
        value.isoformat(),
        facility_time(context, value, zone),
    )


def _ago(seconds: float) -> str:
    whole = int(max(seconds, 0)) // 60
    if whole < 1:
        return "just now"
    if whole < 60:
        return f"{whole} min ago"
    return f"{whole // 60} h ago" if whole < 48 * 60 else f"{whole // 1440} d ago"


@register.simple_tag
def age(value: dt.datetime | None, now: dt.datetime | None = None) -> SafeString | str:
    """How long ago, as a ``<time data-age>`` that live.js keeps current: "14 min ago". None is empty."""
    if not value:
        return ""
    passed = ((now or timezone.now()) - value).total_seconds()
    return format_html('<time data-age datetime="{}">{}</time>', value.isoformat(), _ago(passed))


@register.inclusion_tag("ui/countdown.html")
def countdown(
    deadline: dt.datetime, total: int = 600, label: str = "left", now: dt.datetime | None = None
) -> dict[str, Any]:
    """A ring that closes at ``deadline``; ``total`` is its length in seconds. Tones turn at 3:00 and 0:30."""
    left = max(int((deadline - (now or timezone.now())).total_seconds()), 0)
    return {
        "deadline": deadline.isoformat(),
        "total": total,
        "label": label,
        "left": f"{left // 60}:{left % 60:02d}",
        "dash": drawing.ring(left, total),
        "tone": "bad" if left <= 30 else "warn" if left <= 180 else "move",
    }


# links, theme, form controls


@register.simple_tag(takes_context=True)
def qs_replace(context: Context, **changes: Any) -> str:
    """The page's query string with ``changes`` made; None or empty removes a name. Starts with "?"."""
    request = context.get("request")
    query = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def html_attributes(context: Context) -> SafeString:
    """Attributes of ``<html>``: the person's theme, shortcuts turned off, wall view."""
    request = context.get("request")
    theme = context.get("theme") or (request.COOKIES.get("theme") if request is not None else "")
    keys_off = context.get("keys_off") or (request is not None and request.COOKIES.get("keys") == "off")
    return format_html(
        "{}{}{}",
        format_html(' data-theme="{}"', theme) if theme in THEMES else "",
        format_html(' data-keys="off"') if keys_off else "",
        format_html(" data-wall") if context.get("wall") else "",
    )


@register.simple_tag
def control(field: BoundField, hint_id: str = "", cls: str = "inp", **attrs: Any) -> SafeString:
    """A form field's own control with the kit's class and the links to its hint and error that readers need.

    Extra attributes may be given with underscores (``hx_get``); they are written with hyphens.
    """
    widget: dict[str, Any] = {name.replace("_", "-"): value for name, value in attrs.items() if value not in (None, "")}
    if cls:
        widget["class"] = f"{field.field.widget.attrs.get('class', '')} {cls}".strip()
    described = [hint_id] if hint_id else []
    if field.errors:
        described.append(f"{field.id_for_label}-error")
        widget["aria-invalid"] = "true"
    if described:
        widget["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=widget)


@register.filter
def control_kind(field: BoundField) -> str:
    """How a field is drawn: ``check`` (one box), ``choice`` (radios or boxes), ``hidden`` or ``input``."""
    widget = field.field.widget
    if widget.is_hidden:
        return "hidden"
    kind = getattr(widget, "input_type", "")
    if kind in ("radio", "checkbox") and hasattr(widget, "choices"):
        return "choice"
    return "check" if kind == "checkbox" else "input"


@register.filter
def lookup(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    """``mapping[key]``, else by the key's text (a choice value may be a wrapper), else empty."""
    if not mapping:
        return ""
    return mapping.get(key, mapping.get(str(key), ""))


# figures


@register.inclusion_tag("ui/spark.html")
def spark(values: Sequence[float], target: float | None = None, tone: str = "move") -> dict[str, Any]:
    """A sparkline beside a number that words already say; hidden from readers, empty without values."""
    return {"tone": tone, **(drawing.spark(values, target) if values else {})}


@register.inclusion_tag("ui/chart_line.html")
def line_chart(
    series: Sequence[tuple[str, float]],
    label: str,
    target: float | None = None,
    unit: str = "",
    tone: str = "move",
    width: int = 560,
    height: int = 190,
) -> dict[str, Any]:
    """A line over ``(name, value)`` pairs. ``label`` is the sentence that says what the picture shows."""
    drawn = drawing.line_chart(series, target=target, width=width, height=height, unit=unit) if series else {}
    return {"label": label, "unit": unit, "tone": tone, "target": target, **drawn}


@register.inclusion_tag("ui/chart_bar.html")
def bar_chart(rows: Sequence[Mapping[str, Any]], label: str, unit: str = "", width: int = 440) -> dict[str, Any]:
    """Horizontal bars: rows of ``label``, ``value``, and optionally ``note`` and ``tone``."""
    return {"label": label, "unit": unit, **drawing.bar_chart(rows, width=width)}


@register.inclusion_tag("ui/gantt.html", takes_context=True)
def gantt(
    context: Context,
    rows: Sequence[Mapping[str, Any]],
    start: dt.datetime,
    end: dt.datetime,
    label: str,
    now: dt.datetime | None = None,
    zone: Zone = None,
) -> dict[str, Any]:
    """The schedule: a list of lists, placed by setvars.js. ``ui/gantt.html`` describes rows and jobs."""
    tz = zone or context.get("facility_zone")
    placed = drawing.gantt(rows, start=_local(start, tz), end=_local(end, tz), now=now)
    # Two labels on the same spot cannot be read: the hour under the "now" tag gives way.
    hours = [(h, x) for h, x in placed["hours"] if placed["now"] is None or abs(x - placed["now"]) > 8]
    return {**placed, "hours": hours, "label": label, "moment": now, "zone": tz}


@register.inclusion_tag("ui/map.html", takes_context=True)
def map(
    context: Context,
    stops: Sequence[Mapping[str, Any]],
    vehicles: Sequence[Mapping[str, Any]] = (),
    lines: Sequence[Mapping[str, Any]] = (),
    label: str = "Map",
    width: int = 560,
    height: int = 330,
    cls: str = "",
) -> dict[str, Any]:
    """A schematic map of stops, vehicles and lines, and the same as a list. See ``drawing.map_figure``."""
    shown = {"label": label, "cls": cls, "facility_zone": context.get("facility_zone")}
    if not stops and not vehicles:
        return shown
    return {
        **shown,
        **drawing.map_figure(stops=stops, vehicles=vehicles, lines=lines, width=width, height=height),
    }
