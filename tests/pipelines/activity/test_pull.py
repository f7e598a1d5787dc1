"""Rows pulled from a real PostgreSQL: all of them, once, whatever dies on the way and however its columns change."""

import datetime as dt
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from configs.errors import AppFileError, NightquestError
from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.main import run_command
from pipelines.activity import pull, pull_rows

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "postgres.md").read_text(encoding="utf-8").split("## Rows in")[1]
SHOP = yaml.safe_load((DOCS / "ingest.md").read_text(encoding="utf-8").split("```yaml\n# shop.yaml")[1].split("```")[0])
(PULLS,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(SOURCE,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
NOW = dt.datetime(2026, 11, 29, 4, tzinfo=dt.UTC)
TABLE = """CREATE TABLE purchases
    (id bigint, customer text, bought_at timestamptz, quantity integer, amount numeric, PRIMARY KEY (id))"""


def rows(first, last):
    return f"""INSERT INTO purchases
        SELECT n, 'c' || n % 7, timestamptz '2026-11-01 08:00+01' + n * interval '1 minute', 1 + n % 3, n / 4.0
        FROM generate_series({first}, {last}) AS n"""


class Shop:
    """The page's shop in a home of its own; `change` edits its pull or its file."""

    def __init__(self, folder, postgres):
        self.folder, self.postgres, self.path, self.home = folder, postgres, folder / "shop.yaml", folder / "home"
        self.file = SHOP | yaml.safe_load(PULLS)
        (folder / "shop.sql").write_text(SOURCE)
        self.change()

    def change(self, pulls=None, **words):
        purchases = self.file["pulls"].get("purchases", {}) | words
        self.file = self.file | {"pulls": pulls or {"purchases": purchases}}
        self.path.write_text(yaml.safe_dump(self.file))
        return self

    def without_source(self, pulls):
        self.file = {key: value for key, value in self.file.items() if key != "source"}
        return self.change(pulls)

    def pull(self, *, again=False, address=None):
        addresses = {"SHOP_DATABASE": self.postgres.dsn if address is None else address}
        loaded, settings = load_app(self.path), Settings(home=self.home)
        return pull.run_pulls(settings, loaded, addresses, now=NOW, history=True, again=again)

    def rows(self, sql):
        with open_warehouse(self.home, "shop") as warehouse:
            return warehouse.rows(sql)

    @property
    def events(self):
        """Ids of the events taken, as numbers."""
        return [
            int(event.partition(":")[2]) for (event,) in self.rows("SELECT event_id FROM events ORDER BY occurred_at")
        ]


@pytest.fixture(name="shop")
def _shop(tmp_path, postgres):
    postgres.run(TABLE, rows(1, 40))
    return Shop(tmp_path, postgres)


def test_each_pull_takes_what_is_new_and_what_was_committed_late_once(shop, postgres):
    assert shop.pull().pulled == (pull.Pulled("purchases", 40, ()),)
    assert shop.events == [*range(1, 41)]
    whole = "SELECT user_id, occurred_at, properties FROM events JOIN players USING (player_key)"
    assert shop.rows(f"{whole} WHERE event_id = 'purchase:9'") == [
        ("c2", dt.datetime(2026, 11, 1, 7, 9, tzinfo=dt.UTC), '{"quantity":1,"amount":2.25}')
    ]
    assert shop.pull().pulled[0].rows == 0
    postgres.run(rows(50, 52))
    assert shop.pull().pulled[0].rows == 3
    postgres.run(rows(45, 46), "UPDATE purchases SET quantity = 2 WHERE id = 50")  # late, and changed
    assert shop.pull().pulled[0].rows == 3
    assert shop.events == [*range(1, 41), 45, 46, 50, 51, 52]
    assert shop.rows("SELECT count(*), count(DISTINCT id) FROM raw_purchases") == [(46, 45)]
    assert not (shop.home / "pulls" / "shop").exists()


def test_behind_the_overlap_nothing_is_read_again_unless_everything_is(shop, postgres):
    shop.change(overlap=5).pull()
    postgres.run("DELETE FROM purchases WHERE id < 4", rows(1, 3), rows(41, 41))
    assert shop.pull().pulled[0].rows == 1
    assert shop.pull(again=True).pulled[0].rows == 41
    assert shop.events == [*range(1, 42)]
    shop.change(watermark="bought_at")
    with pytest.raises(NightquestError, match=r"watermark is bought_at \(timestamp.*\), and was id \(bigint\) before"):
        shop.pull()
    shop.change(watermark="id")
    postgres.run("TRUNCATE purchases")
    (note,) = shop.pull().pulled[0].notes
    assert "no row is as new as the newest one taken before" in note


def test_a_server_that_dies_half_way_has_given_nothing_and_gives_all_once_later(shop, postgres, monkeypatch):
    monkeypatch.setattr(pull_rows, "PART_BYTES", 1_000)
    postgres.run(rows(41, 4_000))
    died = "CASE WHEN id = 3500 THEN pg_terminate_backend(pg_backend_pid()) END"
    shop.change(select=f"SELECT id, customer, bought_at, quantity, amount, {died} AS x FROM purchases")
    with pytest.raises(NightquestError, match="The pull purchases says: terminating connection"):
        shop.pull()
    assert shop.events == []
    shop.change(select="SELECT id, customer, bought_at, quantity, amount FROM purchases")
    assert shop.pull().pulled[0].rows == 4_000
    assert shop.events == [*range(1, 4_001)]


def test_a_run_that_is_killed_before_its_end_has_taken_nothing(shop, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pull, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.pull()
    assert shop.events == []
    shop.pull()
    assert shop.events == [*range(1, 41)]


def test_columns_that_come_go_or_change_are_told_and_cost_no_more_than_the_rows_that_do_not_fit(shop, postgres):
    shop.change(select="SELECT * FROM purchases").pull()
    postgres.run(
        "ALTER TABLE purchases ADD COLUMN shop text, DROP COLUMN amount, ALTER COLUMN quantity TYPE text",
        "INSERT INTO purchases VALUES (41, 'c1', '2026-11-02', '5', 'here'), (42, 'c1', '2026-11-03', 'many', 'there')",
    )
    result = shop.pull()
    assert result.pulled[0].notes == (
        "the column shop is new (text)",
        "the column amount is gone",
        "the column quantity is text and was integer before",
    )
    assert shop.events == [*range(1, 42)]
    (reason,) = result.events.reasons
    assert (reason.rows, "column quantity is not bigint as in earlier deliveries" in reason.reason) == (1, True)
    assert shop.pull().pulled[0].notes == ()
    shop.change(select="SELECT id, customer, bought_at, quantity, amount FROM purchases")
    with pytest.raises(
        NightquestError, match=r'column "amount" does not exist. Correct the table on the server, or the SELECT'
    ):
        shop.pull()


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_a_watermark_may_be_a_moment_or_a_day_and_none_from_the_future_hides_what_comes(shop, postgres, kind):
    postgres.run(
        f"ALTER TABLE purchases ADD COLUMN seen {kind}",
        "UPDATE purchases SET seen = now() - interval '9 days' + id * interval '1 hour'",
        "UPDATE purchases SET seen = '2999-01-01' WHERE id = 1",
        "UPDATE purchases SET seen = 'infinity' WHERE id = 2",
        "UPDATE purchases SET seen = NULL WHERE id = 3",
    )
    shop.change(select="SELECT * FROM purchases", watermark="seen")
    assert shop.pull().pulled[0].rows == 38
    assert shop.pull().pulled[0].rows == 0
    postgres.run("UPDATE purchases SET seen = now() WHERE id = 3")
    assert shop.pull().pulled[0].rows == 1
    assert sorted(shop.events) == [1, *range(3, 41)]


def test_values_come_as_they_are(postgres, tmp_path):
    hard = "E'a\\n\\\\.\\nb', '', NULL, 'say \"x\", é', 'NULL'"
    select = (
        f"SELECT 1 AS id, unnest(ARRAY[{hard}]) AS words, 9223372036854775807 AS big, 'NaN'::float8 AS odd, "
        "'-Infinity'::float4 AS low, true AS yes, NULL::boolean AS no, '{\"a\": 1}'::jsonb AS doc, "
        "12345678901234567890.5 AS exact"
    )
    told = pull_rows.Pull(dsn="X", select=select, watermark="id")
    with pull.connect(postgres.dsn, "It", reads=True) as con:
        read = pull_rows.read_rows(con, "It", told, pull_rows.Since(), tmp_path / "x.parquet")
    found = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [row["words"] for row in found] == ["a\n\\.\nb", "", None, 'say "x", é', "NULL"]
    assert str(found[0]["odd"]) == "nan"
    del found[0]["odd"], found[0]["words"]
    assert found[0] == {
        "id": 1,
        "big": 2**63 - 1,
        "low": float("-inf"),
        "yes": True,
        "no": None,
        "doc": '{"a": 1}',
        "exact": "12345678901234567890.5",
    }
    assert (read.rows, read.since.mark) == (5, 1)


def test_without_a_source_the_select_yields_the_contracts_columns(shop, postgres):
    select = """SELECT 'p:' || id AS event_id, customer AS user_id, 'purchase' AS event, bought_at AS occurred_at,
        jsonb_build_object('quantity', quantity) AS properties, id FROM purchases"""
    people = """SELECT DISTINCT customer AS user_id, timestamptz '2026-10-01' AS recorded_at, 'Asia/Tokyo' AS timezone
        FROM purchases"""
    shared = {"dsn": "SHOP_DATABASE"}
    events = {**shared, "select": select, "watermark": "id"}
    shop.without_source(
        {"bought": events, "people": {**shared, "select": people, "watermark": "recorded_at", "players": True}}
    )
    result = shop.pull()
    assert (result.players.taken, result.events.taken, result.events.refused) == (7, 40, 0)
    assert shop.rows("SELECT count(*) FROM player_records WHERE timezone = 'Asia/Tokyo'") == [(7,)]
    postgres.run("INSERT INTO purchases VALUES (41, 'c1', '1970-01-01', 1, 1)")
    with pytest.raises(NightquestError, match="Nothing was taken and 1 row refused"):
        shop.pull()
    postgres.run("UPDATE purchases SET bought_at = '2026-11-05' WHERE id = 41")
    assert shop.pull().events.taken == 1  # what was refused to the last did not move the watermark
    shop.change({"bought": {**events, "select": select.replace("event_id", "source_id")}})
    with pytest.raises(NightquestError, match="The pull bought yields no event_id"):
        shop.pull()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"watermark": "amount"}, "its watermark amount is numeric"),
        ({"watermark": "seen"}, "its watermark seen is not among id, customer"),
        ({"select": 'SELECT 1 AS id, 2 AS ID2, 3 AS "Id"'}, "'Id' stands twice"),
        ({"select": "SELECT id, pg_notify('a', 'b') FROM purchases; DROP TABLE purchases"}, "says: "),
        ({"select": "WITH x AS (DELETE FROM purchases RETURNING *) SELECT * FROM x"}, "says: "),
    ],
)
def test_a_select_that_cannot_be_used_says_why_and_changes_nothing(shop, postgres, words, why):
    shop.change(**words)
    with pytest.raises(NightquestError, match=why) as told:
        shop.pull()
    assert told.value.remedy
    assert postgres.run("SELECT count(*) FROM purchases") == [(40,)]


