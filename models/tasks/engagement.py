"""How engaged will the player be: which of the app's levels do they reach in the next week, and in the next four?"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from models import habits
from models.contest.promotion import with_interval
from models.contest.scores import AHEAD_OF, Measured, of_drawn
from models.explain.reasons import Kind, Ways, lately, what_is_asked
from models.given import SNAPSHOT, Asked, Known, Samples
from models.portable import load_json, save_json
from models.task import Answering, BinaryTask, Encoding, as_scores

Array = NDArray[np.float64]
HORIZONS = (7, 28)
LEVEL_SHARE = 0.6  # of those who play, how many are in the lowest level above idleness; of the others in the next; …
MOST_SNAPSHOTS = 8_000
RARE = 1e-3  # a level is never held to be less usual
_QUESTION = ("player_key", "base_day", "window_days")
_END = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)

INPUTS: dict[str, pl.DataType] = {
    **habits.INPUTS,
    **{name: pl.Float64() for name in ("value_7", "value_28", "value_90", "cut")},
    **{name: pl.Int32() for name in ("level", "window_days")},
}


class Levels(Encoding):
    """Where levels begin: the first with play at all, the others at a value; each level and window has an intercept.

    Args:
        cuts: By length of window, the values at which the levels above the first two begin; not falling.
        usual: By length of window, the share of past windows that reached each level above the lowest; where it is not
            known, all levels are held to be alike.
    """

    def __init__(self, cuts: Mapping[int, Sequence[float]], usual: Mapping[int, Sequence[float]] | None = None) -> None:
        self.cuts = {days: tuple(values) for days, values in cuts.items()}
        super().__init__(sorted(self.cuts))
        alike = np.linspace(1, 0, self.levels + 2)[1:-1].tolist()
        self.usual = {days: tuple((usual or {}).get(days, alike)) for days in self.cuts}

    @property
    def levels(self) -> int:
        """How many levels above the lowest there are."""
        return 1 + len(next(iter(self.cuts.values())))

    @property
    def groups(self) -> int:
        """How many intercepts there are."""
        return self.levels * len(self.windows)

    def group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """The place of each row's window and level, shape (n,)."""
        window = super().group(rows)
        return np.where(window < 0, -1, window * self.levels + rows["level"].to_numpy() - 1)

    def asked(self) -> pl.DataFrame:
        """window_days, level, cut, usual: every question that can be asked of a player."""
        return pl.DataFrame(
            [
                (days, level, cut, usual)
                for days, cuts in self.cuts.items()
                for level, (cut, usual) in enumerate(zip((0.0, *cuts), self.usual[days], strict=True), start=1)
            ],
            schema={"window_days": pl.Int32, "level": pl.Int32, "cut": pl.Float64, "usual": pl.Float64},
            orient="row",
        )

    def to_files(self, folder: Path) -> None:
        """Write the cuts and the shares."""
        for name, told in (("cuts", self.cuts), ("usual", self.usual)):
            save_json(folder / f"{name}.json", {str(days): list(values) for days, values in told.items()})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        cuts, usual = (
            {int(days): values for days, values in load_json(path).items()} if path.exists() else None
            for path in (folder / "cuts.json", folder / "usual.json")
        )
        return cls(cuts or {}, usual)


