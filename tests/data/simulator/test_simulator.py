import datetime as dt

import numpy as np
import polars as pl
import pytest

from configs.app import App
from configs.errors import NightquestError
from configs.loader import load_app
from configs.metrics import Event
from data.simulator.simulator import MARKET_HOLIDAYS, Simulation, SimulatorSettings, simulate, write_simulation

SETTINGS = SimulatorSettings(players=1500, days=100, seed=3)  # the clocks change within its days
SMALL = SimulatorSettings(players=40, days=30, seed=5, late_share=0.2)
FRAMES = ("events", "players", "truth", "chances", "uploads")
TYPES = {"text": pl.String, "number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean}


@pytest.fixture(scope="module")
def app() -> App:
    return load_app("trading").app


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def acts(simulation: Simulation, app: App) -> pl.DataFrame:
    """Active events with the app's local day, worked out from the contract frames alone."""
    events = simulation.events.filter(pl.col("event").is_in(app.active_events)).join(
        simulation.players.select("user_id", "timezone"), on="user_id"
    )
    zones = events.partition_by("timezone", as_dict=True)
    shift = pl.duration(hours=app.day_shift.seconds // 3600)
    local = [
        rows.with_columns(pl.col("occurred_at").dt.convert_time_zone(zone).dt.replace_time_zone(None).alias("local"))
        for (zone,), rows in sorted(zones.items())
    ]
    return pl.concat(local).with_columns((pl.col("local") - shift).dt.date().alias("day"))


def decoded(events: pl.DataFrame, name: str, declared: Event) -> pl.DataFrame:
    fields = {key: TYPES[prop.type] for key, prop in declared.properties.items()}
    rows = events.filter(pl.col("event") == name)
    return rows.with_columns(pl.col("properties").str.json_decode(pl.Struct(fields))).unnest("properties")


def test_same_seed_gives_the_same_frames_and_another_seed_others():
    first, again, other = simulate(SMALL), simulate(SMALL), simulate(SimulatorSettings(40, 30, seed=6))
    assert all(getattr(first, name).equals(getattr(again, name)) for name in FRAMES)
    assert not first.events.equals(other.events)


def test_events_keep_the_contract(simulation):
    time_zoned = pl.Datetime("us", "UTC")
    assert dict(simulation.events.schema) == {
        "event_id": pl.String,
        "user_id": pl.String,
        "event": pl.String,
        "occurred_at": time_zoned,
        "sequence": pl.Int64,
        "value": pl.Float64,
        "properties": pl.String,
    }
    assert simulation.events["event_id"].is_unique().all()
    assert simulation.events.drop("value").null_count().sum_horizontal().item() == 0
    assert simulation.events["user_id"].is_in(simulation.players["user_id"].implode()).all()
    assert dict(simulation.players.schema) == {
        "user_id": pl.String,
        "recorded_at": time_zoned,
        "timezone": pl.String,
        "language": pl.String,
        "born_on": pl.Date,
        "joined_at": time_zoned,
        "opted_out": pl.Boolean,
        "attributes": pl.String,
    }
    assert simulation.players["user_id"].is_unique().all()
    assert set(simulation.players["language"]) == {"en", "de", "fr"}


def test_every_event_has_exactly_its_declared_properties_within_bounds(simulation, app):
    assert set(simulation.events["event"]) == set(app.events)
    for name, declared in app.events.items():
        rows = decoded(simulation.events, name, declared)
        keys = rows.height and simulation.events.filter(pl.col("event") == name)["properties"].str.count_matches('":')
        assert keys.eq(len(declared.properties)).all(), name
        for key, prop in declared.properties.items():
            assert rows[key].null_count() == 0, (name, key)
            if prop.min is not None:
                assert rows[key].min() >= prop.min, (name, key)
            if prop.max is not None:
                assert rows[key].max() <= prop.max, (name, key)


def test_ids_of_cohorts_and_outcomes_are_the_documented_words(simulation, app):
    drills = decoded(simulation.events, "drill_finished", app.events["drill_finished"])
    assert set(drills["mode"]) == {"recon", "raid", "siege", "ambush"}
    assert set(drills["difficulty"]) == {"recruit", "operator", "veteran"}
    trades = decoded(simulation.events, "trade_closed", app.events["trade_closed"])
    assert trades.select(((pl.col("outcome") == "win") == pl.col("won")).all()).item()
    assert trades.select(((pl.col("r_multiple") > 0) == pl.col("won")).all()).item()


def test_a_share_of_recent_players_acts_on_a_day_as_in_real_apps(acts):
    shares = []
    for ahead in range(35, SETTINGS.days):
        day = SETTINGS.start + dt.timedelta(days=ahead)
        recent = acts.filter(pl.col("day").is_between(day - dt.timedelta(days=28), day - dt.timedelta(days=1)))[
            "user_id"
        ]
        here = acts.filter(pl.col("day") == day)["user_id"].unique()
        shares.append(here.is_in(recent.unique().implode()).sum() / recent.n_unique())
    assert min(shares) > 0.15
    assert max(shares) < 0.35


def test_local_days_hold_across_zones_late_evenings_and_the_change_of_clocks(simulation, acts):
    lived = acts.select("user_id", "day").unique()
    true = simulation.chances.filter("played").select("user_id", "day")
    assert lived.sort("user_id", "day").equals(true.sort("user_id", "day"))


def test_nobody_acts_before_joining(simulation):
    joined = simulation.events.join(simulation.players, on="user_id")
    assert joined.select((pl.col("occurred_at") > pl.col("joined_at")).all()).item()


def test_who_has_left_stays_away_until_the_day_of_return(simulation, acts):
    lives = acts.join(simulation.truth, on="user_id")
    gone = simulation.truth["churned_on"].is_not_null()
    assert 0.15 < gone.mean() < 0.5
    assert lives.filter(pl.col("day") > pl.col("churned_on")).is_empty()
    assert lives.filter((pl.col("day") > pl.col("away_on")) & (pl.col("day") < pl.col("returned_on"))).is_empty()
    back = simulation.truth.filter(pl.col("returned_on").is_not_null())
    assert back.height > 20
    returned = lives.filter(pl.col("day") == pl.col("returned_on"))["user_id"].n_unique()
    assert returned == back.height


def test_true_chances_are_kept_by_what_players_did(simulation):
    bands = simulation.chances.with_columns(((pl.col("p_plays").rank("ordinal") - 1) * 10 // pl.len()).alias("band"))
    for band in bands.partition_by("band"):
        promised, kept, n = band["p_plays"].mean(), band["played"].mean(), band.height
        assert abs(promised - kept) < 4 * np.sqrt(promised * (1 - promised) / n) + 1e-6


def test_habits_have_momentum_and_rates_a_heavy_tail(simulation):
    days = simulation.chances.sort("user_id", "day").with_columns(
        pl.col("played").shift(1).over("user_id").alias("yesterday")
    )
    own = days.with_columns((pl.col("p_plays") - pl.col("p_plays").mean().over("user_id")).alias("above"))
    assert own.filter("yesterday")["above"].mean() > own.filter(~pl.col("yesterday"))["above"].mean() + 0.05
    per_player = acts_per_player(simulation)
    assert per_player.quantile(0.9) > 4 * per_player.median()


def acts_per_player(simulation: Simulation) -> pl.Series:
    return simulation.events.group_by("user_id").len().get_column("len")


def test_trading_rests_when_the_markets_are_shut_and_training_goes_on(acts):
    holidays = [f"{month:02}-{day:02}" for month, day in MARKET_HOLIDAYS]
    shut = (pl.col("day").dt.weekday() >= 6) | pl.col("day").dt.strftime("%m-%d").is_in(holidays)
    days = acts.with_columns(shut.alias("shut"))
    trades = days.filter(pl.col("event") == "trade_closed")
    training = days.filter(pl.col("event").is_in(["drill_finished", "lesson_completed"]))
    assert trades["shut"].mean() < 0.06
    assert training["shut"].mean() > 0.25
    instruments = trades.filter("shut")["properties"].str.json_path_match("$.instrument").unique()
    assert set(instruments) == {"BTCUSD", "ETHUSD"}


def test_practice_shows_in_drill_scores_with_diminishing_returns(simulation, acts, app):
    drills = decoded(acts, "drill_finished", app.events["drill_finished"]).sort("user_id", "occurred_at", "sequence")
    drills = drills.with_columns(
        pl.int_range(pl.len()).over("user_id").alias("nth"), pl.len().over("user_id").alias("n")
    )
    keen = drills.filter(pl.col("n") >= 90)
    thirds = [keen.filter(pl.col("nth").is_between(at, at + 29)) for at in (0, 30, 60)]
    # One difficulty, so that harder drills do not hide the growth; the same players throughout.
    levels = [third.group_by("difficulty").agg(pl.col("score").mean()).sort("difficulty")["score"] for third in thirds]
    first, second, third = (level.mean() for level in levels)
    assert second - first > 5
    assert third > first
    assert third - second < second - first
    seen = drills.filter(pl.col("n") >= 20).group_by("user_id").agg(pl.col("score").mean())
    both = seen.join(simulation.truth, on="user_id")
    assert both.select(pl.corr("score", "skill_end")).item() > 0.6
    assert (simulation.truth["skill_end"] >= simulation.truth["skill_start"]).all()


def test_personas_act_in_character(simulation, acts, app):
    play = acts.join(simulation.truth.select("user_id", "persona"), on="user_id")
    hour = pl.col("local").dt.hour()
    night = play.group_by("persona").agg(((hour >= 22) | (hour < 4)).mean().alias("x")).sort("x")
    trades = decoded(play, "trade_closed", app.events["trade_closed"])
    stops = trades.group_by("persona").agg(pl.col("stop_set").mean().alias("x")).sort("x")
    lots = trades.group_by("persona").agg(pl.col("volume").mean().alias("x")).sort("x")
    lessons = play.group_by("persona").agg((pl.col("event") == "lesson_completed").mean().alias("x")).sort("x")
    assert night["persona"][-1] == "PHANTOM"
    assert (stops["persona"][0], stops["persona"][-1]) == ("FERAL", "WARDEN")
    assert lots["persona"][-1] == "BRUTE"
    assert lessons["persona"][-1] == "SCHOLAR"


def test_squad_messages_go_to_others_in_the_academy(simulation, app):
    for one in (simulation, simulate(SimulatorSettings(players=3, days=60, seed=1))):
        messages = decoded(one.events, "squad_message", app.events["squad_message"])
        assert messages.height
        assert messages.select((pl.col("mate") != pl.col("user_id")).all()).item()
        assert messages["mate"].is_in(one.players["user_id"].implode()).all()


def test_kudos_are_for_entries_of_the_one_who_gets_them(simulation, app):
    entries = decoded(simulation.events, "journal_entry", app.events["journal_entry"])
    kudos = decoded(simulation.events, "kudos_received", app.events["kudos_received"])
    praised = kudos.join(entries.select("entry_id", "user_id", "occurred_at"), on="entry_id", suffix="_entry")
    assert praised.height == kudos.height > 0
    assert praised.select((pl.col("user_id") == pl.col("user_id_entry")).all()).item()
    assert praised.select((pl.col("occurred_at") > pl.col("occurred_at_entry")).all()).item()


def test_files_hold_every_event_once_and_the_truth_lies_apart(tmp_path):
    simulation = simulate(SMALL)
    files = write_simulation(simulation, tmp_path)
    assert sorted(tmp_path.glob("*.*")) == sorted(files)
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {
        "truth.parquet",
        "chances.parquet",
        "uploads.parquet",
    }
    assert pl.read_parquet(files[0]).equals(simulation.players)
    events = pl.concat(pl.read_parquet(path) for path in files[1:]).sort(
        "occurred_at", "user_id", "sequence", "event_id"
    )
    assert events.equals(simulation.events)


def test_late_uploads_lie_in_the_file_of_their_arrival(tmp_path):
    simulation = simulate(SMALL)
    files = {
        path.stem.removeprefix("events_"): pl.read_parquet(path) for path in write_simulation(simulation, tmp_path)
    }
    late = simulation.uploads.join(simulation.events, on="event_id")
    assert late.height > 50
    assert late.select((pl.col("uploaded_on") > pl.col("occurred_at").dt.date()).mean()).item() > 0.8
    moved = late.filter(pl.col("uploaded_on").dt.month() != pl.col("occurred_at").dt.month())
    for event_id, month in moved.select("event_id", pl.col("uploaded_on").dt.strftime("%Y-%m")).iter_rows():
        assert event_id in files[month]["event_id"]


@pytest.mark.parametrize("wrong", [{"players": 1}, {"days": 0}, {"late_share": 1.5}])
def test_impossible_settings_are_refused_with_a_remedy(wrong):
    with pytest.raises(NightquestError, match="Cannot simulate") as caught:
        SimulatorSettings(**wrong)
    assert "1,000,000 players" in caught.value.remedy
