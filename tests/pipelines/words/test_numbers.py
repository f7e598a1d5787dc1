import re

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configs.voice import locale_of
from pipelines.words.numbers import number_text, plainer, say_figure
from tests.factories import make_app

ENGLISH = locale_of("en")
LOCALES = [locale_of(name) for name in ("en", "de", "fr", "es", "it")]
numbers = st.one_of(
    st.integers(0, 10**15 - 1).map(float), st.floats(0, 1e6), st.floats(-1e12, 1e12), st.floats(-1.5, 1.5)
)


def written(value, locale=ENGLISH, *, up=None):
    up = None if up is None else pl.lit(value=up)
    return pl.select(number_text(pl.lit(float(value)), locale, up=up)).item()


def read(text, locale):
    return float(text.replace(locale.thousands, "").replace(locale.decimal, "."))


@settings(deadline=None)
@given(numbers, st.sampled_from(LOCALES))
def test_a_written_number_reads_back_as_itself_to_two_decimals_or_four_below_one(value, locale):
    tolerance = 0.00005 if abs(value) < 1 else 0.005 + abs(value) * 1e-12
    assert abs(read(written(value, locale), locale) - value) <= tolerance


@settings(deadline=None)
@given(numbers)
def test_a_number_has_groups_of_three_and_no_needless_zero(value):
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d{0,3}[1-9])?", written(value))


@settings(deadline=None)
@example(value=1e-9)
@given(st.floats(0, 1e9))
def test_who_reaches_the_number_shown_has_reached_the_true_one(value):
    noise = 5.1e-9 if value < 1 else 5.1e-7  # less than this beside a written digit is a float's own
    assert read(written(value, up=True), ENGLISH) >= value * (1 - 1e-15) - noise
    assert read(written(value, up=False), ENGLISH) <= value * (1 + 1e-15) + noise


@settings(deadline=None)
@given(st.floats(-1e6, 1e6))
def test_nothing_is_minus_zero(value):
    assert written(value) != "-0"


@pytest.mark.parametrize(
    ("unit", "told"),
    [("minute", [190.0, 13.0, 9.0, 0.35]), ("km", [190.0, 13.0, 8.2, 0.35])],
)
def test_a_target_has_no_more_digits_than_people_say_and_minutes_have_no_parts(unit, told):
    made = {"event": "solve", "agg": "sum", "of": "points", "unit": unit, "task": "Do {goal}"}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "made": made})
    amounts = pl.DataFrame({"metric": "made", "amount": [189.1, 12.71, 8.13, 0.345]})
    assert amounts.select(plainer(app, pl.col("metric"), pl.col("amount"))).to_series().to_list() == told


@pytest.mark.parametrize(
    ("metric", "value", "goal", "came_to"),
    [
        ({"agg": "sum", "of": "points", "unit": "minute"}, 154.35, "155 minutes", "154"),
        ({"agg": "sum", "of": "points", "unit": "$"}, 3.5, "$3.50", "3.5"),
        ({"agg": "mean", "of": "points", "better": "lower", "unit": "km/h"}, 12.349, "12 km/h", "13"),
        ({"agg": "max", "of": "points", "label": "best score"}, 1085.0, "1,085", "1,085"),
        ({}, 1.0, "one puzzle", "1"),
        ({"agg": "mean", "of": "won", "label": "win rate"}, 0.6249, "62.5%", "62.5%"),
    ],
)
def test_a_figure_beside_its_label_has_its_unit_where_it_is_a_goal_and_never_claims_more_than_was_done(
    metric, value, goal, came_to
):
    events = {"solve": {"properties": {"points": "number", "won": "boolean"}}}
    asked = (
        {"event": "solve", "label": "puzzles solved", "unit": "puzzle"} if not metric else {"event": "solve", **metric}
    )
    app = make_app(events=events, metrics={"asked": asked, "all": {"event": "solve", "task": "Do {goal}"}},
                   segments={"features": ["all"], "score": "all"}, challenges={"metrics": ["all"]})  # fmt: skip
    assert say_figure(app, "asked", value) == goal
    assert say_figure(app, "asked", value, reached=True) == came_to
