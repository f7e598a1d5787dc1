"""Choice: varied, near the wanted chance, not what is open already."""

import datetime as dt
import random
from itertools import product

import polars as pl
import pytest

from data.warehouse import scratch
from pipelines.challenges.choose import EMPTY_RECENT, among_all, choose_challenges, choose_of_some, worth_asking
from pipelines.challenges.implied import ASKED, EVER, FOREVER, NOTHING_ASKED
from pipelines.challenges.parts import PARTS
from pipelines.challenges.plan import as_recent, difficulty, recent_challenges, reward
from pipelines.challenges.propose import wanted_probability
from pipelines.players.tastes import NO_TASTES
from tests.factories import known_at, make_app
from tests.pipelines.challenges.candidates import BASE, METRICS, TARGETS, plays, targets
from tests.pipelines.publish.night_rows import challenge

APP = make_app()


def test_each_player_gets_the_days_number_of_challenges_each_of_another_metric() -> None:
    rows = targets(50)
    chosen = choose_challenges(APP, rows, plays(rows), EMPTY_RECENT, as_of=BASE, seed=1)
    per_player = chosen.group_by("player_key").agg(pl.col("metric").n_unique(), pl.len().alias("n"))
    assert per_player.height == 50
    assert per_player["n"].to_list() == per_player["metric"].to_list() == [3] * 50
    assert chosen["slot"].unique().sort().to_list() == [1, 2, 3]


def test_neighbours_are_not_all_asked_the_same() -> None:
    rows = targets(200)
    chosen = choose_challenges(APP, rows, plays(rows), EMPTY_RECENT, as_of=BASE, seed=1).filter(pl.col("slot") == 1)
    assert chosen["metric"].n_unique() > 2


def test_a_player_too_unlikely_to_play_is_asked_nothing() -> None:
    rows = targets()
    assert choose_challenges(
        APP, rows, plays(rows, APP.challenges.min_plays - 0.01), EMPTY_RECENT, as_of=BASE, seed=1
    ).is_empty()


def test_what_is_still_open_is_not_asked_again() -> None:
    rows = targets(windows=(3,))
    open_now = rows.filter(pl.col("metric") == "solved").select(
        "player_key",
        "metric",
        "window_days",
        target=pl.lit(9.0),
        issued_on=BASE,
        valid_until=BASE + dt.timedelta(days=1),
        counts=True,
    )
    chosen = choose_challenges(APP, rows, plays(rows), open_now.select(EMPTY_RECENT.columns), as_of=BASE, seed=1)
    assert "solved" not in chosen["metric"].to_list()
    assert chosen.height == 3


def test_what_is_over_and_not_of_last_night_is_not_read_since_it_changes_nothing() -> None:
    rows, drawn = targets(60), random.Random(4)  # noqa: S311 (no secret)
    issued = []
    for player, slot in product(range(60), range(12)):
        days, day = drawn.choice((1, 3)), BASE - dt.timedelta(days=drawn.randint(1, 8))
        asked = {"metric": drawn.choice(METRICS), "window_days": days, "valid_until": day + dt.timedelta(days=days - 1)}
        issued.append(challenge(player, slot, day, **asked, target=TARGETS[asked["metric"]]))
    with scratch() as warehouse:
        warehouse.append("challenges", pl.DataFrame(issued))
        read = recent_challenges(known_at(warehouse, APP, as_of=BASE))
    every = pl.DataFrame(issued, schema_overrides={"window_days": pl.Int32}).with_columns(also=pl.lit(None, PARTS))
    every = as_recent(every.rename({"as_of": "issued_on"}))
    assert 60 < read.height < every.height / 2
    plan = [choose_challenges(APP, rows, plays(rows), recent, as_of=BASE, seed=1) for recent in (read, every)]
    assert plan[0].equals(plan[1])
    assert plan[0].height < choose_challenges(APP, rows, plays(rows), EMPTY_RECENT, as_of=BASE, seed=1).height


def test_what_no_model_need_be_asked_of_is_what_would_not_be_chosen_anyway() -> None:
    """Neither what is still open nor what a player is too unlikely to play for, over that many days."""
    rows = targets(30).with_columns(own_28=pl.col("player_key") % 7 * 1.0)
    likely = pl.when(pl.col("window_days") == 3).then(0.5).otherwise(pl.col("player_key") / 100)
    chances = plays(rows).with_columns(p_plays=likely)
    recent = rows.filter(pl.col("player_key") % 3 == 0, pl.col("metric") != "days").select(
        *("player_key", "metric", "window_days", "target"),
        issued_on=BASE - dt.timedelta(days=1),
        valid_until=BASE + pl.duration(days=pl.col("player_key") % 2) - pl.duration(days=1),
    )
    asked = worth_asking(APP, rows, chances, recent)
    assert 0 < asked.height < rows.height
    found = [choose_challenges(APP, part, chances, recent, as_of=BASE, seed=3) for part in (rows, asked)]
    assert found[0].equals(found[1])


