"""What players have lately read of the texts that are open to them tonight.

Tens of millions of readings meet millions of rows, so players, briefs and texts are numbers here, in arrays, and
readings stay where they are kept: they come some at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]

# From players (player_key, each once) to what they read lately: player_key, variant, some rows after others.
Readings = Callable[[pl.Series], Iterator[pl.DataFrame]]
AT_ONCE = 2**18  # readings; more would take more memory and no less time


def nothing_read(_players: pl.Series) -> Iterator[pl.DataFrame]:
    """The readings of a night that looks at none."""
    return iter(())


@dataclass(frozen=True)
class Seats:
    """The rows of a night, sorted by player and in their order of precedence within one.

    Attributes:
        order: Of each, its row in the frame that it came in.
        players: Of each, the number of its player, from 0 in the order of player_key.
        briefs: Of each, the number of its brief.
        keys: player_key by number.
        first, end: By player, the first row and the one behind the last.
        asked: By player, the bits of their briefs; see `_bits`.
    """

    order: Numbers
    players: Numbers
    briefs: Numbers
    keys: Numbers
    first: Numbers
    end: Numbers
    asked: Bits

    def pieces(self, players: int) -> Iterator[tuple["Seats", slice]]:
        """The rows of so many players after the other, whose numbers begin at 0 again, and where these rows are."""
        for start in range(0, len(self.keys), players):
            some = slice(start, start + players)
            rows = slice(int(self.first[some][0]), int(self.end[some][-1]))
            yield (
                Seats(
                    self.order[rows],
                    self.players[rows] - start,
                    self.briefs[rows],
                    self.keys[some],
                    self.first[some] - rows.start,
                    self.end[some] - rows.start,
                    self.asked[some],
                ),
                rows,
            )


def seat_rows(rows: pl.DataFrame, brief_ids: pl.Series) -> Seats:
    """Sort rows by player.

    Args:
        rows: player_key, brief_id.
        brief_ids: The briefs by number, all of those in `rows` among them.
    """
    briefs = rows["brief_id"].cast(pl.Enum(brief_ids)).to_physical().to_numpy().astype(np.int64)
    keys = rows["player_key"].to_numpy()
    order = np.argsort(keys, kind="stable")
    first = _starts(keys[order])
    end = np.append(first[1:], len(order)) if len(order) else first
    players, briefs = np.repeat(np.arange(len(first)), end - first), briefs[order]
    asked = np.bitwise_or.reduceat(_bits(briefs), first) if len(first) else _bits(first)
    return Seats(order, players, briefs, keys[order][first], first, end, asked)


def number_read(seats: Seats, briefs: Numbers, variants: pl.Series, recent: Readings) -> Numbers:
    """The texts of their own briefs of tonight that players have read lately, under whichever brief it was.

    Args:
        seats: The rows of the night.
        briefs: Of each text, the number of its brief.
        variants: Of each text, what it is called wherever it stands.
        recent: What players read lately.

    Returns:
        player * number of texts + text; each once, in ascending order.
    """
    kinds = variants.unique()
    copies, bits = _copies(variants, kinds), _bits(briefs)
    found = [np.empty(0, np.int64)]
    for some in recent(pl.Series("player_key", seats.keys, pl.Int64)) if len(seats.keys) else ():
        of_kind = some["variant"].cast(pl.Enum(kinds), strict=False).to_physical().cast(pl.UInt32)
        players, codes = _players(seats, some["player_key"].to_numpy()), of_kind.fill_null(len(kinds)).to_numpy()
        for of_code in copies:
            texts = of_code[codes]
            here = np.flatnonzero((texts >= 0) & (players >= 0))
            players, codes, texts = players[here], codes[here], texts[here]  # what has no first copy has no second
            likely = np.flatnonzero(seats.asked[players] & bits[texts])
            found += _own(seats, briefs, players[likely], texts[likely])
    ordered = np.concatenate(found)
    found.clear()
    ordered.sort(kind="stable")
    new = _begins(ordered)
    return ordered if new.all() else ordered[new]


def most_read(rows: pl.DataFrame, texts: pl.DataFrame, recent: Readings) -> pl.DataFrame:
    """How many of each brief's texts that of its players has read lately who has read the most of them.

    Args:
        rows: player_key, brief_id: a row for each text that is wanted tonight.
        texts: brief_id, variant.
        recent: What players read lately.

    Returns:
        brief_id, read; no row for a brief of which nobody has read anything.
    """
    texts = texts.select("brief_id", "variant").sort("brief_id")
    ids = texts["brief_id"].unique(maintain_order=True)
    briefs = texts["brief_id"].cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int64)
    seats = seat_rows(rows.select("player_key", "brief_id").join(ids.to_frame(), on="brief_id", how="semi"), ids)
    players, read = np.divmod(number_read(seats, briefs, texts["variant"], recent), max(texts.height, 1))
    each = players * len(ids) + briefs[read]
    first = _starts(each)
    most = np.zeros(len(ids), np.int64)
    np.maximum.at(most, briefs[read[first]], np.diff(first, append=len(each)))
    return pl.DataFrame({"brief_id": ids, "read": most}).filter(pl.col("read") > 0)


def _starts(ordered: Numbers) -> Numbers:
    """Where each run of equal values begins."""
    return np.flatnonzero(_begins(ordered))


def _begins(ordered: Numbers) -> npt.NDArray[np.bool_]:
    """Of each value, whether it is another than the one before."""
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return new


def _copies(variants: pl.Series, kinds: pl.Series) -> list[Numbers]:
    """Arrays by place in `kinds`: the first text that is called so, the second, and so on; -1 is none."""
    texts = pl.DataFrame({"code": variants.cast(pl.Enum(kinds)).to_physical().cast(pl.Int64)}).with_row_index("text")
    texts = texts.with_columns(copy=pl.int_range(pl.len()).over("code"))
    copies = []
    for part in texts.sort("copy").partition_by("copy", maintain_order=True):
        of_code = np.full(len(kinds) + 1, -1, np.int64)  # the last is for what is no text of tonight
        of_code[part["code"].to_numpy()] = part["text"].to_numpy()
        copies.append(of_code)
    return copies


def _players(seats: Seats, keys: Numbers) -> Numbers:
    """The number of the player of each key; -1 for who has no row tonight."""
    runs = _starts(keys)
    numbers = np.minimum(np.searchsorted(seats.keys, keys[runs]), len(seats.keys) - 1)
    served = np.where(seats.keys[numbers] == keys[runs], numbers, -1)
    return np.repeat(served, np.diff(runs, append=len(keys)))


def _own(seats: Seats, briefs: Numbers, player: Numbers, text: Numbers) -> list[Numbers]:
    """The readings, numbered as `number_read` has it, whose text is of a brief of their player's rows."""
    brief, seat, end = briefs[text], seats.first[player], seats.end[player]
    found = []
    while len(seat):
        mine = seats.briefs[seat] == brief
        found.append(player[mine] * len(briefs) + text[mine])
        seat = seat + 1
        more = seat < end
        player, text, brief, seat, end = (part[more] for part in (player, text, brief, seat, end))
    return found


def _bits(briefs: Numbers) -> Bits:
    """One bit of 64 for each brief: a player without the bit does not have the brief."""
    bits: Bits = np.uint64(1) << (briefs % 64).astype(np.uint64)
    return bits
