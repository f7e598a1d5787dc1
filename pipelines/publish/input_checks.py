"""Did the input break? What broken deliveries do to play, told from what holidays, weekends and ends of terms do to it.

People who stay away are fewer, and those who come play as ever: that stops no night and is only told (`few_players`).
A cohort that half of its players left is not judged, so a term may end, and its quizzes with it. Where play goes on:

- events are lost when players have far less each than on the same weekdays of four weeks, and all of them together;
- a metric is gone when nobody has it who had it on the same weekdays for as long as the app, or for eight weeks. What
  has its season on fewer days may end, and so may what the app's calendar names;
- rows come twice when a far larger share of them than ever is what other rows are, their ids aside;
- cohorts are lost when a far larger share of players than ever plays without the properties that tell them apart.

Each must be more than chance does. What the night before found is not found again: a person took it.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.nouns import counted
from pipelines.known import Known
from pipelines.players.calendar import calendar_entries
from pipelines.publish.input_counts import WEEK, WEEKS, Counts, InputCounts, read_input_counts
from pipelines.publish.published import Published

Flags = NDArray[np.bool_]
SPANS = {1: "day", 7: "week"}
SAME = slice(WEEK, WEEK * 4 + 1, WEEK)
FEWEST_WEEKS = 4
LIVES = 0.5
EVENTS_KEPT, EACH_KEPT, PLAYERS_KEPT, GONE = 0.7, 0.75, 0.5, 0.02
MIX = 2.5
SWING, SWINGS = 0.2, 0.05  # a metric that falls to a fifth on more than one day in twenty comes and goes
RISE, FEWEST = 0.25, 20
# Counts vary as their square root: this many standard deviations from what is allowed.
CHANCE, UNLIKE = 5.5, 2.0
NO_PROPERTY = "-"  # as metric_sql.py spells a cohort without


@dataclass(frozen=True)
class InputVerdict:
    """What the newest input looks like.

    Attributes:
        broken: A sentence for each thing that broke since the night before.
        quiet: A sentence when far fewer than usual played; empty otherwise.
    """

    broken: tuple[str, ...] = ()
    quiet: str = ""


def judge_input(known: Known, previous: Published | None) -> InputVerdict:
    """Whether the input of a night broke.

    Args:
        known: What the night may see.
        previous: The night before, whose findings a person took.
    """
    counts = read_input_counts(known, known.base_day, known.cut)
    found, quiet = find_breaks(counts, _ends(known, known.base_day), known.base_day), few_players(counts)
    if not found or previous is None:
        return InputVerdict(tuple(found.values()), quiet)
    then = previous.manifest
    taken = find_breaks(read_input_counts(known, then.base_day, then.cut), _ends(known, then.base_day), then.base_day)
    return InputVerdict(tuple(told for what, told in found.items() if what not in taken), quiet)


def _ends(known: Known, base_day: dt.date) -> Collection[dt.date]:
    """Last days of what the calendar names around a day."""
    return set(calendar_entries(known, base_day - dt.timedelta(days=max(SPANS) + 1), base_day)["until"])


def find_breaks(counts: InputCounts, ends: Collection[dt.date], base_day: dt.date) -> dict[str, str]:
    """What broke, with a sentence each. A newest day without any play is silence, which is found elsewhere.

    Args:
        counts: Of the days before `base_day`.
        ends: Last days of what the calendar names.
        base_day: The night's.
    """
    if not counts.of("play", "players")[:, 0].sum():
        return {}
    found: dict[str, str] = {}
    for what, told in (*_lost(counts), *_gone(counts, ends, base_day), *_twice(counts), *_unnamed(counts)):
        found.setdefault(what, told)
    return found


def few_players(counts: InputCounts) -> str:
    """A sentence when far fewer than usual played on the newest day; empty otherwise."""
    players = counts.of("play", "players").sum(axis=0)
    now, least = players[0], players[SAME].min()
    if not 0 < now < PLAYERS_KEPT * least or not _beyond_chance(least, now):
        return ""
    return f"{now:,.0f} played on the newest day, {least:,.0f} or more on each such weekday of four weeks"


def _lost(counts: InputCounts) -> Iterator[tuple[str, str]]:
    """Events of players who are here."""
    for width, span in SPANS.items():
        events = _summed(counts.of("play", "events"), width)
        players = _summed(counts.of("play", "players"), width)
        living = _living(players)
        events, players = events[living].sum(axis=0), players[living].sum(axis=0)
        if players[0] < FEWEST or not players[SAME].all():
            continue
        least, each, least_each = events[SAME].min(), events[0] / players[0], (events[SAME] / players[SAME]).min()
        fewer = events[0] < EVENTS_KEPT * least and _beyond_chance(least, events[0])
        # A player's events of a day vary about as much as their mean; one player may be there on each day of a week.
        unlike = (1 - each / least_each) * (players[0] / width) ** 0.5 > UNLIKE
        if fewer and unlike and each < EACH_KEPT * least_each and _mixed_as_ever(counts, living, width):
            few = f"{each:.1f} events for each of {counted(int(players[0]), 'player')} on the newest {span}"
            yield "events", f"{few}, {least_each:.1f} or more on each such {span} of four weeks: some are missing"


def _gone(counts: InputCounts, ends: Collection[dt.date], base_day: dt.date) -> Iterator[tuple[str, str]]:
    """Metrics of players who are here."""
    for width, span in SPANS.items():
        players = _summed(counts.of("here", "players"), width)
        living, weeks = _living(players), _weeks_of(players.sum(axis=0))
        if weeks < FEWEST_WEEKS or _season_ended(ends, base_day, width):
            continue
        for name in counts.names("had"):
            had = _summed(counts.of("had", name), width)[living].sum(axis=0)
            least = had[SAME].min()
            lived = had[WEEK : WEEK * weeks + 1 : WEEK].all() and _steady(had[1 : WEEK * weeks + 1])
            if lived and had[0] <= GONE * least and _beyond_chance(least / width**0.5, had[0]):
                before = f"{had[WEEK]:,.0f} a week before, when about as many played"
                yield f"metric {name}", f"{counted(int(had[0]), 'player')} with '{name}' on the newest {span}, {before}"


def _twice(counts: InputCounts) -> Iterator[tuple[str, str]]:
    """Rows that are what other rows are."""
    rows, copies = (counts.of("sent", name).sum(axis=0) for name in ("rows", "copies"))
    if (usual := _risen(copies, rows)) is not None:
        told = f"{copies[0]:,.0f} of the {counted(int(rows[0]), 'newest event')} repeated, in all but the id"
        yield "copies", f"{told}, {usual:.0%} at most before: a delivery may have come twice"


def _unnamed(counts: InputCounts) -> Iterator[tuple[str, str]]:
    """Players of cohorts that lack a name."""
    players = counts.of("here", "players")
    lacking = np.array([NO_PROPERTY in cohort.split("/") for cohort in counts.cohorts], dtype=bool)
    without = players[lacking].sum(axis=0)
    if (usual := _risen(without, players.sum(axis=0))) is not None:
        told = f"{counted(int(without[0]), 'player')} on the newest day without the properties that make cohorts"
        yield "cohorts", f"{told}, {usual:.0%} at most before"


def _risen(part: Counts, whole: Counts) -> float | None:
    """The highest share of the days before, when the newest is far above it."""
    past = slice(1, WEEK * WEEKS + 1)
    if part[0] < FEWEST or np.count_nonzero(whole[past]) < WEEK * 2:
        return None
    usual = float((part[past] / np.maximum(whole[past], 1)).max())
    return usual if part[0] / whole[0] > usual + RISE * (1 - usual) else None


def _living(players: Counts) -> Flags:
    """The cohorts that keep about as many players as on the same weekdays, (cohorts,); small ones count together."""
    small = np.median(players[:, SAME], axis=1) < FEWEST
    groups = np.where(small[:, None], players[small].sum(axis=0), players)
    usual = np.median(groups[:, SAME], axis=1)
    living: Flags = (usual > 0) & (groups[:, 0] >= LIVES * usual)
    return living


def _weeks_of(players: Counts) -> int:
    """For how many weeks before the newest there was play, at most WEEKS."""
    return min(int(np.max(np.nonzero(players), initial=0)) // WEEK, WEEKS)


def _mixed_as_ever(counts: InputCounts, living: Flags, width: int) -> bool:
    """Whether players do the same things as ever, which whoever comes for the end of something does not."""
    done = np.array([_summed(counts.of("done", name), width)[living].sum(axis=0) for name in counts.names("done")])
    shares = done / np.maximum(done.sum(axis=0), 1)
    now, past = shares[:, 0], shares[:, SAME]
    usual = past.mean(axis=1)
    apart = np.abs(past - usual[:, None]).sum(axis=0).max()
    chance = np.sqrt(usual * (1 - usual) / max(done[:, 0].sum(), 1)).sum()
    return bool(np.abs(now - usual).sum() <= MIX * apart + chance)


def _steady(had: Counts) -> bool:
    """Whether a metric seldom falls far from a week to the next."""
    now, then = had[:-WEEK], had[WEEK:]
    return bool(np.count_nonzero(now < SWING * then) <= SWINGS * len(now))


def _season_ended(ends: Collection[dt.date], base_day: dt.date, width: int) -> bool:
    """Whether the calendar names something that ended in the newest days or on the day before them."""
    first = base_day - dt.timedelta(days=width + 1)
    return any(first <= end < base_day for end in ends)


def _summed(counts: Counts, width: int) -> Counts:
    """Sums of `width` days, each with those before it, (cohorts, days)."""
    sums: Counts = np.lib.stride_tricks.sliding_window_view(counts, width, axis=1).sum(axis=2)
    return sums


def _beyond_chance(least: float, now: float) -> bool:
    return bool(2 * (np.sqrt(least) - np.sqrt(now)) > CHANCE)
