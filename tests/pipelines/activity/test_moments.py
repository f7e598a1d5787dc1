"""A moment is read with its zone or offset, however a common tool prints it, or refused with the true reason."""

import datetime as dt
import io
import json
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.zones import zone_names
from data.warehouse import scratch
from pipelines.activity.moments import read_odd_moments, with_moments, with_plain_moments
from tests.pipelines.activity.deliveries import AT, LEAN, as_csv, as_jsonl, deliver, solve

NEW_YORK = LEAN.model_copy(update={"timezone": "America/New_York"})
UTC2, WALL6, NEXT2 = "2023-09-01T02:00:00Z", "2023-09-01T06:00:00Z", "2023-09-02T04:00:00Z"
PARIS, NO_SUCH, UNLIKE = (
    "2023-09-01T00:00:00Z",
    "is not a date and time of the calendar",
    "is not a date and time such as",
)
ORDER, COUNT = "does not say which number is the day and which the month", "is a count of seconds or days"

# What is written, and the instant it is in an app of New York (four hours behind UTC in summer), or why it is refused.
SPELLINGS = {
    # databases: PostgreSQL, MySQL, SQLite, SQL Server, Oracle, BigQuery, Snowflake
    "2023-09-01 02:00:00+00": UTC2,
    "2023-09-01 02:00:00+05:30": "2023-08-31T20:30:00Z",
    "2023-09-01 02:00:00.123456+00": "2023-09-01T02:00:00.123456Z",
    "Fri Sep 01 02:00:00 2023 UTC": UTC2,
    "Fri Sep 01 02:00:00 2023 PST": "names the zone 'PST', which is not one IANA time zone",
    "09/01/2023 02:00:00 UTC": ORDER,
    "2023-09-01 02:00:00": WALL6,
    "2023-09-01 02:00:00.000000": WALL6,
    "0000-00-00 00:00:00": NO_SUCH,
    "2023-09-01 02:00:00.0000000 +00:00": UTC2,
    "2023-09-01 02:00:00.1234567": "2023-09-01T06:00:00.123456Z",
    "Sep  1 2023  2:00AM": WALL6,
    "01-SEP-23 02.00.00.000000 AM +00:00": "has a year of two digits",
    "01-SEP-2023 02:00:00": WALL6,
    "2023-09-01 02:00:00 UTC": UTC2,
    "2023-09-01 02:00:00.5 UTC": "2023-09-01T02:00:00.5Z",
    "2023-09-01 02:00:00.000 -0700": "2023-09-01T09:00:00Z",
    "Fri, 01 Sep 2023 02:00:00 Z": UTC2,
    # languages: Python, Java, JavaScript, Go, Ruby, PHP, R, C, .NET
    "2023-09-01T02:00:00+00:00": UTC2,
    "2023-09-01T02:00:00.123456+02:00": "2023-09-01T00:00:00.123456Z",
    "2023-09-01 02:00:00,123": "2023-09-01T06:00:00.123Z",
    "2023-09-01T02:00:00Z": UTC2,
    "2023-09-01T02:00:00.123456789Z": "2023-09-01T02:00:00.123456Z",
    "2023-09-01T02:00Z": UTC2,
    "2023-09-01T02:00": WALL6,
    "2023-09-01T02:00+02:00[Europe/Berlin]": PARIS,
    "2023-09-01T02:00:00Z[UTC]": UTC2,
    "2023-09-01T02:00+05:00[Europe/Berlin]": "has an offset that Europe/Berlin did not have then",
    "2023-09-01T02:00+02:00[Europe/Berln]": "names the zone 'Europe/Berln'",
    "Fri Sep 01 02:00:00 CEST 2023": "names the zone 'CEST'",
    "Sep 1, 2023, 2:00:00\u202fAM": WALL6,
    "Fri Sep 01 2023 02:00:00 GMT+0200 (Central European Summer Time)": PARIS,
    "Fri, 01 Sep 2023 02:00:00 GMT": UTC2,
    "9/1/2023, 2:00:00 AM": ORDER,
    "2023-09-01 02:00:00 +0200 CEST": PARIS,
    "2023-09-01 02:00:00.000000001 +0000 UTC m=+0.000012": UTC2,
    "2023-09-01 02:00:00 +0530 +0530": "2023-08-31T20:30:00Z",
    "2023-09-01 02:00:00 +0200": PARIS,
    "Friday, 01-Sep-2023 02:00:00 GMT": UTC2,
    "2023-09-01 02:00:00 CEST": "names the zone 'CEST'",
    "Fri Sep  1 02:00:00 2023": WALL6,
    "2023-09-01T02:00:00.0000000Z": UTC2,
    # shells, servers and mail: date, HTTP, RFC 2822, RFC 850, logs
    "Fri Sep  1 02:00:00 UTC 2023": UTC2,
    "Fri Sep  1 02:00:00 AM UTC 2023": UTC2,
    "Fri  1 Sep 02:00:00 UTC 2023": UTC2,
    "Fri, 1 Sep 2023 02:00:00 +0000 (UTC)": UTC2,
    "1 Sep 2023 02:00:00 -0000": UTC2,
    "Friday, 01-Sep-23 02:00:00 GMT": "has a year of two digits",
    "01/Sep/2023:02:00:00 +0000": UTC2,
    "Mon, 01 Sep 2023 02:00:00 GMT": "was a Friday, not what it says",
    # spreadsheets and people
    "9/1/2023 2:00": ORDER,
    "31/05/2023 14:05": ORDER,
    "01.09.2023 02:00": ORDER,
    "45170.0833": COUNT,
    "2023/09/01 02:00:00": WALL6,
    "2023/9/1 2:00": WALL6,
    "September 1, 2023 2:00 AM": WALL6,
    "1 September 2023": "2023-09-01T04:00:00Z",
    "2023-09-01 10:00:00 PM": "2023-09-02T02:00:00Z",
    "2023-09-01 12:00:00 am": "2023-09-01T04:00:00Z",
    "2023-09-01 12:30 p.m.": "2023-09-01T16:30:00Z",
    "2023-09-01 13:00 PM": NO_SUCH,
    "2023-09-01T02:00:00+02:00 PM": "names the zone 'PM'",
    # counts
    "1693533600": COUNT,
    "1693533600000": COUNT,
    "1693533600000000": COUNT,
    "1.6935336E9": COUNT,
    "-1": COUNT,
    # white space
    "2023-09-01T02:00:00Z ": UTC2,
    "  2023-09-01T02:00:00Z": UTC2,
    "2023-09-01T02:00:00Z\u00a0": UTC2,
    "2023-09-01T02:00:00\u00a0UTC": UTC2,
    "\u200e2023-09-01T02:00:00Z\u200e": UTC2,
    "   ": UNLIKE,
    # offsets and zones
    "2023-09-01t02:00:00z": UTC2,
    "2023-09-01T02:00:00+00:00:00": UTC2,
    "2023-09-01T02:00:00+05": "2023-08-31T21:00:00Z",
    "2023-09-01T02:00:00+0530": "2023-08-31T20:30:00Z",
    "2023-09-01T02:00:00-00:00": UTC2,
    "2023-09-01T02:00:00\u221203:00": "2023-09-01T05:00:00Z",
    "2023-09-01T02:00:00+14:00": "2023-08-31T12:00:00Z",
    "2023-09-01T02:00:00+14:01": "has an offset that no clock has",
    "2023-09-01T02:00:00+25:00": "has an offset that no clock has",
    "2023-09-01T02:00:00-25:00": "has an offset that no clock has",
    "2023-09-01T02:00:00+01:75": "has an offset that no clock has",
    "2023-09-01T02:00:00+5": "ends in '+5', which is neither an offset nor a time zone",
    "2023-09-01 02:00:00 GMT-0700": "2023-09-01T09:00:00Z",
    "2023-09-01 02:00:00 UTC+02:00": PARIS,
    "2023-09-01 02:00:00 Europe/Paris": PARIS,
    "2023-09-01 02:00:00 Asia/Kolkata": "2023-08-31T20:30:00Z",
    "2023-09-01 02:00:00 Etc/GMT+5": "2023-09-01T07:00:00Z",
    "2023-09-01 02:00:00 EST": "names the zone 'EST'",
    "2023-09-01 02:00:00 CST6CDT": "names the zone 'CST6CDT'",
    "2023-09-01T02:00:00Z EST": "names the zone 'EST'",
    "2023-09-01 02:00:00 nonsense": "ends in 'nonsense', which is neither an offset nor a time zone",
    "2023-09-01T02:00:00Z nonsense": "ends in 'Z nonsense'",
    # the calendar and the clock
    "2023-09-01": "2023-09-01T04:00:00Z",
    "20230901T020000Z": UTC2,
    "20230901T020000": WALL6,
    "2023-09-01 24:00:00": NEXT2,
    "2023-09-01 24:00:01": NO_SUCH,
    "2023-09-01T23:59:60Z": NO_SUCH,
    "2023-02-30T10:00:00Z": NO_SUCH,
    "2023-13-01 10:00": NO_SUCH,
    "2023-W35-5T02:00:00Z": UNLIKE,
    "2023-244T02:00:00Z": UNLIKE,
    "-2023-09-01T02:00:00Z": UNLIKE,
    "12023-09-01T02:00:00Z": UNLIKE,
    "02:00:00": UNLIKE,
    "now": UNLIKE,
    "infinity": UNLIKE,
    # wall times when the clock is changed
    "2023-11-05 01:30:00": "came twice in America/New_York, where the clock was set back; write the offset",
    "2023-11-05 01:30:00-05:00": "2023-11-05T06:30:00Z",
    "2023-11-05 02:30:00": "2023-11-05T07:30:00Z",
    "2023-11-06": "2023-11-06T05:00:00Z",
    "2023-03-12 02:30:00": "never was in America/New_York, where the clock was set forward; write the offset",
    "2023-03-12 03:30:00": "2023-03-12T07:30:00Z",
    "2023-10-29 02:30 Europe/Berlin": "came twice in Europe/Berlin",
    "2023-10-29T02:30+01:00[Europe/Berlin]": "2023-10-29T01:30:00Z",
    "2023-03-26 02:30 Europe/Berlin": "never was in Europe/Berlin",
    "2023-04-28 00:30 Africa/Cairo": "never was in Africa/Cairo",
    "2023-04-02 01:45 Australia/Lord_Howe": "came twice in Australia/Lord_Howe",
}  # fmt: skip


