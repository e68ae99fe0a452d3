"""The inbox: what came in, what stopped, and the one step that lets it go on."""

from __future__ import annotations

import datetime as dt
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations.forms import MapForm, SkipForm
from integrations.models import Feed, InboundMessage
from integrations.selectors import feeds as feed_rows
from integrations.selectors import messages as inbox_rows
from integrations.services import mappings
from integrations.services import messages as actions
from logistics.accounts.models import Unit
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError

LATE_SECONDS = 60
VIEWS = [("stopped", "Stopped"), ("review", "Review"), ("today", "Today"), ("all", "All")]
ICONS = {"received": ("info", "inbox"), "stopped": ("bad", "late")}
OUTCOME_ICONS = {
    "applied": ("ok", "done"),
    "review": ("warn", "risk"),
    "rejected": ("bad", "late"),
    "history_only": ("neutral", "history"),
}


@requires("inbox.view")
@require_GET
def inbox(request: HttpRequest, message_id: int | None = None) -> HttpResponse:
    """The inbox, with one message opened when the address names it. ``part`` asks for the list or the side alone."""
    part = request.GET.get("part")
    if part in ("list", "side"):
        context = _context(request, message_id, open_message=False)
        return render(request, f"integrations/_{part}.html", {**context, "oob": part == "list"})
    return render(request, "integrations/inbox.html", _context(request, message_id))


