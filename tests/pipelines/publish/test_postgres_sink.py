"""Nights in a real PostgreSQL: whole or not at all, once, with what is new for each player once in the outbox."""

import datetime as dt
import json
import re
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.publish import postgres_night
from pipelines.publish.deliver import send_night
from pipelines.publish.erase_nights import take_out_published
from pipelines.publish.postgres_tables import layout_of, with_texts
from pipelines.publish.published import MANIFEST, Published, nights_in, published_root, read_manifest
from pipelines.publish.sinks import sinks
from pipelines.publish.sinks.postgres import erase
from pipelines.publish.tables import published_tables
from tests.pipelines.publish.night_rows import AS_OF, USER_IDS, contacts_of
from tests.pipelines.publish.nights import nights, put_out

NEXT = AS_OF + dt.timedelta(days=1)
PAGE = (Path(__file__).parents[3] / "docs" / "postgres.md").read_text(encoding="utf-8").split("## Rows in")[0]


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    """Two nights, and a second revision of the first, with other words for a challenge and one player's less."""
    home = tmp_path_factory.mktemp("nights")
    with nights(home, AS_OF, NEXT) as warehouse:
        challenges = pl.read_parquet(folder(home, 0) / "challenges.parquet")
        put_out(warehouse, home, AS_OF, revision=2, challenges=challenges.head(2).with_columns(title=pl.lit("New")))
    return home


def folder(home, at):
    """Of the first night, its second revision, the second night."""
    return nights_in(published_root(home, "toy"))[at][2]


def send(postgres, night, **options):
    return send_night("postgres", night, {"dsn": postgres.dsn, **options}, lambda: None)


def content(postgres, schema="nightquest"):
    """All rows of all tables but when they were written."""
    names = postgres.run(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}' ORDER BY 1")
    assert len(names) > 10
    return {
        table: postgres.run(
            "SELECT to_jsonb(t) - '{delivered_at,created_at,next_try_at}'::text[] "
            f"FROM {schema}.{table} t ORDER BY 1::text"
        )
        for (table,) in names
    }


def test_every_row_and_value_of_a_night_is_there_in_a_type_that_suits(postgres, home, monkeypatch):
    night = folder(home, 0)
    monkeypatch.setattr(postgres_night, "ROWS", 2)  # a file comes in several parts
    assert "trading" not in send(postgres, night)
    for name, table in read_manifest(night).tables.items():
        frame = pl.read_parquet(night / table.file)
        told = [json.loads(line) for line in frame.write_ndjson().splitlines()]
        documents = published_tables()[name].contract.documents
        kinds = dict(
            postgres.run(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
                f"WHERE attrelid = 'nightquest.{name}'::regclass AND attnum > 0"
            )
        )
        assert [*kinds] == frame.columns
        order = ", ".join(f'"{key}"' for key in published_tables()[name].contract.key)
        rows = [row for (row,) in postgres.run(f"SELECT to_jsonb(t) FROM nightquest.{name} AS t ORDER BY {order}")]
        assert len(rows) == len(told)
        for row, said in zip(rows, told, strict=True):
            for column, kind in kinds.items():
                if column in documents and said[column] is not None:
                    assert (kind, row[column]) == ("jsonb", json.loads(said[column]))
                elif kind.startswith("timestamp") and said[column] is not None:
                    assert dt.datetime.fromisoformat(row[column]) == dt.datetime.fromisoformat(said[column]).replace(
                        tzinfo=dt.UTC
                    )
                else:
                    assert row[column] == said[column], (name, column)
    assert {user for (user,) in postgres.run("SELECT user_id FROM nightquest.profiles")} == set(USER_IDS)


def test_the_same_night_again_changes_nothing_and_a_newer_revision_takes_its_place(postgres, home):
    send(postgres, folder(home, 0))
    before = content(postgres)
    assert "there already" in send(postgres, folder(home, 0))
    assert content(postgres) == before
    send(postgres, folder(home, 1))
    after = content(postgres)
    assert {row["title"] for (row,) in after["challenges"]} == {"New"}
    assert len(after["challenges"]) == 2
    assert after["outbox"] == before["outbox"]  # nothing of it is new to anybody
    assert "revision 2 was there already" in send(postgres, folder(home, 0))
    assert content(postgres) == after


