"""What goes in: every format the same, once, in order, on the player's own day; late events reopen their days."""

import datetime as dt
import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from data.warehouse import Warehouse, scratch
from pipelines.activity.parts import refresh_parts
from pipelines.players.features import compute_features
from tests.factories import known_at, make_app
from tests.pipelines.activity.deliveries import (
    AT,
    LEAN,
    NOW,
    as_csv,
    as_jsonl,
    deliver,
    events_of,
    only,
    parts_of,
    quarantine,
    solve,
    users,
)

ROWS = [
    solve("ann", "2024-05-01T10:00:00Z", event_id="e1", sequence=2, points=1.5, topic='tea, "green"'),
    solve("bob", "2024-05-01T12:00:00+02:00", event_id="e2", value=3.25),
    solve("ann", "2024-05-02 23:59:59.5", event_id="e3", points=7),
    {
        "event_id": "e4",
        "user_id": "ann",
        "event": "liked",
        "occurred_at": AT,
        "properties": {"delta": 1, "post_id": "p"},
    },
]


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


def as_parquet(folder: Path, rows: list[dict]) -> bytes:
    texts = [row | {"properties": json.dumps(row["properties"]) if "properties" in row else None} for row in rows]
    path = folder / "made.parquet"
    pl.DataFrame(texts, infer_schema_length=None).write_parquet(path)
    content = path.read_bytes()
    path.unlink()
    return content


def test_every_format_and_compression_gives_the_same_events(tmp_path):
    forms = {
        "a.csv": as_csv(ROWS),
        "a.tsv": as_csv(ROWS, delimiter="\t"),
        "a.txt": as_csv(ROWS, delimiter=";"),
        "bom.csv": "\ufeff" + as_csv(ROWS),
        "unix.csv": as_csv(ROWS).replace("\r\n", "\n").rstrip(),
        "a.jsonl": as_jsonl(ROWS),
        "gap.ndjson": as_jsonl(ROWS).replace("\n", "\n\n"),
        "a.csv.gz": gzip.compress(as_csv(ROWS).encode()),
        "misnamed.csv": gzip.compress(as_jsonl(ROWS).encode()),
        "a.parquet": as_parquet(tmp_path, ROWS),
    }
    found = {}
    for name, content in forms.items():
        with scratch() as warehouse:
            assert deliver(warehouse, LEAN, tmp_path, {name: content}).taken == 4, name
            found[name] = events_of(warehouse)
    first = found["a.csv"]
    assert first["properties"].to_list()[0] == '{"points":1.5,"topic":"tea, \\"green\\""}'
    assert first["occurred_at"].to_list()[3] == dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
    assert first["sequence"].to_list() == [2, 0, 0, 0]
    for name, events in found.items():
        assert events.equals(first), name


def test_a_folder_is_walked_in_order_of_name_and_rows_keep_their_order(warehouse, tmp_path):
    files = {"2024-05-02.csv": as_csv([solve("late", topic="b")]), "2024-05-01/x.csv": as_csv([solve("early")])}
    deliver(warehouse, LEAN, tmp_path, files)
    again = deliver(warehouse, LEAN, tmp_path, {})
    assert again.taken == 0
    order = warehouse.frame("SELECT file FROM deliveries ORDER BY delivery_id")["file"]
    assert [Path(file).name for file in order] == ["2024-05-02.csv", "x.csv"]


def test_a_delivery_is_taken_once_whatever_its_name(warehouse, tmp_path):
    text = as_csv([solve(points=1), solve(points=1), solve("bob", points=2)])
    assert deliver(warehouse, LEAN, tmp_path, {"a.csv": text}).taken == 3
    before = (events_of(warehouse), parts_of(warehouse))
    assert only(deliver(warehouse, LEAN, tmp_path, {"a.csv": text})).state == "already taken"
    assert only(deliver(warehouse, LEAN, tmp_path, {"renamed.csv": text})).state == "already taken"
    assert warehouse.value("SELECT count(*) FROM deliveries") == 1
    assert events_of(warehouse).equals(before[0])
    assert parts_of(warehouse) == before[1]


