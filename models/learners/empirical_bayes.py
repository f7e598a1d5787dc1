"""How likely is a value of at least t, given play: a player's own record shrunk towards everybody's.

Values are signed so that higher is always better: a lower-is-better metric comes in negated.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.learner import Learner, Sheet
from models.own_record import OwnRecord, places

Array = NDArray[np.float64]
KEY = ("metric", "window_days")
PLAYER_KEY = ("player_key", "base_day", *KEY)
STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MENU_STEPS = 28
LEAST_SHARE = 0.1  # of the windows with any of it that come to less than the least that is asked
_TABLES = ("survival", "strengths", "menu")


@dataclass(frozen=True)
class EmpiricalBayes:
    """P(V >= t | play) = (k_t + strength * S(t)) / (n + strength).

    `n` is the weight of the player's own recent windows with play, `k_t` the weight of those that reached t, and S(t)
    the share of all players' windows that did: a Dirichlet process with the population as its base measure (Ferguson
    1973), so the answer falls as t rises. The strength maximises the likelihood of what followed.

    Attributes:
        survival: metric, window_days, value (ascending), at_least: the population's share with at least this value.
        strengths: metric, window_days, strength: pseudo-windows behind the population.
        menu: metric, window_days, target: the round numbers worth asking for.
    """

    survival: pl.DataFrame
    strengths: pl.DataFrame
    menu: pl.DataFrame

    @classmethod
    def fit(cls, labels: pl.DataFrame, past: pl.DataFrame, whole: dict[str, bool], *, seed: int) -> Self:
        """Learn the population and how much to trust it.

        Args:
            labels: Windows with play: PLAYER_KEY, lead_days, value.
            past: PLAYER_KEY, value, weight: the players' own record before each base day.
            whole: Metrics whose values are whole numbers.
            seed: Chooses the rows on which the strength is found.
        """
        known = labels.drop_nulls("value")
        survival = _survival(known)
        menu = _menu(known, whole)
        few = known.sample(min(known.height, 20_000), seed=seed).with_row_index("row")
        asked = few.select("row", *PLAYER_KEY, "value").join(menu, on=KEY)
        start = cls(survival, _constant_strength(menu, 4.0), menu)
        weighed = start.weigh(asked, past).with_columns(hit=(pl.col("value") >= pl.col("target")).cast(pl.Float64))
        return cls(survival, _likeliest_strength(weighed), menu)

    def to_files(self, folder: Path) -> None:
        """Write the tables as Parquet."""
        for name in _TABLES:
            getattr(self, name).write_parquet(folder / f"{name}.parquet")

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        return cls(*(pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in _TABLES))

    def weigh(self, asked: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
        """Add the evidence on each question: reached (k_t), evidence (n), past_mean, past_sd, population (S(t)).

        Args:
            asked: PLAYER_KEY and target (signed), any other columns.
            past: PLAYER_KEY, value (signed), weight.
        """
        keys = asked.select(PLAYER_KEY).unique(maintain_order=True)
        own = OwnRecord.of(keys, past, PLAYER_KEY)
        at = places(asked, keys, PLAYER_KEY)
        return asked.with_columns(
            self.population(asked.select(*KEY, "target")),
            pl.Series("reached", own.reached(at, asked["target"].to_numpy())),
            *own.told(at),
        )

    def population(self, asked: pl.DataFrame) -> pl.Series:
        """S(t) of each question, kept away from 0 and 1.

        Args:
            asked: metric, window_days and target (signed).
        """
        reached = self.survival.sort("value").rename({"value": "_grid", "at_least": "population"})
        found = (
            asked.with_row_index("_order")
            .sort("target")
            .join_asof(
                reached,
                left_on="target",
                right_on="_grid",
                by=list(KEY),
                strategy="forward",
                check_sortedness=False,
            )
            .sort("_order")
        )
        return found["population"].fill_null(0.0).clip(0.002, 0.998)

    def probability(self, weighed: pl.DataFrame) -> Array:
        """The shrunk probability for rows that `weigh` returned, shape (n,)."""
        reached, evidence, population = (weighed[name].to_numpy() for name in ("reached", "evidence", "population"))
        return shrunk(reached, evidence, population, self.strength(weighed))

    def strength(self, rows: pl.DataFrame) -> Array:
        """The pseudo-windows behind the population for each row's metric and window_days, shape (n,)."""
        found = rows.select(KEY).join(self.strengths, on=KEY, how="left", maintain_order="left")
        return found["strength"].fill_null(4.0).to_numpy()


