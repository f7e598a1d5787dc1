"""Other ways to recommend: what they would bring is found where it is there, from lists that nights published."""

import datetime as dt
import shutil

import numpy as np
import polars as pl
import pytest

from configs.errors import NightquestError
from configs.settings import Settings
from flows.cli.policies_view import policies_view
from pipelines.activity.job import run_ingest
from pipelines.known import Known
from pipelines.pins import make_night
from pipelines.players.recommend import recommend
from pipelines.review import policies
from pipelines.review.policies import (
    AS_NOW,
    GOALS,
    JUDGED,
    POLICIES,
    PolicyReport,
    judge,
    judge_policies,
    read_lists,
    verdicts,
    with_outcomes,
)
from pipelines.stores import open_app
from tests.flows.world import DAYS, write_events
from tests.pipelines.nights import now
from tests.pipelines.players.scored import CHANCES, scores
from tests.pipelines.trained import FIRST, NEXT
from tests.printed import printed


def lists(rng, *, lift: dict[str, float], players=400, nights=6) -> pl.DataFrame:
    """What `with_outcomes` gives where a thing shown first makes players come back more often than 3 times in 10."""
    days = []
    for night in range(nights):
        of_night = scores(players, CHANCES)
        first = recommend(of_night, seed=night).filter(place=1).select("player_key", "propensity", first="item")
        rows = of_night.join(first, on="player_key").rename({"target": "item", "probability": "score"})
        days.append(rows.with_columns(as_of=pl.lit(dt.date(2024, 1, 1) + dt.timedelta(days=night))))
    rows = pl.concat(days).sort("as_of", "player_key", "item")
    p_back = 0.3 + rows["first"].replace_strict(lift, default=0.0).to_numpy()
    luck = rng.random(rows.height // len(CHANCES)).repeat(len(CHANCES))
    return rows.with_columns(
        user_id=pl.format("player-{}", "player_key"),
        kind=pl.lit("metric"),
        chosen=pl.col("item") == pl.col("first"),
        p_back=pl.lit(0.3),
        back=pl.Series(luck < p_back, dtype=pl.Float64),
        done=pl.Series(rng.random(rows.height) < rows["score"].to_numpy(), dtype=pl.Float64),
    )


def of(judged: pl.DataFrame, goal: str, policy: str) -> dict:
    return judged.row(by_predicate=(pl.col("goal") == goal) & (pl.col("policy") == policy), named=True)


def test_what_a_way_would_bring_is_found_by_every_estimator():
    rows = lists(np.random.default_rng(5), lift={"c": 0.3})
    judged = judge(rows)
    assert judged.schema == pl.Schema(JUDGED)
    evenly = of(judged, "back", "evenly")
    truth = 0.3 + 0.3 / 4  # each of four things is first in a quarter
    for name in ("ips", "snips", "dr"):
        assert evenly[name] == pytest.approx(truth, abs=3 * evenly[f"{name}_se"])
    assert evenly["effective"] < evenly["choices"]
    squares = {item: p**2 for item, p in CHANCES.items()}
    now_c = squares["c"] / sum(squares.values())
    assert evenly["more_low"] < 0.3 * (1 / 4 - now_c) < evenly["more_high"]
    assert of(judged, "done", "likeliest")["dr"] == pytest.approx(0.8, abs=0.03)  # 'a' is done by 8 in 10
    assert of(judged, "done", "evenly")["dr"] == pytest.approx(sum(CHANCES.values()) / 4, abs=0.04)
    told = verdicts(judged)
    assert "'even odds' would have brought +" in next(each for each in told if GOALS["back"] in each)


def test_nothing_is_said_of_what_is_not_there():
    told = [verdicts(judge(lists(np.random.default_rng(seed), lift={}, nights=3))) for seed in range(12)]
    of_back = [each for night in told for each in night if GOALS["back"] in each]
    assert sum("would have brought" in each for each in of_back) <= 1
    few = verdicts(judge(lists(np.random.default_rng(1), lift={"c": 0.5}, players=40)))
    assert all("too early" in each for each in few)


def test_the_way_that_chose_counts_as_all_of_its_choices_and_is_told_by_their_mean():
    rows = lists(np.random.default_rng(2), lift={})
    chosen, now_ = rows.filter("chosen"), of(judge(rows), "back", AS_NOW)
    assert now_["effective"] == pytest.approx(chosen.height)
    assert now_["snips"] == pytest.approx(chosen["back"].mean())
    assert (now_["more"], now_["more_high"]) == (0, 0)


@pytest.fixture(scope="module")
def later(trained, tmp_path_factory):
    """A home whose one night is two weeks ago and has recommended, with what players did since."""
    folder = tmp_path_factory.mktemp("later")
    settings, loaded = trained.copy(folder), trained.loaded
    more = write_events(folder, players=45, first_day=DAYS, days=DAYS + 12)
    run_ingest(settings, loaded, [more], history=True, players=False, now=now())
    with open_app(settings, loaded) as warehouse:
        players = warehouse.frame("SELECT player_key, user_id FROM players ORDER BY player_key")
    n = players.height
    metrics = scores(n, {"solved": 0.9, "topics": 0.5})
    made = pl.concat([metrics, scores(n, {"regular": 0.3}, "badge_odds", 14), scores(n, {"back": 0.7}, "plays", 7)])
    made = made.with_columns(player_key=players["player_key"].gather(made["player_key"]))
    night = settings.home / "published" / "puzzles" / str(FIRST)
    for name, rows in (("scores", made), ("recommendations", recommend(made, seed=3))):
        rows.join(players, on="player_key").drop("player_key").write_parquet(night / f"{name}.parquet")
    return settings, loaded


def test_lists_are_those_that_the_night_published_with_what_players_did_after_it(later):
    settings, loaded = later
    day = FIRST + dt.timedelta(days=16)
    listed = read_lists(settings.home, "puzzles", day)
    night = pl.read_parquet(settings.home / "published" / "puzzles" / str(FIRST) / "recommendations.parquet")
    first = listed.filter("chosen").select("user_id", "kind", "item", "propensity").sort("user_id", "kind")
    assert first.equals(night.filter(place=1).select(first.columns).sort("user_id", "kind"))
    assert listed.filter(kind="metric")["item"].unique().sort().to_list() == ["solved", "topics"]
    assert listed["p_back"].unique().to_list() == [0.7]
    with open_app(settings, loaded) as warehouse:
        moment = dt.datetime.combine(day, dt.time(1), dt.UTC)
        rows = with_outcomes(Known(warehouse, make_night(warehouse, loaded.app, day, moment)), listed)
        told = warehouse.frame(
            """SELECT user_id, min(day) AS played, min(l.as_of) AS noticed FROM players p
               LEFT JOIN events e ON e.player_key = p.player_key AND active AND day BETWEEN $d AND $d + 6
               LEFT JOIN badge_ledger l ON l.player_key = p.player_key GROUP BY ALL""",
            {"d": FIRST},
        )
    assert rows.height == listed.height
    chosen = rows.filter("chosen").join(told, on="user_id")
    assert chosen["back"].to_list() == chosen["played"].is_not_null().cast(pl.Float64).to_list()
    did = chosen.filter(kind="metric")
    assert did["done"].equals(did["back"])  # whoever plays solves and visits
    assert chosen.filter(pl.col("noticed") <= FIRST, kind="badge")["done"].sum() == 0  # earned before
    assert set(judge(rows)["policy"]) == set(POLICIES)


def test_no_night_more_is_read_than_memory_bears(later, monkeypatch):
    settings, _ = later
    folder = settings.home / "published" / "puzzles"
    earlier = folder / str(FIRST - dt.timedelta(days=1))
    shutil.copytree(folder / str(FIRST), earlier)
    manifest = earlier / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"as_of": "{FIRST}"', f'"as_of": "{earlier.name}"'))
    day = FIRST + dt.timedelta(days=16)
    assert read_lists(settings.home, "puzzles", day)["as_of"].unique().len() == 2
    monkeypatch.setattr(policies, "MOST_ROWS", 10)
    assert read_lists(settings.home, "puzzles", day)["as_of"].unique().to_list() == [FIRST]
    shutil.rmtree(earlier)


def test_what_is_too_early_or_missing_is_told_in_a_sentence(trained, later, tmp_path):
    with pytest.raises(NightquestError, match="has recommended anything of which"):
        judge_policies(Settings(home=trained.home), trained.loaded)  # the night out is the newest
    with pytest.raises(NightquestError, match=r"No night of 'puzzles' is out\."):
        judge_policies(Settings(home=tmp_path), trained.loaded)
    settings, loaded = later
    with open_app(settings, loaded) as warehouse:
        soon = make_night(warehouse, loaded.app, NEXT, dt.datetime.combine(NEXT, dt.time(1), dt.UTC))
        listed = read_lists(settings.home, "puzzles", FIRST + dt.timedelta(days=16))
        assert with_outcomes(Known(warehouse, soon), listed).is_empty()
    assert read_lists(settings.home, "puzzles", FIRST + dt.timedelta(days=6)).is_empty()


def test_what_is_drawn_fits_80_columns_with_every_way():
    judged = judge(lists(np.random.default_rng(5), lift={"c": 0.3}))
    shown = printed(policies_view(PolicyReport("puzzles", NEXT, 6, verdicts(judged), judged)), width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert all(f"\n {policy} " in shown for policy in POLICIES)
