"""Badge odds, engagement and churn beside what is written in an afternoon, on the same rows and later days.

    nightquest ingest stackexchange FOLDER --history
    python -m tests.benchmarks.plain_scores stackexchange --as-of 2018-08-15

Each figure has a 95 % interval of whole players drawn with replacement. With `--truth FOLDER/truth`, where simulated
players have what only the generator knows, churn is also held against the generator's own ranking.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from configs.loader import load_app
from configs.settings import Settings
from models.contest.hold import Contest, hold_contest
from models.contest.scores import log_losses
from models.contest.search import Tuning
from models.contest.split import END, Split
from models.given import Samples
from models.tasks import binary_task
from models.tasks.engagement import Levels, exactly, level_told
from pipelines.known import Known
from pipelines.learning.past import Past
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import MOST_SNAPSHOTS, SEED, past_days
from pipelines.stores import open_app
from tests.benchmarks.known_on import known_on
from tests.benchmarks.straight.scores import boosted, forest, regressed_each, stays_as_it_is
from tests.benchmarks.straight.silent import stays_silent

Array = NDArray[np.float64]
Figure = Callable[[Array], float]
DRAWS = 200
MANY_AWARDS = 100


class Rows:
    """The later rows with what the model says of them that served when they began, and what it and rivals learned from.

    The contest is held on what was known by the first of the later rows: none of them chose its winner.
    """

    def __init__(self, known: Known, samples: Samples, name: str, tuning_s: float) -> None:
        task, past = binary_task(name), Past.of(known)
        own = replace(samples, labels=task.labels(past, samples))
        first = Split.of(task.days(own)).test_from
        before = replace(own, labels=own.labels.filter(first > END))
        self.task, self.past = task, past
        self.contest: Contest = hold_contest(task, known.app, before, seed=SEED, tuning=Tuning(tuning_s, None))
        self.encoding: Any = self.contest.model.encoding
        rows = task.rows(known.app, own, self.encoding, seed=SEED)
        self.train, later = rows.filter(first > END), rows.filter(pl.col("base_day") >= first)
        happened = later[task.label].cast(pl.Float64)
        self.test = later.with_columns(y=happened, p=pl.Series(self.contest.model.predict(later)))

    def x(self, rows: pl.DataFrame) -> Array:
        """The winner's features, the days asked about among them, missing ones 0."""
        names = dict.fromkeys((*self.task.features, "window_days"))
        encoded = self.task.encode(rows, self.encoding).select(pl.col(*names).cast(pl.Float64))
        return encoded.fill_null(0.0).fill_nan(0.0).to_numpy()


def badge_odds(rows: Rows) -> Iterator[str]:
    """Pooled PR-AUC beside logistic regression for each badge and one LightGBM; Brier skill of each common badge."""
    train, test = rows.train, rows.test
    x, y, asked = rows.x(train), train["earned"].cast(pl.Float64).to_numpy(), rows.x(test)
    truth, players = test["y"].to_numpy(), test["player_key"].to_numpy()
    said = {
        "served": test["p"].to_numpy(),
        "logistic for each badge": regressed_each(x, y, asked, train["badge_id"], test["badge_id"]),
        "plain LightGBM": boosted(x, y, asked),
    }
    area = {name: lambda w, p=p: float(average_precision_score(truth, p, sample_weight=w)) for name, p in said.items()}
    for name, of in area.items():
        yield f"badge_odds  PR-AUC of {name}: {_told(of, players)}"
    for name in list(area)[1:]:
        times = _told(lambda w, n=name: area["served"](w) / area[n](w), players)
        yield f"badge_odds  PR-AUC, served over {name}: {times}"
    yield from _skills(rows.past.badges_earned(), train, test)


def _skills(earned: pl.DataFrame, train: pl.DataFrame, test: pl.DataFrame) -> Iterator[str]:
    """Of badges that many players earned by then: 1 - Brier score / that of the badge's rate in the rows learned."""
    keys = ["badge_id", "window_days"]
    rate = train.group_by(keys).agg(rate=pl.col("earned").cast(pl.Float64).mean())
    rows = test.join(rate, on=keys, how="left").with_columns(pl.col("rate").fill_null(0.0))
    many = earned.group_by("badge_id").len("won").filter(pl.col("won") >= MANY_AWARDS)
    for badge, won in many.sort("won", "badge_id", descending=True).iter_rows():
        mine = rows.filter(badge_id=badge)
        if not mine.height or not mine["y"].sum():
            continue
        y, p, base = (mine[name].to_numpy() for name in ("y", "p", "rate"))

        def skill(w: Array, y: Array = y, p: Array = p, base: Array = base) -> float:
            return 1 - float((w * (p - y) ** 2).sum() / (w * (base - y) ** 2).sum())

        yield f"badge_odds  Brier skill of {badge} ({won} awards): {_told(skill, mine['player_key'].to_numpy())}"


