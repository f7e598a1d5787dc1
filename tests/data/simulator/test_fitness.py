"""The made-up tables of a fitness game, and what its source makes of them."""

import datetime as dt

import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

from configs.loader import load_app
from data.simulator.fitness import LEVELS, MAIN, FitnessSettings, simulate_fitness, write_fitness
from data.warehouse import scratch
from models.statistics.mixture_search import MixtureParameters
from models.tasks.segments import SegmentModel, SegmentParameters
from pipelines.activity.ingest import ingest_files
from pipelines.known import Known
from pipelines.pins import make_night
from pipelines.players.segments import measures_of, past_strength

NOW = dt.datetime(2026, 7, 2, tzinfo=dt.UTC)
MAIN_KIND = (pl.col("mode") == MAIN[0]) & (pl.col("difficulty") == MAIN[1]) & (pl.col("duration") == MAIN[2])


@pytest.fixture(name="tables", scope="module")
def _tables():
    return simulate_fitness()


def test_the_same_seed_gives_the_same_tables_with_945_records_of_the_main_kind(tables):
    again, other = simulate_fitness(), simulate_fitness(FitnessSettings(seed=12))
    assert tables.workouts.equals(again.workouts)
    assert not tables.workouts.equals(other.workouts)
    assert tables.race_configs.filter(MAIN_KIND).height == 945


def test_those_of_a_higher_level_score_more_in_the_main_kind(tables):
    main = tables.race_configs.filter(MAIN_KIND).join(tables.workouts, left_on="workoutId", right_on="id")
    done = main.filter("completedWorkout").join(tables.truth, on="userId")
    means = dict(done.group_by("level").agg(pl.col("score").mean()).iter_rows())
    assert sorted(means, key=means.__getitem__) == list(LEVELS)


def test_the_shipped_source_takes_every_row_of_them_in(tables, tmp_path):
    app = load_app("fitness")
    people, play = write_fitness(tables, tmp_path)
    with scratch() as warehouse:
        known = ingest_files(
            warehouse, app.app, people, now=NOW, history=True, source_sql=app.players_sql, players=True
        )
        taken = ingest_files(warehouse, app.app, play, now=NOW, history=True, source_sql=app.source_sql)
        born = warehouse.value("SELECT count(born_on) FROM player_records")
        cohort = warehouse.value("SELECT count(*) FROM player_days WHERE cohort = 'DualFlow/expert/10 min'")
    assert (known.taken, known.refused) == (tables.users.height, 0)
    assert (taken.taken, taken.refused) == (tables.workouts.height, 0)
    assert born == tables.health_data.height
    assert cohort > 0


def test_segments_measured_in_cohorts_find_the_true_levels(tables, tmp_path):
    app = load_app("fitness")
    people, play = write_fitness(tables, tmp_path)
    day = FitnessSettings().end + dt.timedelta(days=1)
    with scratch() as warehouse:
        ingest_files(warehouse, app.app, people, now=NOW, history=True, source_sql=app.players_sql, players=True)
        ingest_files(warehouse, app.app, play, now=NOW, history=True, source_sql=app.source_sql)
        known = Known(warehouse, make_night(warehouse, app.app, day, NOW, dt.timedelta(hours=3)))
        played = past_strength(known)[2].drop_nulls("best_score__28")
        users = warehouse.frame("SELECT player_key, user_id::BIGINT AS userId FROM players")
    there = played.filter(cohort="DualFlow/expert/10 min")
    mixture = MixtureParameters(trials=10, refits=2, most_components=5, even_out=True, restarts=2, floor=0.03)
    model = SegmentModel(SegmentParameters(60, mixture), measures_of(app.app), LEVELS)
    model.fit(there)
    tonight = there.filter(base_day=day)
    found = tonight.select("player_key").hstack(model.predict(tonight)).join(users, on="player_key")
    both = found.join(tables.truth, on="userId").select("segment", "level")
    places = both.with_columns(pl.all().replace_strict({name: i for i, name in enumerate(LEVELS)}))
    assert cohen_kappa_score(places["segment"], places["level"], weights="quadratic") > 0.9
    assert (places["segment"] == places["level"]).mean() > 0.9


def test_a_row_that_cannot_be_read_is_refused_and_the_others_go_in(tables, tmp_path):
    app = load_app("fitness")
    _, (workouts, races) = write_fitness(tables, tmp_path)
    workouts.write_text(workouts.read_text() + "99999,1,lots,2026-05-05 10:00:00,true\n")
    with scratch() as warehouse:
        taken = ingest_files(warehouse, app.app, [workouts, races], now=NOW, history=True, source_sql=app.source_sql)
    assert (taken.taken, taken.refused) == (tables.workouts.height, 1)
