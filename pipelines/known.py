"""What a night may see: the warehouse as it was known at the night's cut."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from configs.app import App
from data import zones
from data.warehouse import Warehouse
from pipelines.activity.freshness import silent_spans, touching
from pipelines.activity.parts import know_until
from pipelines.pins import Night

if TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R")


class Known:
    """Reads a warehouse as one night may see it; made once from the night's pins and passed along.

    SQL that is read through it finds the views known_player_days, known_player_day_keys, known_active_days and
    known_metric_events, cut at this night's moment. Several may be open on one warehouse, each for its own night: the
    views are put in place for whoever reads.

    Attributes:
        warehouse: Open; what a night writes is written there.
        night: The pins.
    """

    def __init__(self, warehouse: Warehouse, night: Night) -> None:
        self.warehouse = warehouse
        self.night = night
        self._kept: dict[str, Any] = {}

    @property
    def app(self) -> App:
        """The app of the night's pins."""
        return self.night.app

    @property
    def as_of(self) -> dt.date:
        """The local day that the night serves."""
        return self.night.as_of

    @property
    def cut(self) -> dt.datetime:
        """Nothing that became available later is seen."""
        return self.night.cut

    @property
    def base_day(self) -> dt.date:
        """Features rest on days before this one."""
        return self.night.base_day

    def frame(self, sql: str, params: object = None) -> pl.DataFrame:
        """The rows of a query, see `Warehouse.frame`."""
        return self._in_place().frame(sql, params)

    def pieces(self, sql: str, params: object, rows: int) -> Iterator[pl.DataFrame]:
        """The rows of a query, at most so many at one time, see `Warehouse.pieces`."""
        return self._in_place().pieces(sql, params, rows)

    def rows(self, sql: str, params: object = None) -> list[tuple[Any, ...]]:
        """The few rows of a small look, see `Warehouse.rows`."""
        return self._in_place().rows(sql, params)

    def value(self, sql: str, params: object = None) -> Any:
        """The first column of the first row of a query, or None without rows."""
        return self._in_place().value(sql, params)

    def batches(self, sql: str, params: object = None) -> AbstractContextManager["pa.RecordBatchReader"]:
        """The rows of a query a batch after the other, see `Warehouse.batches`."""
        return self._in_place().batches(sql, params)

    def run(self, sql: str, params: object = None) -> None:
        """Execute a statement for its effect."""
        self._in_place().run(sql, params)

    def lend(self, **frames: pl.DataFrame) -> AbstractContextManager[None]:
        """Let SQL read frames by name for a while."""
        return self.warehouse.lend(**frames)

    def came_to(self, windows: pl.DataFrame) -> pl.DataFrame:
        """What a metric came to within whole local days, for labels and for settlement alike.

        Args:
            windows: window_id (unique), player_key, metric, start_day, end_day (inclusive).

        Returns:
            window_id, value (Float64, null when the metric has none) and played (Boolean).
        """
        spanned = {"first": windows["start_day"].min(), "last": windows["end_day"].max()}
        with self.lend(windows=windows.select("window_id", "player_key", "metric", "start_day", "end_day")):
            return self.frame(self.fixed("activity/windows"), spanned)

    def fixed(self, name: str) -> str:
        """The text of `data/sql/<name>.sql`."""
        return self.warehouse.fixed(name)

    def once(self, name: str, make: Callable[[], R]) -> R:
        """What a night asks for more than once: made when first asked for, and anew after something has come in."""
        if self.warehouse.seen_by is not self:
            return make()
        if name not in self._kept:
            self._kept[name] = make()
        kept: R = self._kept[name]
        return kept

    def running_days(self) -> pl.DataFrame:
        """player_key and running_day: the first of the player's local days that was not over at the night's cut."""
        return self.once("running days", self._running_days)

    def _running_days(self) -> pl.DataFrame:
        running = self._by_zone(lambda zone: zones.day_under_way(zone, self.cut, self.app.day_shift))
        return running.select("player_key", running_day=pl.min_horizontal("day", pl.lit(self.as_of)))

    def first_whole_days(self) -> pl.DataFrame:
        """player_key and start_day: the first local day from `as_of` on that began no longer ago than the grace.

        What the player did between its beginning and the cut counts.
        """
        since = self.cut - self.night.grace
        fresh = self._by_zone(lambda zone: zones.first_fresh_day(zone, self.as_of, since, self.app.day_shift))
        return fresh.select("player_key", start_day="day")

    def day_starts(self, days: pl.DataFrame) -> pl.DataFrame:
        """When days begin where the players live, as known at the cut.

        Args:
            days: player_key and day, each pair once.

        Returns:
            player_key, day and begins_at.
        """
        zoned = days.join(self.zones(), on="player_key")
        asked = zoned.select("zone", "day").unique().sort("zone", "day")
        begins = [zones.day_start(zone, day, self.app.day_shift) for zone, day in asked.iter_rows()]
        starts = asked.with_columns(begins_at=pl.Series(begins, dtype=pl.Datetime("us", "UTC")))
        return zoned.join(starts, on=["zone", "day"]).select("player_key", "day", "begins_at")

    def unknown_days(self) -> pl.DataFrame:
        """player_key, first_day, last_day: spans of the player's local days of which the night knows nothing."""
        return self.once("unknown days", lambda: silent_spans(self.warehouse, self.app, self.cut, self.night.silences))

    def pauses(self) -> pl.DataFrame:
        """player_key, first_day, last_day: spans of local days over which players have paused."""
        return self.once(
            "pauses", lambda: self.frame("FROM pauses_known($cut::TIMESTAMPTZ) ORDER BY ALL", {"cut": self.cut})
        )

    def left_alone(self, until: dt.datetime | None = None) -> pl.DataFrame:
        """player_key and reason, each player once: to whom nothing is to be said on the day served.

        Args:
            until: What became available by then is heeded; the night's cut by default.
        """
        pins = {"cut": until or self.cut, "as_of": self.as_of}
        return self.once(f"left alone {pins['cut']}", lambda: self.frame(self.fixed("players/left_alone"), pins))

    def days_without_word(self) -> pl.DataFrame:
        """player_key, first_day, last_day: days that tell nothing of the player, unknown or within a pause."""
        return pl.concat([self.unknown_days(), self.pauses()])

    def over(self, spans: pl.DataFrame) -> pl.DataFrame:
        """Those of the spans (player_key, start_day, end_day, …) that were over for the player and known in whole.

        One in which the player paused tells nothing of what they do, and is left out.
        """
        running = self.running_days()
        over = spans.join(running, on="player_key", how="left", maintain_order="left")
        over = over.filter(pl.col("end_day") < pl.col("running_day")).drop("running_day")
        without = self.days_without_word()
        if without.is_empty():
            return over
        unknown = touching(over, without).select("player_key", "start_day", "end_day").unique()
        return over.join(unknown, on=["player_key", "start_day", "end_day"], how="anti", maintain_order="left")

    def what_is_over(self) -> dict[str, pl.DataFrame]:
        """What tells whether a window is over and known in whole, to be lent: `running` and `unknown`.

        Of a window with an unknown day only what was completed is settled: to count it would flatter. `unknown` has the
        days of pauses, too.
        """
        return {"running": self.running_days(), "unknown": self.days_without_word()}

    def _in_place(self) -> Warehouse:
        """The warehouse with the views of this night."""
        if self.warehouse.seen_by is not self:
            self.warehouse.seen_by = None
            self._kept.clear()
            know_until(self.warehouse, self.app, self.as_of, self.cut)
            self.warehouse.seen_by = self
        return self.warehouse

    def _by_zone(self, day_of: Callable[[str], dt.date]) -> pl.DataFrame:
        """player_key and day: what `day_of` says for the time zone of each player as known at the cut."""
        zoned = self.zones()
        days = {zone: day_of(zone) for zone in zoned["zone"].unique()}
        return zoned.select("player_key", day=pl.col("zone").replace_strict(days, return_dtype=pl.Date))

    def zones(self) -> pl.DataFrame:
        """player_key and zone, as known at the cut."""
        told = {"cut": self.cut, "zone": self.app.timezone}
        return self.once("zones", lambda: self.warehouse.frame(self.fixed("night/zones_in_use"), told))
