"""What a discharge disposition (PV1-36) means for a ride. Data, reviewed with the health system's case managers.

Codes are those of the NUBC (UB-04 form locator 17); sites that send words or short codes of their own are met
by the second table.
"""

from __future__ import annotations

from typing import Literal

Meaning = Literal["transport", "home", "against_advice", "died", "unknown", "absent"]

UB04: dict[str, tuple[Meaning, str]] = {
    "01": ("home", "Home"),
    "02": ("transport", "To another hospital"),
    "03": ("transport", "To a skilled nursing facility"),
    "04": ("transport", "To an intermediate care facility"),
    "05": ("transport", "To a cancer center or children's hospital"),
    "06": ("home", "Home with home health care"),
    "07": ("against_advice", "Left against medical advice"),
    "20": ("died", "Died"),
    "21": ("transport", "To court or law enforcement"),
    "40": ("died", "Died at home"),
    "41": ("died", "Died in a medical facility"),
    "42": ("died", "Died, place unknown"),
    "43": ("transport", "To a federal health care facility"),
    "50": ("transport", "Hospice at home"),
    "51": ("transport", "Hospice in a facility"),
    "61": ("transport", "To a swing bed"),
    "62": ("transport", "To inpatient rehabilitation"),
    "63": ("transport", "To a long-term care hospital"),
    "64": ("transport", "To a nursing facility under Medicaid"),
    "65": ("transport", "To a psychiatric hospital"),
    "66": ("transport", "To a critical access hospital"),
    "69": ("transport", "To a disaster alternative care site"),
    "70": ("transport", "To another health care institution"),
}
# 81 to 95 repeat 01 to 70 for a planned readmission.
UB04 |= {
    code: UB04[base]
    for code, base in {
        "81": "01", "82": "02", "83": "03", "84": "04", "85": "05", "86": "06", "87": "21", "88": "43", "89": "61",
        "90": "62", "91": "63", "92": "64", "93": "65", "94": "66", "95": "70",
    }.items()
}  # fmt: skip

WORDS: dict[str, str] = {
    "HOME": "01", "HOM": "01", "H": "01", "SELF": "01", "ROUTINE": "01", "HOME OR SELF CARE": "01",
    "HHS": "06", "HHC": "06", "HOME HEALTH": "06", "HOMEHEALTH": "06",
    "HOSP": "02", "ACUTE": "02", "TRANSFER": "02", "SHORT TERM HOSPITAL": "02",
    "SNF": "03", "NURSING": "03", "SKILLED NURSING": "03", "SKILLED NURSING FACILITY": "03",
    "ICF": "04", "NH": "64", "NURSING HOME": "64",
    "AMA": "07", "LEFT AMA": "07", "LEFT AGAINST MEDICAL ADVICE": "07",
    "EXP": "20", "EXPIRED": "20", "DECEASED": "20", "DIED": "20", "DEATH": "20",
    "HOSPICE": "51", "HOSPICE HOME": "50", "HOSPICE FACILITY": "51",
    "IRF": "62", "REHAB": "62", "REHABILITATION": "62", "LTACH": "63", "LTAC": "63", "LTCH": "63",
    "PSYCH": "65", "CAH": "66", "SWING": "61", "SWING BED": "61",
}  # fmt: skip


def code_of(sent: str) -> str:
    """The UB-04 code for what was sent, or nothing."""
    text = " ".join(sent.upper().replace("_", " ").split())
    if text.isdigit():
        text = text.lstrip("0").zfill(2)
        return text if text in UB04 else ""
    return WORDS.get(text, "")


def meaning_of(sent: str) -> Meaning:
    """What the disposition means for a ride; ``absent`` when nothing was sent."""
    if not sent.strip():
        return "absent"
    code = code_of(sent)
    return UB04[code][0] if code else "unknown"


def words_of(sent: str) -> str:
    """The disposition in words, else as sent."""
    code = code_of(sent)
    return UB04[code][1] if code else sent
