"""The feedback loop: answers become tastes, tastes move the plan, and others are tried with a known chance."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

from pipelines.challenges.choose import EMPTY_RECENT, choose_challenges
from pipelines.known import Known
from pipelines.night.metadata import _with_choices
from pipelines.players.tastes import NO_TASTES, describe_tastes, liked_most
from tests.factories import add_events, event, make_app, warehouse_with
from tests.pipelines.challenges.candidates import METRICS, plays, targets
from tests.pipelines.publish.night_rows import AS_OF, at, challenge, content_id, settlement
from tests.pipelines.publish.nights import make_night, put

ONE_A_DAY = make_app(challenges={"metrics": ["solved", "points", "topics", "days"], "per_day": 1})
DAY = dt.timedelta(days=1)


def answer(player: int, day: dt.date, name: str, slot: int = 1, hour: int = 8, **more) -> dict:
    return event(player, at(day, hour), f"nightquest.{name}", content_id=content_id(day, player, slot), **more)


def tastes_of(warehouse, as_of: dt.date = AS_OF) -> pl.DataFrame:
    return describe_tastes(Known(warehouse, make_night(as_of, app=ONE_A_DAY)))


def issued(warehouse, *rows: tuple[int, int, str, dt.datetime | None]) -> None:
    """player, days ago, metric, when it was kept: a challenge each, settled the night after."""
    put(warehouse, "challenges", *(challenge(p, 1, AS_OF - ago * DAY, metric=m) for p, ago, m, _ in rows))
    put(warehouse, "settlements", *(settlement(p, 1, AS_OF - (ago - 1) * DAY, done) for p, ago, _, done in rows))


@pytest.fixture(name="warehouse")
def _warehouse():
    with warehouse_with(ONE_A_DAY, [event(player, day, points=3) for player in (1, 2, 3) for day in (4, 5)]) as made:
        yield made


def test_without_an_answer_there_is_no_taste_and_the_plan_is_the_same_to_the_last_byte(warehouse):
    issued(warehouse, (1, 2, "solved", at(AS_OF - 2 * DAY, 10)))
    assert tastes_of(warehouse).equals(NO_TASTES)
    rows = targets(40)
    plain = choose_challenges(ONE_A_DAY, rows, plays(rows), EMPTY_RECENT, as_of=AS_OF, seed=1)
    same = choose_challenges(ONE_A_DAY, rows, plays(rows), EMPTY_RECENT, tastes=NO_TASTES, as_of=AS_OF, seed=1)
    assert same.equals(plain)
    assert same.columns == plain.columns
    told = NO_TASTES.clear().extend(pl.DataFrame([taste(3, "points", 0.9)], schema=NO_TASTES.schema))
    mixed = choose_challenges(ONE_A_DAY, rows, plays(rows), EMPTY_RECENT, tastes=told, as_of=AS_OF, seed=1)
    others = pl.col("player_key") != 3
    assert mixed.filter(others).select(plain.columns).equals(plain.filter(others))


def taste(player: int, metric: str, liking: float, worn: float = 0.0) -> dict:
    counts = {"answered": 5, "rated": 5, "dismissed": 0}
    return {"player_key": player, "metric": metric, "mean_rating": 5.0, "liking": liking, "worn": worn, **counts}


def test_stars_dismissals_and_deeds_become_likings(warehouse):
    y = AS_OF - DAY
    put(
        warehouse,
        "challenges",
        *(challenge(1, slot, y, metric=metric) for slot, metric in enumerate(METRICS, start=1)),
        challenge(2, 1, y, metric="solved"),
    )
    put(warehouse, "settlements", settlement(1, 4, AS_OF, at(y, 9)))
    add_events(
        warehouse,
        ONE_A_DAY,
        [
            answer(1, y, "rated", 1, value=1.0),
            answer(1, y, "rated", 1, hour=9, value=5.0),  # the last word
            answer(1, y, "dismissed", 2),
            answer(1, y, "rated", 3, value=3.0),
            answer(1, y, "shown", 4),
            answer(3, y, "rated", 1, value=5.0),  # of nobody's content
            event(2, at(y), "nightquest.rated", value=5.0, content_id=content_id(y, 1, 1)),  # not theirs
            {**answer(2, y, "rated", 1, value=5.0), "available_at": at(AS_OF, 1)},  # after the cut
        ],
    )
    told = {row["metric"]: row for row in tastes_of(warehouse).to_dicts()}
    assert {row["player_key"] for row in told.values()} == {1}
    solved, points, topics, days = (told[name] for name in METRICS)
    weight = 0.5 ** (1 / 30)
    assert solved["liking"] == pytest.approx(weight / (weight + 2), abs=1e-6)
    assert points["liking"] == pytest.approx(-weight / (weight + 2), abs=1e-6)
    assert (points["dismissed"], points["worn"], solved["worn"]) == (1, pytest.approx(1 / 3), 0)
    assert topics["liking"] == 0
    assert 0 < days["liking"] < solved["liking"], "a deed says yes, less loudly than five stars"
    assert (days["kept_rate"], days["median_minutes_from_shown"]) == (1, 60)


def test_what_goes_badly_three_times_running_is_worn_out_until_it_goes_well(warehouse):
    issued(warehouse, *((1, ago, "solved", None) for ago in (9, 8, 7)), (1, 5, "solved", at(AS_OF - 5 * DAY, 10)))
    shown = [answer(1, AS_OF - ago * DAY, "shown") for ago in (9, 8, 7)]
    add_events(warehouse, ONE_A_DAY, shown)
    assert tastes_of(warehouse, AS_OF)["worn"].to_list() == [1.0]
    add_events(warehouse, ONE_A_DAY, [answer(1, AS_OF - 5 * DAY, "shown")])
    assert tastes_of(warehouse)["worn"].to_list() == [0.0]


def test_the_chance_of_each_choice_is_what_choosing_over_and_over_gives():
    rows, many = targets(1, windows=(1,)), range(2_000)
    rows = rows.drop("player_key").join(pl.DataFrame({"player_key": many}), how="cross")
    liked = [row for p in many for row in (taste(p, "points", 0.3), taste(p, "days", -0.3, worn=1 / 3))]
    told = pl.DataFrame(liked, schema=NO_TASTES.schema)
    chosen = choose_challenges(ONE_A_DAY, rows, plays(rows), EMPTY_RECENT, tastes=told, as_of=AS_OF, seed=1)
    chances = dict(chosen.group_by("metric").agg(pl.col("chance").first()).iter_rows())
    counts = dict(chosen.group_by("metric").len().iter_rows())
    assert sum(chances.values()) == pytest.approx(1)
    assert max(chances, key=chances.__getitem__) == "points"
    assert min(chances.values()) > 0.001, "nothing is given up for good"
    for metric, chance in chances.items():
        assert abs(counts[metric] / 2_000 - chance) < 4 * (chance * (1 - chance) / 2_000) ** 0.5


def test_the_choice_is_logged_with_the_challenge_and_only_where_there_was_one():
    rows = pl.DataFrame({"content_id": ["a", "b"], "metadata": ['{"plays": "plays/1"}', '{"plays": "plays/1"}']})
    choices = pl.DataFrame({"content_id": ["b"], "liking": [0.25], "chance": [0.125]})
    plain, told = _with_choices(rows, choices)["metadata"]
    assert plain == '{"plays": "plays/1"}'
    assert json.loads(told) == {"plays": "plays/1", "liking": 0.25, "choice_propensity": 0.125}
    assert _with_choices(rows, pl.DataFrame()).equals(rows)


def test_a_planted_preference_is_found_by_asking_and_others_go_on_being_tried(warehouse):
    players, nights, rng = 48, 12, np.random.default_rng(3)
    likes = {player: METRICS[player % 4] for player in range(players)}
    first, shares = AS_OF - nights * DAY, []
    rows = targets(players, windows=(1,))
    add_events(warehouse, ONE_A_DAY, [event(player, 3, points=1) for player in likes])
    for as_of in (first + night * DAY for night in range(nights)):
        told = tastes_of(warehouse, as_of)
        tonight = rows.with_columns(base_day=pl.lit(as_of), start_day=pl.lit(as_of), end_day=pl.lit(as_of))
        chosen = choose_challenges(
            ONE_A_DAY, tonight, plays(tonight), EMPTY_RECENT, tastes=told, as_of=as_of, seed=as_of.toordinal()
        )
        asked = dict(chosen.select("player_key", "metric").iter_rows())
        shares.append(np.mean([asked[player] == liked for player, liked in likes.items()]))
        put(warehouse, "challenges", *(challenge(player, 1, as_of, metric=metric) for player, metric in asked.items()))
        answers, done = [], []
        for player, metric in asked.items():
            well = rng.random() < (0.9 if metric == likes[player] else 0.3)
            done.append(settlement(player, 1, as_of + DAY, at(as_of, 12) if well else None))
            answers.append(answer(player, as_of, "shown"))
            if rng.random() < 0.5:
                answers.append(
                    answer(player, as_of, "rated", hour=13, value=float(rng.choice([4, 5] if well else [2, 3])))
                )
        put(warehouse, "settlements", *done)
        keys = pl.DataFrame([{"event_id": f"{as_of}/{i}", **row} for i, row in enumerate(answers)])
        warehouse.append("events", keys)
    assert np.mean(shares[:2]) < 0.4, "nobody knew at first"
    assert np.mean(shares[-4:]) > 0.6
    assert np.mean(shares[-4:]) < 0.97, "others are tried too"
    found = dict(liked_most(tastes_of(warehouse)).iter_rows())
    assert np.mean([found.get(player) == liked for player, liked in likes.items()]) > 0.6
    assert np.mean([found[player] == likes[player] for player in found if player in likes]) > 0.85