def test_one_file_twice_in_one_delivery_is_taken_once(warehouse, tmp_path):
    result = deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(ROWS), "b.csv": as_csv(ROWS)})
    assert [d.state for d in result.deliveries] == ["taken", "already taken"]
    assert result.taken == 4


def test_a_changed_delivery_under_the_same_name_adds_what_is_new(warehouse, tmp_path):
    rows = [solve(points=1), solve("bob", points=2)]
    deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(rows)})
    delivery = only(deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([*rows, solve("eve", points=3)])}))
    assert (delivery.state, delivery.rows_taken, delivery.rows_known) == ("taken", 1, 2)
    assert users(warehouse) == ["ann", "bob", "eve"]


def test_rows_repeated_to_the_letter_in_a_delivery_all_count_and_again_only_when_they_are_more(warehouse, tmp_path):
    row = solve(points=2)
    assert deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([row] * 3)}).taken == 3
    delivery = only(deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl([row] * 5)}))
    assert (delivery.rows_taken, delivery.rows_known) == (2, 3)
    assert warehouse.value("SELECT sum(n) FROM player_days WHERE metric = 'solved'") == 5


def test_one_id_with_two_contents_keeps_the_first_and_quarantines_the_other(warehouse, tmp_path):
    rows = [solve(event_id="x", points=1), solve(event_id="x", points=2), solve(event_id="x", points=1)]
    delivery = only(deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(rows)}))
    assert (delivery.rows_taken, delivery.rows_known, delivery.rows_refused) == (1, 1, 1)
    later = only(deliver(warehouse, LEAN, tmp_path, {"b.csv": as_csv([*rows[:2], solve(event_id="y", points=9)])}))
    assert (later.rows_taken, later.rows_known, later.rows_refused) == (1, 1, 1)
    assert warehouse.value("SELECT properties ->> '$.points' FROM events WHERE event_id = 'x'") == "1"
    reason = "event_id 'x' was taken before with other content; the first stays"
    raw = as_csv(rows[1:2]).splitlines()[1]
    assert quarantine(warehouse) == [("a.csv", 3, raw, reason), ("b.csv", 3, raw, reason)]


def test_the_same_event_written_otherwise_is_known(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([solve(event_id="x", at="2024-05-01T10:00:00Z", points=1)])})
    same = solve(event_id="x", at="2024-05-01T12:00:00.000+02:00", properties='{ "points": 1, "topic": null }')
    assert only(deliver(warehouse, LEAN, tmp_path, {"b.csv": as_csv([same])})).rows_known == 1


def test_a_mended_app_file_takes_a_delivery_again_and_adds_what_it_refused(warehouse, tmp_path):
    text = as_csv([solve(points=1), solve(event="nap")])
    deliver(warehouse, LEAN, tmp_path, {"a.csv": text})
    events = {name: event.model_dump() for name, event in LEAN.events.items()} | {"nap": {}}
    mended = make_app(events=events)
    delivery = only(deliver(warehouse, mended, tmp_path, {"a.csv": text}))
    assert (delivery.state, delivery.rows_taken, delivery.rows_known) == ("taken", 1, 1)


def test_delivery_ids_rise_even_after_files_that_were_not_taken(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"a.csv": "", "b.csv": "", "c.csv": "no header\n", "d.csv": as_csv(ROWS[:1])})
    for i in range(1, 4):
        deliver(warehouse, LEAN, tmp_path, {f"{i}.csv": as_csv(ROWS[i : i + 1])})
    taken = warehouse.frame("SELECT file FROM deliveries ORDER BY delivery_id")["file"]
    assert [Path(file).name for file in taken] == ["d.csv", "1.csv", "2.csv", "3.csv"]


