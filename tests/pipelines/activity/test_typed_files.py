"""A file that has the contract's very types is judged as the same rows in text are, and in bounded memory."""

import datetime as dt
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.warehouse import scratch
from pipelines.activity.parts import sync_metrics
from tests.pipelines.activity.deliveries import LEAN, as_csv, deliver, events_of, only, parts_of, quarantine

AT = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
DOCUMENTS = (
    None, "{}", '{"points": 3}', ' { "points" : 3.0 } ', '{"points": null}', '{"points": 1e2}', '{"points": -1}',
    '{"points": "3"}', '{"points": true}', '{"points": [3]}', '{"points": 1e400}', '{"points": 3, "points": 4}',
    '{"strange": 1}', '{"points": 3, "strange": 1, "strange": 2}', '{"content_id": "x"}',
    '{"points": 3, "badge_id": "b"}',
    '{"points": 9007199254740993}', '{"points": 99999999999999999999}',
    "[3]", "3", "null", '"text"', "{", "", "nothing",
)  # fmt: skip
MOMENTS = (
    AT, AT + dt.timedelta(microseconds=1), None, dt.datetime(1, 1, 1, tzinfo=dt.UTC),
    dt.datetime(1969, 1, 1, tzinfo=dt.UTC),
    dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC), dt.datetime(2024, 6, 30, tzinfo=dt.UTC),
)  # fmt: skip
VALUES = (None, 0.1, -0.0, 1e300, float("nan"), float("inf"), 2.0**53 + 2)
SEQUENCES = (None, 0, -1, 2**63 - 1, -(2**63))


@pytest.fixture
def rows() -> pl.DataFrame:
    """Rows that each differ in one column from a good one."""
    made: list[dict[str, Any]] = [{"properties": document} for document in DOCUMENTS] + [
        {"occurred_at": at} for at in MOMENTS
    ]
    made += [{"value": value} for value in VALUES] + [{"sequence": place} for place in SEQUENCES]
    usual: dict[str, Any] = {"occurred_at": AT, "sequence": 1, "value": 1.0, "properties": None}
    schema: dict[str, Any] = {
        "event_id": pl.String, "user_id": pl.String, "event": pl.String, "occurred_at": pl.Datetime("us", "UTC"),
        "sequence": pl.Int64, "value": pl.Float64, "properties": pl.String,
    }  # fmt: skip
    return pl.DataFrame(
        [{"event_id": f"e{i}", "user_id": "ann", "event": "solve", **usual, **row} for i, row in enumerate(made)],
        schema,
    )


def test_typed_rows_are_taken_and_refused_as_the_same_rows_in_text(rows: pl.DataFrame, tmp_path: Path) -> None:
    found = []
    as_text = rows.with_columns(
        pl.col("occurred_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"), pl.col("sequence", "value").cast(pl.String)
    )
    for name, frame in {"typed": rows, "text": as_text}.items():
        with scratch() as warehouse:
            sync_metrics(warehouse, LEAN)
            result = deliver(warehouse, LEAN, tmp_path, {f"{name}.parquet": _parquet(frame)})
            reasons = {line: reason for _, line, _, reason in quarantine(warehouse)}
            found.append((events_of(warehouse).rows(), parts_of(warehouse), reasons))
            assert result.taken + result.refused == rows.height
            assert result.refused > 15
            assert result.taken > 15
    assert found[0] == found[1]


def test_a_typed_row_is_shown_whole_when_it_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": ["ann"], "event": ["dance"], "occurred_at": [AT], "sequence": [7], "value": [0.5]})
    with scratch() as warehouse:
        sync_metrics(warehouse, LEAN)
        both = pl.concat([frame, frame.with_columns(event=pl.lit("solve"))])
        deliver(warehouse, LEAN, tmp_path, {"a.parquet": _parquet(both)})
        ((_, line, raw, _),) = quarantine(warehouse)
    assert line == 1
    assert '"_line"' not in (raw or "")
    assert '"occurred_at":"2024-05-01 10:00:00+00","sequence":"7","value":"0.5"' in (raw or "")


def test_players_who_moved_and_players_who_stayed_each_have_their_own_days(tmp_path: Path) -> None:
    people = (
        "user_id,recorded_at,timezone\n"
        "moved,2024-01-01T00:00:00Z,America/New_York\nmoved,2024-05-10T00:00:00Z,Asia/Tokyo\n"
        "stayed,2024-01-01T00:00:00Z,America/New_York\nstayed,2024-05-10T00:00:00Z,America/New_York\n"
    )
    at = ["2024-05-01T02:00:00Z", "2024-05-11T20:00:00Z"]
    events = [
        {"user_id": user, "event": "solve", "occurred_at": moment}
        for user in ("moved", "stayed", "nowhere")
        for moment in at
    ]
    with scratch() as warehouse:
        sync_metrics(warehouse, LEAN)
        deliver(warehouse, LEAN, tmp_path, {"players.csv": people}, players=True, history=True)
        deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(events)})
        found = warehouse.rows(
            "SELECT user_id, day::VARCHAR FROM events JOIN players USING (player_key) ORDER BY user_id, occurred_at"
        )
    assert found == [
        ("moved", "2024-04-30"), ("moved", "2024-05-12"), ("nowhere", "2024-05-01"), ("nowhere", "2024-05-11"),
        ("stayed", "2024-04-30"), ("stayed", "2024-05-11"),
    ]  # fmt: skip


def test_of_repeated_ids_the_first_stays_whether_it_came_now_or_before(tmp_path: Path) -> None:
    def solved(**points: int) -> str:
        rows = [
            {
                "event_id": i.rstrip("_"),
                "user_id": "ann",
                "event": "solve",
                "occurred_at": AT.isoformat(),
                "value": value,
            }
            for i, value in points.items()
        ]
        return as_csv(rows)

    with scratch() as warehouse:
        sync_metrics(warehouse, LEAN)
        first = only(deliver(warehouse, LEAN, tmp_path, {"a.csv": solved(a=1, b=1, b_=1, b__=2, c=1)}))
        assert (first.rows_taken, first.rows_known, first.rows_refused) == (3, 1, 1)
        later = only(deliver(warehouse, LEAN, tmp_path, {"b.csv": solved(b=2, b_=1, a=1, d=3, d_=4, d__=3)}))
        assert (later.rows_taken, later.rows_known, later.rows_refused) == (1, 3, 2)
        kept = warehouse.rows("SELECT event_id, value FROM events ORDER BY event_id")
    assert kept == [("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 3.0)]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="tells its largest memory another way")
def test_a_delivery_of_four_times_the_rows_goes_in_through_the_disk_with_the_same_memory(tmp_path: Path) -> None:
    sizes = (100_000, 400_000)
    command = [sys.executable, "-m", "tests.pipelines.activity.memory", str(tmp_path), *map(str, sizes)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, check=True, cwd=root, capture_output=True, text=True, timeout=600)
    small, large = map(json.loads, done.stdout.splitlines())
    for size, found in zip(sizes, (small, large), strict=True):
        assert (found["taken"], found["points"]) == (size, sum(i % 50 for i in range(size)))
    # 52 MB with a tenth of a gigabyte for DuckDB, 140 where it may have all that it asks for
    assert large["peak_mb"] - small["peak_mb"] < 90


def _parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()
