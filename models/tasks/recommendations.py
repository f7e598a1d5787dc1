"""What will this player take up next: of the things that challenges ask for, which do they do within a week?"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from models import habits
from models.contest.promotion import with_interval
from models.contest.ranking import coverage_at, ndcg_at, recall_at
from models.contest.scores import AHEAD_OF, Measured
from models.explain.reasons import Kind, lately, none_lowers
from models.given import SNAPSHOT, Asked, Known, Samples
from models.portable import load_arrays, load_json, save_arrays, save_json
from models.statistics.similar import als_factors, als_scores, cosine, ease
from models.task import Answering, BinaryTask, Encoding, as_scores

Array = NDArray[np.float64]
HORIZON = 7
SPANS = (7, 28, 90)
MOST_SNAPSHOTS = 6_000
TOLD = 5  # the likeliest of each player
RANKED = 3  # what the figures of a ranking look at
_PLAYER = ("player_key", "base_day")


class Items(Encoding):
    """What goes with what: how alike the things are that players did, from snapshots before a day.

    Args:
        names: The metrics, in the order of everything else.
        scale: A usual log-amount of each among those who did it.
        popularity: The share of snapshots in whose last four weeks each was done.
        alike: Cosines between items, none with itself, shape (items, items).
        weights: Of EASE, shape (items, items).
        factors: Of ALS, shape (items, k).
    """

    def __init__(
        self, names: Sequence[str], scale: Array, popularity: Array, alike: Array, weights: Array, factors: Array
    ) -> None:
        super().__init__((HORIZON,))
        self.names = tuple(names)
        self.scale, self.popularity = scale, popularity
        self.alike, self.weights, self.factors = alike, weights, factors

    @classmethod
    def learned(cls, names: Sequence[str], done: Array) -> Self:
        """From what snapshots did, shape (snapshots, items)."""
        logs = np.log1p(np.clip(done, 0, None))
        some = (logs > 0).sum(axis=0)
        scale = np.where(some > 0, logs.sum(axis=0) / np.maximum(some, 1), 1.0)
        x = logs / scale
        popularity = (x > 0).mean(axis=0) if len(x) else np.zeros(len(names))
        return cls(names, scale, popularity, cosine(x), ease(x), als_factors(x))

    def to_files(self, folder: Path) -> None:
        """Write names and arrays."""
        save_json(folder / "items.json", {"names": list(self.names)})
        save_arrays(folder / "items.npz", {name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        arrays = load_arrays(folder / "items.npz")
        return cls(load_json(folder / "items.json")["names"], *(arrays[name] for name in _ARRAYS))


_ARRAYS = ("scale", "popularity", "alike", "weights", "factors")


class Recommendations(BinaryTask[Items]):
    """P(a metric of challenges is done within a week), of every such metric; the likeliest first is the recommendation.

    What neighbours in the sense of item-kNN, EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data")
    and implicit ALS (Hu, Koren and Volinsky 2008) say are features beside the player's own record, and each of them,
    like popularity, competes alone.
    """

    name: ClassVar[str] = "recommendations"
    question: ClassVar[str] = "Which of the things that challenges ask for will the player do within a week?"
    doing: ClassVar[str] = "what suits whom next"
    label: ClassVar[str] = "done"
    inputs: ClassVar[Mapping[str, pl.DataType]] = {
        **habits.INPUTS,
        "item": pl.String(),
        "lately": pl.String(),  # JSON: what each item came to in the last 28 days, in the order of the app's metrics
        **{f"own_{days}": pl.Float64() for days in SPANS},
        "window_days": pl.Int32(),
    }
    features: ClassVar[tuple[str, ...]] = (
        *habits.FEATURES,
        *(f"level_{days}" for days in SPANS),
        *("popularity", "knn", "ease", "als", "breadth"),
    )
    common: ClassVar[frozenset[str]] = habits.COMMON
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"lightgbm": {"trees": 120}}
    asks_for: ClassVar[frozenset[str]] = frozenset({"xgboost", "stack", "catboost"})
    moves: ClassVar[bool] = False
    used_for: ClassVar[str] = (
        "Nights publish each player's likeliest metrics in `scores`, and draw from them which metrics "
        "`recommendations` names. What challenges ask does not depend on them."
    )
    notes: ClassVar[Mapping[str, str]] = {
        f"ndcg_at_{RANKED}": f"how well the first {RANKED} are ordered by what was done, 1 is best",
        f"recall_at_{RANKED}": f"the share of what was done that is among the first {RANKED}",
        f"coverage_at_{RANKED}": f"the share of all things that anybody is told among the first {RANKED}",
        **{
            f"{name}_at_{RANKED}{AHEAD_OF}popularity": "how much better than to tell everybody what most did lately"
            for name in ("ndcg", "recall")
        },
    }
    sorts: ClassVar[tuple[str, ...]] = ("item",)
    encoding_type: ClassVar[type[Encoding]] = Items
    limits: ClassVar[tuple[str, ...]] = (
        "Likely is not liked: it says what a player would do anyway, not what a recommendation changes.",
        "Metrics that only count days are not asked about: they say that somebody plays, not what.",
        (
            f"Where whoever plays at all does {RANKED} things, these come first for everybody: figures of the first "
            f"{RANKED} then tell models and popularity apart no more, the log-loss does."
        ),
    )

    def horizons(self, app: App) -> tuple[int, ...]:  # noqa: ARG002
        """A week."""
        return (HORIZON,)

    def lacks(self, app: App, encoding: Items) -> str:
        """Whether the app file asks about other metrics."""
        return "" if encoding.names == items_of(app) else "other metrics of challenges"

    def labels(self, known: Known, samples: Samples) -> pl.DataFrame:
        """What was done of each item in the week from each snapshot's day, where it is over."""
        names = items_of(known.app)
        spans = samples.features.select(SNAPSHOT).with_columns(
            start_day="base_day", window_days=pl.lit(HORIZON, dtype=pl.Int32)
        )
        over = known.over(spans.with_columns(end_day=pl.col("start_day") + pl.duration(days=HORIZON - 1)))
        asked = over.join(pl.DataFrame({"metric": names}, schema={"metric": pl.String}), how="cross")
        asked = asked.with_row_index("window_id")
        found = asked.join(known.came_to(asked), on="window_id", how="left", maintain_order="left").drop("window_id")
        return found.with_columns(done=pl.col("value").fill_null(0.0) > 0).rename({"metric": "item"})

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> Items:  # noqa: ARG002
        """What went with what in the snapshots of days before."""
        names = items_of(app)
        past = samples.features.filter(pl.col("base_day") < before)
        return Items.learned(names, past.select(_amounts(names, 28)).to_numpy())

    def rows(self, app: App, samples: Samples, encoding: Items, *, seed: int) -> pl.DataFrame:  # noqa: ARG002
        """Every item of at most MOST_SNAPSHOTS snapshots."""
        features = samples.features.sample(min(samples.features.height, MOST_SNAPSHOTS), seed=seed)
        labels = samples.labels.select(*_PLAYER, "start_day", "window_days", "item", "done")
        return labels.join(_with_own(encoding.names, features), on=[*_PLAYER, "item"], maintain_order="left")

    def ask(self, app: App, asked: Asked) -> pl.DataFrame:
        """Every item of tonight's players."""
        names = items_of(app)
        own = [f"{name}__{days}" for name in names for days in SPANS]
        rows = _with_own(names, self.needed(asked.features, *own)).drop(own)
        return rows.with_columns(window_days=pl.lit(HORIZON, dtype=pl.Int32)).sort("player_key", "item")

    def encode(self, rows: pl.DataFrame, encoding: Items) -> pl.DataFrame:
        """The rows with the features of habit, the player's own record in the item, and what its neighbours say."""
        places = {name: place for place, name in enumerate(encoding.names)}
        place = rows["item"].replace_strict(places, default=-1, return_dtype=pl.Int64).to_numpy()
        x, at = _lately(rows["lately"], len(encoding.names), encoding.scale)
        known = place >= 0

        def of_item(scores: Array) -> pl.Series:
            return pl.Series(np.where(known, scores[at, place], 0.0))

        usual = np.where(known, encoding.scale[place], 1.0)
        return rows.with_columns(
            **habits.FEATURES,
            **{f"level_{days}": (pl.col(f"own_{days}").fill_null(0).clip(0).log1p()) / usual for days in SPANS},
            popularity=pl.Series(np.where(known, encoding.popularity[place], 0.0)),
            knn=of_item(x @ encoding.alike),
            ease=of_item(x @ encoding.weights),
            als=of_item(als_scores(x, encoding.factors)),
            breadth=pl.Series((x > 0).sum(axis=1).astype(np.float64)[at]),
            place=pl.Series(place),
        )

    def kinds(self, app: App) -> Mapping[str, Kind]:
        """Their own record in the item, what goes with it, and those of habit."""
        labels = {name: app.figured(name) for name in items_of(app)}
        item = pl.col("item").replace_strict(labels, default=pl.col("item"), return_dtype=pl.String)
        values = {28: "own_28", 7: "own_7"}
        return {
            "own": Kind(
                tuple(f"level_{days}" for days in SPANS),
                lately(item, values),
                "how much of it they did lately",
                "own_28",
                only=none_lowers("own_28"),
                lowering=lately(item, values, much=False),
            ),
            "others": Kind(
                ("popularity", "knn", "ease", "als", "breadth"),
                pl.lit("many players who do much the same did it, too"),
                "what players do who do much the same",
                lowering=pl.lit("few players who do much the same did it"),
            ),
            **habits.KINDS,
        }

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """The likeliest items of each player."""
        rows = self.ask(app, asked)
        odds = rows.select("player_key", "item", probability=pl.Series(model.predict(rows), dtype=pl.Float64))
        best = odds.sort("probability", "item", descending=[True, False]).group_by("player_key").head(TOLD)
        best = rows.select("player_key", "item", "window_days").join(
            best, on=["player_key", "item"], maintain_order="left"
        )
        return as_scores(best.rename({"item": "target"}))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:
        """Of these items."""
        best = scores.select("player_key", item="target")
        rows = self.ask(app, asked).join(best, on=["player_key", "item"], how="semi", maintain_order="left")
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)).rename({"item": "target"}))

    def sort_called(self, app: App, column: str, value: Any) -> str:
        """A metric by its label."""
        return (
            app.called(value) if column == "item" and value in app.metrics else super().sort_called(app, column, value)
        )

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """Beside the usual, how good the first RANKED of each player are, beside those of popularity by then."""
        popular = (pl.col("own_28") > 0).mean().over("base_day", "item")
        rows = holdout.with_columns(popular=popular).sort(*_PLAYER, "item")
        told: dict[str, Measured] = dict(super().figures(holdout))
        for name, found in (("ndcg", ndcg_at), ("recall", recall_at)):
            ours, theirs = (found(RANKED, rows, _PLAYER, by, "y") for by in ("p", "popular"))
            players = ours["player_key"].to_numpy()
            if len(players):
                ahead = (ours["value"] - theirs["value"]).to_numpy()
                told[f"{name}_at_{RANKED}"] = with_interval(ours["value"].to_numpy(), players)
                told[f"{name}_at_{RANKED}{AHEAD_OF}popularity"] = with_interval(ahead, players)
        return told | {f"coverage_at_{RANKED}": coverage_at(RANKED, rows, _PLAYER, "p", "item")}

    def example(self, app: App) -> dict[str, Sequence[Any]]:
        """Items of this app."""
        names = items_of(app)
        return {"item": names, "lately": [json.dumps([1.0] * len(names))], "window_days": [HORIZON]}


