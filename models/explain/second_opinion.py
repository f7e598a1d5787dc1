"""A second opinion on why: a line fitted to a model's answers around one player, as LIME does.

Ribeiro et al. (2016, KDD, "Why should I trust you?"). The player's features are moved part of the way to those of other
players, all features of one fact together; what is near counts more. Where such a line follows the model closely and
names other facts than the model's own contributions, these depend on how one asks.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.errors import NightquestError
from models.calibration import logits
from models.explain.reasons import Kind, Usual
from models.learned import LearnedModel
from models.learner import Sheet

Array = NDArray[np.float64]
FITTED, JUDGED = 1000, 500  # made-up players that the line is fitted to, and that tell how closely it follows
FEWEST = 20  # rows of other players
NEAR = 0.75  # standard deviations in each feature, within which a made-up player counts much (LIME's own)
RIDGE = 1.0
SAME = 1e-9  # standard deviation of what is alike for all


@dataclass(frozen=True)
class Line:
    """A line around one player.

    Attributes:
        adds: What each feature adds to the log-odds beside what is usual among the others, shape (features,).
        fidelity: R squared of its log-odds on made-up players that it was not fitted to: 1 where it is the model.
    """

    adds: Array
    fidelity: float


class SecondOpinion:
    """A model that answers as another, and tells what moved its answer by a line around each row of one player.

    Attributes:
        fidelity: How closely the lines followed, the worst of those drawn; None before any.
        alike: Facts that hold for all others, too, so that no line can weigh them.
    """

    def __init__(self, model: LearnedModel, kinds: Mapping[str, Kind], player_key: int, *, seed: int = 7) -> None:
        self.encoding = model.encoding
        self.untold: Sequence[str] = model.untold
        self.usual: Mapping[str, Usual] = model.usual
        self.fidelity: float | None = None
        self.alike: set[str] = set()
        self._model, self._kinds, self._key, self._seed = model, kinds, player_key, seed
        self._others: Array | None = None

    def predict(self, rows: pl.DataFrame) -> Array:
        """The model's own probabilities, shape (n,); rows of other players are kept, to move the player towards."""
        others = rows.filter(pl.col("player_key") != self._key)
        self._others = self._model.sheet(others).x.to_numpy()
        return self._model.predict(rows)

    def contributions(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds to each row's log-odds; nothing in rows of other players.

        Raises:
            NightquestError: There are too few others, or the model does not answer from its features.
        """
        if self._others is None or len(self._others) < FEWEST:
            raise NightquestError(
                "There are too few other players for a second opinion.", "Leave out --second-opinion."
            )
        told = np.zeros((rows.height, len(self._model.task.features)))
        for place in np.flatnonzero((rows["player_key"] == self._key).to_numpy()).tolist():
            line = self._line(self._model.sheet(rows[place : place + 1]), self._others)
            told[place] = line.adds
            self.alike |= self._alike(rows[place : place + 1], self._others)
            self.fidelity = line.fidelity if self.fidelity is None else min(self.fidelity, line.fidelity)
        return pl.DataFrame(told, schema=list(self._model.task.features))

    def _alike(self, row: pl.DataFrame, others: Array) -> set[str]:
        same = np.nanstd(others, axis=0) < SAME
        kinds = _places(self._model.task.features, self._kinds)
        facts = [kind.text for place, kind in enumerate(self._kinds.values()) if same[kinds == place].all()]
        return {str(told) for fact in facts if (told := row.select(fact).item()) is not None}

    def _line(self, own: Sheet, others: Array) -> Line:
        kinds = _places(own.x.columns, self._kinds)
        x = _moved(own.x.to_numpy()[0], others, kinds, self._seed)
        made = replace(
            own,
            rows=own.rows[np.zeros(len(x), dtype=np.int64)],
            x=pl.DataFrame(x, schema=own.x.schema, nan_to_null=True),
            windows=np.repeat(own.windows, len(x)),
        )
        answers = logits(self._model.learner.predict(made))
        if np.ptp(answers) < 1e-9:
            raise NightquestError(
                f"There is no second opinion: what {self._model.learner.name} says does not move with the features.",
                "Leave out --second-opinion.",
            )
        return line_around(own.x.to_numpy()[0], x, answers, others)


def line_around(own: Array, x: Array, answers: Array, others: Array) -> Line:
    """Fit a line to a model's answers about made-up players.

    Args:
        own: The player's features, shape (features,).
        x: Those of made-up players, shape (n, features), of which the last third judges how closely the line follows.
        answers: The model's log-odds of them, shape (n,).
        others: Features of other players, shape (m, features): they tell what is usual.
    """
    middle, scale = np.nanmean(others, axis=0), np.nanstd(others, axis=0)
    moves = np.isfinite(own) & np.isfinite(middle) & (scale > SAME) & (np.ptp(x, axis=0) > 0)
    z = (x[:, moves] - own[moves]) / scale[moves]
    weights = np.exp(-np.mean(z**2, axis=1) / NEAR**2)
    design = np.column_stack([np.ones(len(z)), z])
    fitted = slice(0, len(x) * FITTED // (FITTED + JUDGED))
    judged = slice(fitted.stop, None)
    drawn = RIDGE * np.diag([0.0] + [1.0] * z.shape[1])
    weighed = design[fitted] * weights[fitted, None]
    found = np.linalg.solve(weighed.T @ design[fitted] + drawn, weighed.T @ answers[fitted])
    adds = np.zeros(len(own))
    adds[moves] = found[1:] * (own[moves] - middle[moves]) / scale[moves]
    return Line(adds, _r_squared(answers[judged], design[judged] @ found, weights[judged]))


def disagreements(first: Sequence[str], second: Sequence[str], alike: Collection[str] = ()) -> list[str]:
    """Where a second opinion's facts differ from the first's, a sentence each.

    Args:
        first: Facts as `models.explain.reasons.reasons` tells them, each with its way in brackets.
        second: Those of the second opinion.
        alike: What it could not weigh, see `SecondOpinion.alike`.
    """
    ways = dict(_apart(fact) for fact in second)
    told = []
    for fact, way in map(_apart, first):
        if fact in alike:
            told.append(f"alike for all tonight, so not weighed: {fact}")
        elif fact not in ways:
            told.append(f"not among its first three: {fact}")
        elif ways[fact] != way:
            told.append(f"it says ({ways[fact]}): {fact}")
    return told


def _apart(fact: str) -> tuple[str, str]:
    told, _, way = fact.rpartition(" (")
    return told.replace("though none", "none"), way.removesuffix(")")


def _places(features: Sequence[str], kinds: Mapping[str, Any]) -> NDArray[np.int64]:
    """Which kind each feature is of, shape (features,); -1 for what is asked, which stays as it is."""
    of = {feature: place for place, kind in enumerate(kinds.values()) for feature in kind.features}
    return np.array([of.get(feature, -1) for feature in features], dtype=np.int64)


def _moved(own: Array, others: Array, kinds: NDArray[np.int64], seed: int) -> Array:
    """Made-up players, shape (FITTED + JUDGED, features): each fact, by even chance, part of the way to another's."""
    rng = np.random.default_rng(seed)
    n, facts = FITTED + JUDGED, int(kinds.max(initial=-1)) + 1
    far = rng.random((n, facts)) * (rng.random((n, facts)) < 0.5)
    share = np.column_stack([far, np.zeros(n)])[:, kinds]  # -1 is the last: not at all
    way = others[rng.integers(0, len(others), n)] - own
    return np.asarray(own + share * np.where(np.isfinite(way), way, 0.0), dtype=np.float64)


def _r_squared(y: Array, told: Array, weights: Array) -> float:
    spread = float(np.sum(weights * (y - np.average(y, weights=weights)) ** 2))
    return 1 - float(np.sum(weights * (y - told) ** 2)) / spread if spread > 0 else 1.0
