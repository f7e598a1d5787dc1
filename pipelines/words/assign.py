"""Who reads which text: fixed by player, brief and night, different for neighbours, new to the player.

Millions of rows are compared in rounds, so texts, briefs and players are numbers here, in arrays sorted by player.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.words.briefs import first_text
from pipelines.words.checks.validate import SLOT, sentences
from pipelines.words.read_lately import Numbers, Readings, Seats, nothing_read, number_read, seat_rows

Small = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Chances = npt.NDArray[np.float64]
OnScreen = Callable[[pl.DataFrame], pl.DataFrame]  # phrase, number of tonight's -> player_key, number of what is open

PLAYERS_AT_ONCE = 100_000  # whose readings are in memory together: after a month some two hundred each
_NOTHING = pl.DataFrame(schema={"player_key": pl.Int64, "number": pl.Int64})
_PHRASES = 2**32  # more than a night has
_POLITE_ROUNDS = 24  # so often a row steps aside for another of the same night; for what was read lately, always


@dataclass(frozen=True)
class _Deck:
    """The night's texts, those of a brief side by side and in the order of their index.

    Attributes:
        rows: Of each text, its row in the frame that it came in.
        briefs: Of each text, the number of its brief.
        first, n: Of each brief, its first text and how many it has.
        offset: Of each brief, where it starts tonight.
        ids: brief_id by number.
        variants: Of each text, what it is called wherever it stands.
        same: Of each text, a number that it shares with equal texts of other briefs.
        phrases: Arrays over the texts: numbers of their titles and sentences, of what is paired with slots, too; 0 is
            none.
        spelled: phrase and number: every spelling of what is said without a slot.
    """

    rows: Numbers
    briefs: Numbers
    first: Numbers
    n: Numbers
    offset: Numbers
    ids: pl.Series
    variants: pl.Series
    same: Small
    phrases: list[Small]
    spelled: pl.DataFrame


def assign_variants(
    rows: pl.DataFrame,
    variants: pl.DataFrame,
    *,
    as_of: dt.date,
    recent: Readings = nothing_read,
    on_screen: OnScreen | None = None,
    paired: pl.Series | None = None,
) -> pl.DataFrame:
    """Choose a text for every row.

    A player's first choice is (place + offset) modulo n, where the place is that of the player_key among those who
    share the brief, and the offset is fixed by the brief and moves on by one each night: a text has been read by n
    others before it comes round. Where the player has read it lately, or another text of the night or of what is open
    to them already has the same title or sentence, it is the next one. A text is read again only when the player has
    lately read all of the brief's.

    Args:
        rows: player_key, brief_id, in order of precedence within a player.
        variants: From `Source.texts`: brief_id, index, n, variant, title, text; at least one for each brief.
        as_of: The night.
        recent: What players read lately.
        on_screen: Finds what of tonight's phrases stands on what is open to players already.
        paired: The briefs of what is told twice, as a mission is by its own brief: of them sentences with slots count,
            too.

    Returns:
        at (the row of `variants` that is read) and propensity: 1 / number of the brief's texts that the player has not
        read lately; in the order of `rows`.
    """
    deck = _lay_out(variants, as_of, pl.Series([], dtype=pl.String) if paired is None else paired)
    seats = seat_rows(rows, deck.ids)
    index = (_places(seats, deck) + deck.offset[seats.briefs]) % deck.n[seats.briefs]
    shown = _NOTHING if on_screen is None or not len(seats.keys) else on_screen(deck.spelled)
    at, propensity = np.empty(rows.height, np.uint32), np.empty(rows.height)
    for some, mine in seats.pieces(PLAYERS_AT_ONCE):
        propensity[some.order] = _settle(index[mine], some, deck, recent, shown)
        at[some.order] = deck.rows[deck.first[some.briefs] + index[mine]]
    return pl.DataFrame({"at": at, "propensity": propensity})


def _settle(index: Numbers, seats: Seats, deck: _Deck, recent: Readings, shown: pl.DataFrame) -> Chances:
    """Move on, in place, what players have read or have before them; the propensity of each row."""
    read = number_read(seats, deck.briefs, deck.variants, recent)
    _step_aside(index, seats, deck, read, _on_screen(seats, shown))
    chances: Chances = 1 / np.maximum(deck.n[seats.briefs] - _count_reads(seats, deck, read), 1)
    return chances


def _lay_out(variants: pl.DataFrame, as_of: dt.date, paired: pl.Series) -> _Deck:
    """The deck of a night."""
    texts = variants.select("brief_id", "index", "variant", "title", "text").with_row_index("row")
    texts = texts.sort("brief_id", "index")
    ids = texts.group_by("brief_id", maintain_order=True).agg(n=pl.len())
    n = ids["n"].to_numpy().astype(np.int64)
    offset = [first_text(brief_id, as_of) for brief_id in ids["brief_id"]]
    same = texts["variant"].rank("dense")
    phrases, spelled = _phrases(texts.with_columns(paired=pl.col("brief_id").is_in(paired.to_list())))
    return _Deck(
        rows=texts["row"].to_numpy().astype(np.int64),
        briefs=np.repeat(np.arange(len(n)), n),
        first=np.cumsum(n) - n,
        n=n,
        offset=np.array(offset, dtype=np.int64),
        ids=ids["brief_id"],
        variants=texts["variant"],
        same=same.to_numpy().astype(np.int32),
        phrases=phrases,
        spelled=spelled,
    )


def _phrases(texts: pl.DataFrame) -> tuple[list[Small], pl.DataFrame]:
    """The phrases and how they are spelled, see `_Deck`; a text that goes with several titles has them all."""
    numbers: dict[str, int] = {}
    spelled: dict[str, int] = {}
    said: dict[str, list[int]] = {}
    each = texts.select("variant", "title", "text", "paired").unique(maintain_order=True)
    for variant, title, text, paired in each.iter_rows():
        mine = said.setdefault(variant, [])
        for phrase in (title, *sentences(text)):
            slotted = SLOT.search(phrase) is not None
            if phrase and (paired or not slotted):
                said_as = phrase.casefold().replace("{window}", "{until}")  # which are filled in alike
                number = numbers.setdefault(said_as, len(numbers) + 1)
                spelled |= {} if slotted else {phrase: number}
                mine += [] if number in mine else [number]
    most = max(map(len, said.values()), default=0)
    padded = np.array(
        [said[variant] + [0] * (most - len(said[variant])) for variant in texts["variant"]], dtype=np.int32
    ).reshape(texts.height, most)
    told = pl.DataFrame([*spelled.items()], schema={"phrase": pl.String, "number": pl.Int64}, orient="row")
    return [np.ascontiguousarray(column) for column in padded.T], told


def _on_screen(seats: Seats, found: pl.DataFrame) -> Numbers:
    """Each player * _PHRASES + phrase of what stands on what is open to players; in ascending order."""
    keys = found["player_key"].to_numpy()
    players = np.minimum(np.searchsorted(seats.keys, keys), len(seats.keys) - 1)
    here = seats.keys[players] == keys
    return np.sort(players[here] * _PHRASES + found["number"].to_numpy()[here])


def _places(seats: Seats, deck: _Deck) -> Numbers:
    """Of each seat, its place among those of its brief, from 1."""
    small = seats.briefs.astype(np.uint16) if len(deck.n) <= 2**16 else seats.briefs
    by_brief = np.argsort(small, kind="stable")
    counts = np.bincount(seats.briefs, minlength=len(deck.n))
    places = np.empty(len(by_brief), np.int64)
    places[by_brief] = np.arange(1, len(by_brief) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _count_reads(seats: Seats, deck: _Deck, read: Numbers) -> Numbers:
    """Of each seat, how many of its brief's texts the player has read lately."""
    first = seats.players * len(deck.rows) + deck.first[seats.briefs]
    return np.searchsorted(read, first + deck.n[seats.briefs]) - np.searchsorted(read, first)