def test_history_is_known_from_when_it_happened_and_deliveries_from_when_they_came(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"past.csv": as_csv([solve("ann", AT)])}, history=True)
    deliver(warehouse, LEAN, tmp_path, {"now.csv": as_csv([solve("bob", AT)])})
    times = warehouse.frame("SELECT available_at FROM events JOIN players USING (player_key) ORDER BY user_id")
    assert times["available_at"].to_list() == [dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC), NOW]


def test_events_that_happen_to_a_player_or_that_nightquest_reserves_are_no_play(warehouse, tmp_path):
    rows = [
        solve("ann"),
        {"user_id": "ann", "event": "liked", "occurred_at": AT},
        solve("ann", event="nightquest.shown", properties={"content_id": "c"}),
        solve("ann", event="nightquest.rated", value=5, properties={"content_id": "c"}),
        solve("ann", event="nightquest.awarded", properties={"badge_id": "b"}),
    ]
    assert deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl(rows)}).taken == 5
    assert warehouse.frame("SELECT event FROM events WHERE active")["event"].to_list() == ["solve"]
    assert warehouse.value("SELECT n_events FROM active_days") == 1


# -- Days --------------------------------------------------------------------------------------------------------------

BERLIN = make_app(timezone="Europe/Berlin", day_starts_at="04:00")


def days(warehouse: Warehouse) -> list[tuple[str, int]]:
    frame = warehouse.frame("SELECT day, local_hour FROM events ORDER BY occurred_at, event_id")
    return [(day.isoformat(), hour) for day, hour in frame.rows()]


@pytest.mark.parametrize(
    ("at", "day", "hour"),
    [
        ("2024-05-02T01:59:59Z", "2024-05-01", 3),  # 03:59:59 in Berlin: still the day before
        ("2024-05-02T02:00:00Z", "2024-05-02", 4),
        ("2024-03-31T00:59:59Z", "2024-03-30", 1),  # the clock goes from 02:00 to 03:00
        ("2024-03-31T01:00:00Z", "2024-03-30", 3),
        ("2024-03-31T01:59:59Z", "2024-03-30", 3),
        ("2024-03-31T02:00:00Z", "2024-03-31", 4),  # this day begins 23 hours after the last
        ("2023-10-29T00:30:00Z", "2023-10-28", 2),  # 02:30 twice
        ("2023-10-29T01:30:00Z", "2023-10-28", 2),
        ("2023-10-29T02:59:59Z", "2023-10-28", 3),
        ("2023-10-29T03:00:00Z", "2023-10-29", 4),  # and this one 25 hours after
        ("2024-05-01T12:00:00", "2024-05-01", 12),  # naive: the app's zone
        ("2024-05-01", "2024-04-30", 0),
    ],
)
def test_a_day_begins_at_the_apps_hour_on_the_local_clock(day_of, at, day, hour):
    assert day_of[at] == (day, hour)


@pytest.fixture(scope="module")
def day_of(tmp_path_factory):
    """Local day and hour by time as delivered."""
    marks = test_a_day_begins_at_the_apps_hour_on_the_local_clock.pytestmark
    times = [at for at, _, _ in marks[0].args[1]]
    rows = [solve(event_id=f"e{i:02d}", at=at) for i, at in enumerate(times)]
    with scratch() as warehouse:
        deliver(warehouse, BERLIN, tmp_path_factory.mktemp("days"), {"a.csv": as_csv(rows)})
        found = warehouse.frame("SELECT day, local_hour FROM events ORDER BY event_id").rows()
    return {at: (day.isoformat(), hour) for at, (day, hour) in zip(times, found, strict=True)}


PLAYERS = (
    "user_id,recorded_at,timezone,language,born_on,joined_at,opted_out,attributes\n"
    'ann,2024-01-01T00:00:00Z,America/New_York,en,1990-02-28,2023-12-31T12:00:00Z,false,"{""team"": ""red""}"\n'
    "ann,2024-05-10T00:00:00Z,Asia/Tokyo,ja,,,,\n"
)


