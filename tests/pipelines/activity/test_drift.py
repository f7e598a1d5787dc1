"""Deliveries that look otherwise than those before: told once, in words, and survived where they can be."""

import polars as pl
import pytest

from data.warehouse import scratch
from pipelines.activity.drift import _changes
from pipelines.activity.drifts import drift_since
from pipelines.activity.ingest import ingest_files
from tests.factories import FAR, make_app
from tests.pipelines.activity.deliveries import NOW

APP = make_app()
SELECT = """
SELECT g.id AS event_id, g.player AS user_id, 'solve' AS event, g.ended AS occurred_at,
       json_object('points', coalesce(to_json(TRY_CAST(g.score AS DOUBLE)), to_json(g.score)),
                   'topic', g.topic) AS properties,
       g._delivery_id, g._row
FROM raw_games AS g
"""


def games(folder, name, first, n=30, **columns):
    """A file of n games; `columns` are further ones, or take the place of those that there are; None leaves one out."""
    rows = range(first, first + n)
    frame = pl.DataFrame(
        {
            "id": [f"g{i}" for i in rows],
            "player": [f"p{i % 5}" for i in rows],
            "ended": [f"2024-05-01T10:{i % 60:02}:00Z" for i in rows],
            "score": [i % 9 for i in rows],
            "topic": ["a"] * n,
        }
    )
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in columns.items() if value is not None)
    frame = frame.drop(name for name, value in columns.items() if value is None)
    path = folder / f"games-{name}"
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return path


def take(warehouse, *paths, source=SELECT):
    return ingest_files(warehouse, APP, list(paths), now=NOW, history=True, source_sql=source)


@pytest.fixture(name="warehouse")
def _warehouse(tmp_path):
    """One that has taken a file."""
    with scratch() as warehouse:
        assert take(warehouse, games(tmp_path, "1.csv", 0)).drift == ()
        yield warehouse


def test_a_file_like_those_before_is_nothing_to_tell(warehouse, tmp_path):
    assert take(warehouse, games(tmp_path, "2.csv", 100)).drift == ()


def test_a_new_column_is_told_and_costs_nothing(warehouse, tmp_path):
    taken = take(warehouse, games(tmp_path, "2.csv", 100, device="phone"))
    assert (taken.taken, taken.refused) == (30, 0)
    assert taken.drift == ("games-2.csv: has a new column 'device'.",)
    assert take(warehouse, games(tmp_path, "3.csv", 200, device="phone")).drift == ()  # told once


def test_an_optional_property_that_is_told_no_more_is_told_with_counts(warehouse, tmp_path):
    taken = take(warehouse, games(tmp_path, "2.csv", 100, topic=None))
    assert (taken.taken, taken.refused) == (30, 0)
    assert taken.drift == (
        "games-2.csv: lacks 'topic', which came before.",
        "'solve' came 30 times, 100% of them without 'topic', which 100% had before.",
    )
    assert drift_since(warehouse, None, FAR) == sorted(taken.drift)
    assert drift_since(warehouse, NOW, FAR) == []


def test_a_column_with_another_name_is_told_as_perhaps_renamed_and_its_rows_wait_for_a_mended_source(
    warehouse, tmp_path
):
    renamed = games(tmp_path, "2.csv", 100).read_text(encoding="utf-8").replace("player", "member", 1)
    path = tmp_path / "games-3.csv"
    path.write_text(renamed, encoding="utf-8")
    taken = take(warehouse, path)
    assert (taken.taken, taken.refused) == (0, 30)
    assert drift_since(warehouse, None, FAR) == [
        "games-3.csv: lacks 'player' and has 'member' in its place, which is perhaps its new name."
    ]
    mended = SELECT.replace("g.player AS", "coalesce(g.player, g.member) AS")
    assert take(warehouse, path, source=mended).taken == 30  # nothing was lost


def test_a_column_that_files_may_have_is_no_new_name_of_another_one():
    before, now = dict.fromkeys(["user_id", "event", "properties"], "text"), dict.fromkeys(["user_id", "event"], "text")
    assert list(_changes(before, now | {"retracts": "text"})) == [
        "lacks 'properties', which came before",
        "has a new column 'retracts'",
    ]
    assert "perhaps its new name" in next(iter(_changes(before, now | {"details": "text"})))


def test_a_column_of_another_type_is_told_as_a_whole_once_beside_its_rows_in_quarantine(warehouse, tmp_path):
    taken = take(warehouse, games(tmp_path, "2.csv", 100, score="many"), games(tmp_path, "3.csv", 200))
    assert (taken.taken, taken.refused) == (30, 30)
    assert taken.drift == (
        "games-2.csv: 'score' is text and was a number.",
        "games-3.csv: 'score' is a number and was text.",
    )


def test_a_typed_file_tells_its_types(tmp_path):
    with scratch() as warehouse:
        take(warehouse, games(tmp_path, "1.parquet", 0))
        taken = take(warehouse, games(tmp_path, "2.parquet", 100, score=1.5))
    assert taken.drift == ("games-2.parquet: 'score' is a number and was a whole number.",)