def _step_aside(index: Numbers, seats: Seats, deck: _Deck, read: Numbers, shown: Numbers) -> None:
    """Move on, in place, the rows that must not or should not have their text; their players are looked at again."""
    left = np.arange(len(index))
    for round_ in range(_POLITE_ROUNDS + int(max(deck.n, default=0))):
        players, briefs = seats.players[left], seats.briefs[left]
        texts = deck.first[briefs] + index[left]
        bad = _is_in(players * len(deck.rows) + texts, read)
        _mark_later(bad, players, [deck.same[texts]])
        if round_ < _POLITE_ROUNDS:
            said = [phrase[texts] for phrase in deck.phrases]
            _mark_later(bad, players, said)
            for phrase in said if len(shown) else ():
                bad |= _is_in(players * _PHRASES + phrase, shown)
        if not bad.any():
            return
        moved = left[bad]
        index[moved] = (index[moved] + 1) % deck.n[briefs[bad]]
        unsettled = np.zeros(len(seats.keys), np.bool_)
        unsettled[players[bad]] = True
        left = left[unsettled[players]]


def _is_in(keys: Numbers, ordered: Numbers) -> Mask:
    if not len(ordered):
        return np.zeros(len(keys), np.bool_)
    found: Mask = ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys
    return found


def _mark_later(bad: Mask, players: Numbers, said: list[Small]) -> None:
    """Mark, in place, the rows that have a number above 0 in common with an earlier row of their player."""
    for apart in range(1, len(players)):
        same = players[apart:] == players[:-apart]
        if not same.any():
            return
        for later in said:
            spoken = same & (later[apart:] > 0)
            for earlier in said if spoken.any() else ():
                bad[apart:] |= spoken & (later[apart:] == earlier[:-apart])
