"""What a published table is made from: the warehouse as the night knows it, and what the night has worked out."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.badges.held import badges_held
from pipelines.known import Known

PERFORMANCE_DAYS = 90
_EVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
_OPEN = {"content_id": pl.String(), "player_key": pl.Int64(), "progress": pl.Float64()}


@dataclass(frozen=True)
class Seen:
    """What a night has to publish from.

    Attributes:
        known: What the night may see.
        frames: What was worked out tonight and is kept nowhere else, with player_key: see `collect.FRAMES`.
        costs: What words of the last PERFORMANCE_DAYS cost: content_type, ai_provider, prompt_version, cost_usd.
    """

    known: Known
    frames: Mapping[str, pl.DataFrame]
    costs: pl.DataFrame

    @property
    def since(self) -> dt.date:
        """The first day that `content_performance` tells of."""
        return self.known.as_of - dt.timedelta(days=PERFORMANCE_DAYS)

    @cached_property
    def over(self) -> dict[str, pl.DataFrame]:
        """`running` and `unknown`, see `Known.what_is_over`."""
        return self.known.what_is_over()

    @cached_property
    def open_progress(self) -> pl.DataFrame:
        """content_id, player_key and progress of what is still open of earlier nights."""
        return typed(self.frames["open_challenges"], _OPEN).cast(pl.Schema(_OPEN))

    @cached_property
    def left_alone(self) -> pl.DataFrame:
        """player_key and reason of those who opted out or pause: unlike all else this heeds what came after the cut."""
        return self.known.left_alone(_EVER)

    @cached_property
    def badges_held(self) -> pl.DataFrame:
        """Badges that players hold; `noticed_on` is the night that awarded them."""
        return badges_held(self.known).rename({"as_of": "noticed_on"})

    @cached_property
    def _players(self) -> pl.DataFrame:
        return self.known.frame("SELECT player_key, user_id FROM players")

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame with player_key, under the players' own ids; who has none keeps a null, which the audit refuses."""
        if not frame.width:
            return frame
        return frame.join(self._players, on="player_key", how="left", maintain_order="left", validate="m:1")

    def select(self, name: str, **lent: pl.DataFrame) -> pl.DataFrame:
        """What `data/sql/publish/published_<name>.sql` says of the night; `lent` are frames it may name."""
        sql = self.known.fixed(f"publish/published_{name}")
        pins = {
            "as_of": self.known.as_of,
            "revision": self.known.night.revision,
            "cut": self.known.cut,
            "base_day": self.known.base_day,
            "since": self.since,
            "active_within_days": self.known.app.challenges.active_within_days,
        }
        with self.known.lend(**lent):
            return self.known.frame(sql, {key: value for key, value in pins.items() if f"${key}" in sql})


def typed(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A frame's columns of these names; one without columns stands for no rows."""
    return frame.select(list(types)) if frame.width else pl.DataFrame(schema=dict(types))
