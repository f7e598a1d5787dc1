import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.app import App
from configs.voice import locale_of
from pipelines.words.checks.validate import SLOTS
from pipelines.words.numbers import number_text
from pipelines.words.render import amount_text, by_language, fill_slots, goal_text, period_text, until_text, window_text
from tests.factories import make_app

ENGLISH = locale_of("en")
LOCALES = [locale_of(name) for name in ("en", "de", "fr", "es", "it")]
numbers = st.one_of(
    st.integers(0, 10**15 - 1).map(float), st.floats(0, 1e6), st.floats(-1e12, 1e12), st.floats(-1.5, 1.5)
)


def goal(app: App, metric, value, days=7, locale=ENGLISH):
    return pl.select(goal_text(app, pl.lit(metric), pl.lit(float(value)), pl.lit(days), locale)).item()


def amount(app: App, metric, value, locale=ENGLISH):
    return pl.select(amount_text(app, pl.lit(metric), pl.lit(float(value)), locale)).item()


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_only_one_is_singular(value):
    text = goal(make_app(), "solved", value)
    assert text.endswith(" puzzle" if value == 1 else " puzzles")


@pytest.mark.parametrize(
    ("unit", "plural", "value", "text"),
    [
        ("answer", "", 1, "one answer"),
        ("answer", "", 3, "3 answers"),
        ("entry", "entries", 2, "2 entries"),
        ("answer", "", 1250, "1,250 answers"),
        ("point", "", 1.5, "1.5 points"),
        ("%", "", 12, "12%"),
        ("", "", 85, "85"),
    ],
)
def test_a_unit_stands_behind_its_number_as_people_write_it(unit, plural, value, text):
    metric = {"event": "solve", "unit": unit, "plural": plural, "task": "Do {goal}"}
    app = make_app(metrics=make_app().model_dump()["metrics"] | {"solved": metric})
    assert goal(app, "solved", value) == text


def test_days_that_fill_their_window_are_all_of_them():
    assert goal(make_app(), "days", 3, days=3) == "all 3 days"
    assert goal(make_app(), "days", 3, days=7) == "3 days"
    assert goal(make_app(), "days", 1, days=1) == "one day"
    assert goal(make_app(), "solved", 3, days=3) == "3 puzzles"


@pytest.mark.parametrize(
    ("changes", "value", "text"),
    [
        ({"label": "puzzles solved at night"}, 1, "one puzzle solved at night"),
        ({"label": "puzzles solved at night"}, 2, "2 puzzles solved at night"),
        ({"label": "night work"}, 2, "2 puzzles of night work"),
        ({"label": ""}, 1, "one puzzle"),
        ({"agg": "max", "of": "points", "label": "award"}, 85, "an award of 85 puzzles"),
        (
            {"agg": "min", "of": "points", "label": "best time", "better": "lower"},
            9,
            "a best time of no more than 9 puzzles",
        ),
    ],
)
def test_an_amount_names_what_it_counts_or_measures(changes, value, text):
    metric = {"event": "solve", "unit": "puzzle", "task": "Do {goal}"} | changes
    app = make_app(metrics=make_app().model_dump()["metrics"] | {"solved": metric}, challenges={"metrics": ["days"]})
    assert amount(app, "solved", value) == text


def test_the_mean_of_yes_and_no_is_a_share():
    events = {"solve": {"properties": {"points": {"type": "number", "min": 0}, "topic": "text", "clean": "boolean"}}}
    metrics = make_app().model_dump()["metrics"] | {
        "clean": {"event": "solve", "agg": "mean", "of": "clean", "label": "share solved cleanly"}
    }
    app = make_app(metrics=metrics, events=make_app().model_dump()["events"] | events)
    assert amount(app, "clean", 0.8251) == "a share solved cleanly of 82.5%"


def test_a_window_is_today_or_the_next_days():
    texts = pl.DataFrame({"d": [1, 3, 7]}).select(
        window=window_text(pl.col("d"), ENGLISH), period=period_text(pl.lit(None, pl.Date), pl.col("d"), ENGLISH)
    )
    assert texts["window"].to_list() == ["today", "within the next 3 days", "within the next 7 days"]
    assert texts["period"].to_list() == ["today", "the next 3 days", "the next 7 days"]


