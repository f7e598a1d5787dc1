"""How strong is this player among comparable play? A Gaussian mixture per cohort, its components ordered by score."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.portable import load_arrays, load_json, save_arrays, save_json
from models.statistics.mixture_search import SETTING, Fitted, Measures, MixtureParameters, fit_mixture
from models.statistics.mixtures import Mixture, Scaling
from models.task import Task

Array = NDArray[np.float64]
PARENT = "all"
TWINS = 0.995  # measures that go together this closely are one: twice counted, they would feign a tight shape
_SIGNS = {"higher": 1.0, "lower": -1.0, "neither": 0.0}
# One row per mixture: what the record and the reviewer see.
QUALITY: dict[str, pl.DataType] = {
    "cohort": pl.String(),
    "players": pl.Int64(),
    "rows": pl.Int64(),
    **SETTING,
    "held_out": pl.Float64(),
    "stability": pl.Float64(),
    "silhouette": pl.Float64(),
    "posterior": pl.Float64(),
    "smallest_share": pl.Float64(),
    "converged": pl.Boolean(),
    "stable": pl.Boolean(),
}


@dataclass(frozen=True)
class Measure:
    """A column that describes strength.

    Attributes:
        better: Which way is stronger; `neither` tells players apart and is no strength: unknown, it is middling.
        weight: Its share in the score that orders the components; 0 lets it shape them only.
    """

    column: str
    better: Literal["higher", "lower", "neither"] = "higher"
    weight: float = 0.0


@dataclass(frozen=True)
class SegmentParameters:
    """How to fit; a cohort with fewer than `min_players` is judged with all players, its parent."""

    min_players: int = 200
    mixture: MixtureParameters = field(default_factory=MixtureParameters)


class Segments(Task):
    """Strength among comparable play: mixtures held against each other by what they say of players left out."""

    name: ClassVar[str] = "segments"
    question: ClassVar[str] = "How strong is this player among comparable play?"
    doing: ClassVar[str] = "how strong they are"
    used_for: ClassVar[str] = (
        "Nights publish it in `segments`, and tell players their next target in `targets` among those of their own "
        "segment where these are many enough."
    )
    notes: ClassVar[Mapping[str, str]] = {
        "held_out": (
            "log-density of the measures of players left out, a row; higher is better, among mixtures of the same "
            "players only"
        ),
        "stability": "how alike segments are when players are drawn anew (adjusted Rand index), 1 is the same",
        "silhouette": "how much nearer players are to their own segment than to the next, -1 to 1",
        "posterior": "how sure the mixture is of each player's segment in the mean, 1 is certain",
        "smallest_share": "the share of players in the smallest segment",
        "components": "how many groups the mixture has",
        "converged": "1: the fit came to rest",
    }
    limits: ClassVar[tuple[str, ...]] = (
        "A segment is a standing among comparable players, not a promise; nothing is checked on later days.",
        "Counts are not normal: variances have a floor, so that log-densities compare shapes of these measures only.",
        "Components that share a level of the app count as one segment.",
    )


class SegmentModel:
    """The segment of each player among their cohort, with its posterior.

    The components of a mixture are ordered by score, the weighted sum of its mean in scaled measures. The least one is
    the first level; the others take levels in the same order, by their place among the players (`levels_of`).
    Components that share a level count as one.
    """

    kind: ClassVar[str] = "segments"

    def __init__(self, parameters: SegmentParameters, measures: Sequence[Measure], levels: Sequence[str]) -> None:
        self.parameters = parameters
        self.measures = tuple(measures)
        self.levels = tuple(levels)
        self.quality = pl.DataFrame(schema=QUALITY)
        self._mixtures: dict[str, Mixture] = {}

    @property
    def inputs(self) -> dict[str, pl.DataType]:
        """What `predict` reads."""
        return {"cohort": pl.String(), **{m.column: pl.Float64() for m in self.measures}}

    @property
    def cohorts(self) -> tuple[str, ...]:
        """Cohorts with a mixture of their own, the parent first."""
        return tuple(self._mixtures)

    def fit(self, rows: pl.DataFrame, played: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
        """Fit the parent on all rows, and a mixture for each cohort with enough players.

        Args:
            rows: player_key, cohort and the measures.
            played: The same, measured in cohorts, a row for each that somebody played: what the mixtures of cohorts are
                learned from; `rows` by default.

        Returns:
            The settings tried for each cohort (models.statistics.mixtures.TRIALS).

        Raises:
            ValueError: There are fewer than `min_players` players in all.
        """
        rows = rows.sort(pl.all())
        if rows["player_key"].n_unique() < self.parameters.min_players:
            raise ValueError(f"{self.parameters.min_players} players are needed")
        own = rows if played is None else played.sort(pl.all())
        self._drop_twins(rows)
        counts = own.group_by("cohort").agg(pl.col("player_key").n_unique().alias("players")).sort("cohort")
        large = counts.filter((pl.col("players") >= self.parameters.min_players) & (pl.col("cohort") != PARENT))
        parts = {PARENT: rows} | {c: own.filter(pl.col("cohort") == c) for c in large["cohort"] if len(counts) > 1}
        fits = {cohort: self._fit(part) for cohort, part in parts.items()}
        self._mixtures = {cohort: fitted.mixture for cohort, fitted in fits.items()}
        self.quality = pl.DataFrame([_quality(c, parts[c], fitted) for c, fitted in fits.items()], schema=QUALITY)
        return {cohort: fitted.trials for cohort, fitted in fits.items()}

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The segment of each row.

        Args:
            rows: Columns `inputs`; a null measure is unknown and counts as weak, or as middling if no strength.

        Returns:
            judged_as (the cohort whose mixture was used, `all` for one without), segment and posterior, a row each.
        """
        chances = self.chances(rows)
        level, posterior = chances.argmax(axis=1), chances.max(axis=1, initial=0)
        return self.judged_as(rows).with_columns(
            segment=pl.Series(self.levels, dtype=pl.String).gather(pl.Series(level)),
            posterior=pl.Series(np.clip(posterior, 0, 1)),
        )

    def judged_as(self, rows: pl.DataFrame) -> pl.DataFrame:
        """judged_as: the cohort whose mixture is used for each row, `all` for a cohort without one."""
        own = pl.when(pl.col("cohort").is_in(self.cohorts)).then("cohort").otherwise(pl.lit(PARENT))
        return rows.select(judged_as=own)

    def chances(self, rows: pl.DataFrame) -> Array:
        """P(level | measures) of each row, see `predict`; shape (n, levels)."""
        values, judged = self._values(rows), self.judged_as(rows)["judged_as"].to_numpy()
        chances = np.zeros((len(rows), len(self.levels)))
        for cohort, mixture in self._mixtures.items():
            here = judged == cohort
            if here.any():
                chances[here] = self._by_level(mixture, values[here])
        return chances

    def to_files(self, folder: Path) -> None:
        """Write the model as JSON and arrays."""
        names = list(self._mixtures)
        told = {
            "parameters": asdict(self.parameters),
            "measures": [asdict(measure) for measure in self.measures],
            "levels": list(self.levels),
            "cohorts": names,
            "quality": self.quality.to_dicts(),
        }
        save_json(folder / "model.json", told)
        arrays = {
            f"{i}_{name}": array
            for i, cohort in enumerate(names)
            for name, array in self._mixtures[cohort].arrays().items()
        }
        save_arrays(folder / "mixtures.npz", arrays)

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told = load_json(folder / "model.json")
        given = told["parameters"]
        parameters = SegmentParameters(given["min_players"], MixtureParameters(**given["mixture"]))
        model = cls(parameters, [Measure(**one) for one in told["measures"]], told["levels"])
        model.quality = pl.DataFrame(told["quality"], schema=QUALITY)
        arrays = load_arrays(folder / "mixtures.npz")
        for i, cohort in enumerate(told["cohorts"]):
            start = f"{i}_"
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            model._mixtures[cohort] = Mixture.from_arrays(own)
        return model

    def _values(self, rows: pl.DataFrame) -> Array:
        columns = [pl.col(m.column).cast(pl.Float64).fill_null(float("nan")) for m in self.measures]
        return rows.select(columns).to_numpy()

    def _fit(self, rows: pl.DataFrame) -> Fitted:
        names, weights = [m.column for m in self.measures], np.array([m.weight for m in self.measures])
        measures, search = (
            Measures(names, self._signs(), weights),
            replace(self.parameters.mixture, wanted=len(self.levels)),
        )
        return fit_mixture(self._values(rows), rows["player_key"].to_numpy(), measures, search)

    def _signs(self) -> Array:
        return np.array([_SIGNS[m.better] for m in self.measures])

    def _drop_twins(self, rows: pl.DataFrame) -> None:
        """Let the earlier of two measures that go together stand for both, and take over the weight."""
        values = self._values(rows)
        x = Scaling.of(values, self._signs()).apply(values)
        kept: list[Measure] = []
        places: list[int] = []
        for place, measure in enumerate(self.measures):
            twin = next((k for k, other in enumerate(places) if _together(x[:, other], x[:, place])), None)
            if twin is None:
                kept.append(measure)
                places.append(place)
            else:
                one = kept[twin]
                kept[twin] = Measure(one.column, one.better, one.weight + measure.weight)
        self.measures = tuple(kept)

    def _by_level(self, mixture: Mixture, values: Array) -> Array:
        """Posteriors of components added up by level, shape (n, levels)."""
        posterior = mixture.posterior(values)
        by_level = np.zeros((len(posterior), len(self.levels)))
        for component, level in enumerate(levels_of(mixture.weights, len(self.levels))):
            by_level[:, level] += posterior[:, component]
        return by_level


