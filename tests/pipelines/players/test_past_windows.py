"""A player's past windows are what the one predicate says of each, counted by what they came to."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.known import Known
from pipelines.players import features, snapshots
from pipelines.players.snapshots import look_at, past_values
from pipelines.windows import window_values
from tests.factories import START, known_at, make_app, warehouse_with
from tests.pipelines.activity.random_play import events, row

APP = make_app(
    challenges={"windows": [1, 3], "metrics": ["solved", "points", "topics", "days"]},
)
KEYS = ["player_key", "base_day", "window_days", "metric", "value"]


def one_by_one(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """The same from every tile of every snapshot."""
    app = known.app
    tiles = (
        snapshots.join(
            pl.DataFrame({"window_days": app.challenges.windows}, schema={"window_days": pl.Int32}), how="cross"
        )
        .join(pl.DataFrame({"tile": range(90)}, schema={"tile": pl.Int32}), how="cross")
        .filter((pl.col("tile") + 1) * pl.col("window_days") <= 90)
        .with_columns(end_day=pl.col("base_day") - pl.duration(days=pl.col("tile") * pl.col("window_days") + 1))
        .with_columns(start_day=pl.col("end_day") - pl.duration(days=pl.col("window_days") - 1))
        .join(pl.DataFrame({"metric": app.challenges.metrics}), how="cross")
        .with_row_index("window_id")
    )
    played = window_values(known, tiles).filter("played").sort("tile")
    latest = played.filter(pl.int_range(pl.len()).over("player_key", "base_day", "window_days", "metric") < 20)
    weight = (2.0 ** (-(pl.col("tile") * pl.col("window_days")) / 28)).sum().round(9)
    return latest.drop_nulls("value").group_by(KEYS).agg(weight=weight).sort(KEYS)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=events)
def test_past_windows_are_those_with_play_by_what_they_came_to(history: list) -> None:
    base = START.date() + dt.timedelta(days=11)
    with warehouse_with(APP, [row(*r) for r in history]) as warehouse:
        known = known_at(warehouse, APP)
        players = {"player_key": [1, 2, 3, 1], "base_day": [base, base, base, base - dt.timedelta(days=4)]}
        snapshots = pl.DataFrame(players).sort("player_key", "base_day")
        found = past_values(known, snapshots)
        wanted = one_by_one(known, snapshots)
    assert found.select(KEYS).equals(wanted.select(KEYS))
    assert (found["weight"] - wanted["weight"]).abs().max() < 2e-9 if found.height else wanted.is_empty()


@pytest.mark.parametrize("at_once", [100, 1], ids=["read at once", "read when asked for"])
def test_snapshots_that_are_looked_at_together_are_seen_as_each_by_itself(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = START.date() + dt.timedelta(days=11)
    history = [row(player, 1.5 * day, "solve", day % 4, "abc"[day % 3]) for player in (1, 2, 3) for day in range(7)]
    with warehouse_with(APP, history) as warehouse:
        known = known_at(warehouse, APP)
        tonight = pl.DataFrame({"player_key": [3, 1, 2], "base_day": [base] * 3})
        before = pl.DataFrame({"player_key": [2, 1], "base_day": [base - dt.timedelta(days=n) for n in (2, 5)]})
        nobody = tonight.clear()
        for room in (features, snapshots):
            monkeypatch.setattr(room, "AT_ONCE", at_once)
        together = look_at(known, tonight, before, nobody)
        monkeypatch.undo()
        apart = [look_at(known, part)[0] for part in (tonight, before, nobody)]
        for one, other, part in zip(together, apart, (tonight, before, nobody), strict=True):
            assert one.features.equals(other.features)
            every = past_values(known, part)
            assert one.past.whole().equals(other.past.whole())
            assert one.past.whole().equals(every)
            assert one.past.of(pl.Series([1, 3])).equals(every.filter(pl.col("player_key") != 2))
            longest = max(APP.challenges.windows)
            of_length = one.past.of_length(longest).of(pl.Series([1, 2, 3]))
            assert of_length.equals(every.filter(pl.col("window_days") == longest))
        assert [seen.past.whole().is_empty() for seen in together] == [False, False, True]
