"""The offline writer's sentences, as an editor reads them: for apps that ship, and for apps that it has never seen."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.loader import load_app
from configs.nouns import plural_of
from configs.voice import voice_defaults
from pipelines.content.render import amount_text
from tests.factories import make_app
from tests.foreign.apps import APPS, write_app
from tests.foreign.linter import faults, strange_words
from tests.foreign.texts import texts_of

ENGLISH = voice_defaults().locale("en")


@pytest.mark.parametrize("name", ["trading", "stackexchange", "oulad", *APPS])
def test_no_text_of_any_type_has_a_fault_that_an_editor_would_strike_out(tmp_path, name):
    app = load_app(write_app(tmp_path, name) if name in APPS else name).app
    texts = list(texts_of(app, variants=2))
    assert {t.content_type for t in texts} >= set(app.content.types)
    assert [f for t in texts for f in (*faults(t.text), *faults(t.title, sentence=False)) if t.title or f] == []


@pytest.mark.parametrize("name", APPS)
def test_an_app_without_a_voice_hears_nothing_of_another_apps_world(tmp_path, name):
    app = load_app(write_app(tmp_path, name)).app
    assert [word for t in texts_of(app, variants=2, seed=7) for word in strange_words(f"{t.title} {t.text}")] == []


def said(agg: str, label: str, unit: str, value: float, **more: str) -> str:
    metric = {"event": "solve", "agg": agg, "of": "points", "label": label, "unit": unit, **more}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    return str(pl.select(amount_text(app, pl.lit("m"), pl.lit(value), ENGLISH)).item())


@pytest.mark.parametrize(
    ("agg", "label", "unit", "value", "text"),
    [
        ("max", "records in one basket", "record", 13.0, "13 records in one basket"),
        ("max", "records in one basket", "record", 1.0, "1 record in one basket"),
        ("max", "most records in one basket", "record", 13.0, "13 records in one basket"),
        ("max", "points in the best workout", "", 912.0, "912 points in the best workout"),
        ("max", "best drill score", "point", 610.0, "a best drill score of 610 points"),
        ("max", "the longest run", "kilometre", 10.5, "a longest run of 10.5 kilometres"),
        ("mean", "average points per game", "point", 12.0, "an average of 12 points per game"),
        ("mean", "average heart rate", "bpm", 121.0, "an average heart rate of 121 bpm"),
        ("sum", "running distance", "km", 1234.5, "1,234.5 km of running distance"),
        ("sum", "amount spent", "$", 38.9, "$38.90 spent"),
        ("sum", "Minutes of practice", "minute", 1.0, "1 minute of practice"),
        ("sum", "number of steps", "step", 2.0, "2 steps"),
        ("sum", "puzzles solved", "", 1.0, "1 puzzle solved"),
        ("distinct", "different artists", "artist", 1.0, "1 artist"),
        ("distinct", "people helped", "person", 2.0, "2 people helped"),
        ("sum", "solve puzzles", "puzzle", 2.0, "2 puzzles"),
    ],
)
def test_an_aggregation_has_the_form_of_its_number(agg, label, unit, value, text):
    assert said(agg, label, unit, value, task="Solve {goal}") == text


def test_a_bound_stands_behind_its_number_where_lower_is_better():
    assert said("min", "fewest mistakes in a test", "mistake", 2.0, better="lower") == "2 mistakes or less in a test"
    assert said("mean", "lap time", "second", 62.0, better="lower") == "a lap time of 62 seconds or less"


NOUNS = ["puzzle", "activity", "match", "person", "box", "answer", "km", "bpm", "$", "journal entry", "point"]


@settings(max_examples=25)
@given(
    st.sampled_from(["sum", "max", "min", "mean", "distinct"]),
    st.sampled_from(NOUNS),
    st.sampled_from(["{}", "{} in one go", "best {}", "number of {}", "Total {}", "different {}", "result", "{} done"]),
    st.sampled_from([1.0, 2.0, 13.0, 1250.0, 0.5, 38.97]),
)
def test_any_label_around_its_unit_makes_an_amount_without_a_fault(agg, unit, pattern, value):
    text = said(agg, pattern.format(plural_of(unit)), unit, value)
    assert [f for f in faults(f"For {text}.") if not f.startswith("several of one")] == []
