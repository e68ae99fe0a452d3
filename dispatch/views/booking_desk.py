"""What a booking page works with: who rides, from where, on which draft, and what the page shows of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, reverse

from dispatch.forms.booking import FROM_CHART, BookingForm, initial_of, plain
from dispatch.selectors.board import trip_of_request
from dispatch.services import preview as previews
from dispatch.services.itinerary import Itinerary, lay_out
from logistics.accounts import roles
from logistics.accounts.models import Unit
from logistics.accounts.selectors.people import membership_list
from logistics.core import clock, scoping
from logistics.core.levels import LEVELS
from logistics.requests.models import Encounter, Gate, Patient, ServiceRequest
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import cost_center_options, known_before, request_get, unit_list
from logistics.requests.services import booking, transfers
from logistics.requests.services.journeys import Plan


class Desk:
    """One page's view of the booking: the draft (if any), the patient, the stay, the unit and its clock."""

    def __init__(self, request: HttpRequest, *, patient_id: UUID | None, request_id: UUID | None) -> None:
        self.draft: ServiceRequest | None = None
        self.patient: Patient | None = None
        self.encounter: Encounter | None = None
        if request_id is not None:
            self.draft = request_get(request_id)
            if self.draft is None:
                raise Http404
            # Another patient chosen on the page of a draft begins another request.
            if patient_id is not None and patient_id != self.draft.patient_id:
                self.draft = None
        if self.draft is not None:
            self.patient = self.draft.patient
        elif patient_id is not None:
            self.patient = Patient.objects.filter(pk=patient_id).first()
            if self.patient is None:
                raise Http404
            found = booking.draft_of(patient_id)
            self.draft = request_get(found.pk) if found is not None and request.method == "GET" else None
        if self.patient is not None:
            self.encounter = booking.current_encounter(self.patient.pk)
        self.units = unit_list()
        self.unit: Unit | None = (self.draft.unit if self.draft else None) or (
            self.encounter.unit if self.encounter else None
        )
        facility = self.unit.facility if self.unit else (self.units[0].facility if self.units else None)
        membership = request.membership  # type: ignore[attr-defined]
        self.facility = facility
        self.zone: str = facility.time_zone if facility else membership.organization.time_zone
        scope = scoping.current()
        self.me = (scope.user_id, scope.actor_label)
        self._choices: dict[str, Any] | None = None

    @property
    def is_acute(self) -> bool:
        """Whether the patient is in this hospital's care now (then a transfer has the EMTALA items)."""
        return self.encounter is not None and self.encounter.status in ("in_house", "on_leave")

    @property
    def bed_label(self) -> str:
        """The bed that the chart or the draft names."""
        details = getattr(self.draft, "details", None) or []
        if details and details[0].pickup_bed_label:
            return str(details[0].pickup_bed_label)
        return self.encounter.bed.label if self.encounter and self.encounter.bed else ""

    def form(self, data: Any = None, initial: dict[str, Any] | None = None) -> BookingForm:
        """The form over these units, colleagues and cost centers. Two queries, the first time."""
        if self._choices is None:
            booking_roles = [code for code, role in roles.ROLES.items() if "requests.book" in role.permissions]
            people = membership_list().filter(role__in=booking_roles)
            self._choices = {
                "colleagues": list(dict.fromkeys((each.user_id, each.user.name) for each in people)),
                "cost_centers": cost_center_options(),
            }
        return BookingForm(
            data,
            initial=initial,
            units=self.units,
            unit=self.unit,
            bed_label=self.bed_label,
            me=self.me,
            **self._choices,
        )

    def first_form(self) -> BookingForm:
        """The form of a page that is opened: from the draft, from the chart, or empty."""
        key = uuid4().hex
        if self.draft is not None:
            initial = initial_of(self.draft, key=key, patient_text=self.patient_text)
            # What a person kept, or left empty, is their word; a draft of the chart takes over what was known before.
            return self.form(initial=initial if self.draft.human_edited else self._with_known(initial))
        empty = {"key": key, "companions": "0", "ride_kind": "one_way"}
        if self.patient is None:
            return self.form(initial=empty)
        chart = booking.chart_defaults(self.patient, self.encounter)
        initial = {
            **empty,
            "patient": self.patient.pk,
            "patient_text": self.patient_text,
            "pickup": "chart",
            **chart,
            "oxygen_lpm": plain(chart["oxygen_lpm"]),
        }
        return self.form(initial=self._with_known(initial))

    def _with_known(self, initial: dict[str, Any]) -> dict[str, Any]:
        """The form's first values with what the last booking knew, where the chart knows nothing."""
        if self.patient is None:
            return initial
        known = known_before(self.patient.pk)
        care = [*(initial.get("care") or []), *known.pop("needs", [])]
        return {**initial, **{name: value for name, value in known.items() if not initial.get(name)}, "care": care}

    @property
    def patient_text(self) -> str:
        """The patient as the picker shows them."""
        if self.patient is None:
            return ""
        self.patient.open_encounters = [self.encounter] if self.encounter else []  # type: ignore[attr-defined]
        return str(patient_option(self.patient)["text"])

    @property
    def patient_hint(self) -> str:
        """Who it is, and what the chart says that matters on the way."""
        if self.patient is None:
            return "Type 3 letters, the MRN, the birth date or the phone number"
        parts = [identity(self.patient)]
        if self.draft is not None and self.draft.source == "ehr":
            announced = self.draft.discharge.announced_at if self.draft.discharge else None
            parts.append(f"Discharge order {clock.local(announced or self.draft.created_at, self.zone):%H:%M}")
        if self.patient.isolation:
            parts.append(f"{self.patient.get_isolation_display()} isolation")
        if self.patient.language:
            parts.append(self.patient.language)
        return " · ".join(part for part in parts if part)

    def chart_marks(self) -> dict[str, bool]:
        """Which inputs still hold what the chart said."""
        if self.patient is None:
            return {}
        known = booking.chart_defaults(self.patient, self.encounter)
        known["pickup"] = self.encounter
        details = getattr(self.draft, "details", None) or []
        marks = {}
        for name in FROM_CHART:
            mine = getattr(details[0], name, known.get(name)) if details else known.get(name)
            marks[name] = bool(known.get(name)) and (name == "pickup" or mine == known[name])
        return marks

    def read(self, form: BookingForm) -> tuple[dict[str, Any], Plan]:
        """A valid or invalid form's answers and the rides beyond the first."""
        fields = form.ride(self.patient, self.zone)
        return fields, form.plan(self.patient, fields)

    def lay_out(self, form: BookingForm, fields: dict[str, Any], plan: Plan) -> Itinerary:
        """The rides in time, at the level that the person chose or the advice gives."""
        level = form.cleaned_data.get("level", "")
        chosen = level if level in LEVELS else ""
        return lay_out(fields, plan, facility=self.facility, patient=self.patient, level=chosen)

    def preview(self, form: BookingForm) -> dict[str, Any]:
        """The aside: what the form as it stands would lead to."""
        level = ""
        if form.is_bound:
            level = form.cleaned_data.get("level", "")
        else:
            # A page that is opened shows what its draft or the chart would lead to.
            form = self.form({name: value for name, value in form.initial.items() if value not in (None, "")})
            form.is_valid()
        fields, plan = self.read(form)
        shown = previews.preview(
            fields,
            patient=self.patient,
            facility=self.facility,
            level=level,
            plan=plan,
            request_id=self.draft.pk if self.draft else None,
            acute=self.is_acute,
        )
        return {"preview": shown, "facility_zone": self.zone}

    def open_ride(self) -> dict[str, Any] | None:
        """Any ride of this patient that is open, not only one near now: the person sees it before choosing a time."""
        if self.patient is None:
            return None
        found = booking.open_ride_of(self.patient.pk, apart_from=self.draft.pk if self.draft else None)
        return track(found.pk) if found is not None else None