def test_a_player_lives_in_the_zone_recorded_for_that_moment(warehouse, tmp_path):
    result = deliver(warehouse, LEAN, tmp_path, {"players.csv": PLAYERS}, players=True, history=True)
    assert (result.taken, result.refused) == (2, 0)
    at = ["2023-12-01T02:00:00Z", "2024-05-01T02:00:00Z", "2024-05-11T20:00:00Z"]
    deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([solve("ann", t) for t in at])})
    assert days(warehouse) == [("2023-11-30", 21), ("2024-04-30", 22), ("2024-05-12", 5)]
    deliver(warehouse, LEAN, tmp_path, {"b.csv": as_csv([solve("bob", "2024-05-12T02:00:00Z")])})
    assert days(warehouse)[-1] == ("2024-05-12", 2)


def test_player_records_are_points_in_time_and_taken_once(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"players.csv": PLAYERS}, players=True, history=True)
    more = PLAYERS.replace("Asia/Tokyo", "Asia/Seoul") + "eve,2024-05-01T00:00:00Z,,de,,,true,\n"
    delivery = only(deliver(warehouse, LEAN, tmp_path, {"p2.csv": more}, players=True))
    assert (delivery.rows_taken, delivery.rows_known, delivery.rows_refused) == (1, 1, 1)
    ((_, line, _, reason),) = quarantine(warehouse)
    assert (line, reason) == (3, "this player has another record of the same recorded_at; the first stays")
    records = warehouse.frame(
        """SELECT user_id, timezone, opted_out, attributes ->> '$.team' AS team, available_at
           FROM player_records JOIN players USING (player_key) ORDER BY user_id, recorded_at"""
    ).rows()
    assert records == [
        ("ann", "America/New_York", False, "red", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        ("ann", "Asia/Tokyo", None, None, dt.datetime(2024, 5, 10, tzinfo=dt.UTC)),
        ("eve", None, True, None, NOW),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timezone": "Europe/Berln"}, "timezone 'Europe/Berln' is not an IANA time zone"),
        ({"language": "english please"}, "language 'english please' is not a language tag"),
        ({"born_on": "1890-01-01"}, "born_on is before 1900 or in the future"),
        ({"born_on": "yesterday"}, "born_on 'yesterday' is not a date"),
        ({"recorded_at": ""}, "recorded_at is missing"),
        ({"recorded_at": "2030-01-01T00:00:00Z"}, "recorded_at is in the future"),
        ({"joined_at": "1970-01-01T00:00:00Z"}, "joined_at is before 2000-01-01, the app file's `earliest`"),
        ({"born_on": "1990-02-28 nonsense"}, "born_on '1990-02-28 nonsense' is not a date"),
        ({"born_on": "28/02/1990"}, "born_on '28/02/1990' does not say which number is the day"),
        ({"born_on": "1990-02-28T10:00:00"}, "born_on '1990-02-28T10:00:00' is a time of day, not a date"),
        ({"attributes": '{"a": 1, "a": 2}'}, "attributes names 'a' twice"),
        ({"opted_out": "perhaps"}, "opted_out 'perhaps' is not true or false"),
        ({"attributes": "[]"}, "attributes is not a JSON object"),
        ({"user_id": ""}, "user_id is missing"),
        ({"plan": "x"}, "unknown field 'plan'"),
    ],
)
def test_a_player_record_that_breaks_the_contract_is_quarantined(warehouse, tmp_path, change, reason):
    rows = [{"user_id": "ann", "recorded_at": AT} | change, {"user_id": "bob", "recorded_at": AT}]
    result = deliver(warehouse, LEAN, tmp_path, {"players.jsonl": as_jsonl(rows)}, players=True)
    assert (result.taken, result.refused) == (1, 1)
    ((_, line, raw, why),) = quarantine(warehouse)
    assert (line, raw) == (1, json.dumps(rows[0]))
    assert why.startswith(reason)


