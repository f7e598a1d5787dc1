"""Lists of players: whose value is larger comes first, equal ones share a place, and who is left alone is in none."""

import datetime as dt
import json

import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.players.rankings import rank_players
from pipelines.publish.seen import Seen
from pipelines.publish.tables.rankings import rows as published
from tests.factories import FAR, START, event, known_at, make_app, warehouse_with

AS_OF = START.date() + dt.timedelta(days=8)
RANKINGS = {
    "week": {"metric": "solved"},
    "long": {"metric": "solved", "days": 28},
    "best": {"metric": "best", "among": "cohort"},
}
APP = make_app(profile={"rankings": RANKINGS})
# Player 1 solves three, 2 and 3 two each, 4 one long ago, 5 none.
SOLVED = {1: (2, 3, 4), 2: (5, 6), 3: (2, 7), 4: (0,)}
EVENTS = [event(player, day, points=player) for player, days in SOLVED.items() for day in days]
PLAYERS = pl.DataFrame({"player_key": [1, 2, 3, 4, 5], "cohort": ["a", "a", "b", "b", "b"]})


@pytest.fixture(name="known", scope="module")
def _known():
    with warehouse_with(APP, EVENTS) as warehouse:
        yield known_at(warehouse, APP, AS_OF, FAR)


def listed(rows: pl.DataFrame, ranking: str) -> list[tuple]:
    some = rows.filter(ranking=ranking).sort("place", "player_key")
    return some.select("player_key", "place", "players", "value", "next_value").rows()


def test_players_with_the_same_value_share_a_place_and_everybody_reads_what_is_next_before_them(known):
    rows = rank_players(known, PLAYERS)
    assert listed(rows, "week") == [(1, 1, 3, 3.0, None), (2, 2, 3, 2.0, 3.0), (3, 2, 3, 2.0, 3.0)]
    assert listed(rows, "long")[-1] == (4, 4, 4, 1.0, 2.0)
    assert rows["player_key"].is_in([5]).any() is False


def test_of_a_kind_of_play_only_its_own_players_are_listed(known):
    best = rank_players(known, PLAYERS).filter(ranking="best").sort("player_key")
    assert best.select("player_key", "cohort", "place", "players").rows() == [
        (1, "a", 2, 2),
        (2, "a", 1, 2),
        (3, "b", 1, 1),
    ]


def test_whose_less_is_better_comes_first_with_the_least():
    metrics = make_app().model_dump()["metrics"]
    fewest = metrics["best"] | {"agg": "min", "better": "lower"}
    app = make_app(
        metrics=metrics | {"fewest": fewest}, profile={"rankings": {"best": {"metric": "fewest", "among": "cohort"}}}
    )
    with warehouse_with(app, EVENTS) as warehouse:
        rows = rank_players(known_at(warehouse, app, AS_OF, FAR), PLAYERS)
    assert rows.filter(cohort="a").sort("place")["player_key"].to_list() == [1, 2]


def test_who_opted_out_is_in_no_list_and_an_app_without_lists_has_none(known):
    word = {"player_key": 1, "recorded_at": START, "available_at": START, "opted_out": True}
    known.warehouse.append("player_records", pl.DataFrame([word]))
    segments = PLAYERS.with_columns(is_main=pl.lit(value=True))
    seen = Seen(known, {"profiles": PLAYERS.select("player_key"), "segments": segments}, pl.DataFrame())
    (piece,) = published(seen).pieces(("user_id", "ranking"))
    assert piece.filter(ranking="week").select("place", "players").unique().rows() == [(1, 2)]
    assert "user1" not in piece["user_id"]
    with warehouse_with(make_app()) as warehouse:
        assert rank_players(known_at(warehouse, make_app(), AS_OF, FAR), PLAYERS).is_empty()


def test_a_list_of_what_is_no_metric_is_refused():
    with pytest.raises(ValidationError, match=r"profile.rankings.week.metric: 'solve' is not one of the metrics"):
        make_app(profile={"rankings": {"week": {"metric": "solve"}}})


def test_a_team_is_worth_the_mean_of_its_members_and_one_of_few_is_not_listed():
    app = make_app(profile={"rankings": {"classes": {"metric": "solved", "days": 28, "teams": "class"}}})
    of = {1: "7a", 2: "7a", 6: "7a", 3: "7b", 4: "7b", 5: "7b", 7: "7c"}
    records = [
        {"player_key": who, "recorded_at": START, "available_at": START, "attributes": json.dumps({"class": team})}
        for who, team in of.items()
    ]
    moved = {
        "recorded_at": START + dt.timedelta(days=1),
        "available_at": FAR + dt.timedelta(days=1),
        "attributes": '{"class": "7c"}',
    }
    with warehouse_with(app, EVENTS) as warehouse:
        warehouse.append("player_records", pl.DataFrame([*records, *({"player_key": who} | moved for who in (1, 2))]))
        players = pl.DataFrame({"player_key": [1, 2, 3, 4, 5, 6, 7, 8], "cohort": "a"})
        rows = rank_players(known_at(warehouse, app, AS_OF, FAR), players)
    placed = rows.select("player_key", "team", "place", "players", "value", "next_value").rows()
    assert placed == [
        *((who, "7a", 1, 2, 1.67, None) for who in (1, 2)),  # three, two and none
        *((who, "7b", 2, 2, 1.0, 1.67) for who in (3, 4, 5)),
        (6, "7a", 1, 2, 1.67, None),
    ]
    assert rows["cohort"].null_count() == rows.height
    with pytest.raises(ValidationError, match=r"among: a team is listed among all teams"):
        make_app(profile={"rankings": {"classes": {"metric": "solved", "teams": "class", "among": "cohort"}}})
