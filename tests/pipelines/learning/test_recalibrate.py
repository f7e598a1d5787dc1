"""Each night moves its models to what has just settled: promises follow a change, and nothing of later nights does."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from models.calibration import Recalibration
from pipelines.challenges.propose import chance_of_play
from pipelines.known import Known
from pipelines.learning.recalibrate import moved, recalibrate, snapshots_lately
from pipelines.learning.samples import samples_of
from pipelines.learning.training import learn_models
from pipelines.pins import day_start, make_night
from tests.factories import START, add_events, event, make_app, warehouse_with

APP = make_app()
DAYS, CHANGE = 60, 45
AS_OF = START.date() + dt.timedelta(days=DAYS)
# Everybody plays daily, and from one day on every third day only.
EVENTS = [
    event(player, day, points=3, topic="a")
    for player in range(1, 41)
    for day in range(DAYS)
    if day < CHANGE or (day + player) % 3 == 0
]


def known_of(warehouse, as_of=AS_OF):
    return Known(warehouse, make_night(warehouse, APP, as_of, day_start(APP, as_of)))


def promised_and_happened(known, model, settled):
    """The mean promise for windows since the change that have settled, and the share of them that came true."""
    since = pl.col("base_day") >= START.date() + dt.timedelta(days=CHANGE)
    labels = model.task.labels(known, settled).filter(since)
    rows = model.task.rows(APP, replace(settled, labels=labels), model.encoding, seed=known.night.seed)
    return float(model.predict(rows).mean()), float(rows[model.task.label].cast(pl.Float64).mean())


@pytest.fixture(name="world", scope="module")
def _world():
    """(known, models that each player's own habit makes, what has settled lately), while the warehouse is open."""
    with warehouse_with(APP, EVENTS) as warehouse:
        known = known_of(warehouse)
        yield known, learn_models(known, seed=7, wanted=()).models, samples_of(known, snapshots_lately(known))


@pytest.mark.parametrize(("windows", "oldest"), [((1, 7), 34), ((14, 28), 55)])
def test_four_weeks_of_windows_that_are_over_are_looked_at_however_long_these_are(world, windows, oldest):
    known, _, _ = world
    challenges = APP.challenges.model_copy(update={"windows": list(windows)})
    night = replace(known.night, app=APP.model_copy(update={"challenges": challenges}))
    days = snapshots_lately(Known(known.warehouse, night))["base_day"].unique().sort()
    ago = [(known.base_day - day).days for day in days]
    assert (max(ago), min(ago)) == (oldest, 1 + min(windows))


def test_promises_move_to_what_has_settled_lately(world):
    known, models, settled = world
    before, happened = promised_and_happened(known, models.plays, settled)
    after, _ = promised_and_happened(known, recalibrate(known, models, settled).plays, settled)
    assert before - happened > 0.05
    # Two weeks of forty players tell a part of it: what befell them together counts for a few of them.
    assert abs(after - happened) < 0.75 * (before - happened)


def given_play(models, settled):
    """The mean promise for questions of windows with play since the change, and the share of them that came true."""
    task, encoding = models.attainment.task, models.attainment.encoding
    since = settled.labels.filter(
        pl.col("base_day") >= START.date() + dt.timedelta(days=CHANGE), pl.col("lead_days") == 0
    )
    rows = task.rows(APP, replace(settled, labels=since), encoding, seed=7)
    chances = chance_of_play(models, settled.features, since.drop("value"))
    rows = rows.join(chances, on=["player_key", "base_day", "window_days"], maintain_order="left")
    return float(models.attainment.predict(rows).mean()), float(rows["hit"].mean())


def test_what_is_done_by_who_plays_is_followed_sooner_than_who_plays(world):
    known, models, settled = world
    before, happened = given_play(models, settled)
    after, _ = given_play(recalibrate(known, models, settled), settled)
    assert before - happened > 0.05
    assert abs(after - happened) < 0.45 * (before - happened)  # two weeks of them tell most of it


def test_the_models_that_were_given_stay_as_they_are(world):
    known, models, settled = world
    tuned = recalibrate(known, models, settled)
    assert models.plays.adjustment == models.attainment.adjustment == Recalibration()
    assert tuned.plays.adjustment != Recalibration()
    assert tuned.versions == models.versions


def test_where_nothing_has_settled_the_models_serve_as_they_are(world):
    _, models, _ = world
    with warehouse_with(APP, [event(player, 0) for player in range(1, 41)]) as warehouse:
        known = known_of(warehouse, START.date() + dt.timedelta(days=1))
        settled = samples_of(known, snapshots_lately(known))
        assert recalibrate(known, models, settled) is models
        assert moved(known, models.plays, settled) is models.plays


def test_what_came_in_after_the_night_moves_nothing(world):
    _, models, _ = world
    late = [
        event(player, day, points=3, topic="b", available_at=day_start(APP, AS_OF) + dt.timedelta(days=2))
        for player in range(1, 41)
        for day in range(CHANGE, DAYS + 1)
    ]
    with warehouse_with(APP, EVENTS) as warehouse:
        known = known_of(warehouse)
        then = recalibrate(known, models, samples_of(known, snapshots_lately(known)))
        add_events(warehouse, APP, [row | {"event_id": f"late-{i}"} for i, row in enumerate(late)])
        later = recalibrate(known, models, samples_of(known, snapshots_lately(known)))
    assert later.plays.adjustment == then.plays.adjustment
    assert later.attainment.adjustment == then.attainment.adjustment
