"""Players who are looked at from Parquet by bucket are seen as in the warehouse, at the night's cut."""

import datetime as dt

import polars as pl
import pytest

from pipelines.engines.buckets import Buckets
from pipelines.engines.exchange import Exchange
from pipelines.engines.laid import Laid, whole
from pipelines.players.snapshots import look_at
from tests.factories import START, event, known_at, make_app, warehouse_with

APP = make_app(challenges={"windows": [1, 3], "metrics": ["solved", "points", "topics", "days"]})
BASE = START.date() + dt.timedelta(days=11)
CUT = START + dt.timedelta(days=11)


def deed(player: int, days: float, **more):
    return event(player, days, value=days % 4, topic="abc"[int(days) % 3], **more)


ONE_HAS_HALF = [deed(player, day + player / 50) for player in range(1, 31) for day in range(0, 10, 3)]
ONE_HAS_HALF += [deed(7, n / 13) for n in range(len(ONE_HAS_HALF))] + [
    deed(8, 9.5, available_at=CUT + dt.timedelta(days=1))
]
ALONE = [deed(1, day) for day in range(6)]


@pytest.mark.parametrize("history", [ONE_HAS_HALF, ALONE], ids=["one has half of all events", "one player"])
def test_players_are_seen_as_in_the_warehouse_whatever_the_buckets(history, tmp_path):
    with warehouse_with(APP, history) as warehouse:
        known = known_at(warehouse, APP, as_of=BASE, cut=CUT)
        keys = known.frame("SELECT player_key FROM players ORDER BY player_key DESC")
        tonight = keys.with_columns(base_day=pl.lit(BASE))
        before = keys.head(3).with_columns(base_day=pl.lit(BASE - dt.timedelta(days=4)))
        here = look_at(known, tonight, before)
        for count in (1, 8):
            (tmp_path / str(count)).mkdir()
            by = Buckets(count, exchange=Exchange(tmp_path / str(count), memory_gb=1))
            there = look_at(known, tonight, before, buckets=by)
            for one, other in zip(there, here, strict=True):
                assert one.features.equals(other.features)
                past = by.each(lambda _, rows: rows, (), (keys, one.past))
                assert past.sort(past.columns).equals(other.past.whole().sort(past.columns))
                assert one.past.whole().equals(other.past.whole())
            assert not by.notes


def test_features_that_are_worked_out_by_bucket_are_those_of_all_together(tmp_path):
    with warehouse_with(APP, ONE_HAS_HALF) as warehouse:
        known = known_at(warehouse, APP, as_of=BASE, cut=CUT)
        tonight = known.frame("SELECT player_key FROM players ORDER BY player_key DESC").with_columns(base_day=BASE)
        before = tonight.head(3).with_columns(base_day=BASE - dt.timedelta(days=4))
        here = look_at(known, tonight, before)
        laid, few = (seen.features for seen in look_at(known, tonight, before, buckets=Buckets(16, folder=tmp_path)))
        assert isinstance(laid, Laid)
        assert whole(laid).equals(here[0].features)
        assert laid.players.equals(tonight["player_key"])
        assert whole(few).equals(here[1].features)
