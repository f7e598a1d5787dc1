"""Nights answered by simulated players: what is planted in their answers beside what experiments and tastes say.

    python -m tests.benchmarks loop

plays `learning` with an effect of an arm on completion and a liked metric for each learner, `learning` again with
nothing planted and with a table of rewards that moves two personas, and `fitness` and `trading` with an effect on
completion and on ratings. Words and tables are tried in all of them.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from math import nan
from pathlib import Path

import polars as pl

from data.simulator.respond import read_truth
from data.simulator.response import Effects, true_lift
from pipelines.experiments.experiment import read_experiment
from pipelines.known import Known
from pipelines.pins import find_night
from pipelines.publish.published import past_nights, read_night
from pipelines.stores import open_app
from tests.loops import Loop, run_loop

PLANTED = {
    "learning": Effects(answers=0.15, arms={"warm": 0.25}, likes=0.5, rating_likes=1.0),
    "nothing": Effects(answers=0.25),
    "tables": Effects(answers=0.15, arms={"rich": {"MASTER": 0.5, "COLLECTOR": 0.5}}),
    "fitness": Effects(answers=0.15, arms={"warm": 0.3}, rating_arms={"warm": 0.6}, rates=0.8),
    "trading": Effects(answers=0.15, arms={"warm": 0.3}, rating_arms={"warm": 0.6}, rates=0.8),
}
EXPERIMENTS = {"words": ("arm", "plain", "warm"), "tables": ("reward_arm", "lean", "rich")}


def measure(folder: Path, players: int = 600, nights: int = 7) -> dict[str, float]:
    """Play the five, and hold what was planted against the intervals.

    Returns:
        For each, of words and of tables, of completion and rating: the difference of the second arm, its interval for
        one look and that for every look, what was planted, and whether a difference was shown; `held`: 1 where what was
        planted lies in every interval. Of learners' personas: how many count as another from a night to the next, how
        many would without a margin, and the mean log loss of the shares against who they are. Of tastes: the mean
        liking of what is liked and of other metrics, and of the players who were asked for what they like, for how many
        it is liked best.
    """
    figures: dict[str, float] = {}
    for name, effects in PLANTED.items():
        app = "learning" if name in {"nothing", "tables"} else name
        place = folder / name
        place.mkdir()
        loop = run_loop(place, app, players=players, nights=nights, effects=effects)
        figures |= {f"{name} {key}": value for key, value in _differences(loop, effects)}
        if app == "learning":
            figures |= {f"{name} {key}": value for key, value in _memberships(loop, place)}
        if effects.likes:
            figures |= {f"{name} {key}": value for key, value in _tastes(loop, place, app)}
    return figures


def _differences(loop: Loop, effects: Effects) -> Iterator[tuple[str, float]]:
    with open_app(loop.settings, loop.loaded) as warehouse:
        night = find_night(warehouse, loop.loaded.app)
        if night is None:
            raise RuntimeError("no night is out")
        reports = {name: read_experiment(Known(warehouse, night), name) for name in EXPERIMENTS}
    held = 1.0
    for name, (of, first, other) in EXPERIMENTS.items():
        planted = {"completion": true_lift(loop.truth, effects, first, other, of)}
        if other not in effects.rating_arms:
            planted["rating"] = 0.0
        for metric in ("completion", "rating"):
            found = (pl.col("metric") == metric) & (pl.col("arm") == other)
            row = reports[name].results.row(by_predicate=found, named=True)
            yield f"{name} {metric} found", float(row["found_on"] is not None)
            for key in ("difference", "difference_low", "difference_high", "always_low", "always_high"):
                yield f"{name} {metric} {key}", nan if row[key] is None else row[key]
            if metric in planted:
                yield f"{name} {metric} planted", planted[metric]
                held *= (row["always_low"] or nan) <= planted[metric] <= (row["always_high"] or nan)
    yield "held", held


def _memberships(loop: Loop, folder: Path) -> Iterator[tuple[str, float]]:
    app = loop.loaded.app
    kind = pl.Struct(dict.fromkeys(app.personas, pl.Float64))
    nights = past_nights(loop.settings.home, app.app, loop.last + dt.timedelta(days=1), 90)
    told = [
        night.table("profiles")
        .select("user_id", "persona", shares=pl.col("personas").str.json_decode(kind))
        .unnest("shares")
        .with_columns(largest=pl.concat_list(*app.personas).list.arg_max())
        for night in nights
    ]
    pairs = [one.join(two, on="user_id", suffix="_then") for one, two in pairwise(told)]
    for name, column in (("persona changes", "persona"), ("largest share changes", "largest")):
        changed = (pl.col(column) != pl.col(f"{column}_then")).mean()
        yield name, sum(pair.select(changed).item() for pair in pairs) / len(pairs)
    truth = read_truth(folder, app.app).select("user_id", own="persona")
    shares = told[0].unpivot(app.personas, index="user_id", variable_name="own", value_name="share")
    sure = shares.join(truth, on=["user_id", "own"]).select(pl.col("share").clip(1e-6).log().mean()).item()
    yield "persona log loss", -sure


def _tastes(loop: Loop, folder: Path, app: str) -> Iterator[tuple[str, float]]:
    own = read_truth(folder, app, liking=True).select("user_id", "liked")
    tastes = read_night(loop.settings.home, app, loop.last).table("tastes").join(own, on="user_id")
    mine = pl.col("metric") == pl.col("liked")
    yield "liking of liked", tastes.filter(mine)["liking"].mean()
    yield "liking of others", tastes.filter(~mine)["liking"].mean()
    best = tastes.sort("liking", descending=True).unique("user_id", keep="first", maintain_order=True)
    asked = best.join(tastes.filter(mine).select("user_id"), on="user_id", how="semi")
    yield "best liked is own", asked.select(mine.mean()).item()
    yield "players asked of own", float(asked.height)
