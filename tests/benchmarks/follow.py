"""Recommendations that players follow: what other ways would have brought, as `policies` tells it and as it is true.

    python -m tests.benchmarks follow

trains `learning`, lets one night recommend, plays that day with players who follow the first recommendation and the six
days after it without, and holds what is told of each way against what it would have brought.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from data.simulator.learning import LearningSettings, simulate_learning, write_learning
from data.simulator.response import NOTHING_ASKED, Effects, read_suits, respond
from data.simulator.worlds import learning_world
from pipelines.activity.job import run_ingest
from pipelines.learning.job import run_train
from pipelines.review.policies import POLICIES, judge_policies, read_lists
from tests.loops import LAST_DAY, one_a_day
from tests.pipelines.nights import now, serve_night

DAYS = 7
EFFECTS = Effects(follows=0.5)


def measure(folder: Path, players: int = 600) -> dict[str, float]:
    """What each way would have brought.

    Returns:
        For each way `<way> told`, `<way> low`, `<way> high` (DR with its 95 % interval) and `<way> true`; `held`: how
        many of the intervals hold the truth; `back sure`: of how many ways something is said of players' return, in
        which nothing is planted.
    """
    loaded, settings = one_a_day(folder, "learning")
    history = simulate_learning(LearningSettings(players, 40, LAST_DAY))
    first = LAST_DAY + dt.timedelta(days=1)
    run_ingest(settings, loaded, write_learning(history, folder), history=True, players=False, now=now())
    run_train(settings, loaded, as_of=first, now=now(), progress=lambda *_: None)
    serve_night(settings, loaded, first)
    suits, world = read_suits(settings.home, "learning"), learning_world(history.truth)
    for number in range(DAYS):
        day = first + dt.timedelta(days=number)
        told = suits if number == 0 else suits.clear()
        played = respond(world, NOTHING_ASKED, day, EFFECTS, seed=1, suits=told)
        files = world.write(played.acts, folder, day)
        run_ingest(settings, loaded, files, history=True, players=False, now=now())
    last = first + dt.timedelta(days=DAYS)
    serve_night(settings, loaded, last)
    judged = judge_policies(settings, loaded).judged.filter(kind="metric")
    true = _true(read_lists(settings.home, "learning", last).filter(kind="metric"), _own(history.truth, first))
    figures: dict[str, float] = {}
    for row in judged.filter(goal="done").to_dicts():
        reach = 1.96 * row["dr_se"]
        way = row["policy"]
        figures |= {f"{way} told": row["dr"], f"{way} low": row["dr"] - reach, f"{way} high": row["dr"] + reach}
        figures[f"{way} true"] = true[way]
    figures["held"] = float(sum(figures[f"{w} low"] <= true[w] <= figures[f"{w} high"] for w in true))
    back = judged.filter(goal="back")
    return figures | {"back sure": float(((back["sure_low"] > 0) | (back["sure_high"] < 0)).sum())}


def _own(truth: pl.DataFrame, first: dt.date) -> pl.DataFrame:
    """user_id, item, own: whether a player does a thing in the seven days of their own accord; `came` on the first."""
    world, parts = learning_world(truth), []
    for number in range(DAYS):
        day = first + dt.timedelta(days=number)
        parts.append(world.play(np.random.default_rng([1, day.toordinal()]), day))
    acts = pl.concat(parts)
    did = acts.group_by("user_id").agg(**{name: count.cast(pl.Float64) for name, count in world.counts.items()})
    came = parts[0].select("user_id").unique().with_columns(came=True)
    long = did.unpivot(index="user_id", variable_name="item", value_name="value")
    return long.join(came, on="user_id", how="left").with_columns(
        own=pl.col("value") > 0, came=pl.col("came").fill_null(value=False)
    )


def _true(listed: pl.DataFrame, own: pl.DataFrame) -> Mapping[str, float]:
    """What each way would have brought: done of one's own accord, or followed by who came on the day."""
    rows = listed.join(own, on=["user_id", "item"], how="left").with_columns(
        pl.col("own").fill_null(value=False), pl.col("came").fill_null(value=False)
    )
    able = pl.col("item").is_in([*learning_world(pl.DataFrame()).counts])
    chance = pl.when("own").then(1.0).otherwise(pl.when(pl.col("came") & able).then(EFFECTS.follows).otherwise(0.0))
    rows = rows.with_columns(chance=chance)
    told = {}
    for way, weight in POLICIES.items():
        share = (weight / weight.sum().over("as_of", "user_id", "kind")).alias("share")
        by_player = rows.with_columns(share).group_by("user_id").agg(worth=(pl.col("share") * pl.col("chance")).sum())
        told[way] = float(by_player["worth"].to_numpy().mean())
    return told