def microseconds(instant: str) -> int:
    return (dt.datetime.fromisoformat(instant) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def found(warehouse) -> dict[str, int | str]:
    """The microseconds of each event taken, and the reason of each refused, by event_id."""
    taken = warehouse.frame("SELECT event_id, epoch_us(occurred_at) AS us FROM events").rows()
    refused = warehouse.frame("SELECT raw, reason FROM quarantine").rows()
    return dict(taken) | {json.loads(raw)["event_id"]: reason for raw, reason in refused}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    rows = [solve("ann", written, event_id=f"e{i}") for i, written in enumerate(SPELLINGS)]
    with scratch() as warehouse:
        deliver(warehouse, NEW_YORK, tmp_path_factory.mktemp("read"), {"a.jsonl": as_jsonl(rows)})
        by_id = found(warehouse)
    return {written: by_id[f"e{i}"] for i, written in enumerate(SPELLINGS)}


@pytest.mark.parametrize("written", SPELLINGS)
def test_every_spelling_of_a_moment_is_its_instant_or_refused_with_the_reason(read, written):
    right = SPELLINGS[written]
    if right.endswith("Z") and right.startswith("20"):
        assert read[written] == microseconds(right)
    else:
        assert str(read[written]).startswith(f"occurred_at '{written}' {right}")


def test_moments_of_players_are_read_as_those_of_events(read, tmp_path):
    rows = [
        {"user_id": f"{name}{i}", "recorded_at": AT, name: written}
        for i, written in enumerate(SPELLINGS)
        for name in ("recorded_at", "joined_at")
    ]
    with scratch() as warehouse:
        deliver(warehouse, NEW_YORK, tmp_path, {"players.jsonl": as_jsonl(rows)}, players=True)
        taken = warehouse.frame(
            """SELECT user_id, epoch_us(if(user_id LIKE 'joined%', joined_at, recorded_at)) AS us
               FROM player_records JOIN players USING (player_key)"""
        ).rows()
        refused = warehouse.frame("SELECT raw, reason FROM quarantine").rows()
    seen = dict(taken) | {json.loads(raw)["user_id"]: reason for raw, reason in refused}
    for i, written in enumerate(SPELLINGS):
        for name in ("recorded_at", "joined_at"):
            right = read[written]
            assert seen[f"{name}{i}"] == (right if isinstance(right, int) else right.replace("occurred_at", name))


def test_a_typed_column_of_any_unit_and_zone_means_what_its_text_means(tmp_path):
    instant = dt.datetime(2023, 9, 1, 2, tzinfo=dt.UTC)
    kinds = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in ("UTC", "+05:30", "Asia/Kolkata")]
    kinds += [pa.timestamp("us", zone) for zone in ("-03:30", "+14:00", "+00:00", "America/New_York", "-12:00")]
    for kind in kinds:
        columns = {"user_id": ["ann"], "event": ["solve"], "occurred_at": pa.array([instant], kind)}
        columns["properties"] = pa.array([{"topic": "x"}])
        stream = io.BytesIO()
        pq.write_table(pa.table(columns), stream)
        with scratch() as warehouse:
            assert deliver(warehouse, NEW_YORK, tmp_path, {"a.parquet": stream.getvalue()}).taken == 1, kind
            assert warehouse.value("SELECT epoch_us(occurred_at) FROM events") == microseconds(UTC2), kind
    wall = pa.table({"user_id": ["ann"], "event": ["solve"], "occurred_at": pa.array([instant.replace(tzinfo=None)])})
    stream = io.BytesIO()
    pq.write_table(wall, stream)
    with scratch() as warehouse:
        deliver(warehouse, NEW_YORK, tmp_path, {"a.parquet": stream.getvalue()})
        assert warehouse.value("SELECT epoch_us(occurred_at) FROM events") == microseconds(WALL6)


