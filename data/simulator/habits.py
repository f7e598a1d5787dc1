"""Which simulated players play on which day: habit, mood, weekday, leaving and coming back.

A loop over days, each a step for all players at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.players import Floats, Ints, Population

NEVER = -1
_MOOD_MEMORY = 0.8
_HABIT_MEMORY = 0.88
_HONEYMOON_DAYS = 8.0
_COMES_BACK = 0.3


@dataclass(frozen=True)
class Habits:
    """What happened, in arrays of shape (days, players) or (players,).

    Attributes:
        played: Whether the player acted.
        chance: The true probability of it, NaN on days before joining and after leaving.
        mood: The mood of the day, in log-odds.
        away_day: Last day before an absence that ended, else NEVER. return_day: The first day back, else NEVER.
        churn_day: Last day before the absence that lasts to the end, else NEVER.
    """

    played: NDArray[np.bool_]
    chance: NDArray[np.float32]
    mood: NDArray[np.float32]
    away_day: Ints
    return_day: Ints
    churn_day: Ints


def live_days(rng: np.random.Generator, people: Population, days: int, first_weekday: int) -> Habits:
    """Let every player live through the days; `first_weekday` is 0 for a Monday."""
    n = len(people)
    usual = _sigmoid(people.base)
    habit, mood = usual.copy(), people.mood * rng.standard_normal(n)
    away_day, return_day, churn_day = (np.full(n, NEVER) for _ in range(3))
    due = np.full(n, NEVER)
    played = np.zeros((days, n), dtype=np.bool_)
    chance = np.full((days, n), np.nan, dtype=np.float32)
    moods = np.zeros((days, n), dtype=np.float32)
    for day in range(days):
        back = due == day
        away_day[back], return_day[back] = churn_day[back], day
        churn_day[back] = due[back] = NEVER
        present = (people.joined_day <= day) & (churn_day == NEVER)
        age = np.maximum(day - people.joined_day, 0)
        fresh = np.exp(-np.where(return_day != NEVER, day - return_day, age) / _HONEYMOON_DAYS)
        mood = _MOOD_MEMORY * mood + np.sqrt(1 - _MOOD_MEMORY**2) * people.mood * rng.standard_normal(n)
        pull = people.momentum * 2 * (habit - usual)
        odds = people.base + people.weekday[:, (first_weekday + day) % 7] + mood + pull + 1.2 * fresh
        today = np.where((age == 0) | back, 1.0, _sigmoid(odds))
        played[day] = present & (rng.random(n) < today)
        chance[day] = np.where(present, today, np.nan)
        moods[day] = mood
        habit = _HABIT_MEMORY * habit + (1 - _HABIT_MEMORY) * played[day]
        leaves = present & (rng.random(n) < _hazard(people, age, habit - usual))
        churn_day[leaves] = day
        returns = leaves & (away_day == NEVER) & (rng.random(n) < _COMES_BACK)
        due[returns] = day + 8 + rng.exponential(30, n).astype(np.int64)[returns]
    return Habits(played, chance, moods, away_day, return_day, churn_day)


def _hazard(people: Population, age: Ints, above_usual: Floats) -> Floats:
    """Daily risk of leaving: high in the first weeks and when play has fallen below the player's usual share."""
    risk: Floats = people.hazard * (1 + 5 * np.exp(-age / 10.0)) * np.exp(-3.0 * above_usual)
    return np.minimum(risk, 0.2)


def _sigmoid(x: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-x))
    return result