@pytest.mark.parametrize(
    "deed",
    [
        "TRUNCATE nightquest.challenges",
        "DELETE FROM nightquest.targets WHERE ctid = (SELECT min(ctid) FROM nightquest.targets)",
        "DROP TABLE nightquest.messages",
        "ALTER TABLE nightquest.challenges DROP COLUMN title CASCADE",
    ],
)
def test_a_night_of_which_somebody_took_something_is_put_whole_again_and_tells_nothing_twice(postgres, home, deed):
    send(postgres, folder(home, 0))
    whole = content(postgres)
    postgres.run(deed)
    assert "was there already" not in send(postgres, folder(home, 0))
    assert content(postgres) == whole
    assert "was there already" in send(postgres, folder(home, 0))


def test_the_newest_nights_are_kept_and_an_older_one_never_takes_their_place(postgres, home):
    first, _, second = (folder(home, at) for at in range(3))
    days = "SELECT DISTINCT as_of FROM nightquest.profiles ORDER BY 1"
    for night in (first, second):
        send(postgres, night)
    assert postgres.run(days) == [(NEXT,)]
    for night in (second, first):
        send(postgres, night, schema="other")
    assert postgres.run(days.replace("nightquest", "other")) == [(NEXT,)]
    assert postgres.run("SELECT as_of, kept FROM other.nights ORDER BY 1") == [(AS_OF, False), (NEXT, True)]
    for night in (first, second):
        send(postgres, night, schema="two", keep="2")
    assert postgres.run(days.replace("nightquest", "two")) == [(AS_OF,), (NEXT,)]


def test_a_server_that_dies_half_way_keeps_the_night_before_and_gets_the_next_one_whole(postgres, home):
    send(postgres, folder(home, 0))
    before = content(postgres)
    postgres.run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
        "CREATE TRIGGER die AFTER INSERT ON nightquest.xp_ledger EXECUTE FUNCTION die()",
    )
    with pytest.raises(NightquestError, match="terminating connection") as told:
        send(postgres, folder(home, 2))
    assert isinstance(told.value.__cause__, ConnectionError)  # so it is tried again
    assert content(postgres) == before
    postgres.run("DROP TRIGGER die ON nightquest.xp_ledger")
    send(postgres, folder(home, 2))
    assert postgres.run("SELECT as_of FROM nightquest.xp_ledger") == [(NEXT,), (NEXT,)]


def test_what_is_new_is_in_the_outbox_once_and_two_notifiers_never_take_the_same(postgres, home):
    psycopg = pytest.importorskip("psycopg")
    for at in (0, 2):
        send(postgres, folder(home, at))
    rows = postgres.run("SELECT idempotency_key, user_id, kind, payload ->> 'title', expires_on FROM nightquest.outbox")
    assert sorted(row[1:] for row in rows) == sorted(
        [(user, "challenge", "Three for the road", AS_OF) for user in USER_IDS[:-1]]
        + [(USER_IDS[-1], "message", "We kept your seat", None)]
    )
    assert all(key.startswith(f"toy/{kind}/") for key, _, kind, *_ in rows)
    (said,) = [key for key, _, kind, *_ in rows if kind == "message"]  # whatever id a refreshed night gives its words
    assert said.startswith(f"toy/message/{AS_OF}/{USER_IDS[-1]}/")
    postgres.run("UPDATE nightquest.outbox SET expires_on = NULL")
    (claim,) = re.findall(r'execute\(\s+"""(SELECT.*?)"""', PAGE, re.DOTALL)
    claim = claim.replace("LIMIT 100", "LIMIT 3")
    with psycopg.connect(postgres.dsn) as one, psycopg.connect(postgres.dsn) as other:
        first, second = one.execute(claim).fetchall(), other.execute(claim).fetchall()
        assert (len(first), len(second)) == (3, 2)
        assert len({row[0] for row in (*first, *second)}) == 5


