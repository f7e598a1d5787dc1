"""What history had earned is granted on an app's first night, and not told of as if it were new."""

import datetime as dt
import json

import polars as pl
import pytest

from pipelines.publish.deliver import send_night
from pipelines.publish.published import Published, nights_in, published_root, read_manifest
from pipelines.publish.sinks.webhook import _batches
from tests.pipelines.publish.night_rows import AS_OF, at, award
from tests.pipelines.publish.nights import nights, put, put_out

NEXT = AS_OF + dt.timedelta(days=1)


@pytest.fixture(name="folders", scope="module")
def _folders(tmp_path_factory):
    """Two nights, each with a badge of the day before and one of long ago."""
    home = tmp_path_factory.mktemp("nights")
    with nights(home) as warehouse:
        long_ago = {"granted_at": at(AS_OF) - dt.timedelta(days=40)}
        put(warehouse, "badge_ledger", award(1, AS_OF), award(2, AS_OF) | long_ago)
        put_out(warehouse, home, AS_OF)
        first = nights_in(published_root(home, "toy"))[0][2]
        badges = pl.read_parquet(first / "badges.parquet").with_columns(award_id=pl.col("award_id") + "b")
        assert badges.height == 2
        put_out(warehouse, home, NEXT, badges=badges)
    return [folder for _, _, folder in nights_in(published_root(home, "toy"))]


def test_a_webhook_tells_of_old_badges_only_when_they_come_on_a_later_night(folders):
    told = [
        [json.loads(item)["kind"] for items in _batches(Published(one, read_manifest(one)), 100) for item in items]
        for one in folders
    ]
    assert [kinds.count("badge") for kinds in told] == [1, 2]


def test_the_outbox_holds_old_badges_only_when_they_come_on_a_later_night(folders, postgres):
    for one in folders:
        send_night("postgres", one, {"dsn": postgres.dsn}, lambda: None)
    counts = "SELECT as_of, count(*) FROM nightquest.outbox WHERE kind = 'badge' GROUP BY 1 ORDER BY 1"
    assert postgres.run(counts) == [(AS_OF, 1), (NEXT, 2)]
