"""Tables of predictions that would eat the machine: refused in a sentence."""

import gzip

import pytest

from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import MOST_COLUMNS, PredictionsError


def test_a_header_of_very_many_columns_is_refused():
    table = ",".join(f"c{k}" for k in range(40_000)) + "\n" + ",".join("0" * 40_000)
    with pytest.raises(PredictionsError, match=f"reads up to {MOST_COLUMNS:,}"):
        csv_import.read(table.encode(), "wide.csv")


def test_as_many_columns_as_are_allowed_are_read():
    table = ",".join(f"c{k}" for k in range(MOST_COLUMNS)) + "\n" + ",".join("1" * MOST_COLUMNS)
    assert csv_import.read(table.encode(), "wide.csv").shape == (1, MOST_COLUMNS)


def test_a_table_that_unpacks_to_far_more_than_it_weighs_is_refused():
    packed = gzip.compress(b"truth,probability\n" + b"1,0.5\n" * 5_000_000)
    assert len(packed) * 100 < 30_000_000
    with pytest.raises(PredictionsError, match="MB"):
        csv_import.read(packed, "table.csv.gz")
