"""Sources: foreign tables kept as they came, one SELECT over all of them, and only what is new goes on."""

import datetime as dt
import io
import re
from pathlib import Path

import polars as pl
import pytest

from configs.errors import NightquestError
from configs.loader import SOURCES, load_app
from data.warehouse import scratch
from pipelines.activity.source import read_source
from tests.pipelines.activity.deliveries import AT, LEAN, as_csv, as_jsonl, deliver, events_of, quarantine, solve, users

LATER = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)  # after all that the real data tells of
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SOURCE = """
    SELECT 'g' || g.id AS event_id, p.name AS user_id, 'solve' AS event, TRY_CAST(g.ended AS TIMESTAMP) AS occurred_at,
           json_object('points', coalesce(to_json(TRY_CAST(g.score AS DOUBLE)), to_json(g.score)),
                       'topic', 'game ' || row_number() OVER (PARTITION BY g.player ORDER BY g.ended)) AS properties,
           g._delivery_id, g._row
    FROM raw_games AS g JOIN raw_people AS p ON p.id = g.player
"""
PEOPLE = "id,name\n1,ann\n2,bob\n"
GAMES = "id,player,ended,score\n10,1,2024-05-01 10:00:00,3\n11,2,2024-05-01 11:00:00,4\n"


def as_parquet(table: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    table.write_parquet(stream)
    return stream.getvalue()


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


def test_a_source_reads_all_that_was_delivered_and_appends_only_what_is_new(warehouse, tmp_path):
    first = deliver(warehouse, LEAN, tmp_path, {"people.csv": PEOPLE, "games-05.csv": GAMES}, source_sql=SOURCE)
    assert (first.taken, first.refused) == (2, 0)
    more = "id,player,ended,score\n12,1,2024-05-02 10:00:00,5\n"
    second = deliver(warehouse, LEAN, tmp_path, {"games-06.csv": more}, source_sql=SOURCE)
    assert (second.taken, second.known) == (1, 2)
    topics = warehouse.frame("SELECT properties ->> '$.topic' AS topic FROM events ORDER BY occurred_at")["topic"]
    assert topics.to_list() == ["game 1", "game 1", "game 2"]
    third = deliver(warehouse, LEAN, tmp_path, {"games-06.csv": more}, source_sql=SOURCE)
    assert [d.state for d in third.deliveries] == ["already taken"]
    assert warehouse.value("SELECT count(*) FROM raw_games") == 3


BOTH = """
    SELECT 'g' || g.id AS event_id, g.player AS user_id, 'solve' AS event, CAST(g.ended AS TIMESTAMP) AS occurred_at,
           json_object('points', TRY_CAST(g.score AS DOUBLE)) AS properties
    FROM raw_games AS g
    UNION ALL
    SELECT 'q' || id, upper(player), 'solve', CAST(ended AS TIMESTAMP) AS at,
           json_object('points', CAST(level AS INT) / 2)
    FROM raw_quests
"""


def test_a_first_file_that_lacks_a_column_is_refused_in_a_sentence_and_the_other_tables_go_in(warehouse, tmp_path):
    quests = "id,who,ended,level\n7,9,2024-05-01 10:00:00,4\n"
    taken = deliver(warehouse, LEAN, tmp_path, {"games.csv": GAMES, "quests.csv": quests}, source_sql=BOTH)
    assert taken.taken == 2
    (refused,) = taken.refused_files
    assert refused.reason == (
        "It lacks 'player'; it has id, who, ended, level; 'who' is perhaps its 'player'. No such file had it before: "
        "rename the column, or write NULL for it in the SELECT, and deliver the file again; nothing of it was kept."
    )
    more = {"games-2.csv": GAMES.replace("10,1", "12,1").replace("11,2", "13,2")}
    assert deliver(warehouse, LEAN, tmp_path, more, source_sql=BOTH).taken == 2  # on nights without such a file, too
    mended = {"quests.csv": quests.replace("who", "player")}
    assert deliver(warehouse, LEAN, tmp_path, mended, source_sql=BOTH).taken == 1
    assert warehouse.value("SELECT count(*) FROM events") == 5


def test_where_other_tables_are_joined_to_the_one_that_lacks_a_column_nothing_is_taken(warehouse, tmp_path):
    files = {"people.csv": PEOPLE.replace("name", "nick"), "games.csv": GAMES}
    with pytest.raises(NightquestError, match=r"'people' lacks 'name'; it has id, nick; .* nothing was taken"):
        deliver(warehouse, LEAN, tmp_path, files, source_sql=SOURCE)
    assert deliver(warehouse, LEAN, tmp_path, {"people.csv": PEOPLE, "games.csv": GAMES}, source_sql=SOURCE).taken == 2


def test_a_mended_source_takes_a_delivery_again_without_keeping_its_rows_twice(warehouse, tmp_path):
    files = {"people.csv": PEOPLE, "games.csv": GAMES}
    wrong = SOURCE.replace("'solve' AS event", "'solv' AS event")
    with pytest.raises(NightquestError, match="2 rows refused, of which 2 because unknown event 'solv'"):
        deliver(warehouse, LEAN, tmp_path, files, source_sql=wrong)
    mended = deliver(warehouse, LEAN, tmp_path, files, source_sql=SOURCE)
    assert (mended.taken, mended.known) == (2, 0)
    assert warehouse.value("SELECT count(*) FROM raw_games") == 2


def test_a_bad_row_of_a_source_is_quarantined_as_it_was_delivered_and_once(warehouse, tmp_path):
    bad = GAMES + "12,1,soon,5\n13,2,2024-05-03 10:00:00,many\n14,2\n"
    result = deliver(warehouse, LEAN, tmp_path, {"people.csv": PEOPLE, "games.csv": bad}, source_sql=SOURCE)
    assert (result.taken, result.refused) == (2, 3)
    again = deliver(
        warehouse, LEAN, tmp_path, {"games2.csv": "id,player,ended,score\n20,1,2024-05-09,5\n"}, source_sql=SOURCE
    )
    assert (again.taken, again.refused) == (1, 0)
    assert quarantine(warehouse) == [
        ("games.csv", 4, '{"id":"12","player":"1","ended":"soon","score":"5"}', "occurred_at is missing"),
        (
            "games.csv",
            5,
            '{"id":"13","player":"2","ended":"2024-05-03 10:00:00","score":"many"}',
            "property points is not a number",
        ),
        ("games.csv", 6, "14,2", "the line has 2 fields and the header has 4"),
    ]


def test_a_later_delivery_may_be_of_another_format_and_have_more_columns(warehouse, tmp_path):
    typed = pl.DataFrame({"id": [30], "player": [1], "ended": ["2024-05-04 10:00:00"], "score": [9.5], "_": [[1, 2]]})
    lines = as_jsonl([{"id": 31, "player": "2", "ended": "2024-05-05 10:00:00", "line": 7, "raw": {"a": 1}}])
    deliver(warehouse, LEAN, tmp_path, {"people.csv": PEOPLE, "games.csv": GAMES}, source_sql=SOURCE)
    files = {"games3.parquet": as_parquet(typed), "games4.jsonl": lines}
    assert deliver(warehouse, LEAN, tmp_path, files, source_sql=SOURCE).taken == 2
    assert users(warehouse) == ["ann", "bob", "ann", "bob"]
    assert warehouse.frame("SELECT line, raw FROM raw_games WHERE id = '31'").rows() == [("7", '{"a":1}')]


def test_a_value_that_an_earlier_column_cannot_hold_costs_its_row_and_another_kind_of_column_its_file(
    warehouse, tmp_path
):
    whole = pl.DataFrame({"id": [10, 11], "player": [1, 2], "ended": ["2024-05-01", "2024-05-02"], "score": [1, 2]})
    source = SOURCE.replace("g.player", "g.player::VARCHAR")
    first = {"people.csv": PEOPLE, "games.parquet": as_parquet(whole)}
    deliver(warehouse, LEAN, tmp_path, first, source_sql=source)
    files = {
        "games_b.csv": "id,player,ended,score\n12,1,2024-05-03,7\nx13,1,2024-05-03,7\n",
        "games_z.parquet": as_parquet(pl.DataFrame({"id": [14], "player": [{"a": 1}]})),
    }
    result = deliver(warehouse, LEAN, tmp_path, files, source_sql=source)
    assert result.taken == 1
    assert quarantine(warehouse) == [
        ("games_b.csv", 3, "x13,1,2024-05-03,7", "column id is not bigint as in earlier deliveries"),
        ("games_z.parquet", None, None, "The column 'player' is struct(a bigint) and was bigint before."),
    ]


def test_an_app_with_a_source_still_takes_events_of_the_contract(warehouse, tmp_path):
    shown = as_csv([solve("ann", event="nightquest.shown", properties={"content_id": "c"}), solve(event="nap")])
    files = {"people.csv": PEOPLE, "games.csv": GAMES, "events-shown.csv": shown, "eventsource.csv": "a\n"}
    result = deliver(warehouse, LEAN, tmp_path, files, source_sql=SOURCE)
    assert [(Path(d.file).name, d.state, d.rows_taken) for d in result.deliveries] == [
        ("people.csv", "taken", 2),
        ("games.csv", "taken", 2),
        ("events-shown.csv", "taken", 1),
        ("eventsource.csv", "ignored", 0),
    ]
    assert (result.taken, result.refused) == (3, 1)
    later = {"events.jsonl": as_jsonl([solve("bob", at="2024-05-09T10:00:00Z")])}
    assert deliver(warehouse, LEAN, tmp_path, later, source_sql=SOURCE).taken == 1


def test_a_file_of_the_other_source_is_told_with_the_way_to_take_it(warehouse, tmp_path):
    people = "SELECT name AS user_id, at AS recorded_at FROM raw_members"
    games = {"games.csv": GAMES, "people.csv": PEOPLE, "members-1.csv": "name,at\nann,2024-05-01\n"}
    result = deliver(warehouse, LEAN, tmp_path, games, source_sql=SOURCE, other_sql=people)
    assert [d.reason for d in result.deliveries if d.state == "ignored"] == [
        "the source of players reads it, not that of events: take it with --players"
    ]
    result = deliver(warehouse, LEAN, tmp_path, games, source_sql=people, other_sql=SOURCE, players=True)
    assert result.taken == 1
    assert {d.reason for d in result.deliveries if d.state == "ignored"} == {
        "the source of events reads it, not that of players: take it without --players"
    }


def test_a_source_whose_tables_were_never_delivered_says_which_and_leaves_nothing(warehouse, tmp_path):
    with pytest.raises(NightquestError, match="The source also reads 'people'"):
        deliver(warehouse, LEAN, tmp_path, {"games.csv": GAMES}, source_sql=SOURCE)
    assert warehouse.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'raw_games'") == 0
    assert warehouse.value("SELECT count(*) FROM deliveries") == 0


def test_a_source_that_fails_on_the_data_takes_nothing_and_says_why(warehouse, tmp_path):
    strict = SOURCE.replace("TRY_CAST(g.ended", "CAST(g.ended")
    files = {"people.csv": PEOPLE, "games.csv": GAMES + "12,1,soon,1\n"}
    with pytest.raises(NightquestError, match=r"The source cannot be run: .*soon.*nothing was taken"):
        deliver(warehouse, LEAN, tmp_path, files, source_sql=strict)
    assert deliver(warehouse, LEAN, tmp_path, files, source_sql=SOURCE).taken == 2


def test_a_source_that_fails_on_a_file_that_lacks_a_column_says_why_too(warehouse, tmp_path):
    strict = SOURCE.replace("TRY_CAST(g.ended", "CAST(g.ended")
    deliver(warehouse, LEAN, tmp_path, {"people.csv": PEOPLE, "games.csv": GAMES}, source_sql=strict)
    with pytest.raises(NightquestError, match=r"The source cannot be run: .*soon.*TRY_CAST.*nothing was taken"):
        deliver(warehouse, LEAN, tmp_path, {"games-2.csv": "id,player,ended\n12,1,soon\n"}, source_sql=strict)
    assert warehouse.value("SELECT count(*) FROM raw_games") == 2


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM raw_games; DROP TABLE events", "must be one SELECT"),
        ("DELETE FROM raw_games", "must be one SELECT"),
        ("COPY raw_games TO 'x.csv'", "must be one SELECT"),
        ("SELECT * FROM events", "reads 'events'; it may read raw tables only"),
        ("SELECT * FROM raw_games, players", "reads 'players'"),
        ("SELECT * FROM (SELECT * FROM main.events)", "may read raw tables only"),
        ("SELECT * FROM '/etc/passwd'", "it may read raw tables only"),
        ("SELECT * FROM read_csv('/etc/passwd')", "never files or functions|must always give the same"),
        ("SELECT * FROM read_text('../../secret')", "never files or functions"),
        ("SELECT * FROM glob('/*')", "never files or functions"),
        ("SELECT getenv('HOME') AS user_id FROM raw_games", "calls 'getenv'"),
        ("SELECT getvariable('x') AS user_id FROM raw_games", "calls 'getvariable'"),
        ("SELECT current_setting('home_directory') AS user_id FROM raw_games", "calls 'current_setting'"),
        ("SELECT now() AS occurred_at FROM raw_games", "calls 'now'"),
        ("SELECT random() AS value FROM raw_games", "must always give the same events"),
        ("SELECT uuid() AS event_id FROM raw_games", "must always give the same events"),
        ("SELECT 1 AS user_id", "reads no raw table"),
        ("SELECT FROM WHERE", "cannot be read as SQL"),
        ("WITH x AS (SELECT * FROM information_schema.tables) SELECT * FROM x", "may read raw tables only"),
    ],
)
def test_a_source_reads_raw_tables_and_nothing_else(sql, words):
    with pytest.raises(NightquestError, match=words):
        read_source(sql)