def shrunk(reached: Array, evidence: Array, population: Array, strength: Array | float) -> Array:
    """(k_t + strength * S(t)) / (n + strength), see `EmpiricalBayes`; never nearer to 0 or 1 than a thousandth."""
    return np.clip((reached + strength * population) / (evidence + strength), 0.001, 0.999)


class RecordLearner(Learner):
    """Says what the shrunk record says: rows have it as the column `chance`. It needs no fitting of its own."""

    name: ClassVar[str] = "empirical_bayes"
    does: ClassVar[str] = "the share of the player's own windows that came to as much, drawn to that of all players"
    suits: ClassVar[frozenset[str]] = frozenset({"attainment"})
    rank: ClassVar[int] = 0
    keeps_order: ClassVar[bool] = True

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (the record is fitted before)
        """Learn nothing."""
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return sheet.rows["chance"].to_numpy()

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Exact: all players' share, and how far the player's own record draws the answer away from it."""
        population = sheet.x["population"]
        return pl.DataFrame({"population": population, "record": sheet.x["record"] - population})

    def importance(self) -> dict[str, float]:
        """The one thing it looks at."""
        return {"record": 1.0}


def _survival(labels: pl.DataFrame) -> pl.DataFrame:
    """Share of windows with at least each value; every player weighs the square root of their windows."""
    weighed = labels.with_columns(_w=1 / pl.len().over("player_key", *KEY).sqrt())
    by_value = weighed.group_by(*KEY, "value").agg(pl.col("_w").sum()).sort(*KEY, "value")
    return by_value.select(
        *KEY,
        "value",
        at_least=pl.col("_w").reverse().cum_sum().reverse().over(KEY) / pl.col("_w").sum().over(KEY),
    )


def _menu(labels: pl.DataFrame, whole: dict[str, bool]) -> pl.DataFrame:
    """Round numbers spread evenly over what players reach."""
    steps = np.linspace(0.02, 0.985, MENU_STEPS)
    rows = [
        {"metric": metric, "window_days": window, "target": target}
        for (metric, window), group in labels.partition_by(*KEY, as_dict=True).items()
        for target in _round_numbers(group["value"].to_numpy(), steps, whole=whole.get(metric, False))
    ]
    schema = pl.Schema({"metric": pl.String(), "window_days": labels.schema["window_days"], "target": pl.Float64()})
    return pl.DataFrame(rows, schema=schema)


def _round_numbers(values: Array, steps: Array, *, whole: bool) -> list[float]:
    """None is less than nearly everybody comes to who does any of it: nobody writes a review of 1 word."""
    quantiles = np.quantile(values, steps)
    scale = 10.0 ** np.maximum(np.floor(np.log10(np.maximum(np.abs(quantiles), 1e-9))) - 1, 0 if whole else -2)
    step = np.where(
        np.abs(quantiles) / scale >= 50, 5 * scale, np.where(np.abs(quantiles) / scale >= 20, 2 * scale, scale)
    )
    rounded = np.round(quantiles / step) * step
    if whole and values.min() >= 0:
        small = np.arange(1.0, 6.0)
        rounded = np.concatenate([rounded, small[small <= np.max(quantiles)]])
        rounded = rounded[rounded >= 1]
    if values.min() >= 0 and (some := values[values > 0]).size:
        rounded = rounded[rounded >= np.quantile(some, LEAST_SHARE, method="lower")]
    return sorted({round(float(v), 2) for v in rounded if v != 0})


def _constant_strength(menu: pl.DataFrame, strength: float) -> pl.DataFrame:
    return menu.select(KEY).unique().with_columns(strength=pl.lit(strength))


def _likeliest_strength(weighed: pl.DataFrame) -> pl.DataFrame:
    """The strength under which what followed was most likely, per metric and window."""
    population, reached, evidence, hit = (pl.col(c) for c in ("population", "reached", "evidence", "hit"))

    def likelihood(strength: float) -> pl.Expr:
        p = ((reached + strength * population) / (evidence + strength)).clip(0.001, 0.999)
        return (hit * p.log() + (1 - hit) * (1 - p).log()).sum()

    scored = weighed.group_by(KEY).agg(likelihood(s).alias(str(s)) for s in STRENGTHS)
    return (
        scored.unpivot(index=list(KEY), variable_name="strength", value_name="likelihood")
        .sort("likelihood", "strength", descending=True)
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, pl.col("strength").cast(pl.Float64))
        .sort(KEY)
    )
