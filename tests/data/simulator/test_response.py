"""Players who answer what they are asked: what they do counts as the app counts it, and nothing happens unasked."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from configs.loader import load_app
from data.simulator.academy import AcademyWorld
from data.simulator.fitness import FitnessSettings, simulate_fitness
from data.simulator.learning import PERSONAS, LearningSettings, simulate_learning
from data.simulator.respond import read_effects
from data.simulator.response import NOTHING_ASKED, Effects, World, respond, true_lift, with_likes
from data.simulator.simulator import SimulatorSettings, simulate
from data.simulator.worlds import fitness_world, learning_world
from data.warehouse import scratch
from pipelines.activity.ingest import ingest_files

DAY = dt.date(2026, 7, 1)
SURE = Effects(shown=1.0, answers=1.0, rates=0.5, dismisses=0.2)


def learners() -> World:
    return learning_world(simulate_learning(LearningSettings(players=120, days=20)).truth)


def athletes() -> World:
    return fitness_world(simulate_fitness(FitnessSettings(records=200, others=200, players=150, days=40)).truth)


def recruits() -> World:
    start = DAY - dt.timedelta(days=20)
    return AcademyWorld(simulate(SimulatorSettings(players=150, days=20, start=start)).truth)


@pytest.fixture(name="world", scope="module", params=[learners, athletes, recruits])
def _world(request):
    return request.param()


def asked(world: World, *, share: float = 0.7, arm: str | None = None, table: str | None = None) -> pl.DataFrame:
    """A challenge of one day for each player, on each metric in turn, for some share of what is possible."""
    metrics = sorted(world.counts)
    rows = world.truth.select("user_id").with_row_index("nth").with_columns(
        metric=pl.Series(metrics).gather(np.arange(world.truth.height) % len(metrics)),
        content_id=pl.format("c-{}", "nth"),
        valid_from=pl.lit(DAY),
        valid_until=pl.lit(DAY),
        window_days=pl.lit(1),
        arm=pl.lit(arm, pl.String),
        reward_arm=pl.lit(table, pl.String),
    )  # fmt: skip
    most = pl.col("metric").replace_strict(dict(world.most), return_dtype=pl.Float64)
    return rows.with_columns(target=(most * share).ceil())


def test_whoever_answers_reaches_the_target_in_every_metric_and_nobody_else_does_more_than_their_own(world):
    told = respond(world, asked(world), DAY, SURE, seed=3).truth
    assert set(told["metric"]) == set(world.counts)
    assert told["answered"].all()
    assert told["kept"].all()
    alone = respond(world, asked(world), DAY, Effects(shown=1.0, answers=0.0), seed=3)
    assert alone.truth["kept"].equals(alone.truth["kept_anyway"])
    assert alone.acts.equals(world.play(np.random.default_rng([3, DAY.toordinal()]), DAY))


def test_what_nobody_can_do_on_a_day_is_never_answered(world):
    told = respond(world, asked(world, share=1.5), DAY, SURE, seed=3).truth
    assert told["p_plain"].null_count() == told.height
    assert not told["answered"].any()


def test_a_challenge_is_seen_once_by_those_who_play_before_they_act(world):
    first = respond(world, asked(world), DAY, SURE, seed=3)
    shown = first.said.filter(event="nightquest.shown")
    began = first.acts.group_by("user_id").agg(pl.col("second").min())
    both = shown.join(began, on="user_id", how="left").join(world.truth, on="user_id")
    assert shown.height == first.truth.height < world.truth.height
    for zone in both["zone"].unique() if "zone" in both.columns else [world.zone]:
        theirs = both.filter(zone=zone) if "zone" in both.columns else both
        midnight = dt.datetime.combine(DAY, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
        assert (theirs["occurred_at"] < midnight + theirs.select(pl.duration(seconds="second")).to_series()).all()
    rated, dismissed = (
        set(first.said.filter(event=f"nightquest.{name}")["user_id"]) for name in ("rated", "dismissed")
    )
    assert rated
    assert not rated & dismissed
    again = respond(world, asked(world), DAY, SURE, seed=4, seen=first.truth.select("content_id"))
    assert not set(again.truth["content_id"]) & set(first.truth["content_id"])


def test_the_same_seed_and_day_give_the_same_rows(world):
    one, two, other = (respond(world, asked(world), DAY, Effects(), seed=seed) for seed in (5, 5, 6))
    assert (one.acts.equals(two.acts), one.said.equals(two.said), one.truth.equals(two.truth)) == (True, True, True)
    assert not one.said.equals(other.said)


def test_what_is_planted_moves_those_it_is_planted_in():
    world = learners()
    world = learning_world(with_likes(world.truth, sorted(world.counts), seed=1))
    effects = Effects(answers=0.1, personas={PERSONAS[0]: 0.3}, likes=0.5, arms={"warm": 0.2, "cold": -0.05})
    told = respond(world, asked(world, arm="warm"), DAY, effects, seed=1).truth
    plain = 0.1 + 0.3 * (told["persona"] == PERSONAS[0]) + 0.5 * told["liked"]
    assert told["p_plain"].to_list() == pytest.approx(plain.to_list())
    assert 0 < told["liked"].sum() < told.height
    open_to_it = 1 - told["kept_anyway"].mean()
    assert true_lift(told, effects, "cold", "warm") == pytest.approx(0.25 * open_to_it, abs=0.02)
    assert true_lift(told, Effects(), "cold", "warm") == 0


def test_an_arm_adds_to_the_chance_of_those_it_moves_beside_the_arm_of_the_other_experiment():
    world = learners()
    effects = Effects(shown=1, answers=0.0, arms={"warm": 0.2, "rich": {PERSONAS[0]: 0.8}})
    told = respond(world, asked(world, arm="warm", table="rich"), DAY, effects, seed=1).truth
    moved, others = told.filter(persona=PERSONAS[0]), told.filter(pl.col("persona") != PERSONAS[0])
    assert moved["answered"].all()
    assert others["answered"].mean() == pytest.approx(0.2, abs=3 * (0.2 * 0.8 / others.height) ** 0.5)
    open_to_it = 1 - moved["kept_anyway"].mean()
    assert true_lift(moved, effects, "lean", "rich", "reward_arm") == pytest.approx(0.8 * open_to_it)
    assert true_lift(others, effects, "lean", "rich", "reward_arm") == 0
    assert true_lift(moved, effects, "plain", "warm") == pytest.approx(0.2 * open_to_it)


def test_who_plays_follows_what_is_recommended_first_as_often_as_is_planted(world):
    metrics = sorted(world.counts)
    suits = world.truth.select("user_id").with_columns(
        metric=pl.Series(metrics).gather(np.arange(world.truth.height) % len(metrics))
    )
    alone, followed = (
        respond(world, NOTHING_ASKED, DAY, Effects(follows=share), seed=2, suits=suits).acts for share in (0.0, 1.0)
    )
    came = set(alone["user_id"])
    assert set(followed["user_id"]) == came
    done = followed.group_by("user_id").agg(**{name: count.cast(pl.Float64) for name, count in world.counts.items()})
    done = done.unpivot(index="user_id", variable_name="metric").join(suits, on=["user_id", "metric"])
    assert (done["value"] > 0).all()
    assert followed.height > alone.height


@pytest.mark.parametrize(("app", "make"), [("learning", learners), ("fitness", athletes), ("trading", recruits)])
def test_what_acts_come_to_is_what_the_app_counts(app, make, tmp_path):
    world, loaded = make(), load_app(app)
    played = respond(world, asked(world), DAY, SURE, seed=3)
    acts, files = played.acts, world.write(played.acts, tmp_path, DAY)
    played.said.write_parquet(tmp_path / "events-said.parquet")
    with scratch() as warehouse:
        now = dt.datetime(2026, 7, 3, tzinfo=dt.UTC)
        if "zone" in world.truth.columns:
            zones = world.truth.select("user_id", timezone="zone", recorded_at=pl.lit("2026-01-01T00:00:00Z"))
            zones.write_parquet(tmp_path / "players.parquet")
            people = [tmp_path / "players.parquet"]
            ingest_files(warehouse, loaded.app, people, now=now, history=True, players=True)
        taken = ingest_files(
            warehouse,
            loaded.app,
            [*files, tmp_path / "events-said.parquet"],
            now=now,
            history=True,
            source_sql=loaded.source_sql,
        )
        found = warehouse.frame(
            """SELECT user_id, metric, sum(n) AS n, sum(sum) AS total
               FROM player_days JOIN players USING (player_key) GROUP BY ALL"""
        )
        unseen = warehouse.value(
            """SELECT count(*) FROM (SELECT player_key, min(occurred_at) FILTER (active) AS acts,
                                            min(occurred_at) FILTER (event = 'nightquest.shown') AS saw,
                                            count(DISTINCT day) AS days FROM events GROUP BY ALL)
               WHERE saw >= acts OR days > 1"""
        )
    assert (taken.refused, unseen) == (0, 0), "whoever acts has seen it before, on the same local day"
    mine = acts.group_by("user_id").agg(**{name: count.cast(pl.Float64) for name, count in world.counts.items()})
    for name in world.counts:
        if loaded.app.metrics[name].agg not in ("count", "sum"):
            continue
        column = "n" if loaded.app.metrics[name].agg == "count" else "total"
        counted = dict(found.filter(metric=name).select("user_id", column).iter_rows())
        own = {user: value for user, value in mine.select("user_id", name).iter_rows() if value}
        assert own == pytest.approx(counted), name


def test_a_key_that_is_no_effect_is_named(tmp_path):
    path = tmp_path / "effects.yaml"
    path.write_text("arms: {warm: 0.2}\nlike: 0.1\n", encoding="utf-8")
    with pytest.raises(Exception, match="'like' is no effect"):
        read_effects(path)
