"""CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core import sheets


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "--5", "-"])
def test_a_formula_becomes_text(text):
    assert sheets.cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("-38.00"), "-38.00"), (-5, "-5"), (None, ""), ("Base", "Base"), (0, "0"), ("a=b", "a=b")],
)
def test_numbers_and_plain_words_stay(value, text):
    assert sheets.cell(value) == text


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2)
    )
)
def test_a_reader_gets_back_what_was_written_and_no_cell_is_a_formula(rows):
    read = list(csv.reader(io.StringIO(sheets.csv_text(["A", "B"], rows), newline="")))
    assert read[1:] == [[sheets.cell(value) for value in row] for row in rows]
    for row in read:
        for value in row:
            assert not value.startswith(("=", "+", "@", "\t", "\r"))
