"""The cast, committed, with a feed that the fixtures' invented hospital speaks on."""

from __future__ import annotations

from pathlib import Path

from integrations.hl7v2.mllp_client import MllpClient
from integrations.models import Feed
from logistics.accounts.models import Facility
from logistics.accounts.services import organizations
from tests.cast import Cast, build_cast
from tests.journeys.stack import give_second_factor
from tests.support import act_as

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "hl7"


def build_world() -> Cast:
    """Everybody, with authenticators, and the feed of the fixtures (sent by LARKMOOR, units 4A and 5C)."""
    cast = build_cast()
    with act_as(cast.staff()):
        hospital = cast.facilities["lakeshore"]
        Facility.objects.filter(pk=hospital.pk).update(code="LARKMOOR")
        hospital.refresh_from_db()
        cast.units["5C@lakeshore"] = organizations.add_unit(facility=hospital, name="5 Center", code="5C")
        Feed.objects.create(name="Larkmoor ADT", time_zone="America/Chicago", facility=hospital)
    for membership in cast.people.values():
        give_second_factor(membership)
    return cast


def send(port: int, *names: str) -> list[bytes]:
    """Send fixtures over a real socket; the answers."""
    with MllpClient("127.0.0.1", port, timeout=20) as client:
        return [client.send((FIXTURES / f"{name}.hl7").read_bytes()) for name in names]