def test_a_text_is_filled_in_its_own_language_and_in_english_where_there_is_none():
    rows = pl.DataFrame({"language": ["de", "en", "tlh", "de-AT"], "n": [1234.5] * 4})
    languages = rows["language"].to_list()
    text = by_language(make_app(), pl.col("language"), languages, lambda _, locale: number_text(pl.col("n"), locale))
    assert rows.select(text).to_series().to_list() == ["1.234,5", "1,234.5", "1,234.5", "1.234,5"]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["{goal_1}", "{window}", "Do ", ". ", "now", " and "]), max_size=8), st.text(max_size=20)
)
def test_a_value_is_never_searched_for_slots(parts, value):
    template = "".join(parts)
    rows = pl.DataFrame({"t": ["a"], "v": [value + "{window}{goal_1}"]})
    filled = fill_slots(
        rows, pl.DataFrame({"t": ["a"], "text": [template]}), {"goal_1": pl.col("v"), "window": pl.lit("w")}, on="t"
    )["text"].item()
    plain = template.replace("{window}", "w").replace("{goal_1}", value + "{window}{goal_1}")
    assert filled.upper() == plain.upper()


def test_a_value_at_the_start_of_a_sentence_has_a_capital_and_none_elsewhere():
    texts = ["{window}, do it.", "Do it {window}. {window}, rest.", "In {window}"]
    rows = pl.DataFrame({"t": ["a", "b", "c"]})
    filled = fill_slots(rows, pl.DataFrame({"t": ["a", "b", "c"], "text": texts}), {"window": pl.lit("today")}, on="t")
    assert filled["text"].to_list() == ["Today, do it.", "Do it today. Today, rest.", "In today"]


def test_a_slot_without_a_value_leaves_no_text():
    filled = fill_slots(
        pl.DataFrame({"t": ["a"]}),
        pl.DataFrame({"t": ["a"], "text": ["Do {goal_1}."]}),
        {"goal_1": pl.lit(None, dtype=pl.String)},
        on="t",
    )
    assert filled["text"].to_list() == [None]


@pytest.mark.parametrize(
    ("language", "on", "a_day"),
    [
        ("en", "on Friday, 1 May", "Friday, 1 May"),
        ("de", "am Freitag, 1. Mai", "Freitag, 1. Mai"),
        ("it", "venerdì 1º maggio", "venerdì 1º maggio"),
        ("fr", "le vendredi 1er mai", "le vendredi 1er mai"),
        ("es", "el viernes 1 de mayo", "el viernes 1 de mayo"),
    ],
)
def test_one_day_that_has_not_begun_where_it_is_read_is_named_and_not_called_today(language, on, a_day):
    locale, day = locale_of(language), dt.date(2026, 5, 1)

    def told(text, night):
        return pl.select(text(pl.lit(day), pl.lit(1), locale, pl.lit(night))).item()

    eve = day - dt.timedelta(days=1)
    assert (told(until_text, eve), told(period_text, eve)) == (on, a_day)
    assert (told(until_text, day), told(period_text, day)) == (locale.today, locale.today)


@pytest.mark.parametrize(
    ("language", "third", "first", "one_day"),
    [
        ("en", "by Sunday, 3 May", "by Friday, 1 May", "today"),
        ("de", "bis Sonntag, 3. Mai", "bis Freitag, 1. Mai", "heute"),
        ("it", "entro domenica 3 maggio", "entro venerdì 1º maggio", "oggi"),
        ("fr", "jusqu'au dimanche 3 mai", "jusqu'au vendredi 1er mai", "aujourd'hui"),
        ("es", "hasta el domingo 3 de mayo", "hasta el viernes 1 de mayo", "hoy"),
    ],
)
def test_a_last_day_is_named_as_the_language_names_days(language, third, first, one_day):
    def until(day, days=7):
        return pl.select(until_text(pl.lit(day, pl.Date), pl.lit(days), locale_of(language))).item()

    assert (until(dt.date(2026, 5, 3)), until(dt.date(2026, 5, 1))) == (third, first)
    assert until(dt.date(2026, 5, 3), 1) == one_day
    assert until(None) == pl.select(window_text(pl.lit(7), locale_of(language))).item()
    everyone = {until(dt.date(2026, 1, 1) + dt.timedelta(days=day)) for day in range(365)}
    assert len(everyone) == 365
    assert max(map(len, everyone)) <= SLOTS["until"]