def items_of(app: App) -> tuple[str, ...]:
    """What challenges ask for that is more than to be there, in the order of the app file."""
    return tuple(name for name in app.challenges.metrics if app.metrics[name].agg not in {"days", "streak"})


def _amounts(names: Sequence[str], days: int) -> list[pl.Expr]:
    return [pl.col(f"{name}__{days}").cast(pl.Float64).fill_null(0.0).fill_nan(0.0) for name in names]


def _with_own(names: Sequence[str], features: pl.DataFrame) -> pl.DataFrame:
    """A row for each snapshot and item: the features, item, own amounts, and what all items came to lately."""
    if not names:
        nothing = {f"own_{days}": pl.lit(0.0) for days in SPANS}
        return features.clear().with_columns(item=pl.lit(""), lately=pl.lit("[]"), **nothing)
    amounts = pl.concat_list(_amounts(names, 28)).list.eval(pl.element().cast(pl.String)).list.join(",")
    told = features.with_columns(lately=pl.format("[{}]", amounts))
    return pl.concat(
        told.with_columns(item=pl.lit(name), **{f"own_{days}": _amounts([name], days)[0] for days in SPANS})
        for name in names
    )


def _lately(texts: pl.Series, width: int, scale: Array) -> tuple[Array, NDArray[np.int64]]:
    """What players did lately in usual amounts, shape (different texts, items), and the place of each row's in it."""
    if not width:
        return np.zeros((1, 0)), np.zeros(len(texts), dtype=np.int64)
    different = texts.unique(maintain_order=True)
    table = different.str.json_decode(pl.List(pl.Float64)).list.to_array(width).to_numpy()
    places = pl.DataFrame({"text": different}).with_row_index("at")
    at = pl.DataFrame({"text": texts}).join(places, on="text", how="left", maintain_order="left")["at"]
    usual: Array = np.log1p(np.clip(table, 0, None)) / scale
    return usual, at.to_numpy().astype(np.int64)