def test_who_is_erased_leaves_every_table_and_one_row_of_the_outbox_says_so(postgres, home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    send(postgres, folder(tmp_path / "home", 2))
    gone, others = USER_IDS[4], content(postgres)["outbox"]
    assert take_out_published(published_root(tmp_path / "home", "toy"), gone) > 0
    nights = [
        Published(path, read_manifest(path)) for _, _, path in nights_in(published_root(tmp_path / "home", "toy"))
    ]
    for _ in range(2):
        assert "the outbox tells of it" in erase("toy", gone, nights, {"dsn": postgres.dsn})
    left = {table: rows for table, rows in content(postgres).items() if gone in json.dumps(rows)}
    assert left.keys() == {"outbox"}
    ((row,),) = [row for row in left["outbox"] if gone in json.dumps(row)]
    assert (row["kind"], row["idempotency_key"]) == ("erased", f"toy/erased/{gone}")
    assert len(content(postgres)["outbox"]) == 1 + sum(gone not in json.dumps(row) for row in others)
    assert "was there already" in send(postgres, folder(tmp_path / "home", 2))  # by its manifest of now


def test_who_is_left_alone_is_not_in_the_outbox_and_others_are_due_when_they_may_be_told(postgres, tmp_path):
    with nights(tmp_path, AS_OF) as warehouse:
        put_out(warehouse, tmp_path, AS_OF, revision=2, contacts=contacts_of(*USER_IDS[:2]))
    send(postgres, folder(tmp_path, 1))
    rows = postgres.run(
        """SELECT user_id, payload ->> 'send_before', next_try_at > created_at, payload ? 'send_after'
           FROM nightquest.outbox"""
    )
    told = {user: row for user, *row in rows}
    assert set(told) == set(USER_IDS[1:])
    assert told.pop(USER_IDS[1]) == [f"{AS_OF}T15:00:00+00:00", False, True]  # it lies in the past
    assert list(told.values()) == [[None, False, False]] * len(told)


def test_a_column_that_comes_goes_or_widens_is_survived_and_one_that_does_not_fit_is_told(postgres, home):
    send(postgres, folder(home, 0))
    postgres.run(
        "ALTER TABLE nightquest.profiles DROP COLUMN persona, ADD COLUMN ours int",
        "ALTER TABLE nightquest.profiles ADD COLUMN of_old text NOT NULL DEFAULT 'x'",
        "ALTER TABLE nightquest.profiles ALTER COLUMN of_old DROP DEFAULT",
        "ALTER TABLE nightquest.targets ALTER COLUMN percentile TYPE double precision",
        "ALTER TABLE nightquest.content_performance ALTER COLUMN issued TYPE integer",
        "COMMENT ON INDEX nightquest.targets_key IS 'app, user_id, as_of'",  # of a key that was shorter then
    )
    send(postgres, folder(home, 2))
    assert postgres.run("SELECT DISTINCT persona, ours, of_old FROM nightquest.profiles") == [("SCHOLAR", None, None)]
    assert postgres.run("SELECT pg_typeof(issued)::text FROM nightquest.content_performance LIMIT 1") == [("bigint",)]
    (index,) = postgres.run("SELECT indexdef FROM pg_indexes WHERE indexname = 'targets_key'")
    assert "UNIQUE" in index[0]
    assert "(app, user_id, cohort, metric, percentile, as_of)" in index[0]
    assert postgres.run("SELECT obj_description('nightquest.targets_key'::regclass)") == [
        ("app, user_id, cohort, metric, percentile, as_of",)
    ]
    postgres.run("ALTER TABLE nightquest.challenges ALTER COLUMN progress TYPE text", "DELETE FROM nightquest.nights")
    with pytest.raises(NightquestError, match=r"challenges\.progress is text there, and double precision in the night"):
        send(postgres, folder(home, 2))


def test_another_home_with_a_night_of_its_own_is_told_and_changes_nothing(postgres, home, tmp_path):
    send(postgres, folder(home, 0))
    other = tmp_path / "night"
    other.mkdir()
    for path in folder(home, 0).iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    text = (other / MANIFEST).read_text().replace('"seed":7', '"seed":8').replace('"seed": 7', '"seed": 8')
    (other / MANIFEST).write_text(text)
    with pytest.raises(NightquestError, match="another night of 2024-01-10 of 'toy'"):
        sinks()["postgres"].deliver(Published(other, read_manifest(other)), {"dsn": postgres.dsn}, lambda: None)


@pytest.mark.parametrize(
    ("user", "more", "why", "passes"),
    [
        ("locked", {"password": "wrong-secret"}, "password authentication failed", False),
        ("reader", {}, "permission denied", False),
        ("night", {"dbname": "nowhere"}, 'database "nowhere" does not exist', False),
        ("night", {"host": "/nowhere"}, "Start the server, or correct host and port", True),
        ("night", {"port": "wrong-secret"}, "has an address that cannot be read", False),
    ],
)
def test_what_keeps_a_night_away_is_one_sentence_without_a_secret(postgres, home, user, more, why, passes):
    for ask in (sinks()["postgres"].probe, lambda told: send_night("postgres", folder(home, 0), told, lambda: None)):
        with pytest.raises(NightquestError) as told:
            ask({"dsn": postgres.of(user, **more)})
        assert why in str(told.value) or (user == "reader" and "may not create the schema" in str(told.value))
        assert told.value.remedy
        assert "wrong-secret" not in str(told.value)
        assert isinstance(told.value.__cause__, ConnectionError) == passes
    assert sinks()["postgres"].probe({"dsn": postgres.dsn}) is None


def test_a_user_who_may_only_write_fills_tables_that_are_there(postgres, home):
    send(postgres, folder(home, 0))
    postgres.run(
        "GRANT USAGE ON SCHEMA nightquest TO reader",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA nightquest TO reader",
    )
    send_night("postgres", folder(home, 2), {"dsn": postgres.of("reader")}, lambda: None)
    assert postgres.run("SELECT DISTINCT as_of FROM nightquest.profiles") == [(NEXT,)]


def test_texts_that_break_what_quotes_them_badly_come_back_as_they_were(postgres):
    hard = ["", "\\.", "a\n\\.\nb", "\\N", 'say "x", y;\r\n', "tab\t", "zoë🙂", "{}", "NULL", None]
    frame = pl.DataFrame({"app": hard, "user_id": hard[::-1]})
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres.dsn) as con:
        con.execute("CREATE TEMP TABLE t (app text, user_id text)")
        with con.cursor().copy("COPY t FROM STDIN (FORMAT csv)") as copy:
            copy.write(with_texts(frame, layout_of("t", frame.schema, None)))
        assert con.execute("SELECT * FROM t").fetchall() == frame.rows()
    odd = pl.DataFrame({"a": ["x\0y"], "list": [[{"m": "\0", "t": 1.0}]]})
    assert with_texts(odd, layout_of("t", odd.schema, None)).decode() == 'x\ufffdy,"[{""m"":""\\ufffd"",""t"":1.0}]"\n'


