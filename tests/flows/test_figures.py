"""Figures on the terminal, as people read them."""

import pytest

from configs.nouns import counted
from flows.cli.drawing import figure


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (38.970001, "38.97"),
        (1234567.0, "1,234,567"),
        (3.0, "3"),
        (0.5, "0.5"),
        (0.0125, "0.0125"),
        (0.0, "0"),
        (-2.5, "-2.5"),
    ],
)
def test_a_figure_has_its_thousands_and_no_needless_digit(value, shown):
    assert figure(value) == shown


def test_one_thing_is_singular():
    assert [counted(n, "activity") for n in (0, 1, 1250)] == ["0 activities", "1 activity", "1,250 activities"]
