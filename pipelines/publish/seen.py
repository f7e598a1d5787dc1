"""What a published table is made from: the warehouse as the night knows it, and what the night has worked out."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.badges.held import held_query
from pipelines.challenges.settle import OPEN
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.languages import languages_read
from pipelines.players.waiting import EVER, waiting_news
from pipelines.publish.rows import Named, Selected

PERFORMANCE_DAYS = 90


@dataclass(frozen=True)
class Seen:
    """What a night has to publish from.

    Attributes:
        known: What the night may see.
        frames: What was worked out tonight and is kept nowhere else, with player_key: see `collect.FRAMES`; targets of
            many players are `Laid`.
        costs: What words of the last PERFORMANCE_DAYS cost: content_type, ai_provider, prompt_version, cost_usd.
    """

    known: Known
    frames: Mapping[str, Frame]
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
        """What is still open of earlier nights: see `OPEN`."""
        return typed(self.frame("open_challenges"), OPEN).cast(pl.Schema(OPEN))

    @cached_property
    def left_alone(self) -> pl.DataFrame:
        """player_key and reason of those who opted out or pause: unlike all else this heeds what came after the cut."""
        return self.known.left_alone(EVER)

    @cached_property
    def waiting(self) -> pl.DataFrame:
        """Whose news wait for the end of a pause, or waited until tonight; see `waiting_news`."""
        return waiting_news(self.known)

    def with_language(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with user_id, and the language of the app that each player reads."""
        read = languages_read(self.known).join(self._players, on="player_key").select("user_id", "language")
        rows = rows.join(read, on="user_id", how="left", maintain_order="left")
        return rows.with_columns(pl.col("language").fill_null(self.known.app.voice.languages[0]))

    @cached_property
    def _held(self) -> tuple[str, dict[str, pl.DataFrame]]:
        return held_query(self.known)

    @cached_property
    def _players(self) -> pl.DataFrame:
        return self.known.frame("SELECT player_key, user_id FROM players")

    def frame(self, name: str) -> pl.DataFrame:
        """One of `frames`, in memory."""
        rows = self.frames[name]
        return rows if isinstance(rows, pl.DataFrame) else pl.concat(rows.parts())

    def named(self, frame: Frame) -> Named:
        """A frame with player_key, under the players' own ids; who has none keeps a null, which the audit refuses."""
        return Named(frame, self._players)

    def select(self, name: str, *, few_rows: bool = False, **lent: pl.DataFrame) -> Selected:
        """What `data/sql/publish/published_<name>.sql` says of the night; see `Selected`."""
        sql = self.known.fixed(f"publish/published_{name}")
        pins = {
            "as_of": self.known.as_of,
            "revision": self.known.night.revision,
            "cut": self.known.cut,
            "base_day": self.known.base_day,
            "since": self.since,
            "active_within_days": self.known.app.challenges.active_within_days,
        }
        return Selected(
            self.known, sql, {key: value for key, value in pins.items() if f"${key}" in sql}, lent, few_rows
        )

    def query(self, sql: str) -> Selected:
        """What a query without parameters says, in any order; it names the players itself."""
        return Selected(self.known, sql, {})

    def awards(
        self, what: str = "p.user_id, h.*", where: str = "", *, few_rows: bool = False, **lent: pl.DataFrame
    ) -> Selected:
        """What of the badges that players hold (h), of players p, as SQL; `lent` are frames that `where` names."""
        held, named = self._held
        sql = f"SELECT {what} FROM ({held}) h LEFT JOIN players p USING (player_key) {where}"
        return Selected(self.known, sql, {"as_of": self.known.as_of}, named | lent, few_rows)

    def awards_told(self) -> Selected:
        """The badges to tell of tonight, noticed now or waiting until now; none of players who are left alone."""
        told = """LEFT JOIN waiting w USING (player_key) ANTI JOIN left_alone USING (player_key)
                  WHERE h.as_of >= coalesce(w.news_from, $as_of)"""
        return self.awards(where=told, few_rows=True, waiting=self.waiting, left_alone=self.left_alone)


def typed(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A frame's columns of these names; one without columns stands for no rows."""
    return frame.select(list(types)) if frame.width else pl.DataFrame(schema=dict(types))
