"""What simulated players do on the days they play: rows with a kind, a time and the numbers behind the properties."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.habits import Habits
from data.simulator.players import KINDS, MODES, Floats, Ints, Population

LOGIN, STOP = len(KINDS), len(KINDS) + 1
NAMES = (*KINDS, "login", "stop_loss_set")
TRADE, JOURNAL, LESSON, DRILL, SQUAD = range(len(KINDS))
DAY_STARTS, DAY_ENDS = 4 * 60, 28 * 60 - 1  # minutes after local midnight
# When the exchanges are shut: fewer trades, more training. Order of KINDS.
_MARKETS_SHUT = np.array([0.10, 0.7, 1.5, 1.5, 1.0])
_PRACTICE = np.array([0.4, 0.5, 1.0, 1.0, 0.0])
_PRACTICE_SCALE = 70.0
_DRILL_MINUTES = np.array([5, 10, 20, 8])
_WAIT_MINUTES = np.array([4.0, 3.5, 1.5, 1.5, 1.5, 0.0, 1.5])  # mean pause before each kind, in the order of NAMES


@dataclass(frozen=True)
class PlayDays:
    """One entry per player and day of play, ordered by player, then day."""

    player: Ints
    day: Ints
    market_shut: NDArray[np.bool_]
    counts: Ints  # (play days, kinds)
    skill: Floats  # at the start of the day


@dataclass(frozen=True)
class Acts:
    """One entry per active event, ordered by player, day and time."""

    play_day: Ints
    kind: Ints
    minute: Floats  # after local midnight of the day
    sequence: Ints  # from 1 within the day
    mode: Ints
    difficulty: Ints
    minutes: Ints
    stop_set: NDArray[np.bool_]


def size_days(rng: np.random.Generator, people: Population, habits: Habits, market_shut: NDArray[np.bool_]) -> PlayDays:
    """How much of what is done on each day of play, and the skill that practice has built by then."""
    player, day = np.nonzero(habits.played.T)
    shut = market_shut[day]
    shape = people.steadiness[player]
    size = people.intensity[player] * rng.gamma(shape) / shape * np.exp(0.25 * habits.mood[day, player])
    rates = people.rates[player] * np.where(shut[:, None], _MARKETS_SHUT, 1.0) * size[:, None]
    counts = rng.poisson(np.minimum(rates, 60.0))
    practice = _before_today(counts @ _PRACTICE, player)
    gained = people.skill_growth[player] * (1 - np.exp(-practice / _PRACTICE_SCALE))
    return PlayDays(player, day, shut, counts, np.clip(people.skill_start[player] + gained, 0.0, 1.0))


def act(rng: np.random.Generator, people: Population, days: PlayDays) -> Acts:
    """Lay the day's doings out in sessions and give each its time."""
    sessions = np.minimum(1 + rng.poisson(0.12 * np.sqrt(days.counts.sum(axis=1))), 4)
    todo = np.concatenate([np.repeat(np.arange(len(days.player)), days.counts[:, kind]) for kind in range(len(KINDS))])
    kind = np.repeat(np.arange(len(KINDS)), days.counts.sum(axis=0))
    session = (rng.random(len(todo)) * sessions[todo]).astype(np.int64)
    place = rng.random(len(todo))
    place[kind == JOURNAL] **= 0.5  # notes come late in a session
    stop_set = (kind == TRADE) & (rng.random(len(todo)) < _stop_chance(people, days)[todo])
    stops = np.flatnonzero(stop_set)
    logins = np.repeat(np.arange(len(sessions)), sessions)
    play_day = np.concatenate([todo, todo[stops], logins])
    kind = np.concatenate([kind, np.full(len(stops), STOP), np.full(len(logins), LOGIN)])
    session = np.concatenate([session, session[stops], _rank(logins)])
    place = np.concatenate([place, place[stops] * rng.random(len(stops)), np.full(len(logins), -1.0)])
    stop_set = np.concatenate([stop_set, np.zeros(len(stops) + len(logins), dtype=np.bool_)])
    order = np.lexsort((place, session + 4 * play_day))
    play_day, kind, session, stop_set = play_day[order], kind[order], session[order], stop_set[order]
    mode, difficulty = _mode(rng, people, days, play_day), _difficulty(rng, days, play_day)
    minutes = _minutes(rng, kind, mode)
    minute = _clock(rng, people, days, play_day, kind, session, minutes)
    return Acts(play_day, kind, minute, _rank(play_day) + 1, mode, difficulty, minutes, stop_set)


