import datetime as dt
import json
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from pipelines.words.alike import find_alike
from pipelines.words.fill import TOLD, fill_in
from tests.factories import make_app

APP = make_app()
TEXTS = ("Do {goal_1} {window}.", "For {period}: {goal_1}.", "{goal_1} are waiting {window}.")
SCHEMA = {
    "at": pl.UInt32,
    "content_type": pl.String,
    "metric": pl.String,
    "amount": pl.Float64,
    "window_days": pl.Int64,
    "percentile": pl.Int64,
    "mission": pl.String,
    "arm": pl.String,
}


def texts(*told, **fixed):
    rows = [
        {
            "brief_id": "b",
            "variant": f"v{i}",
            "title": "A Title",
            "text": text,
            "language": "en",
            "ai_provider": "openai",
            "model": "m",
            "prompt_version": "p",
            "metadata": '{"language": "en"}',
        }
        | fixed
        for i, text in enumerate(told)
    ]
    return pl.DataFrame(rows)


def chosen(*rows, content_type="daily_challenge", metric="solved"):
    """Rows of (at, amount, window_days, percentile, mission, arm)."""
    return pl.DataFrame([(at, content_type, metric, *rest) for at, *rest in rows], schema=SCHEMA, orient="row")


row = st.tuples(
    st.integers(0, 1),
    st.sampled_from([1.0, 1250.5]),
    st.sampled_from([1, 3]),
    st.none(),
    st.sampled_from([None, "m1"]),
    st.sampled_from([None, "openai"]),
)


@cache
def alone(one):
    return fill_in(APP, chosen(one), texts(*TEXTS))


@settings(deadline=None, max_examples=20)
@given(st.lists(row, min_size=1, max_size=20))
def test_rows_filled_together_are_what_each_is_by_itself(rows):
    together = fill_in(APP, chosen(*rows), texts(*TEXTS))
    assert together.equals(pl.concat([alone(one) for one in rows]))
    assert together.columns == list(TOLD)


def test_a_row_says_its_own_number_and_window():
    filled = fill_in(APP, chosen((0, 3.0, 7, None, None, None), (1, 1.0, 1, None, None, None)), texts(*TEXTS))
    assert filled["text"].to_list() == ["Do 3 puzzles within the next 7 days.", "For today: one puzzle."]


def test_one_text_names_each_reader_their_own_last_day():
    rows = chosen((0, 3.0, 7, None, None, None), (0, 3.0, 7, None, None, None), (0, 3.0, 1, None, None, None))
    days = [dt.date(2026, 5, 3), dt.date(2026, 5, 4), dt.date(2026, 5, 4)]
    filled = fill_in(APP, rows.with_columns(valid_until=pl.Series(days)), texts("Do {goal_1} {until}."))
    assert filled["text"].to_list() == [
        "Do 3 puzzles by Sunday, 3 May.", "Do 3 puzzles by Monday, 4 May.", "Do 3 puzzles today.",
    ]  # fmt: skip


def test_what_is_asked_beside_says_a_verb_once_where_the_goals_stand_side_by_side():
    asked = [{"metric": name, "op": ">=", "target": 2.0} for name in ("solved", "won")]
    for task, told in {"Solve {goal}": "2 puzzles and 2 rounds", "Win {goal}": "2 puzzles and win 2 rounds"}.items():
        won = {"event": "solve", "label": "rounds", "unit": "round", "task": task}
        app = make_app(metrics={**APP.model_dump()["metrics"], "won": won})
        row = chosen((0, 3.0, 7, None, None, None)).with_columns(also=pl.Series([asked]))
        (text,) = fill_in(app, row, texts("Do {goal_1} {window}: {also}."))["text"]
        assert text == f"Do 3 puzzles within the next 7 days: solve {told}."


def test_the_metadata_tells_the_metric_then_the_mission_then_the_arm():
    rows = chosen((0, 3.0, 7, None, "id-1", "openai"), content_type="mission_brief")
    (metadata,) = fill_in(APP, rows, texts(TEXTS[0]))["metadata"]
    assert list(json.loads(metadata).items()) == [
        ("language", "en"), ("metric", "solved"), ("mission", "id-1"), ("arm", "openai"),
    ]  # fmt: skip


def test_a_challenge_does_not_tell_its_metric_and_nobody_tells_what_there_is_not():
    (metadata,) = fill_in(APP, chosen((0, 3.0, 7, None, None, None)).drop("mission", "arm"), texts(TEXTS[0]))[
        "metadata"
    ]
    assert json.loads(metadata) == {"language": "en"}


@pytest.mark.parametrize("text", ["Do {goal_1} {percentile}.", "Do " + "very " * 60 + "{goal_1}.", "Do {{window}}."])
def test_a_text_that_is_not_fit_stops_the_night(text):
    with pytest.raises(NightquestError, match="Not fit to be read: "):
        fill_in(APP, chosen((0, 3.0, 1, None, None, None)), texts(text))


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from([None, 0.0, 1.5]), st.integers(0, 9))))
def test_alike_are_the_rows_with_the_same_keys_and_the_first_stands_for_them(rows):
    frame = pl.DataFrame(rows, schema={"x": pl.String, "y": pl.Float64, "z": pl.Int64}, orient="row")
    first, place = find_alike(frame, "x", "y")
    keys = [row[:2] for row in rows]
    assert [keys[i] for i in first] == list(dict.fromkeys(keys))
    assert [keys[first[int(i)]] for i in place] == keys
    assert first.to_list() == [keys.index(key) for key in dict.fromkeys(keys)]
