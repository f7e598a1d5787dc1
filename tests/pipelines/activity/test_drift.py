"""Deliveries that look otherwise than those before: told once, in words, and survived where they can be."""

from pathlib import Path

import polars as pl
import pytest

from configs.errors import NightquestError
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


def test_files_of_another_name_and_what_the_program_wrote_are_not_what_a_file_is_looked_at_beside(warehouse, tmp_path):
    """Answers to challenges come each night beside the app's own events, with other columns."""
    own = pl.DataFrame(
        {"user_id": ["p1"], "event": ["solve"], "occurred_at": ["2024-05-02T10:00:00Z"], "value": [None]}
    )

    def file(name: str, minute: int, *without: str) -> Path:
        own.with_columns(occurred_at=pl.lit(f"2024-05-02T10:{minute}:00Z")).drop(without).write_csv(tmp_path / name)
        return tmp_path / name

    def drift_of(path: Path, **options: bool) -> tuple[str, ...]:
        return ingest_files(warehouse, APP, [path], now=NOW, history=True, **options).drift

    assert drift_of(file("events-1.csv", 10)) == ()
    assert "lacks 'value'" in drift_of(file("shown-1.csv", 11, "value"))[0]  # of a name that is new
    for minute, name, without in ((12, "events-2.csv", ()), (13, "shown-2.csv", ("value",))):
        assert drift_of(file(name, minute, *without)) == ()
    assert drift_of(file("events-3.csv", 14, "value"), ours=True) == drift_of(file("events-4.csv", 15)) == ()


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


def test_a_file_without_a_column_that_every_event_needs_is_refused_in_a_sentence_and_nothing_of_it_is_kept(
    warehouse, tmp_path
):
    other = games(tmp_path, "2.csv", 200)
    path = tmp_path / "games-3.csv"
    text = games(tmp_path, "4.csv", 100).read_text(encoding="utf-8")
    path.write_text(text.replace("player", "member", 1), encoding="utf-8")
    taken = take(warehouse, path, other)
    assert (taken.taken, taken.refused) == (30, 0)  # the other one goes in
    (refused,) = taken.refused_files
    assert refused.reason == (
        "It lacks 'player'; it has id, member, ended, score, topic; 'member' is perhaps its 'player'. The source makes "
        "nothing of it without: rename the column, or let the SELECT read the other one, too, and deliver the file "
        "again; nothing of it was kept."
    )
    assert warehouse.value("SELECT count(*) FROM raw_games") == 60
    with pytest.raises(NightquestError, match=r"Nothing was taken.*lacks 'player'"):
        take(warehouse, path)
    path.write_text(text, encoding="utf-8")
    assert take(warehouse, path).taken == 30
    path.write_text(text.replace("player", "member", 1), encoding="utf-8")
    mended = SELECT.replace("g.player AS", "coalesce(g.player, g.member) AS")
    again = take(warehouse, path, source=mended)  # the same events
    assert (again.taken, again.refused, again.refused_files) == (0, 0, ())
    assert "lacks 'topic'" in take(warehouse, games(tmp_path, "5.csv", 300, topic=None)).drift[0]  # it may


def test_a_file_in_which_events_are_only_taken_back_may_lack_what_events_have(warehouse, tmp_path):
    kept = SELECT.replace("AS properties", "AS properties, NULL AS retracts") + "WHERE g.void IS NULL"
    voids = (
        "SELECT g.id, NULL AS user_id, NULL AS event, g.ended AS occurred_at, NULL AS properties, g.void AS retracts, "
        "g._delivery_id, g._row FROM raw_games AS g WHERE g.void IS NOT NULL"
    )
    source = f"{kept} UNION ALL {voids}"
    take(warehouse, games(tmp_path, "2.csv", 100, void=""), source=source)
    (tmp_path / "games-3.csv").write_text("id,ended,void\nv1,2024-05-02T10:00:00Z,g101\n")
    taken = take(warehouse, tmp_path / "games-3.csv", source=source)
    assert (taken.refused_files, taken.retracted) == ((), 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace(",", ";"), ""),  # found by itself
        (lambda text: text.replace(",", "^"), "a single column, so perhaps something else stands between its fields"),
        (lambda text: text.split("\n", 1)[1], "perhaps the line with the names of the columns is missing"),
    ],
)
def test_another_delimiter_and_a_missing_header_are_told_as_what_they_are(warehouse, tmp_path, change, told):
    path = games(tmp_path, "2.csv", 100)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    if not told:
        assert take(warehouse, path).taken == 30
        return
    with pytest.raises(NightquestError, match=told):
        take(warehouse, path)
    assert warehouse.value("SELECT count(*) FROM raw_games") == 30


def test_a_column_that_files_may_have_is_no_new_name_of_another_one():
    before, now = dict.fromkeys(["user_id", "event", "properties"], "text"), dict.fromkeys(["user_id", "event"], "text")
    assert list(_changes(before, now | {"retracts": "text"})) == [
        "lacks 'properties', which came before",
        "has a new column 'retracts'",
    ]
    assert "perhaps its new name" in next(iter(_changes(before, now | {"details": "text"})))


def test_a_sheet_with_other_days_is_told_in_two_phrases_and_not_in_one_for_each_day():
    before, now = ({f"{day:02}/{month}/26": "text" for day in range(1, 10)} for month in ("10", "11"))
    lacks, has = _changes({"name": "text", **before}, {"name": "text", **now})
    assert lacks.endswith("'05/10/26' and 4 more, which came before")
    assert has.startswith("has new columns '01/11/26', ")


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