class Engagement(BinaryTask[Levels]):
    """P(the player reaches level k within a window), for each level above the lowest.

    A window's level goes by the app's `engagement.metric`, or by active events: the lowest without play, the next with
    any, the others from a cut on. Rows ask of nested questions, so the chances of levels are their differences
    (McCullagh 1980, J. R. Stat. Soc. B 42, 109, with learners in place of one line).
    """

    name: ClassVar[str] = "engagement"
    question: ClassVar[str] = "How engaged will the player be in the next week, and in the next four?"
    doing: ClassVar[str] = "how engaged they will be"
    label: ClassVar[str] = "reached"
    inputs: ClassVar[Mapping[str, pl.DataType]] = INPUTS
    features: ClassVar[tuple[str, ...]] = (
        *(*habits.FEATURES, "log_7", "log_28", "log_90", "over_7", "over_28", "over_90", "reached_last"),
        *("log_cut", "level"),
    )
    common: ClassVar[frozenset[str]] = habits.COMMON
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "lightgbm": {"trees": 120},
        "two_views": {"trees": 120},
        "random_forest": {"min_leaf": 40},
    }
    asks_for: ClassVar[frozenset[str]] = frozenset(
        {"catboost", "mean_of_three", "random_forest", "stack", "two_views", "xgboost"}
    )
    prefers: ClassVar[str] = "mean_of_three"
    relevels: ClassVar[bool] = False  # as of churn
    used_for: ClassVar[str] = (
        "Nights publish its answers in `scores`, for people and apps to act on; no challenge, reward or badge depends "
        "on them."
    )
    notes: ClassVar[Mapping[str, str]] = {
        "log_loss_of_levels": "of the level itself, not of the questions whether one is reached; lower is better",
        "macro_f1": "of the level that is told, every level counting as much; higher is better",
        "macro_f1_ahead_of_persistence": "how much better than saying that the level stays as it was",
        "quadratic_kappa": "agreement with the true level beyond chance, far misses counting more; 1 is full",
        "quadratic_kappa_ahead_of_persistence": "how much better than saying that the level stays as it was",
    }
    moves: ClassVar[bool] = False  # weekly training is near enough, and a night is cheaper without
    ways: ClassVar[Ways] = ("towards a higher level", "towards a lower level")  # to reach one and to stay there differ
    encoding_type: ClassVar[type[Encoding]] = Levels
    limits: ClassVar[tuple[str, ...]] = (
        "Cuts that the app file does not set are those of the training: a level means the same until the next one.",
        "The contest's log-loss is of the questions `is this level reached?`, `log loss of levels` of the levels.",
        "Players not active within `challenges.active_within_days` are not judged.",
    )

    def horizons(self, app: App) -> tuple[int, ...]:  # noqa: ARG002
        """A week and four."""
        return HORIZONS

    def lacks(self, app: App, encoding: Levels) -> str:
        """What the app file says of levels that the model was not trained for."""
        cuts: Mapping[int, Sequence[float]] | None = said_cuts(app)
        if encoding.levels != max(len(app.engagement.levels) - 1, 1) or (cuts is not None and encoding.cuts != cuts):
            return "other engagement levels"
        return ""

    def labels(self, known: Known, samples: Samples) -> pl.DataFrame:
        """What each window that is over came to: value, played."""
        windows = pl.DataFrame({"window_days": HORIZONS}, schema={"window_days": pl.Int32})
        spans = samples.features.select(SNAPSHOT).join(windows, how="cross").with_columns(start_day="base_day")
        over = known.over(spans.with_columns(end_day=_END)).with_row_index("window_id")
        metric = known.app.engagement.metric
        asked = over.select("window_id", "player_key", "start_day", "end_day", metric=pl.lit(metric, dtype=pl.String))
        if metric:
            values = known.came_to(asked)
        else:
            with known.lend(windows=asked):
                values = known.frame(known.fixed("learning/events_within"))
        found = over.join(values, on="window_id", how="left", maintain_order="left").drop("window_id")
        return found.with_columns(pl.col("value").fill_null(0.0))

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> Levels:  # noqa: ARG002
        """The app file's cuts, else quantiles of the windows with play that were over before a day; and shares."""
        shares = [1 - (1 - LEVEL_SHARE) ** n for n in range(1, max(len(app.engagement.levels) - 1, 1))]
        past = samples.labels.filter(before > _END) if samples.labels.height else samples.labels
        cuts: Mapping[int, Sequence[float]] | None = said_cuts(app)
        if cuts is None:
            cuts = {days: _quantiles(past.filter("played"), days, shares) for days in HORIZONS}
        asked = past.join(Levels(cuts).asked(), on="window_days")
        usual = asked.group_by("window_days", "level").agg(share=_reaches("value", pl.col("played")).mean())
        by_days = usual.sort("level").group_by("window_days").agg("share")
        return Levels(cuts, dict(by_days.rows()))

    def rows(self, app: App, samples: Samples, encoding: Levels, *, seed: int) -> pl.DataFrame:
        """Every level of every window that was over, of at most MOST_SNAPSHOTS snapshots."""
        features = samples.features.sample(min(samples.features.height, MOST_SNAPSHOTS), seed=seed)
        asked = samples.labels.join(encoding.asked(), on="window_days", maintain_order="left")
        rows = asked.join(_with_values(app, features), on=list(SNAPSHOT), maintain_order="left")
        return rows.with_columns(reached=_reaches("value", pl.col("played")))

    def encode(self, rows: pl.DataFrame, encoding: Levels) -> pl.DataFrame:
        """The rows with the features of habit, how far the cut is, and where the player stood in the window before."""
        cut, days = pl.col("cut").log1p(), pl.col("window_days")
        return rows.with_columns(
            **habits.FEATURES,
            **{f"log_{n}": pl.col(f"value_{n}").clip(0).log1p() for n in (7, 28, 90)},
            **{f"over_{n}": (pl.col(f"value_{n}").clip(0) * days / n).log1p() - cut for n in (7, 28, 90)},
            log_cut=cut,
            reached_last=_reached_last().cast(pl.Float64),
            standing=32 * pl.col("level") + _level_last(encoding),
        )

    def goes_by(self, app: App) -> str:
        """What levels are cut from."""
        return app.engagement.metric or ""

    def kinds(self, app: App) -> Mapping[str, Kind]:
        """Those of habit, and how much it was."""
        metric = app.engagement.metric
        what, values = app.figured(metric) if metric else "actions", {28: "value_28", 7: "value_7"}
        value = Kind(
            ("log_7", "log_28", "log_90", "over_7", "over_28", "over_90", "reached_last"),
            lately(what, values),
            "how much it was lately, against what the level asks",
            "value_28",
            lowering=lately(what, values, much=False),
        )
        return {"value": value, "asked": what_is_asked("level", "log_cut"), **habits.KINDS}

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """P(the level is k), which add up to 1 for each window; `band` is the level told, which has the reasons."""
        names = dict(enumerate(app.engagement.levels))
        rows = self._questions(model, app, asked).sort(*_QUESTION, "level")
        chances = exactly(model.predict(rows), model.encoding.levels)
        questions = rows.filter(pl.col("level") == 1).select("player_key", "window_days")
        usual = exactly(rows["usual"].to_numpy(), model.encoding.levels)
        questions = questions.with_columns(told=pl.Series(level_told(chances, usual), dtype=pl.Int32))
        of_each = [
            questions.with_columns(level=pl.lit(level, dtype=pl.Int32), probability=pl.Series(chances[:, level]))
            for level in names
        ]
        return as_scores(
            pl.concat(of_each).with_columns(
                target=pl.col("level").replace_strict(names, return_dtype=pl.String),
                band=pl.col("told").replace_strict(names, return_dtype=pl.String),
            )
        )

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:
        """Why the level told is reached, or even the next is not."""
        at = {name: level for level, name in enumerate(app.engagement.levels)}
        level = pl.col("target").replace_strict(at, return_dtype=pl.Int32)
        told = scores.filter(pl.col("target") == pl.col("band")).select(
            "player_key", "target", window_days="horizon_days", level=level.clip(1)
        )
        rows = self._questions(model, app, asked).join(
            told, on=["player_key", "window_days", "level"], maintain_order="left"
        )
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)))

    def _questions(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """Each level of each window, of each player."""
        return self.needed(_with_values(app, asked.features)).join(model.encoding.asked(), how="cross")

    def sort_called(self, app: App, column: str, value: Any) -> str:
        """A level by its name in the app file."""
        levels = app.engagement.levels
        if column == "level" and value < len(levels):
            return levels[value] if value == len(levels) - 1 else f"{levels[value]} or above"
        return super().sort_called(app, column, value)

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """Of the levels themselves, beside those of the questions; and how often nothing changes."""
        rows = holdout.with_columns(last=_reached_last()).sort(*_QUESTION, "level")
        levels = int(rows["level"].max())  # type: ignore[arg-type]
        truth, last = (rows[name].to_numpy().reshape(-1, levels).sum(axis=1).astype(int) for name in ("y", "last"))
        chances, usual = (exactly(rows[name].to_numpy(), levels) for name in ("p", "usual"))
        told, given = level_told(chances, usual), chances[np.arange(len(truth)), truth]
        players = rows["player_key"].to_numpy()[::levels]

        def f1(said: NDArray[np.int64]) -> Callable[[Array], float]:
            return lambda weights: macro_f1(truth, said, weights)

        def kappa(said: NDArray[np.int64]) -> Callable[[Array], float]:
            return lambda weights: quadratic_kappa(truth, said, levels + 1, weights)

        return {
            **super().figures(holdout),
            "log_loss_of_levels": with_interval(-np.log(np.clip(given, 1e-6, 1)), players),
            "macro_f1": of_drawn(f1(told), players),
            f"macro_f1{AHEAD_OF}persistence": of_drawn(lambda w: f1(told)(w) - f1(last)(w), players),
            "quadratic_kappa": of_drawn(kappa(told), players),
            f"quadratic_kappa{AHEAD_OF}persistence": of_drawn(lambda w: kappa(told)(w) - kappa(last)(w), players),
        }

    def example(self, app: App) -> dict[str, Sequence[Any]]:
        """Levels of this app."""
        return {"level": list(range(1, len(app.engagement.levels))), "window_days": HORIZONS}


def said_cuts(app: App) -> dict[int, tuple[float, ...]] | None:
    """The app file's cuts by length of window; those of a week hold for four where the metric is no sum."""
    if app.engagement.cuts is None:
        return None
    metric = app.engagement.metric
    grows = metric is None or app.metrics[metric].aggregation.adds_up
    return {days: tuple(cut * (days / 7 if grows else 1) for cut in app.engagement.cuts) for days in HORIZONS}


def exactly(at_least: Array, levels: int) -> Array:
    """P(level is 0, 1, …), from P(level >= 1), P(level >= 2), … of each question; shape (questions, levels + 1).

    Answers that rise with the level are brought down to the one before.
    """
    reached = np.minimum.accumulate(at_least.reshape(-1, levels), axis=1)
    ends = np.ones((len(reached), 1)), np.zeros((len(reached), 1))
    chances: Array = -np.diff(np.concatenate([ends[0], reached, ends[1]], axis=1), axis=1)
    return chances


def level_told(chances: Array, usual: Array) -> NDArray[np.int64]:
    """The level whose chance is largest against the root of how usual it is, shape (questions,).

    The likeliest level is nearly always one of the usual ones, and who is about to be there least is never told of; to
    weigh by the whole share would tell mostly of the rare ones. The root lies halfway.

    Args:
        chances: P(level is 0, 1, …), shape (questions, levels).
        usual: The share of past windows at each of them, alike.
    """
    return np.asarray((chances / np.sqrt(np.maximum(usual, RARE))).argmax(axis=1), dtype=np.int64)


def macro_f1(truth: NDArray[Any], said: NDArray[Any], weights: Array | None = None) -> float:
    """The mean over levels of 2 hits / (those who were at the level + those said to be)."""
    weights = np.ones(len(truth)) if weights is None else weights
    hits, were, told = (np.bincount(at, weights * here) for at, here in ((truth, truth == said), (truth, 1), (said, 1)))
    most = max(len(hits), len(told))
    both = np.pad(were, (0, most - len(were))) + np.pad(told, (0, most - len(told)))
    f1 = 2 * np.pad(hits, (0, most - len(hits)))[both > 0] / both[both > 0]
    return float(np.mean(f1)) if len(f1) else float("nan")


def quadratic_kappa(truth: NDArray[Any], said: NDArray[Any], levels: int, weights: Array | None = None) -> float:
    """Agreement beyond chance, a miss by k levels weighing k squared (Cohen 1968, Psychol. Bull. 70, 213)."""
    seen = np.zeros((levels, levels))
    np.add.at(seen, (truth, said), 1.0 if weights is None else weights)
    weight = np.subtract.outer(np.arange(levels), np.arange(levels)) ** 2
    by_chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / max(seen.sum(), 1)
    missed = float((weight * by_chance).sum())
    return 1 - float((weight * seen).sum()) / missed if missed else float("nan")


def _quantiles(past: pl.DataFrame, days: int, shares: Sequence[float]) -> list[float]:
    """Values below which these shares of the windows with play are; without any all cuts are out of reach."""
    values = past.filter(pl.col("window_days") == days)["value"]
    return [float(values.quantile(share, "higher") or 0.0) if len(values) else float(2**53) for share in shares]


def _with_values(app: App, features: pl.DataFrame) -> pl.DataFrame:
    """The features with what the windows before came to: value_7, value_28, value_90."""
    metric = app.engagement.metric
    past = {n: f"{metric}__{n}" if metric else f"events_{n}" for n in (7, 28, 90)}
    return features.with_columns(pl.col(name).fill_null(0.0).alias(f"value_{n}") for n, name in past.items())


def _reaches(value: str | pl.Expr, played: pl.Expr) -> pl.Expr:
    value = pl.col(value) if isinstance(value, str) else value
    return played & ((pl.col("level") == 1) | (value >= pl.col("cut")))


def _reached_last() -> pl.Expr:
    """Whether the window before, of the same length, reached the level."""
    return _reaches(_last("value"), _last("active_days") > 0)


def _level_last(encoding: Levels) -> pl.Expr:
    """The level of the window before, of the same length."""
    reached = [
        pl.when(pl.col("window_days") == days).then(
            pl.sum_horizontal(pl.lit(1), *(_last("value") >= cut for cut in cuts))
        )
        for days, cuts in encoding.cuts.items()
    ]
    return pl.when(_last("active_days") > 0).then(pl.coalesce(reached)).otherwise(0)


def _last(name: str) -> pl.Expr:
    """What a name with 7 or 28 behind it says of the window before."""
    return pl.when(pl.col("window_days") <= HORIZONS[0]).then(f"{name}_7").otherwise(f"{name}_28")
