"""What is learned at a day rests on what was known at that day, and beats guessing on later days."""

import datetime as dt
import errno

import numpy as np
import polars as pl
import pytest

from configs.loader import load_app
from models.contest.split import Split
from models.given import Samples
from pipelines.challenges import propose
from pipelines.challenges.propose import chance_of_play, open_windows, propose_targets
from pipelines.known import Known
from pipelines.learning import training
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import Contests, Learned, learn_models, learn_tasks, past_days
from pipelines.pins import day_start, make_night
from tests.academy import SETTINGS, academy
from tests.factories import event, known_at, make_app, put_zone, warehouse_with

pytestmark = pytest.mark.long

AS_OF = SETTINGS.start + dt.timedelta(days=45)


def learn(
    factory: pytest.TempPathFactory, *, until: dt.datetime | None = None
) -> tuple[Learned, Samples, pl.DataFrame]:
    """What is learned at AS_OF, the newest snapshots, and the targets proposed for them."""
    with academy(factory, until=until) as (warehouse, loaded):
        app = loaded.app
        night = make_night(warehouse, app, AS_OF, day_start(app, AS_OF))
        known = Known(warehouse, night)
        learned = learn_models(known, seed=7)
        samples = draw_samples(known, [AS_OF], most=5000, seed=7)
        windows = open_windows(app, samples.features.with_columns(start_day=pl.col("base_day")))
        wanted = samples.features.select("player_key", "base_day", wanted=pl.lit(0.55))
        chances = chance_of_play(learned.models, samples.features, windows)
        targets = propose_targets(app, learned.models, samples.features, samples.past, windows, wanted, chances)
        return learned, samples, targets.join(chances, on=["player_key", "base_day", "window_days"])


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Samples, pl.DataFrame]:
    return learn(tmp_path_factory)