ZONES = ["Europe/Berlin", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Beirut", "America/Santiago"]


@pytest.mark.parametrize("zone", ZONES)
def test_a_wall_time_is_taken_exactly_if_the_zone_had_it_once(zone, tmp_path):
    place = ZoneInfo(zone)
    days = [dt.datetime(2023, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=i) for i in range(365)]
    shifts = [day.astimezone(place).utcoffset() for day in days]
    changes = [day for day, before, after in zip(days, shifts, shifts[1:], strict=False) if before != after]
    walls = [(day + dt.timedelta(minutes=15 * i)).replace(tzinfo=None) for day in changes for i in range(-96, 192)]
    rows = [solve("ann", wall.isoformat(), event_id=wall.isoformat()) for wall in walls]
    app = LEAN.model_copy(update={"timezone": zone})
    with scratch() as warehouse:
        deliver(warehouse, app, tmp_path, {"a.jsonl": as_jsonl(rows)}, history=True)
        seen = found(warehouse)
    for wall in walls:
        both = {wall.replace(tzinfo=place, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
        real = {moment for moment in both if moment.astimezone(place).replace(tzinfo=None) == wall}
        got = seen[wall.isoformat()]
        if len(real) == 1:
            assert got == microseconds(real.pop().isoformat()), wall
        else:
            assert ("came twice" if real else "never was") in str(got), wall


def test_a_date_alone_is_when_that_day_begins_also_where_its_midnight_is_skipped_or_comes_twice(tmp_path):
    rows = {
        "Africa/Cairo": ("2023-04-28", "2023-04-27T22:00:00+00:00"),
        "America/Havana": ("2023-11-05", "2023-11-05T04:00:00+00:00"),
        "Europe/Berlin": ("2023-10-30", "2023-10-29T23:00:00+00:00"),
    }
    for zone, (day, begins) in rows.items():
        app = LEAN.model_copy(update={"timezone": zone})
        with scratch() as warehouse:
            deliver(warehouse, app, tmp_path, {"a.csv": as_csv([solve("ann", day)])}, history=True)
            assert warehouse.value("SELECT epoch_us(occurred_at) FROM events") == microseconds(begins), zone


ANYTHING = st.text(max_size=40) | st.text(alphabet="0123456789-/:. TZ+UTCAPMSep[]", max_size=30)


@settings(max_examples=20, deadline=None)
@given(st.lists(ANYTHING, min_size=10, max_size=30))
def test_no_text_whatever_breaks_the_reading_of_moments(written):
    with scratch() as warehouse, warehouse.lend(_written=pl.DataFrame({"said": written})):
        warehouse.run("CREATE TEMP TABLE known_zones AS SELECT 'Europe/Berlin' AS zone")
        query = with_moments("(FROM _written)", ("said",), "America/New_York")
        found = warehouse.rows(f"SELECT said, said_moment, said_fault FROM {query}")
    assert len(found) == len(written)
    assert [said for said, moment, fault in found if moment is None and fault is None] == []


ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia")


@pytest.mark.parametrize("zone", ZONES)
def test_plain_moments_are_what_a_long_look_finds_and_what_is_left_is_filled_in(zone):
    hours = "SELECT strftime(h, '%Y-%m-%d %H:%M') AS said FROM range(TIMESTAMP '{}', '{}', INTERVAL {} MINUTE) t(h)"
    spans = [("1969-12-25", "1970-01-10", 60), ("2011-12-20", "2012-01-05", 60), ("2024-01-01", "2024-12-31", 30)]
    odd = "SELECT unnest(['2024-05-31', '2024-02-30', '31 May 2024', '2024-05-31T14:05Z', 'soon', '2040-01-01', NULL])"
    with scratch() as warehouse:
        warehouse.run("CREATE TEMP TABLE known_zones AS SELECT 'Europe/Berlin' AS zone")
        texts = " UNION ALL ".join([*(f"({hours.format(*span)})" for span in spans), odd])
        warehouse.run(f"CREATE TEMP TABLE texts AS {texts}")
        warehouse.run(f"CREATE TEMP TABLE read AS FROM {with_plain_moments('texts', ('said',), zone)}")
        left = "SELECT count(*) FROM read WHERE said IS NOT NULL AND said_moment IS NULL"
        assert 5 < warehouse.value(left) < 2500
        read_odd_moments(warehouse, "read", ("said",), zone)
        long = with_moments("texts", ("said",), zone)
        columns = "said, said_wall, said_moment, said_fault"
        assert warehouse.rows(f"SELECT {columns} FROM read EXCEPT ALL SELECT {columns} FROM {long}") == []
        assert warehouse.rows("SELECT said FROM read") == warehouse.rows("FROM texts")


def test_the_earliest_day_is_the_apps_to_say_and_a_mended_file_takes_the_same_delivery(tmp_path):
    old = {"a.csv": as_csv([solve("ann", "1997-01-01T10:00:00Z"), solve("bob", "1989-12-31T23:00:00Z")])}
    with scratch() as warehouse:
        deliver(warehouse, LEAN, tmp_path, old | {"b.csv": as_csv([solve("eve")])})
        assert warehouse.value("SELECT count(*) FROM events") == 1
        mended = LEAN.model_copy(update={"earliest": dt.date(1990, 1, 1)})
        assert deliver(warehouse, mended, tmp_path, old).taken == 1
        assert warehouse.value("SELECT count(*) FROM quarantine WHERE reason LIKE '%before 1990-01-01%'") == 1


def test_the_earliest_day_begins_with_the_apps_own_clock(tmp_path):
    app = LEAN.model_copy(update={"earliest": dt.date(1997, 1, 1), "timezone": "Europe/Berlin"})
    rows = [solve("ann", "1996-12-31T23:00:00Z"), solve("bob", "1996-12-31T22:59:59Z")]
    with scratch() as warehouse:
        deliver(warehouse, app, tmp_path, {"a.csv": as_csv(rows)})
        assert warehouse.value("SELECT list(user_id) FROM events JOIN players USING (player_key)") == ["ann"]


@pytest.mark.parametrize("form", ["2024-05-15 12:00 {}", "2024-05-15T12:00:00 {}", "May 15, 2024, 12:00 PM {}"])
def test_every_zone_that_has_small_letters_in_its_name_is_read_behind_a_time(form):
    zones = sorted(zone for zone in zone_names() if zone != zone.upper() and zone != "localtime")
    said = pl.DataFrame({"zone": zones, "said": [form.format(zone) for zone in zones]})
    with scratch() as warehouse, warehouse.lend(_said=said):
        warehouse.run(
            "CREATE TEMP TABLE known_zones AS "
            "SELECT zone FROM _said WHERE zone IN (SELECT name FROM pg_timezone_names())"
        )
        query = with_moments("(FROM _said SEMI JOIN known_zones USING (zone))", ("said",), "UTC")
        right = "said_moment IS NOT DISTINCT FROM timezone(zone, TIMESTAMP '2024-05-15 12:00')"
        assert warehouse.rows(f"SELECT said, said_fault FROM {query} WHERE NOT ({right})") == []
        assert warehouse.value("SELECT count(*) FROM known_zones") > 400


def test_a_small_z_is_utc_too():
    with scratch() as warehouse:
        warehouse.run("CREATE TEMP TABLE known_zones (zone VARCHAR)")
        query = with_moments("(SELECT '2024-05-01T10:00:00.5z' AS said)", ("said",), "America/New_York")
        assert warehouse.rows(f"SELECT epoch_ms(said_moment), said_fault FROM {query}") == [(1714557600500, None)]
