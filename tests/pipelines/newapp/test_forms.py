"""In what form the values of a column are written, each by an example of its own."""

import pytest

from data.warehouse import scratch
from pipelines.activity.delivery_reader import know_zones
from pipelines.newapp.forms import forms_of


@pytest.fixture(name="warehouse", scope="module")
def _warehouse():
    with scratch() as warehouse:
        know_zones(warehouse)
        yield warehouse


def read(warehouse, values):
    form = forms_of(warehouse, values, "VARCHAR", "v")
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return form, [value for (value,) in warehouse.rows(f"SELECT {form.sql} FROM (SELECT unnest([{listed}]) AS v)")]


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (["12", "-3"], "integer", 12),
        (["12.5", "3"], "number", 12.5),
        (["1,234.50", "7.00"], "number", 1234.5),
        (["1.234,50 €", "12,00 €"], "number", 1234.5),
        (["$3", "$1,200"], "integer", 3),
        (["3,5", "4"], "number", 3.5),
        (["yes", "no"], "boolean", True),
        (["PT1H2M3S", "PT30S"], "number", 62.05),
        (["9:30", "23:59"], "clock", "9:30"),
        (["28:30", "31:27"], "text", "28:30"),
        (["31.12.2024 10:05", "01.02.2024 9:30"], "moment", "2024-12-31T10:05:00"),
        (["12/31/2024", "1/2/2024"], "moment", "2024-12-31"),
        (["31/12/2024 11:05 PM", "01/02/2024 1:00 AM"], "moment", "2024-12-31T23:05:00"),
        (["19970101", "19971231"], "moment", "1997-01-01"),
        (["2024-05-01T10:00:00+02:00"], "moment", "2024-05-01T10:00:00+02:00"),
        (["10:05", "9:30"], "clock", "10:05"),
        (["90 min", "45 min"], "integer", 90),
        (["5,2 km", "1.012,5 km"], "number", 5.2),
        (["3 a", "4 b"], "text", "3 a"),
        (["12 kg", "12 km"], "text", "12 kg"),
        (["red", "12"], "text", "red"),
    ],
)
def test_values_are_read_in_the_form_that_fits_them_all(warehouse, values, kind, first):
    form, found = read(warehouse, values)
    assert form.kind == kind
    assert found[0] == pytest.approx(first)


@pytest.mark.parametrize(
    ("values", "first"), [(["1:02:30", "0:45:00"], 62.5), (["1:30", "2:15"], 90), (["45:30", "90:00"], 45.5)]
)
def test_what_looks_like_a_time_of_day_is_a_span_where_the_name_says_how_long(warehouse, values, first):
    form = forms_of(warehouse, values, "VARCHAR", "v", lasts=True)
    assert (form.kind, form.unit) == ("number", "minute")
    assert warehouse.value(f"SELECT {form.sql} FROM (SELECT '{values[0]}' AS v)") == pytest.approx(first)


def test_dates_that_could_be_read_two_ways_are_read_the_narrower_way_and_told(warehouse):
    form, found = read(warehouse, ["03/01/2024", "03/09/2024", "03/12/2024"])
    assert found == ["2024-03-01", "2024-03-09", "2024-03-12"]
    assert "could be either" in form.doubt
    assert read(warehouse, ["03/01/2024", "03/19/2024"])[0].doubt == ""
