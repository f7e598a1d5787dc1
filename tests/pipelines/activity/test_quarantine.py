"""Rows in quarantine: told, written out, mended and taken, each once; what was mended lies there no longer."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from configs.errors import NightquestError
from data.warehouse import scratch
from pipelines.activity.ingest import ingest_files
from pipelines.activity.quarantine import export_rows, read_quarantine, retire_read_again
from tests.factories import make_app
from tests.pipelines.activity.deliveries import NOW, as_csv, deliver, quarantine, solve, users

SOURCE = (
    "SELECT r.who AS user_id, 'solve' AS event, r.day AS occurred_at, "
    "json_object('points', TRY_CAST(r.n AS DOUBLE)) AS properties, r._delivery_id, r._row FROM raw_log AS r"
)
APP = make_app()


@pytest.fixture(name="warehouse")
def _warehouse():
    with scratch() as warehouse:
        yield warehouse


def mend(file, **changes):
    """Rewrite exported rows: by user_id or who, the fields that are wrong."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    key = "user_id" if any("user_id" in row for row in rows) else "who"
    rows = [{name: v for name, v in (row | changes.get(row.get(key), {})).items() if name != "_text"} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def take(warehouse, file, **options):
    return ingest_files(warehouse, APP, [file], now=NOW, history=True, **options)


def test_rows_of_a_file_with_the_contracts_columns_are_mended(warehouse, tmp_path):
    text = as_csv([solve("ann"), solve("bob", at="yesterday"), solve("cho", event="solved")]) + "dora,solve\n"
    deliver(warehouse, APP, tmp_path, {"a.csv": text}, history=True)
    assert read_quarantine(warehouse, "toy", "", 1).rows == 3
    assert export_rows(warehouse, tmp_path / "mend.jsonl", "") == ({str(tmp_path / "mend.jsonl"): 3}, 0, ())
    rows = mend(
        tmp_path / "mend.jsonl",
        bob={"occurred_at": "2024-01-02T10:00:00Z"},
        cho={"event": "solve"},
        dora={"user_id": "dora", "event": "solve", "occurred_at": "2024-01-03T10:00:00Z"},
    )
    assert rows[0]["_reason"].startswith("occurred_at 'yesterday' is not a date")
    wrong = next(row for row in rows if "2 fields" in row["_reason"])
    assert wrong["user_id"] == "dora" or "dora" in str(wrong)
    result = take(warehouse, tmp_path / "mend.jsonl")
    assert (result.taken, quarantine(warehouse)) == (3, [])
    assert sorted(users(warehouse)) == ["ann", "bob", "cho", "dora"]
    again = take(warehouse, tmp_path / "mend.jsonl")
    assert (again.taken, again.deliveries[0].state) == (0, "already taken")


def test_a_raw_row_gives_way_to_the_one_that_mends_it(warehouse, tmp_path):
    log = "who,day,n\nann,2024-01-01,3\nbob,someday,4\ncho,2024-01-01,5\ncho,,5\n"
    deliver(warehouse, APP, tmp_path, {"log.csv": log}, source_sql=SOURCE, history=True)
    assert [line for _, line, _, _ in quarantine(warehouse)] == [3, 5]
    export_rows(warehouse, tmp_path / "mend.jsonl", "is not a date")
    assert len(mend(tmp_path / "mend.jsonl", bob={"day": "2024-01-02"})) == 1
    assert take(warehouse, tmp_path / "mend.jsonl", source_sql=SOURCE).taken == 1
    assert [line for _, line, _, _ in quarantine(warehouse)] == [5]
    later = "who,day,n\ndora,2024-01-09,1\n"
    assert deliver(warehouse, APP, tmp_path, {"log-2.csv": later}, source_sql=SOURCE, history=True).refused == 0
    assert [line for _, line, _, _ in quarantine(warehouse)] == [5]
    assert sorted(users(warehouse)) == ["ann", "bob", "cho", "dora"]


def test_a_row_that_is_still_wrong_lies_there_once_with_its_new_reason(warehouse, tmp_path):
    log = "who,day,n\nann,2024-01-01,3\nbob,someday,4\n"
    deliver(warehouse, APP, tmp_path, {"log.csv": log}, source_sql=SOURCE, history=True)
    export_rows(warehouse, tmp_path / "mend.jsonl", "")
    mend(tmp_path / "mend.jsonl", bob={"day": "2024-01-02", "n": "-4"})
    assert take(warehouse, tmp_path / "mend.jsonl", source_sql=SOURCE).taken == 0
    ((_, _, _, reason),) = quarantine(warehouse)
    assert "points" in reason
    export_rows(warehouse, tmp_path / "again.jsonl", "")
    mend(tmp_path / "again.jsonl", bob={"n": "4"})
    assert take(warehouse, tmp_path / "again.jsonl", source_sql=SOURCE).taken == 1
    assert quarantine(warehouse) == []


def test_a_source_that_fails_leaves_quarantine_as_it_was(warehouse, tmp_path):
    log = "who,day,n\nann,2024-01-01,3\nbob,someday,4\n"
    deliver(warehouse, APP, tmp_path, {"log.csv": log}, source_sql=SOURCE, history=True)
    export_rows(warehouse, tmp_path / "mend.jsonl", "")
    before = quarantine(warehouse)
    with pytest.raises(NightquestError, match="source"):
        take(warehouse, tmp_path / "mend.jsonl", source_sql=SOURCE.replace("r.n", "r.gone"))
    assert quarantine(warehouse) == before


def test_rows_stay_in_quarantine_when_the_file_that_should_mend_them_is_refused(warehouse, tmp_path):
    numbers = pl.DataFrame({"who": ["ann"], "day": ["2024-01-01"], "n": [3]})
    texts = pl.DataFrame({"who": ["cho", "bob"], "day": ["2024-01-02"] * 2, "n": ["5", "4 points"]})
    for name, frame in {"log": numbers, "log-2": texts}.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
        take(warehouse, tmp_path / f"{name}.parquet", source_sql=SOURCE)
    export_rows(warehouse, tmp_path / "mend.jsonl", "")
    (row,) = mend(tmp_path / "mend.jsonl", bob={"n": 4})
    assert {*row} == {"_quarantined", "_reason", "who", "day", "n"}
    (tmp_path / "wrong.jsonl").write_text(json.dumps(row | {"_line": 1}))
    later = NOW + dt.timedelta(hours=1)
    with pytest.raises(NightquestError, match="rename it"):
        ingest_files(warehouse, APP, [tmp_path / "wrong.jsonl"], now=later, history=True, source_sql=SOURCE)
    assert len([line for _, line, _, _ in quarantine(warehouse) if line]) == 1
    assert take(warehouse, tmp_path / "mend.jsonl", source_sql=SOURCE).taken == 1
    assert [line for _, line, _, _ in quarantine(warehouse) if line] == []


@pytest.mark.parametrize(("file", "feeds", "left"), [("log-2", "raw_log", 1), ("log", "raw_log", 2), ("log-2", "x", 2)])
def test_rows_that_never_came_into_their_table_leave_when_all_is_read_again(warehouse, tmp_path, file, feeds, left):
    rows = pl.DataFrame({"who": ["ann", "bob"], "day": ["2024-01-01", "someday"], "n": [3, 4]})
    odd = pl.DataFrame({"who": ["cho", "dan"], "day": ["2024-01-02"] * 2, "n": ["5", "4 points"]})
    for name, frame in {"log": rows, "log-2": odd}.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
        take(warehouse, tmp_path / f"{name}.parquet", source_sql=SOURCE)
    retire_read_again(warehouse, Path(f"{file}.parquet"), feeds, "a later one")
    assert len(quarantine(warehouse)) == left


def test_what_a_mended_app_file_lets_in_lies_there_no_longer(warehouse, tmp_path):
    rows = as_csv([solve("ann"), solve("bob", event="climb")])
    deliver(warehouse, APP, tmp_path, {"a.csv": rows}, history=True)
    assert len(quarantine(warehouse)) == 1
    events = {"solve": APP.events["solve"].model_dump(), "climb": {}, "liked": APP.events["liked"].model_dump()}
    deliver(warehouse, make_app(events=events), tmp_path, {"a.csv": rows}, history=True)
    assert quarantine(warehouse) == []


def test_rows_that_a_mended_source_lets_in_lie_there_no_longer(warehouse, tmp_path):
    log = {"log.csv": "who,day,n\nann,2024-01-01,3\nbob,20240102,4\ncho,never,4\n"}
    deliver(warehouse, APP, tmp_path, log, source_sql=SOURCE, history=True)
    assert len(quarantine(warehouse)) == 2
    better = "coalesce(strftime(try_strptime(r.day, '%Y%m%d'), '%Y-%m-%d'), r.day)"
    deliver(warehouse, APP, tmp_path, log, source_sql=SOURCE.replace("r.day", better), history=True)
    assert [line for _, line, _, _ in quarantine(warehouse)] == [4]


def test_a_file_refused_as_a_whole_is_told_until_it_is_taken(warehouse, tmp_path):
    deliver(
        warehouse, APP, tmp_path, {"a.csv": "nothing,of,use\n1,2,3\n", "b.csv": as_csv([solve("ann")])}, history=True
    )
    assert list(read_quarantine(warehouse, "toy", "", 1).files) == [str(tmp_path / "a.csv")]
    deliver(warehouse, APP, tmp_path, {"a.csv": as_csv([solve("bob")])}, history=True)
    assert read_quarantine(warehouse, "toy", "", 1).files == {}


def test_rows_of_several_tables_are_written_to_a_file_each_and_none_over_another(warehouse, tmp_path):
    two = SOURCE + " UNION ALL " + SOURCE.replace("raw_log", "raw_old")
    files = {"log.csv": "who,day,n\nann,2024-01-01,1\nbob,x,2\n", "old.csv": "who,day,n\ncho,y,3\n"}
    deliver(warehouse, APP, tmp_path, files, source_sql=two, history=True)
    written, _, _ = export_rows(warehouse, tmp_path / "mend.jsonl", "")
    assert written == {str(tmp_path / "mend-log.jsonl"): 1, str(tmp_path / "mend-old.jsonl"): 1}
    there = sorted(tmp_path.iterdir())
    with pytest.raises(NightquestError, match="is there already"):
        export_rows(warehouse, tmp_path / "mend.jsonl", "")
    with pytest.raises(NightquestError, match="Cannot write"):
        export_rows(warehouse, tmp_path / "nowhere" / "mend.jsonl", "")
    assert sorted(tmp_path.iterdir()) == there
    mend(tmp_path / "mend-log.jsonl", bob={"day": "2024-01-02"})
    mend(tmp_path / "mend-old.jsonl", cho={"day": "2024-01-02"})
    both = [tmp_path / "mend-log.jsonl", tmp_path / "mend-old.jsonl"]
    assert ingest_files(warehouse, APP, both, now=NOW, history=True, source_sql=two).taken == 2
    assert quarantine(warehouse) == []


def test_mended_rows_of_players_wait_for_a_run_that_takes_players(warehouse, tmp_path):
    deliver(warehouse, APP, tmp_path, {"a.csv": as_csv([solve("ann"), solve("bob", at="then")])}, history=True)
    rows = "user_id,recorded_at,timezone\nann,2024-01-01,UTC\nbob,2024-01-01,Mars/Phobos\n"
    deliver(warehouse, APP, tmp_path, {"players.csv": rows}, history=True, players=True)
    events, players = tmp_path / "mend-events.jsonl", tmp_path / "mend-players.jsonl"
    written = export_rows(warehouse, tmp_path / "mend.jsonl", "")
    assert written == ({str(events): 1, str(players): 1}, 0, (str(players),))
    mend(events, bob={"occurred_at": "2024-01-02T10:00:00Z"})
    mend(players, bob={"timezone": "Europe/Oslo"})
    result = ingest_files(warehouse, APP, [events, players], now=NOW, history=True)
    assert (result.taken, result.deliveries[-1].state) == (1, "ignored")
    assert "take it with --players" in result.deliveries[-1].reason
    assert len(quarantine(warehouse)) == 1
    assert take(warehouse, players, players=True).taken == 1
    assert quarantine(warehouse) == []


def test_a_row_of_which_only_the_beginning_is_kept_is_not_written_out(warehouse, tmp_path):
    deliver(warehouse, APP, tmp_path, {"a.csv": as_csv([solve("ann"), solve("bob", at="x" * 6000)])}, history=True)
    assert export_rows(warehouse, tmp_path / "mend.jsonl", "") == ({}, 1, ())