@pytest.mark.parametrize("name", [path.stem for path in sorted(SOURCES.glob("*.sql"))])
def test_shipped_sources_keep_to_the_rules(name):
    assert read_source((SOURCES / f"{name}.sql").read_text()).tables


@pytest.mark.parametrize(
    ("app", "folder"),
    [("stackexchange", "stackexchange_quantumcomputing"), ("oulad", "oulad"), ("open_play", "open_play")],
)
def test_shipped_source_gives_the_same_events_from_csv_and_gives_up_single_rows(tmp_path, app, folder):
    if not (DATA / folder).is_dir():
        pytest.skip(f"needs the real data in {DATA / folder}")
    loaded = load_app(app)
    tables = {path.stem: pl.read_parquet(path).head(1500) for path in sorted((DATA / folder).glob("*.parquet"))}
    texts = {f"{name}.csv": table.write_csv() for name, table in tables.items()}
    broken = {
        name: text + ",".join(["?"] * (text.split("\n", 1)[0].count(",") + 1)) + "\n" for name, text in texts.items()
    }
    found = []
    for files in ({f"{name}.parquet": as_parquet(table) for name, table in tables.items()}, texts, broken):
        with scratch() as warehouse:
            result = deliver(
                warehouse, loaded.app, tmp_path, files, history=True, source_sql=loaded.source_sql, now=LATER
            )
            found.append((events_of(warehouse), result.refused))
    (typed, _), (text, refused), (mixed, bad) = found
    assert typed.height >= 1500
    assert text.equals(typed)
    assert mixed.equals(typed)
    assert (refused, bad > 0) == (0, True)


def test_players_go_through_a_source_as_well(warehouse, tmp_path):
    source = (SOURCES / "stackexchange_players.sql").read_text()
    text = f"id,created_at\n-1,{AT}\n5,{AT}\nx,{AT}\n"
    result = deliver(warehouse, LEAN, tmp_path, {"users.csv": text}, source_sql=source, players=True, history=True)
    assert (result.taken, result.refused) == (1, 1)
    assert warehouse.frame("SELECT user_id FROM players")["user_id"].to_list() == ["5"]


def test_the_examples_of_the_page_about_ingest_work(warehouse, tmp_path):
    page = (Path(__file__).resolve().parents[3] / "docs" / "ingest.md").read_text(encoding="utf-8")
    rows = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)[0]
    (source,) = (sql for sql in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "raw_games" in sql)
    assert deliver(warehouse, LEAN, tmp_path, {"events.csv": rows}).taken == 2
    files = {"people.csv": PEOPLE, "games.csv": GAMES}
    assert deliver(warehouse, LEAN, tmp_path, files, source_sql=source).taken == 2
