"""Where a published table's rows come from: a frame of the night or a query, handed over a piece at a time.

No table is held whole under the players' own ids, nor sorted whole: a frame is cut by players before it is named, a
query is asked of some players at a time and sorted by DuckDB within its memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import polars as pl

from pipelines.engines.laid import Frame, parts
from pipelines.known import Known

AT_A_TIME = 131_072  # rows
PLAYERS_AT_A_TIME = 40_000  # of whom a query joins and sorts the rows
WITH_FEW_ROWS = 3  # times as many, where each has a few


class Rows(Protocol):
    """The rows of a published table."""

    def pieces(self, key: Sequence[str]) -> Iterator[pl.DataFrame]:
        """All rows: no piece has one that comes before a row of the piece before it in order of `key`, nulls first.

        At least one piece, which may be empty; within a piece rows lie in any order.
        """


@dataclass(frozen=True)
class Named:
    """A frame with player_key, which `players` (player_key, user_id) has a name for, or else none.

    Attributes:
        frame: In memory, or laid by pieces in the order of user_id.
        at_a_time: A piece has about so many rows, and never a part of a player's.
        with_more: Gives the rows of a piece further columns.
    """

    frame: Frame
    players: pl.DataFrame
    at_a_time: int = AT_A_TIME
    with_more: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows

    def pieces(self, key: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The rows under the players' own ids, some players at a time, in the order of ids."""
        for frame in _gathered(parts(self.frame), self.at_a_time):
            if not frame.width:
                yield frame
            elif key[0] != "user_id" or frame.height <= self.at_a_time:
                yield self._named(frame)
            else:
                numbers = _numbers(frame, self.players, self.at_a_time)
                for number in numbers.unique().sort():
                    yield self._named(frame.filter(numbers == number))

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        named = rows.join(self.players, on="player_key", how="left", maintain_order="left", validate="m:1")
        return self.with_more(named)


def _gathered(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Frames one below the other, as many as have no more than so many rows together; at least one."""
    waiting = [next(frames)]
    for frame in frames:
        if sum(each.height for each in waiting) + frame.height > rows:
            yield pl.concat(waiting)
            waiting = []
        waiting.append(frame)
    yield pl.concat(waiting)


def _numbers(frame: pl.DataFrame, players: pl.DataFrame, at_a_time: int) -> pl.Series:
    """The piece of each row, in the order of user_id."""
    counts = frame.group_by("player_key").len().join(players, on="player_key", how="left").sort("user_id", "player_key")
    piece = ((pl.col("len").cum_sum() - pl.col("len")) // at_a_time).cast(pl.UInt32)
    mine = counts.select("player_key", piece=piece)
    rows = frame.select("player_key").join(mine, on="player_key", how="left", maintain_order="left")
    return rows["piece"]


@dataclass(frozen=True)
class Selected:
    """What a query of the night's warehouse gives; `lent` are frames that it may name.

    Attributes:
        few_rows: A player has a few rows of it, however long the history: it is asked of more players at a time, since
            to ask again takes more than half of what it takes to ask once.
    """

    known: Known
    sql: str
    params: Mapping[str, Any]
    lent: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    few_rows: bool = False

    def pieces(self, key: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The rows in order; nothing else may be asked of the warehouse before the last."""
        order = ", ".join(f'"{name}" NULLS FIRST' for name in key)
        with self.known.lend(**self.lent):
            for among, bounds in self._ranges() if key[0] == "user_id" else [("", {})]:
                sql = f"FROM ({self.sql}\n) {among} ORDER BY {order}"
                yield from self.known.pieces(sql, {**self.params, **bounds}, AT_A_TIME)

    def _ranges(self) -> list[tuple[str, dict[str, str]]]:
        """Conditions on user_id, in its order, which together let everybody through, also who has none."""
        size = PLAYERS_AT_A_TIME * (WITH_FEW_ROWS if self.few_rows else 1)
        starts = self.known.once(f"pieces of {size} players", partial(self._starts, size))
        if not starts:
            return [("", {})]
        between = [
            ("WHERE user_id >= $from_user AND user_id < $to_user", {"from_user": start, "to_user": end})
            for start, end in pairwise(starts)
        ]
        first = ("WHERE user_id IS NULL OR user_id < $to_user", {"to_user": starts[0]})
        last = ("WHERE user_id >= $from_user", {"from_user": starts[-1]})
        return [first, *between, last]

    def _starts(self, size: int) -> list[str]:
        """The first user_id of each piece of all players but the first one."""
        rows = self.known.rows(
            """SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) - 1 AS place FROM players)
               WHERE place > 0 AND place % $size = 0 ORDER BY place""",
            {"size": size},
        )
        return [start for (start,) in rows]

    def whole(self) -> pl.DataFrame:
        """The rows at once, in any order: for what is joined to others before it is published."""
        with self.known.lend(**self.lent):
            return self.known.frame(self.sql, dict(self.params))
