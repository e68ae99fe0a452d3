"""Addresses become positions by their ZIP code, without a network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.errors import DomainError
from logistics.requests.services import geocode


def test_an_address_in_another_zone_brings_its_own_zone() -> None:
    assert geocode.locate("53711").zone == "America/Chicago"
    assert geocode.locate("46204").zone == "America/Indiana/Indianapolis"
    assert geocode.locate({"zip_code": "49938-1234", "state": "mi"}).state == "MI"


def test_an_address_is_read_from_one_line() -> None:
    read = geocode.parse_address("410  Cedar Ave, Madison WI 53703")
    assert read.as_dict() == {"line": "410 Cedar Ave", "city": "Madison", "state": "WI", "zip_code": "53703"}
    assert str(geocode.parse_address("10250 County Road M, 53593")) == "10250 County Road M, Verona, WI 53593"
    assert geocode.parse_address("18 Pier Rd Madison, WI, 53703").line == "18 Pier Rd"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("410 Cedar Ave", "5-digit ZIP"),
        ("53703", "street and house number"),
        ("1 Nowhere, 00000", "There is no ZIP code 00000"),
        ("", "ZIP"),
    ],
)
def test_an_address_that_cannot_be_found_names_the_field_and_what_to_do(text: str, words: str) -> None:
    with pytest.raises(DomainError) as refused:
        geocode.parse_address(text)
    assert words in refused.value.fields["destination"]
    assert refused.value.code == "unknown_address"


def test_a_zip_code_of_another_state_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        geocode.locate({"zip_code": "53711", "state": "IL"}, field="zip")
    assert refused.value.fields == {"zip": "ZIP code 53711 is in WI, not in IL."}


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    try:
        read = geocode.parse_address(text)
    except DomainError as refused:
        outcome = refused.fields["destination"]
    else:
        outcome = read.line if len(read.zip_code) == 5 else ""
    assert outcome


def test_a_pin_places_what_no_zip_code_knows() -> None:
    address, location = geocode.pinned("Old mill behind the dam", "43.06, -89.50")
    assert (location.lat, location.lon, location.zone) == (43.06, -89.5, "America/Chicago")
    assert (address.line, address.city, address.state) == ("Old mill behind the dam", "Madison", "WI")
    assert geocode.locate(address.zip_code).city == "Madison"


def test_a_pin_beside_an_address_keeps_the_addresss_own_zip_code() -> None:
    address, location = geocode.pinned("18 Pier Rd, Madison WI 53704", "43.12 -89.30")
    assert (address.line, address.zip_code) == ("18 Pier Rd", "53704")
    assert (location.lat, location.lon) == (43.12, -89.3)


@pytest.mark.parametrize(
    ("text", "pin", "words"),
    [
        ("Old mill", "here", "Write the pin as latitude, longitude"),
        ("Old mill", "143.1, -89.4", "Check the pin."),
        ("", "43.06, -89.50", "Write the address, or how the crew finds the place"),
        ("18 Pier Rd, Madison WI 53704", "41.88, -87.63", "Check both."),
        ("Old mill", "0, 0", "Check both."),
        ("Old mill", "43.06", "Write the pin as latitude, longitude"),
    ],
)
def test_a_pin_that_cannot_be_right_is_refused(text: str, pin: str, words: str) -> None:
    with pytest.raises(DomainError) as refused:
        geocode.pinned(text, pin, field="origin")
    assert words in refused.value.fields["origin"]


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_position_on_the_globe_is_read_as_it_was_written(lat: float, lon: float) -> None:
    assert geocode.read_pin(f"{lat:.6f}, {lon:.6f}") == (round(lat, 6), round(lon, 6))