def drill_scores(rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts, rows: Ints) -> Ints:
    """Scores from 0 to 1000 of the drills at `rows`; skill lifts them, difficulty lowers them."""
    owner = days.player[acts.play_day[rows]]
    spread = 60 + 70 / np.sqrt(people.steadiness[owner])
    level = (
        300
        + 620 * days.skill[acts.play_day[rows]]
        - 70 * acts.difficulty[rows]
        + np.array([20, 0, -30, -10])[acts.mode[rows]]
    )
    scores: Ints = np.clip(np.round(level + spread * rng.standard_normal(len(rows))), 0, 1000).astype(np.int64)
    return scores


def nth_of_player(days: PlayDays, acts: Acts, rows: Ints) -> Ints:
    """For each of these rows, how many of them the player had before."""
    return _rank(days.player[acts.play_day[rows]])


def _clock(
    rng: np.random.Generator,
    people: Population,
    days: PlayDays,
    play_day: Ints,
    kind: Ints,
    session: Ints,
    minutes: Ints,
) -> Floats:
    """Minutes after local midnight; every day of play stays inside the app's day."""
    gap = _WAIT_MINUTES[kind] * rng.exponential(1.0, len(kind)) + 0.1
    gap += np.where((kind == LESSON) | (kind == DRILL), minutes, 0)
    breaks = (kind == LOGIN) & (session > 0)
    gap[breaks] = 40 + rng.exponential(120, int(breaks.sum()))
    passed = np.cumsum(gap)
    first = np.flatnonzero(np.diff(play_day, prepend=-1))
    passed -= np.repeat(passed[first], np.diff(first, append=len(play_day)))
    length = passed[np.append(first[1:], len(play_day)) - 1]
    hour = people.hour[days.player] + people.hour_spread[days.player] * rng.standard_normal(len(first))
    begin = DAY_STARTS + (60 * hour - DAY_STARTS) % (24 * 60)
    begin = np.maximum(np.minimum(begin, DAY_ENDS - length), DAY_STARTS)
    minute: Floats = np.minimum(begin[play_day] + passed, DAY_ENDS)
    return minute


def _minutes(rng: np.random.Generator, kind: Ints, mode: Ints) -> Ints:
    minutes = np.zeros(len(kind))
    lesson, drill, trade = kind == LESSON, kind == DRILL, kind == TRADE
    minutes[lesson] = np.clip(rng.lognormal(np.log(11), 0.45, int(lesson.sum())), 2, 60)
    minutes[drill] = _DRILL_MINUTES[mode[drill]] * rng.choice([1, 2], size=int(drill.sum()), p=[0.8, 0.2])
    held = np.array([8, 45, 400, 20])[mode[trade]] * rng.exponential(1.0, int(trade.sum()))
    minutes[trade] = np.clip(held, 1, 1440)
    return np.round(minutes).astype(np.int64)


def _mode(rng: np.random.Generator, people: Population, days: PlayDays, play_day: Ints) -> Ints:
    own = people.mode[days.player[play_day]]
    return np.where(rng.random(len(own)) < 0.65, own, rng.integers(0, len(MODES), len(own)))


def _difficulty(rng: np.random.Generator, days: PlayDays, play_day: Ints) -> Ints:
    felt = days.skill[play_day] + rng.normal(0, 0.13, len(play_day))
    return np.digitize(felt, (0.38, 0.62)).astype(np.int64)


def _stop_chance(people: Population, days: PlayDays) -> Floats:
    return np.clip(people.stops[days.player] + 0.3 * days.skill, 0.02, 0.995)


def _rank(groups: Ints) -> Ints:
    """Position within each run of equal values, from 0."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(first, np.diff(first, append=len(groups)))


def _before_today(amount: Floats, player: Ints) -> Floats:
    """Running sum within each player, today excluded."""
    total = np.cumsum(amount) - amount
    first = np.flatnonzero(np.diff(player, prepend=-1))
    result: Floats = total - np.repeat(total[first], np.diff(first, append=len(player)))
    return result
