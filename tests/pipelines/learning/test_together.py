"""What goes together is learned from the sets that missions would have asked for, some beside what is open."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.given import SNAPSHOT
from pipelines.challenges.choose import EMPTY_RECENT, choose_challenges
from pipelines.challenges.propose import chance_of_play, open_windows, propose_targets
from pipelines.known import Known
from pipelines.learning import together
from pipelines.learning.recalibrate import snapshots_lately
from pipelines.learning.samples import samples_of
from pipelines.learning.together import learn_together, would_have_set
from pipelines.learning.training import learn_models
from pipelines.pins import day_start, make_night
from tests.factories import START, event, make_app, warehouse_with

DAYS = 40
AS_OF = START.date() + dt.timedelta(days=DAYS)
APP = make_app(challenges={"metrics": ["solved", "points", "topics"], "per_day": 1})
LUCK = np.random.default_rng(3)
EVENTS = [
    event(player, day, points=int(LUCK.integers(1, 10)), topic=str(LUCK.choice(list("abcdef"))))
    for player in range(1, 41)
    for day in range(DAYS)
    for _ in range(LUCK.integers(0, 4))
]


@pytest.fixture(name="world", scope="module")
def _world():
    """(known, models that each player's own habit makes, what has settled lately), while the warehouse is open."""
    with warehouse_with(APP, EVENTS) as warehouse:
        known = Known(warehouse, make_night(warehouse, APP, AS_OF, day_start(APP, AS_OF)))
        yield known, learn_models(known, seed=7, wanted=()).models, samples_of(known, snapshots_lately(known))


def test_they_are_of_the_players_days_whose_week_was_over(world):
    known, models, settled = world
    sets = would_have_set(known, models, settled)
    assert sets.join(settled.features, on=list(SNAPSHOT), how="anti").is_empty()
    assert sets["base_day"].max() + dt.timedelta(days=7) <= known.base_day
    assert sets["player_key"].n_unique() > 20
    assert learn_together(known, models, settled).outcomes > 100


def test_of_whom_what_is_open_is_left_out_no_set_is_of_that_over_as_many_days(world, monkeypatch):
    known, models, settled = world
    monkeypatch.setattr(together, "AIMS_APART", 0.0)
    monkeypatch.setattr(together, "BUSY", 1.0)
    sets = would_have_set(known, models, settled)
    snapshots = sets.select(SNAPSHOT).unique(maintain_order=True)
    windows = open_windows(APP, snapshots.with_columns(start_day="base_day"))
    wanted = snapshots.with_columns(wanted=pl.lit(0.55))
    features = settled.features.join(snapshots, on=list(SNAPSHOT), how="semi")
    chances = chance_of_play(models, features, windows)
    targets = propose_targets(APP, models, features, settled.past, windows, wanted, chances)
    daily = choose_challenges(APP, targets, chances, EMPTY_RECENT, as_of=AS_OF, seed=known.night.seed)
    first = sets.select(*SNAPSHOT, "metric").unique()
    weeks = daily.filter(window_days=7).select(*SNAPSHOT, asked="metric")
    alike = first.join(weeks, on=list(SNAPSHOT))
    assert alike.height > 50
    assert not (alike["metric"] == alike["asked"]).any()
    monkeypatch.setattr(together, "BUSY", 0.0)
    free = would_have_set(known, models, settled).join(weeks, on=list(SNAPSHOT))
    assert (free["metric"] == free["asked"]).any()
