"""The demo's people: one for every role, with passwords and second factors that anybody may know.

Only used while ``settings.DEMO_MODE`` is on (never in production settings): by the seed, by the table that
``make demo`` prints, and by the sign-in page's list.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

PASSWORD = "demo-ride-home-2026"


@dataclass(frozen=True)
class DemoPerson:
    """``units`` are unit codes that the person's boards open with; empty means all."""

    email: str
    name: str
    organization: str
    role: str
    units: tuple[str, ...] = ()

    @property
    def secret(self) -> str:
        """Base32 secret of the person's authenticator."""
        return base64.b32encode(hashlib.sha1(f"carrywell demo {self.email}".encode()).digest()).decode()


PEOPLE = (
    DemoPerson("dana@cedar-ridge.example", "Dana Morales", "cedar-ridge", "case_manager", ("4W", "4E")),
    DemoPerson("reggie@cedar-ridge.example", "Reggie King", "cedar-ridge", "transport_coordinator"),
    DemoPerson("priya@cedar-ridge.example", "Priya Shah", "cedar-ridge", "biller"),
    DemoPerson("otto@cedar-ridge.example", "Otto Lindgren", "cedar-ridge", "payables"),
    DemoPerson("quinn@cedar-ridge.example", "Quinn Abara", "cedar-ridge", "quality"),
    DemoPerson("alma@cedar-ridge.example", "Alma Whitfield", "cedar-ridge", "admin"),
    DemoPerson("ivo@cedar-ridge.example", "Ivo Marek", "cedar-ridge", "integration_engineer"),
    DemoPerson("thea@cedar-ridge.example", "Thea Brandvold", "cedar-ridge", "auditor"),
    DemoPerson("nils@cedar-ridge.example", "Nils Okonkwo", "cedar-ridge", "analyst"),
    DemoPerson("carmen@lakemont.example", "Carmen Ortega", "lakemont", "case_manager"),
    DemoPerson("hugh@lakemont.example", "Hugh Tanaka", "lakemont", "transport_coordinator"),
    DemoPerson("ines@lakemont.example", "Ines Fournier", "lakemont", "admin"),
    DemoPerson("nora@northbound.example", "Nora Bell", "northbound", "vendor_dispatcher"),
    DemoPerson("felix@northbound.example", "Felix Hahn", "northbound", "fleet_manager"),
    DemoPerson("vera@northbound.example", "Vera Castellano", "northbound", "vendor_admin"),
    DemoPerson("sam@northbound.example", "Sam Ruiz", "northbound", "driver"),
    DemoPerson("erin@evergreen.example", "Erin Walsh", "evergreen", "vendor_dispatcher"),
    DemoPerson("luis@evergreen.example", "Luis Ferrara", "evergreen", "driver"),
    DemoPerson("tess@tamarack.example", "Tess Nakamura", "tamarack", "vendor_dispatcher"),
    DemoPerson("omar@tamarack.example", "Omar Diallo", "tamarack", "driver"),
    DemoPerson("pete@prairie.example", "Pete Sorensen", "prairie", "vendor_dispatcher"),
    DemoPerson("gail@prairie.example", "Gail Mbeki", "prairie", "driver"),
    DemoPerson("hana@dunes.example", "Hana Petrov", "dunes", "home_health"),
    DemoPerson("cleo@dunes.example", "Cleo Barnett", "dunes", "clinician"),
    DemoPerson("hugo@harborlight.example", "Hugo Lindqvist", "harborlight", "home_health"),
    DemoPerson("dev@dunes.example", "Dev Malhotra", "dunes", "dme"),
    DemoPerson("olga@carrywell.example", "Olga Reyes", "carrywell", "operator"),
)