def test_what_happens_later_changes_nothing(
    known: tuple[Learned, Samples, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, samples, targets = learn(tmp_path_factory, until=day_start(load_app("trading").app, AS_OF))
    assert samples.labels["base_day"].n_unique() == 0  # nothing of the newest snapshot's future is known
    assert targets.height > 200
    assert targets.equals(known[2])


def test_a_contest_held_in_a_process_of_its_own_is_the_one_held_here(
    known: tuple[Learned, Samples, pl.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "FEWEST_BESIDE", 1)
    with academy(tmp_path_factory) as (warehouse, loaded):
        night = make_night(warehouse, loaded.app, AS_OF, day_start(loaded.app, AS_OF))
        contests = learn_tasks(Known(warehouse, night), ["plays"], seed=7, processes=2).held
    here = known[0].contests["plays"]
    assert contests["plays"].entrants == here.entrants
    assert contests["plays"].holdout.equals(here.holdout)


def test_targets_and_chances_are_the_same_however_few_windows_are_asked_about_at_once(
    known: tuple[Learned, Samples, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned, samples, targets = known
    app = load_app("trading").app
    windows = open_windows(app, samples.features.with_columns(start_day=pl.col("base_day")))
    wanted = samples.features.select("player_key", "base_day", wanted=pl.lit(0.55))
    chances = chance_of_play(learned.models, samples.features, windows)
    monkeypatch.setattr(propose, "_WINDOWS_AT_ONCE", 37)
    assert chance_of_play(learned.models, samples.features, windows).equals(chances)
    parts = propose.propose_targets(app, learned.models, samples.features, samples.past, windows, wanted, chances)
    assert parts.equals(targets.select(parts.columns))


def test_champions_beat_the_base_rate_on_later_days_beyond_the_noise(
    known: tuple[Learned, Samples, pl.DataFrame],
) -> None:
    learned = known[0]
    assert learned.notes == ()
    assert set(learned.contests) == {"plays", "attainment"}
    for contest in learned.contests.values():
        assert contest.gain[1] > 0
        assert contest.data_window["first"] < contest.data_window["calibrate_from"] < contest.data_window["test_from"]
        assert contest.data_window["last"] < AS_OF


def test_the_target_chosen_is_near_the_wanted_chance_and_never_trivial_or_impossible(
    known: tuple[Learned, Samples, pl.DataFrame],
) -> None:
    chance = known[2]["probability_if_active"]
    assert chance.is_between(0.25, 0.85).all()
    assert abs(float(np.median(chance)) - 0.55) < 0.05


def test_labels_of_a_part_end_before_the_next_part_begins() -> None:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(30)]
    rows = pl.DataFrame({"base_day": days}).join(
        pl.DataFrame({"window_days": [1, 7], "lead_days": [0, 1]}), how="cross"
    )
    rows = rows.with_columns(start_day=pl.col("base_day") + pl.duration(days="lead_days"))
    rows = rows.join(pl.DataFrame({"player_key": range(100)}), how="cross")
    split = Split.of(rows["base_day"])
    end = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)
    train, calibrate, test = (part.with_columns(end=end) for part in split.parts(rows))
    assert train["end"].max() < calibrate["base_day"].min() == split.calibrate_from
    assert calibrate["end"].max() < test["base_day"].min() == split.test_from


def test_where_windows_are_long_other_players_calibrate_and_no_label_reaches_into_the_test() -> None:
    rows = pl.DataFrame({"base_day": [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(60)]})
    rows = rows.with_columns(start_day="base_day", window_days=pl.lit(28)).join(
        pl.DataFrame({"player_key": range(40)}), how="cross"
    )
    split = Split.of(rows["base_day"])
    train, calibrate, test = split.parts(rows)
    assert not set(train["player_key"]) & set(calibrate["player_key"])
    assert min(part.height for part in (train, calibrate, test)) > 100
    for part in (train, calibrate):
        assert part["base_day"].max() + dt.timedelta(days=27) < split.test_from == test["base_day"].min()


def test_too_few_players_give_a_fallback_that_says_so() -> None:
    app = make_app()
    rows = [event(player, day) for player in range(5) for day in range(10)]
    as_of = dt.date(2024, 1, 12)
    with warehouse_with(app, rows) as warehouse:
        night = make_night(warehouse, app, as_of, dt.datetime(2024, 1, 12, tzinfo=dt.UTC))
        learned = learn_models(Known(warehouse, night), seed=7)
    assert "too little to learn from: 10 snapshots of players on past days (it takes 300)" in learned.notes[0]
    assert learned.models.plays.learner.name == "habit"
    assert learned.models.attainment.learner.name == "empirical_bayes"


def test_no_activity_at_all_gives_no_days_to_learn_from() -> None:
    app = make_app()
    with warehouse_with(app) as warehouse:
        known = known_at(warehouse, app, dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, tzinfo=dt.UTC))
        assert past_days(known, dt.date(2024, 1, 5)) == []


def test_a_day_that_is_not_over_for_a_player_is_no_label() -> None:
    app = make_app(timezone="UTC")
    rows = [event(player, day) for player in (1, 2) for day in range(10)]
    with warehouse_with(app, rows) as warehouse:
        put_zone(warehouse, 2, "America/Los_Angeles")
        now = dt.datetime(2024, 1, 10, 6, tzinfo=dt.UTC)
        night = make_night(warehouse, app, dt.date(2024, 1, 11), now)
        days = [dt.date(2024, 1, 7) + dt.timedelta(days=k) for k in range(4)]
        samples = draw_samples(Known(warehouse, night), days, most=100, seed=7)
    last = samples.labels.filter(pl.col("window_days") == 1, pl.col("lead_days") == 0)
    by_player = dict(last.group_by("player_key").agg(pl.col("base_day").max()).iter_rows())
    assert by_player == {1: dt.date(2024, 1, 9), 2: dt.date(2024, 1, 8)}
    assert last["played"].all()


def test_a_full_disk_is_no_fault_of_one_task_and_ends_the_training():
    came = Contests(samples=None)
    with pytest.raises(OSError, match="no space left"):
        came.take([("plays", OSError(errno.ENOSPC, "no space left"))], lambda _: None)
    came.take([("churn", KeyError("streak"))], lambda _: None)
    assert list(came.failed) == ["churn"]