def levels_of(weights: Array, levels: int) -> tuple[int, ...]:
    """The level of each component, least first.

    The first component has the first level. The others keep their order, each with a level of its own while there are
    enough, and every level taken when there are more components; among these the places nearest to where the component
    lies among the players, by its shares below it and half its own. So half of all players are not called the best.

    Args:
        weights: Shares of the components, shape (k,).
        levels: How many levels there are.
    """
    k = len(weights)
    if k <= levels:
        choices = [(0, *rest) for rest in combinations(range(1, levels), k - 1)]
    else:
        steps = [set(rest) for rest in combinations(range(1, k), levels - 1)]
        choices = [tuple(sum(place <= i for place in at) for i in range(k)) for at in steps]
    middle = np.cumsum(weights) - weights / 2
    costs = [float(weights @ np.abs((np.array(choice) + 0.5) / levels - middle)) for choice in choices]
    return choices[int(np.argmin(costs))]


def _together(a: Array, b: Array) -> bool:
    if a.std() < 1e-9 or b.std() < 1e-9:
        return bool(a.std() < 1e-9 and b.std() < 1e-9)
    return bool(np.corrcoef(a, b)[0, 1] > TWINS)


def _quality(cohort: str, rows: pl.DataFrame, fitted: Fitted) -> dict[str, object]:
    figures = {
        name: fitted.figures[name] for name in ("held_out", "stability", "silhouette", "posterior", "smallest_share")
    }
    return {
        "cohort": cohort,
        "players": rows["player_key"].n_unique(),
        "rows": rows.height,
        **fitted.setting,
        **figures,
        "converged": fitted.converged,
        "stable": fitted.allowed,
    }
