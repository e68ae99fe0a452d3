"""Who may know what of a patient on the patient's page: role by field.

Minimum necessary (45 CFR 164.502(b), 164.514(d)): ``see`` shows the field, ``mask`` the last two characters, absence
nothing. Trips have their own, larger table (``dispatch/selectors/passenger.py``), which rooms below dispatch may not
import; ``tests/requests/test_patient_page_show.py`` holds the two together.
"""

from __future__ import annotations


def _see(fields: str, mask: str = "") -> dict[str, str]:
    return {**dict.fromkeys(mask.split(), "mask"), **dict.fromkeys(fields.split(), "see")}


# Rows: the roles that hold ``patients.view`` (accounts/roles.py). ``needs`` is what the ride must carry: the weight.
PATIENT_FIELDS: dict[str, dict[str, str]] = {
    "case_manager": _see("name birth mrn address phone needs isolation payer"),
    "transport_coordinator": _see("name birth address phone needs isolation payer", "mrn"),
    "biller": _see("name birth mrn address phone needs payer"),
}


def fields_for(role: str) -> dict[str, str]:
    """Field → ``see`` or ``mask``; a role without a row sees nothing."""
    return dict(PATIENT_FIELDS.get(role, {}))


def as_seen(text: str, how: str | None) -> str:
    """``text`` as it may be shown: whole, its last two characters, or empty."""
    if how == "see":
        return text
    return f"••{text[-2:]}" if text and how == "mask" else ""