def test_a_value_that_cannot_be_read_is_told_and_takes_nothing(shop, monkeypatch):
    monkeypatch.setitem(pull_rows._ARROW, "text", pa.int64())
    with pytest.raises(NightquestError, match=r"yields what cannot be read: .*'c1'.* Cast it to text in the SELECT"):
        shop.pull()
    assert shop.events == []


def test_an_address_is_told_by_its_variable_alone(shop, postgres):
    with pytest.raises(NightquestError, match="SHOP_DATABASE, which is not set"):
        shop.pull(address="")
    with pytest.raises(NightquestError, match="password authentication failed") as told:
        shop.pull(address=postgres.of("locked", password="wrong-secret"))  # noqa: S106
    assert "wrong-secret" not in str(told.value)
    with pytest.raises(AppFileError, match="is not the name of an environment variable") as told:
        load_app(shop.change(dsn="postgresql://night:hunter2@db/shop").path)
    assert "hunter2" not in str(told.value)
    shop.change({"orders": yaml.safe_load(PULLS)["pulls"]["purchases"]})
    with pytest.raises(NightquestError, match="the source reads purchases, and no orders"):
        shop.pull()


def test_the_pages_commands_look_first_and_then_take(shop, postgres, monkeypatch, capsys):
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("SHOP_DATABASE", postgres.dsn)
    (lines,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    told = []
    for line in re.findall(r"^nightquest (.+?)\s*(?:#.*)?$", lines, re.MULTILINE):
        assert run_command([*line.split(), "--home", str(shop.home)]) == 0, capsys.readouterr()
        told.append(capsys.readouterr().out)
    assert "Nothing is wrong" in told[0]
    assert "Of 40 rows 40 would go in and 0 would not." in told[1]
    assert ["40" in told[2], "taken" in told[2], "taken" in told[3]] == [True, True, False]
    monkeypatch.setenv("SHOP_DATABASE", "host=/nowhere")
    assert run_command(["doctor", "shop.yaml", "--home", str(shop.home)]) == 1
    assert "The pull purchases cannot be reached at /nowhere" in capsys.readouterr().out
