"""Print docs/states.md from the state tables, so that the page cannot drift from the code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from dispatch import states as dispatch_states
from logistics.core.machines import Machine
from logistics.requests import states as request_states

MACHINES = (
    request_states.ENCOUNTER,
    request_states.DISCHARGE,
    request_states.REQUEST,
    dispatch_states.TRIP,
    dispatch_states.OFFER,
    dispatch_states.LEG,
    dispatch_states.PROPOSAL,
    dispatch_states.REFERRAL,
    dispatch_states.VISIT,
)

THEIRS = """
## The field's words and ours

| elsewhere | here |
|---|---|
| will_call, awaiting_ready | trip with `when = ready` and `is_ready = false` |
| pending_approval | not a status: the request stays `draft` until a person confirms |
| unassigned | trip `matching` or `exhausted` |
| offered | trip `offering`, offer `open` |
| scheduled (crew and vehicle) | trip `crew_assigned`, leg `assigned` |
| dispatched | trip `under_way`, leg `en_route` |
| arrived_pickup, arrived_destination | leg `at_pickup`, `at_destination` |
| on_board | leg `on_board`, trip `under_way` |
| documented, billed | a `Proof` and a `Charge` exist |
| returned, redispatched | offer `turned_back`, trip back to `matching` |
| on_hold, HELD | request and trip `held` |
| DRAFT, REQUESTED, SCHEDULED, DISPATCHED or ONBOARD, DONE, CANCELLED of an EHR's view | request `draft`, `requested`, `scheduled`, `in_progress`, `completed`, `canceled` |
"""


class Command(BaseCommand):
    """``manage.py describe_states > docs/states.md``."""

    help = "Print the state tables as Markdown."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        self.stdout.write(document(), ending="")


def document() -> str:
    """The whole page."""
    parts = ["# States\n\nMade by `manage.py describe_states` from the tables in `states.py`; do not edit.\n"]
    parts += [_section(machine) for machine in MACHINES]
    return "\n".join(parts) + THEIRS


def _section(machine: Machine) -> str:
    lines = [f"## {machine.name.capitalize()}\n", "| status | meaning | may become |", "|---|---|---|"]
    for status, meaning in machine.statuses.items():
        after = ", ".join(f"`{other}`" for other in machine.edges.get(status, ())) or "(end)"
        lines.append(f"| `{status}` | {meaning} | {after} |")
    return "\n".join(lines) + "\n"