@requires("inbox.view")
@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Search by control id, visit number or MRN. A POST, so that the number stands in no address and no log."""
    context = _context(request, None, q=request.POST.get("q", "").strip())
    audit.record(action="message.searched", target_type="integrations.inboundmessage", purpose="operations")
    return render(request, "integrations/inbox.html", context)


@requires("inbox.reveal")
@require_POST
def raw(request: HttpRequest, message_id: int) -> HttpResponse:
    """The raw message, after an audit entry."""
    row = _message(message_id)
    data = actions.reveal(row)
    context = {**_context(request, message_id), "raw_lines": _lines(data, row)}
    page = "_raw" if request.headers.get("HX-Request") else "inbox"
    return render(request, f"integrations/{page}.html", context)


@requires("inbox.replay")
@require_POST
def replay(request: HttpRequest, message_id: int) -> HttpResponse:
    """Send one message through again."""
    actions.replay([_message(message_id)])
    messages.success(request, "The message goes through again.")
    return _see_other(reverse("integrations:message", args=[message_id]))


@requires("inbox.replay")
@require_POST
def replay_stopped(request: HttpRequest) -> HttpResponse:
    """Send everything that stopped for one cause through again, in the order it came."""
    try:
        example = _message(int(request.POST.get("example", "")))
    except ValueError as error:
        raise Http404 from error
    rows = InboundMessage.objects.filter(
        feed_id=example.feed_id, state="stopped", problem_code=example.problem_code, problem=example.problem
    )
    count = actions.replay(list(rows))
    messages.success(request, f"{count} message{'s go' if count != 1 else ' goes'} through again, in order.")
    return _see_other(reverse("integrations:inbox"))


@requires("inbox.replay")
@require_POST
def skip(request: HttpRequest, message_id: int) -> HttpResponse:
    """Set a stopped message aside with a reason."""
    row = _message(message_id)
    form = SkipForm(request.POST)
    if form.is_valid():
        try:
            actions.skip(row, reason=form.cleaned_data["reason"])
        except DomainError as error:
            form.add_error("reason" if error.fields else None, error.message)
        else:
            messages.success(request, "Skipped. What waited behind it goes on.")
            return _see_other(reverse("integrations:inbox"))
    return render(request, "integrations/inbox.html", {**_context(request, message_id), "skip_form": form}, status=422)


@requires("mappings.edit")
@require_POST
def map_unit(request: HttpRequest, message_id: int) -> HttpResponse:
    """Choose the unit once; everything that stopped for the code is replayed."""
    row = _message(message_id)
    form = MapForm(request.POST, code=mappings.code_in(row)[0])
    if form.is_valid():
        mapping, count = mappings.map_unit(row, unit=form.cleaned_data["unit"])
        told = "1 message is" if count == 1 else f"{count} messages are"
        words = f"“{mapping.point_of_care}” is {mapping.unit.name}. {told} replayed in order."
        messages.success(request, words)
        return _see_other(reverse("integrations:message", args=[message_id]))
    return render(request, "integrations/inbox.html", {**_context(request, message_id), "map_form": form}, status=422)


def _context(request: HttpRequest, message_id: int | None, *, q: str = "", open_message: bool = True) -> dict[str, Any]:
    membership = request.membership  # type: ignore[attr-defined]
    can = membership.definition.permissions
    zone = membership.organization.time_zone
    start, _ = clock.day_bounds(clock.today(zone), zone)
    filters = _filters(request, q)
    page = Paginator(inbox_rows.message_list(filters, since=start), inbox_rows.PAGE).get_page(request.GET.get("page"))
    counts = inbox_rows.view_counts(start)
    base = reverse("integrations:inbox")
    rows = [_row(row, message_id) for row in page.object_list]
    selected = _selected(message_id, can, zone) if message_id and open_message else {}
    late_before = clock.now() - dt.timedelta(seconds=LATE_SECONDS)
    return {
        "channels": feed_rows.channel_list(start),
        "causes": inbox_rows.cause_list(),
        "ledger": inbox_rows.outcome_ledger(late_before=late_before),
        "attention": counts["stopped"],
        "views": [
            {"label": label, "url": f"{base}?view={name}", "count": counts[name], "current": filters.view == name}
            for name, label in VIEWS
        ],
        "page": page,
        "rows": rows,
        "q": q,
        "filters": _filter_choices(filters),
        "keep": {"view": filters.view},
        "reset_url": base if (filters.feed or filters.outcome or filters.event or q) else "",
        "list_url": f"{request.path}?{_query(request, part='list')}",
        "side_url": f"{base}?part=side",
        "query": _query(request),
        "may_replay": "inbox.replay" in can,
        "may_reveal": "inbox.reveal" in can,
        "may_map": "mappings.edit" in can,
        **selected,
    }


def _query(request: HttpRequest, **more: str) -> str:
    query = request.GET.copy()
    query.pop("part", None)
    for name, value in more.items():
        query[name] = value
    return query.urlencode()


def _filters(request: HttpRequest, q: str) -> inbox_rows.Filters:
    get = request.GET
    view = get.get("view", "all" if q else "today")
    return inbox_rows.Filters(
        view=view if view in dict(VIEWS) else "today",
        feed=_uuid(get.get("feed", "")),
        outcome=get.get("outcome", "") if get.get("outcome") in dict(InboundMessage.OUTCOMES) else "",
        event=get.get("event", "")[:3].upper(),
        q=q,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _filter_choices(filters: inbox_rows.Filters) -> list[dict[str, Any]]:
    feeds = [(str(feed.pk), feed.name) for feed in Feed.objects.order_by("name")]
    outcomes = [("", "All"), *InboundMessage.OUTCOMES]
    events = [(code, f"{code} {words}") for code, words in inbox_rows.EVENT_WORDS.items()]
    return [
        {"name": "feed", "label": "Feed", "value": str(filters.feed or ""), "options": [("", "All"), *feeds]},
        {"name": "event", "label": "Event", "value": filters.event, "options": [("", "All"), *events]},
        {"name": "outcome", "label": "Outcome", "value": filters.outcome, "options": outcomes},
    ]  # fmt: skip


def _row(row: InboundMessage, selected_id: int | None) -> dict[str, Any]:
    tone, icon = ICONS.get(row.state) or OUTCOME_ICONS.get(row.outcome, ("neutral", "cancel"))
    words = row.problem or row.get_outcome_display() or "Waits to be applied"
    if row.resends:
        words = f"{words} · sent {row.resends + 1} times"
    return {
        "id": row.pk,
        "tone": tone,
        "icon": icon,
        "title": inbox_rows.event_words(row.event),
        "words": words,
        "at": row.received_at,
        "selected": row.pk == selected_id,
    }


def _message(message_id: int) -> InboundMessage:
    try:
        return inbox_rows.message_get(message_id)
    except InboundMessage.DoesNotExist as error:
        raise Http404 from error


def _selected(message_id: int, can: frozenset[str], zone: str) -> dict[str, Any]:
    row = _message(message_id)
    audit.record(action="message.viewed", target=row, purpose="operations", details={"event": row.event})
    out: dict[str, Any] = {
        "message": row,
        "message_title": inbox_rows.event_words(row.event),
        "parsed": inbox_rows.parsed_view(row, zone),
        "same": 0,
    }
    if row.state == "stopped":
        alike = InboundMessage.objects.filter(
            feed_id=row.feed_id, state="stopped", problem_code=row.problem_code, problem=row.problem
        )
        out["same"] = alike.count()
        out["same_since"] = alike.order_by("id").values_list("received_at", flat=True).first()
        if row.problem_code in mappings.MAPPABLE and "mappings.edit" in can:
            code, _ = mappings.code_in(row)
            out["map_form"] = MapForm(code=code, initial={"unit": _likely(code)})
    return out


def _likely(code: str) -> Unit | None:
    """The unit whose name or code looks most like the code."""

    def alike(word: str) -> float:
        return SequenceMatcher(None, _plain(code), _plain(word)).ratio()

    scored = [(max(alike(unit.code), alike(unit.name)), unit) for unit in Unit.objects.all()]
    score, unit = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return unit if score >= 0.5 else None


def _plain(word: str) -> str:
    return word.replace(" ", "").casefold()


def _lines(data: bytes, row: InboundMessage) -> list[dict[str, Any]]:
    """The message as numbered lines; the code that stopped it stands apart."""
    code = mappings.code_in(row)[0] if row.problem_code in mappings.MAPPABLE else ""
    out = []
    text = data.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r")
    for number, line in enumerate((one for one in text.split("\r") if one), 1):
        head, rest = line[:3], line[3:]
        before, mark, after = rest.partition(code) if code and head == "PV1" else (rest, "", "")
        out.append({"number": number, "head": head, "before": before, "mark": mark, "after": after})
    return out


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