def track(request_id: UUID) -> dict[str, Any]:
    """Where an open ride is looked at instead of booking it again: words, URL and the label of its button."""
    request = ServiceRequest.objects.select_related("journey").get(pk=request_id)
    journey = request.journey
    kind = f" It is part of a {journey.get_kind_display().lower()}." if journey is not None else ""
    number = trip_of_request(request_id)
    if number is not None:
        text = f"Already has an open ride: trip {number}.{kind}"
        return {"text": text, "url": reverse("dispatch:trip", args=[number]), "label": "Track"}
    if request.status == "pending":
        gates = list(Gate.objects.filter(request=request, state="open"))
        reasons = " ".join(gate.reason for gate in gates)
        if any(gate.rule == transfers.RULE for gate in gates):
            url, label = reverse("dispatch:transfer_acceptance", args=[request.pk]), "Receiving facility confirmed"
        else:
            url, label = url_or_board("requests:approvals"), "Look at it"
        return {"text": f"Already has a ride that waits. {reasons}{kind}", "url": url, "label": label}
    return {
        "text": f"Already has an open ride. It was booked a moment ago and gets its trip number now.{kind}",
        "url": reverse("dispatch:board"),
        "label": "Look on my board",
    }


def url_or_board(name: str, *args: Any) -> str:
    """A page of the room below, the board where this installation has none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return reverse("dispatch:board")