def test_without_the_package_the_destination_says_which_extra_is_missing(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NightquestError, match=r"needs the package psycopg, which the extra postgres installs"):
        send_night("postgres", folder(home, 0), {"dsn": "host=x"}, lambda: None)


def test_the_pages_statements_run_and_its_notifier_sends_each_piece_of_news_once(postgres, home, monkeypatch):
    statements = [block.strip().rstrip(";") for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
    prepare, *looks = statements
    postgres.run(*re.sub(r"\bnight\b", "writer", prepare.replace("DATABASE app", "DATABASE postgres")).split(";\n"))
    send_night("postgres", folder(home, 0), {"dsn": postgres.of("writer")}, lambda: None)
    postgres.run("UPDATE nightquest.outbox SET expires_on = NULL")
    for look in looks:
        told = postgres.run(*look.replace("trading", "toy").replace("$1", f"'{USER_IDS[3]}'").split(";\n"))
        assert told in ([], [("Three for the road", "Solve 3 puzzles before the day is out.", 3.0, 40, AS_OF)])
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setenv("APP_DATABASE", postgres.dsn)
    sent = []

    def push(user_id, kind, payload, key):
        if user_id == USER_IDS[0]:
            raise OSError("the phone is off")
        sent.append(key)

    for _ in range(2):
        exec(compile(program, "page", "exec"), {"push": push})  # noqa: S102 (our own page)
    assert len(sent) == len(set(sent)) == len(USER_IDS) - 1
    assert postgres.run("SELECT user_id, attempts, last_error FROM nightquest.outbox WHERE sent_at IS NULL") == [
        (USER_IDS[0], 1, "the phone is off")
    ]
    postgres.run("DROP OWNED BY writer", "DROP OWNED BY app_reader", "DROP ROLE writer, app_reader")
