"""Months of play of a made-up app as input counts tell them: players of two cohorts who come and do this or that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pipelines.publish.input_counts import DAYS, Counts, InputCounts

HISTORY = 140
Shape = Callable[[int], float]
SHARES = {"read": 0.5, "write": 0.3, "quiz": 0.2}


def always(_: int) -> float:
    """As ever."""
    return 1.0


@dataclass
class Play:
    """What a number of players do each day, oldest first; drawn once from a seed.

    Attributes:
        players: How many are expected on a weekday in each cohort; half as many on Saturdays and Sundays.
        each: Events that a player has on a day, at least one.
        shapes: How many come on a day, as a share, by cohort.
        seasons: How much of a metric there is on a day, as a share, by metric; what is missing is not done at all.
    """

    players: float
    each: float = 5.0
    shapes: Mapping[str, Shape] = field(default_factory=lambda: {"one": always, "two": always})
    seasons: Mapping[str, Shape] = field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.rows: dict[tuple[int, int], Counts] = {}
        for day in range(HISTORY):
            usual = self.players * (0.5 if day % 7 >= 5 else 1.0)
            seasons = [SHARES[m] * self.seasons.get(m, always)(day) for m in SHARES]
            for at, shape in enumerate(self.shapes.values()):
                n = 1 + rng.poisson(rng.gamma(1.5, (self.each - 1) / 1.5, rng.poisson(usual * shape(day))))
                done = rng.multinomial(n, [*seasons, 1 - sum(seasons)])[:, :-1]
                self.rows[at, day] = done[done.sum(axis=1) > 0].astype(float)

    def lose(self, day: int, share: float = 0.5, metric: str | None = None) -> "Play":
        """Events of a day that never came, at random: of one metric, or of all."""
        rng = np.random.default_rng(day)
        for at in range(len(self.shapes)):
            done = self.rows[at, day]
            lost = rng.binomial(done.astype(int), share)
            if metric is not None:
                lost[:, [name != metric for name in SHARES]] = 0
            left = done - lost
            self.rows[at, day] = left[left.sum(axis=1) > 0]
        return self

    def counts(self, day: int) -> InputCounts:
        """As the night after a day feels it."""
        cohorts = list(self.shapes)
        names = [("here", "players"), ("play", "players"), ("play", "events")]
        names += [(kind, metric) for kind in ("had", "done") for metric in SHARES]
        counts = {name: np.zeros((len(cohorts), DAYS)) for name in names}
        for (at, then), done in self.rows.items():
            if not 0 <= (back := day - then) < DAYS:
                continue
            counts["here", "players"][at, back] = counts["play", "players"][at, back] = len(done)
            counts["play", "events"][at, back] = done.sum()
            for which, metric in enumerate(SHARES):
                counts["had", metric][at, back] = (done[:, which] > 0).sum()
                counts["done", metric][at, back] = done[:, which].sum()
        return InputCounts(cohorts, counts)