@pytest.mark.parametrize(("running", "new"), [(0, 3), (3, 2), (5, 0), (9, 0)])
def test_what_is_open_and_what_is_new_are_together_no_more_than_the_app_allows(running: int, new: int) -> None:
    """A lifetime goal takes no place; other players' challenges take none either."""
    app = make_app(challenges={"metrics": list(METRICS), "most_open": 5})
    rows = targets(2)
    asked = pl.DataFrame(
        [(0, "solved", ">=", 900.0 + i, 900.0 + i, BASE, BASE + dt.timedelta(days=i), True) for i in range(running)]
        + [(0, "topics", ">=", 900.0, 900.0, EVER, FOREVER, True)],
        schema=ASKED,
        orient="row",
    )
    chosen = choose_challenges(app, rows, plays(rows), EMPTY_RECENT, asked, as_of=BASE, seed=1)
    assert chosen["player_key"].to_list() == [0] * new + [1] * 3


def test_yesterdays_metric_gives_way_to_another() -> None:
    rows = targets(windows=(1,))
    day_before = BASE - dt.timedelta(days=1)
    asked = rows.filter(pl.col("metric") == "points").select(
        *("player_key", "metric", "window_days"),
        target=pl.lit(9.0),
        issued_on=day_before,
        valid_until=day_before,
        counts=True,
    )
    for seed in range(20):
        chosen = choose_challenges(APP, rows, plays(rows), asked.select(EMPTY_RECENT.columns), as_of=BASE, seed=seed)
        assert "points" not in chosen["metric"].to_list()


def test_the_promise_is_the_product_of_play_and_attainment() -> None:
    rows = targets()
    chosen = choose_challenges(APP, rows, plays(rows, 0.4), EMPTY_RECENT, as_of=BASE, seed=1)
    assert chosen["completion_probability"].to_list() == pytest.approx([0.4 * 0.55] * 3)
    assert chosen["personalization_score"].is_between(0, 1).all()


def test_bold_and_skilled_players_get_harder_targets() -> None:
    players = pl.DataFrame(
        {"player_key": [1, 2, 3], "base_day": [BASE] * 3, "risk_tolerance": [0.9, 0.5, 0.3], "skill": [0.9, 0.5, 0.2]}
    )
    chances = players.select("player_key", "base_day", window_days=1, p_plays=pl.Series([0.9, 0.5, 0.1]))
    wanted = wanted_probability(APP, players, chances)["wanted"]
    bold, centre, careful = wanted
    assert bold < centre < careful
    likely = (wanted * chances["p_plays"]).sum() / chances["p_plays"].sum()
    assert likely == pytest.approx(APP.challenges.target_probability)


def test_difficulty_and_reward_rise_as_the_chance_falls() -> None:
    found = pl.DataFrame({"p": [0.95, 0.85, 0.55, 0.3, 0.01]}).select(level=difficulty(pl.col("p")))
    assert found["level"].to_list() == [1, 2, 5, 7, 10]
    pay = found.select(reward(APP, pl.col("level"))).to_series()
    assert (pay.diff().drop_nulls() > 0).all()
    assert (pay % APP.rewards.step == 0).all()


def test_affinity_is_a_standing_among_all_whoever_is_looked_at_together() -> None:
    rows = targets(30).with_columns(own_28=(pl.col("player_key") * 7 % 5).cast(pl.Float64))
    whole = choose_challenges(APP, rows, plays(rows), EMPTY_RECENT, as_of=BASE, seed=1)
    parts = [
        choose_of_some(APP, some, plays(some), EMPTY_RECENT, NOTHING_ASKED, NO_TASTES, as_of=BASE, seed=1)
        for some in (rows.filter(pl.col("player_key") % 4 == part) for part in range(4))
    ]
    assert among_all(pl.concat(parts)).equals(whole)
    own = pl.col("own_28").rank("average").over("metric", "window_days") / pl.len().over("metric", "window_days")
    standing = rows.select("player_key", "metric", "window_days", own=own)
    told = whole.join(standing, on=["player_key", "metric", "window_days"], maintain_order="left")
    personal = 0.5 * pl.col("fit") + 0.3 * pl.col("knowledge") + 0.2 * pl.col("own")
    assert told.select(personal).to_series().equals(whole["personalization_score"])