# -- Late events -------------------------------------------------------------------------------------------------------


def features_of_night(warehouse: Warehouse, as_of: dt.date, cut: dt.datetime) -> pl.DataFrame:
    keys = warehouse.frame("SELECT player_key FROM players WHERE user_id IN ('ann', 'bob') ORDER BY user_id")
    return compute_features(known_at(warehouse, make_app(), as_of, cut), keys.with_columns(base_day=pl.lit(as_of)))


def test_late_events_reopen_their_days_and_leave_the_features_of_past_nights_as_they_were(warehouse, tmp_path):
    app, night = make_app(), dt.date(2024, 5, 6)
    cut = dt.datetime(2024, 5, 6, 4, tzinfo=dt.UTC)
    on_time = [solve(u, f"2024-05-0{d}T10:00:00Z", points=d, topic=f"t{d}") for u in ("ann", "bob") for d in (1, 2, 5)]
    deliver(warehouse, app, tmp_path, {"a.csv": as_csv(on_time)}, now=cut - dt.timedelta(hours=1))
    before = features_of_night(warehouse, night, cut)
    streak = "SELECT max FROM player_days WHERE metric = 'streak' AND day = '2024-05-05' ORDER BY player_key"
    assert warehouse.frame(streak)["max"].to_list() == [1, 1]

    late = [solve("ann", f"2024-05-0{d}T11:00:00Z", points=90, topic="late") for d in (2, 3, 4)]
    late.append({"user_id": "bob", "event": "liked", "occurred_at": AT, "properties": {"delta": 2, "post_id": "p"}})
    result = deliver(warehouse, app, tmp_path, {"late.csv": as_csv(late)}, now=cut + dt.timedelta(days=3))
    assert (result.taken, result.touched) == (4, 4)

    assert warehouse.frame(streak)["max"].to_list() == [5, 1]
    assert warehouse.value("SELECT max(max) FROM player_days WHERE metric = 'best' AND day = '2024-05-02'") == 90
    assert features_of_night(warehouse, night, cut).equals(before)
    later = features_of_night(warehouse, night, cut + dt.timedelta(days=4))
    assert later["points__28"].to_list() == [1 + 2 + 5 + 270, 8]
    built = parts_of(warehouse)
    refresh_parts(warehouse, app, None)
    assert parts_of(warehouse) == built


def test_only_the_touched_days_are_computed_again(warehouse, tmp_path):
    deliver(
        warehouse, LEAN, tmp_path, {"a.csv": as_csv([solve("ann", f"2024-05-0{d}T10:00:00Z") for d in range(1, 9)])}
    )
    warehouse.run("UPDATE player_days SET sum = 1000 WHERE metric = 'solved'")
    deliver(warehouse, LEAN, tmp_path, {"b.csv": as_csv([solve("ann", "2024-05-03T12:00:00Z")])})
    sums = warehouse.frame("SELECT sum FROM player_days WHERE metric = 'solved' ORDER BY day")["sum"].to_list()
    assert sums == [1000, 1000, 2, 1000, 1000, 1000, 1000, 1000]


def test_progress_never_runs_back_and_ends_full(warehouse, tmp_path):
    seen: list[tuple[str, int, int]] = []
    files = {f"{i}.csv.gz": gzip.compress(as_csv([solve(f"u{i}")] * 50).encode()) for i in range(3)}
    deliver(warehouse, LEAN, tmp_path, files, progress=lambda *step: seen.append(step))
    done = [at for _, at, _ in seen]
    total = sum(len(content) for content in files.values())
    assert done == sorted(done)
    assert (done[-1], seen[-1][2], seen[-1][0]) == (total, total, "Adding up player-days")