def engagement(rows: Rows) -> Iterator[str]:
    """Log-loss and macro-F1 of the levels, beside persistence and a plain forest, for each window."""
    levels = rows.encoding.levels
    encoding: Levels = rows.encoding
    for days in encoding.windows:
        train, test = (each.filter(window_days=days) for each in (rows.train, rows.test))
        seen, asked = _levels(rows, train, "reached", levels), _levels(rows, test, "y", levels)
        served = exactly(test.sort(*_QUESTION, "level")["p"].to_numpy(), levels)
        said = {
            "served": served,
            "persistence": stays_as_it_is(seen[2], seen[1], asked[2], levels + 1),
            "plain forest": forest(seen[0], seen[1], asked[0], levels + 1),
        }
        usual = exactly(np.tile(encoding.usual[days], len(served)), levels)
        yield from _engaged(days, said, asked, test, level_told(served, usual))


_QUESTION = ("player_key", "base_day", "window_days")


def _levels(
    rows: Rows, part: pl.DataFrame, label: str, levels: int
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Features, level and level of the window before of each question, one row each."""
    part = part.sort(*_QUESTION, "level")
    encoded = rows.task.encode(part, rows.encoding)
    truth = part[label].cast(pl.Int64).to_numpy().reshape(-1, levels).sum(axis=1)
    last = encoded["reached_last"].cast(pl.Int64).to_numpy().reshape(-1, levels).sum(axis=1)
    return rows.x(part)[::levels], truth, last


def _engaged(
    days: int, said: dict[str, Array], asked: tuple[Any, ...], test: pl.DataFrame, told: NDArray[np.int64]
) -> Iterator[str]:
    truth, last = asked[1], asked[2]
    first = test.sort(*_QUESTION, "level").filter(pl.col("level") == 1)
    players = first["player_key"].to_numpy()
    loss = {name: -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-6, 1)) for name, p in said.items()}
    likely = {name: p.argmax(axis=1) for name, p in said.items()} | {"persistence": last, "served": told}
    f1 = {name: lambda w, k=k: macro_f1_of(truth, k, w) for name, k in likely.items()}
    for name in said:
        yield f"engagement  {days} days, log-loss of {name}: {_told(lambda w, n=name: _mean(loss[n], w), players)}"
        yield f"engagement  {days} days, macro-F1 of {name}: {_told(f1[name], players)}"
    for name in list(said)[1:]:
        gain = _told(lambda w, n=name: _mean(loss[n] - loss["served"], w), players)
        yield f"engagement  {days} days, log-loss gained over {name}: {gain}"
        gain = _told(lambda w, n=name: f1["served"](w) - f1[n](w), players)
        yield f"engagement  {days} days, macro-F1 gained over {name}: {gain}"


def macro_f1_of(truth: NDArray[np.int64], said: NDArray[np.int64], weights: Array) -> float:
    """The mean over levels of 2 hits / (those at the level + those said to be), each row counting as its weight."""
    n = int(max(truth.max(), said.max())) + 1
    hits = np.bincount(truth, weights * (truth == said), n)
    both = np.bincount(truth, weights, n) + np.bincount(said, weights, n)
    return float((2 * hits[both > 0] / both[both > 0]).mean())


def churn(rows: Rows, truth: pl.DataFrame | None = None) -> Iterator[str]:
    """ROC-AUC of who left already, beside recency alone and one LightGBM; with the truth, concordance too."""
    now, train = rows.test.filter(week=0), rows.train.filter(week=0)
    y, players = now["y"].to_numpy(), now["player_key"].to_numpy()
    said = {
        "served": now["p"].to_numpy(),
        "recency alone": now["recency_days"].fill_null(1e4).to_numpy(),
        "plain LightGBM": boosted(rows.x(train), train["left"].cast(pl.Float64).to_numpy(), rows.x(now)),
    }
    area = {name: lambda w, p=p: float(roc_auc_score(y, p, sample_weight=w)) for name, p in said.items()}
    for name, of in area.items():
        yield f"churn  ROC-AUC of {name}: {_told(of, players)}"
    for name in list(area)[1:]:
        gain = _told(lambda w, n=name: area["served"](w) - area[n](w), players)
        yield f"churn  ROC-AUC gained over {name}: {gain}"
    p = said["served"], said["plain LightGBM"]
    gain = log_losses(y, p[1]) - log_losses(y, p[0])
    yield f"churn  log-loss gained over plain LightGBM: {_told(lambda w: _mean(gain, w), players)}"
    if truth is not None:
        yield from _beside_the_truth(rows, now, truth)


def _beside_the_truth(rows: Rows, now: pl.DataFrame, truth: pl.DataFrame) -> Iterator[str]:
    """Harrell's concordance of when players left: by the chance to have left in four weeks, and by what is true.

    What is true: who is away on the day, which nobody can see, comes first, then who is least likely to play that day.
    Between them: what somebody could know who knows habits to the letter and sees what an app sees (`stays_silent`).
    """
    curve = rows.test.group_by("player_key", "base_day").agg(
        gone_in=pl.col("week").filter(pl.col("y") == 1).min(), last=pl.col("week").max()
    )
    habits = truth.unique("player_key").select("player_key", *_HABITS)
    both = now.join(curve, on=["player_key", "base_day"]).join(habits, on="player_key")
    both = both.join(truth.drop(_HABITS), on=["player_key", "base_day"], how="left")
    both = both.with_columns(
        time=pl.coalesce("gone_in", pl.col("last") + 1),
        own=1 - pl.col("p_plays").fill_nan(None).fill_null(-1.0),
        gone=pl.col("gone_in").is_not_null(),
    )
    both = both.with_columns(silent=pl.Series(stays_silent(both, rows.encoding.days)))
    y = both["y"].to_numpy()
    for name, of in list(_RISKS.items())[1:]:
        risk = both[of].to_numpy()
        area = _told(lambda w, p=risk: float(roc_auc_score(y, p, sample_weight=w)), both["player_key"].to_numpy())
        yield f"churn  ROC-AUC of {name}: {area}"
    time, gone, players = (both[name].to_numpy() for name in ("time", "gone", "player_key"))
    told = {name: partial(concordance, time, gone, both[of].to_numpy()) for name, of in _RISKS.items()}
    for name, figure in told.items():
        yield f"churn  concordance of {name}: {_told(figure, players)}"
    behind = _told(lambda w: told["the truth"](w) - told["served"](w), players)
    yield f"churn  concordance, the truth's more than served: {behind}"


_RISKS = {"served": "p", "who knows habits": "silent", "the truth": "own"}


def concordance(time: Array, gone: NDArray[np.bool_], risk: Array, weights: Array) -> float:
    """Of pairs of which it is known who left first, how often that one has the higher risk, ties half.

    Harrell, Califf, Pryor, Lee and Rosati 1982, JAMA 247, 2543; times are few whole numbers, so each is gone through.
    """
    right = known = 0.0
    for at in np.unique(time[gone]):
        first, later = gone & (time == at), time > at
        if not first.any() or not later.any():
            continue
        order = np.argsort(risk[later])
        ranked, mass = risk[later][order], np.concatenate([[0.0], np.cumsum(weights[later][order])])
        below, upto = (mass[np.searchsorted(ranked, risk[first], side=side)] for side in ("left", "right"))
        right += float((weights[first] * (below + upto) / 2).sum())
        known += float(weights[first].sum() * mass[-1])
    return right / known if known else float("nan")


def _mean(values: Array, weights: Array) -> float:
    return float((values * weights).sum() / weights.sum())


def _told(figure: Figure, players: NDArray[np.int64]) -> str:
    """A figure with its interval; players are drawn as the weights that their rows have."""
    index = np.unique(players, return_inverse=True)[1]
    n, rng = int(index.max()) + 1, np.random.default_rng(SEED)
    drawn = [figure(np.bincount(rng.integers(n, size=n), minlength=n).astype(float)[index]) for _ in range(DRAWS)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return f"{figure(np.ones(len(players))):.4f} ({low:.4f} to {high:.4f})"


def main() -> None:
    """Print the tables for an app under home."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plain_scores", description=__doc__)
    parser.add_argument("app")
    parser.add_argument("--as-of", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--home", type=Path, default=Path(".nightquest"))
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--tuning", type=float, default=0.0, help="seconds for each contest; 0, as here: none")
    parser.add_argument("--task", choices=("churn", "badge_odds", "engagement"), action="append")
    given = parser.parse_args()
    loaded, settings = load_app(given.app), Settings(home=given.home)
    with open_app(settings, loaded) as warehouse:
        known = known_on(warehouse, loaded.app, given.as_of)
        samples = draw_samples(known, past_days(known, known.base_day), most=MOST_SNAPSHOTS, seed=SEED)
        told: dict[str, Callable[[Rows], Iterator[str]]] = {
            "churn": lambda rows: churn(rows, _truth(known, given.truth) if given.truth else None),
            "badge_odds": badge_odds,
            "engagement": engagement,
        }
        for name, tell in ((name, told[name]) for name in given.task or told):
            rows = Rows(known, samples, name, given.tuning)
            learned, later = rows.train.height, rows.test.height
            print(
                f"{name}: {rows.contest.chosen} serves, {learned:,} rows to learn and {later:,} later ones", flush=True
            )
            for line in tell(rows):
                print(line, flush=True)


def _truth(known: Known, folder: Path) -> pl.DataFrame:
    """player_key, base_day, p_plays (how likely each player was to play on each day; none when away) and habits."""
    chances = pl.read_parquet(folder / "chances.parquet").with_columns(pl.col("user_id").cast(pl.String))
    habits = pl.read_parquet(folder / "truth.parquet", columns=["user_id", *_HABITS])
    players = known.frame("SELECT player_key, user_id FROM players").join(habits, on="user_id")
    return chances.join(players, on="user_id").select("player_key", "p_plays", *_HABITS, base_day="day")


_HABITS = ("play_probability", "weekday_log_odds")


if __name__ == "__main__":
    main()
