"""Reading what is new, and of that the days on which a line may have been crossed, finds what reading all does."""

import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from configs.app import App
from configs.badge_rules import badge_rules, terms_of
from data.warehouse import Warehouse
from pipelines.activity.parts import sync_metrics
from pipelines.badges.rules import crossings
from pipelines.badges.rules.award import cite_awards, find_awards, write_awards
from pipelines.badges.rules.stream import margin_days
from pipelines.known import Known
from pipelines.pins import Night, pin_night
from tests.factories import START, add_events, event, make_app, take_back_events, warehouse_with
from tests.pipelines.badges.rules.awards import app_with, award_badges, cite, publish

pytestmark = pytest.mark.long

LIFETIME = {
    "solver": "solved >= 6",
    "rich": "points >= 30",
    "sharp": "best >= 9 and average <= 5",
    "broad": "topics >= 4",
    "regular": "days >= 5 and streak >= 3",
    "loved": "famous >= 2",
    "cold": "solved >= 4 and last(solved, 1) = 0",
}
WINDOWS = {
    "burst": "last(points, 3) >= 15",
    "calm": "last(points, 3) < 5 and last(days, 3) >= 2",
    "rest": "last(solved, 3) = 0 and last(days, 2) = 0",
    "tour": "last(topics, 3) >= 3",
    "mild": "last(average, 3) between 2 and 3 and last(best, 3) < 6",
    "run": "last(streak, 2) >= 3 or last(famous, 3) >= 1",
}
METRICS = ("solved", "points", "best", "topics", "days", "streak", "average", "famous")
PLAYERS, TRAVELLERS, DAYS, EVENTS = (1, 2, 3, 4), (4,), 20, 80


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000))
def test_each_night_finds_what_a_walk_through_the_whole_history_finds(seed: int) -> None:
    """Late events arrive days after they occurred; local days run out of step with time when a player changes zone."""
    chance = random.Random(seed)  # noqa: S311 - rows for a test
    app = app_with(**LIFETIME, **WINDOWS)
    badges = set(awards_of(chance, app, app)["badge_id"])
    assert len(badges & LIFETIME.keys()) >= 3
    assert len(badges & WINDOWS.keys()) >= 3


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1_000_000))
def test_of_any_rules_each_night_finds_what_a_walk_through_the_whole_history_finds(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - rows for a test
    before = {f"r{i}": random_rule(chance) for i in range(6)}
    after = before | {"r1": random_rule(chance), "new": random_rule(chance)}
    ledger = awards_of(chance, app_with(**before), app_with(**after))
    assert set(ledger["badge_id"]) <= after.keys()
    assert not ledger.select("player_key", "badge_id").is_duplicated().any()


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1_000_000))
@example(seed=5)  # a badge given by hand opens another to a player without new events of the days between
def test_so_it_is_of_badges_that_require_others_repeat_or_have_a_season(seed: int) -> None:
    """One badge is given by hand now and then, of which no event tells: those that require it open with it."""
    chance = random.Random(seed)  # noqa: S311 - rows for a test
    rules = {f"r{i}": bounded_badge(chance, i) for i in range(8)}
    rules["given"] = {"judged": {"nominate_when": "solved > 100", "criteria": "only a person can tell this"}}
    edited = rules | {"r1": bounded_badge(chance, 1), "new": bounded_badge(chance, 8)}
    ledger = awards_of(chance, badges_app(rules), badges_app(edited), by_hand="given")
    assert not ledger.select("player_key", "badge_id", "round_no").is_duplicated().any()
    assert not ledger["award_id"].is_duplicated().any()
    granted = ledger.group_by("player_key", "badge_id").agg(first=pl.col("granted_at").min())
    for name, badge in edited.items():
        for needed in badge.get("requires", []) if badge == rules.get(name) else []:
            mine = ledger.filter(badge_id=name).join(granted.filter(badge_id=needed), on="player_key", how="left")
            assert (mine["granted_at"] >= mine["first"]).all(), "earned without what it requires"


def bounded_badge(chance: random.Random, place: int) -> dict[str, object]:
    """A badge of a random rule that needs earlier ones or the one given by hand, repeats or has a season."""
    on = START.date() + dt.timedelta(days=chance.randint(0, 15))
    season = {"on": on, "until": on + dt.timedelta(days=chance.randint(0, 8)), "yearly": chance.random() < 0.5}
    badge: dict[str, object] = {"when": random_rule(chance, 1) if chance.random() < 0.6 else "solved >= 1"}
    if place and chance.random() < 0.5:
        badge["requires"] = [chance.choice(["given", f"r{chance.randrange(min(place, 8))}"])]
    kind = chance.choice(["once", "period", "number", "season", "seasons"])
    if kind == "period":
        badge["repeat"] = {"per": chance.choice(["day", "week", "month"])}
    if kind == "number":
        of = chance.choice(["solved", "points", "topics", "days", "famous"])
        badge["repeat"] = {"per": chance.randint(1, 4), "of": of, "most": chance.choice([3, 100])}
    if kind.startswith("season"):
        badge["season"] = season | {"yearly": season["yearly"] or kind == "seasons"}
    if kind == "seasons":
        badge["repeat"] = {"per": "season"}
    if kind == "season" and chance.random() < 0.4:
        badge["repeat"] = {"per": "week"}
    return badge


def badges_app(badges: dict[str, dict[str, object]]) -> App:
    plain = {"tier": "bronze", "category": "test"}
    return make_app(badges={name: {"title": name.title(), **plain, **badge} for name, badge in badges.items()})


def give(warehouse: Warehouse, chance: random.Random, badge: str, night: Night) -> None:
    """An award by judgement, written after the night has looked at rules, from some moment before its cut."""
    moment = night.cut - dt.timedelta(days=round(chance.uniform(0, 3), 2))
    player = chance.choice(PLAYERS)
    award = {"award_id": f"by-hand-{player}", "player_key": player, "badge_id": badge, "as_of": night.as_of}
    said = {"event_id": "x", "rule_version": "x", "confidence": 1.0, "evidence": "{}", "citation": "x"}
    warehouse.append("badge_ledger", pl.DataFrame([award | said | {"granted_at": moment}]), on_conflict_skip=True)


def awards_of(chance: random.Random, app: App, edited: App, by_hand: str = "") -> pl.DataFrame:
    """The ledger after nights in which anything happens, each compared with the whole walk.

    Events arrive late, and are taken back; a delivery brings the history of long ago; a night is killed, is run again,
    or is a past one; the app file is edited.
    """
    arrivals = sorted((random_event(chance) for _ in range(EVENTS)), key=lambda row: row["available_at"])
    history, arrivals = arrivals[:10], arrivals[10:]
    with warehouse_with(app) as warehouse:
        for day in range(4, DAYS + 8, 6):
            until = START.replace(hour=0) + dt.timedelta(days=day)
            arrived = [row for row in arrivals if row["available_at"] <= until]
            arrivals = arrivals[len(arrived) :]
            if day >= DAYS // 2:
                app = edited
                sync_metrics(warehouse, app)
                take_history(warehouse, app, history, until)
                history = []
            if arrived:
                add_events(warehouse, app, arrived)
            if chance.random() < 0.7:
                here = [one for (one,) in warehouse.rows("SELECT event_id FROM events ORDER BY event_id")]
                back = chance.sample(here, min(3, len(here)))
                before = dt.timedelta(hours=chance.choice([1, 200]))
                take_back_events(warehouse, app, back, until - before, until - dt.timedelta(seconds=1))
            if not warehouse.value("SELECT count(*) FROM active_days WHERE day < $d", {"d": until.date()}):
                continue
            night = pin_night(warehouse, app, "hash", until.date(), until, "code", file_hash=str(app is edited))
            found = find_both_ways(warehouse, night)
            if chance.random() < 0.2:
                continue  # killed before it was out
            known = Known(warehouse, night)
            write_awards(known, cite_awards(known, found, cite))
            if by_hand and chance.random() < 0.7:
                give(warehouse, chance, by_hand, night)
            publish(warehouse, night)
            look_back(warehouse, app, chance.randint(1, day))
        return warehouse.frame("FROM badge_ledger")


def find_both_ways(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    found = find_awards(Known(warehouse, night))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossings, "_walk_days", crossings._walk_whole)
        whole = find_awards(Known(warehouse, night), from_scratch=True)
    assert found.sort("award_id").equals(whole.sort("award_id"))
    return found


def look_back(warehouse: Warehouse, app: App, day: int) -> None:
    """A past night sees what was known then, whatever has come in since."""
    cut = START.replace(hour=0) + dt.timedelta(days=day)
    pins = {"seed": 0, "started_at": cut, "code_version": "", "app_hash": "", "watermark": 0}
    find_both_ways(warehouse, Night(app, cut.date(), 1, cut, cut.date(), **pins))


def take_history(warehouse: Warehouse, app: App, rows: list[dict[str, object]], now: dt.datetime) -> None:
    """Past data taken in late counts as known from when it happened."""
    if not rows:
        return
    old = [row | {"available_at": row["occurred_at"], "delivery_id": "old"} for row in rows]
    add_events(warehouse, app, old)
    taken = now - dt.timedelta(seconds=1)
    warehouse.run(
        "INSERT INTO deliveries VALUES ('old', 'f', 'h', 'events', 's', $t, true, 1, 1, 0, 0, '', '')", {"t": taken}
    )


def random_event(chance: random.Random) -> dict[str, object]:
    moment = START + dt.timedelta(days=round(chance.uniform(0, DAYS), 1))
    late = dt.timedelta(days=chance.choice([0, 0, 0, 0, 1, 5]))
    player = chance.choice(PLAYERS)
    if chance.random() < 0.3:
        delta, post = chance.choice([1, 1, -1]), chance.choice("pqr")
        row = event(player, moment, "liked", available_at=moment + late, delta=delta, post_id=post)
    else:
        points, topic = chance.choice([*range(10), 0.1, 0.7]), chance.choice("abcde")
        row = event(player, moment, available_at=moment + late, points=points, topic=topic)
    zone = dt.timedelta(hours=chance.choice([-12, 0, 0, 0, 0, 14]) if player in TRAVELLERS else 0)
    return row | {"day": (moment + zone).date(), "sequence": chance.randint(0, 2)}


def random_rule(chance: random.Random, depth: int = 2) -> str:
    kind = chance.random()
    if depth and kind < 0.45:
        joined = f" {chance.choice(['and', 'or'])} ".join(f"({random_rule(chance, depth - 1)})" for _ in range(2))
        return f"not ({joined})" if chance.random() < 0.2 else joined
    left, low = random_number(chance), chance.randint(0, 9)
    if kind < 0.55:
        return f"{left} between {low} and {low + chance.randint(0, 3)}"
    if kind < 0.62:
        return f"{left} {chance.choice(['in', 'not in'])} ({low}, {low + 2})"
    if kind < 0.70:
        return f"{left} is {chance.choice(['', 'not '])}null"
    right = str(low) if chance.random() < 0.7 else random_number(chance)
    return f"{left} {chance.choice(['>=', '>=', '>', '<', '<=', '=', '<>'])} {right}"


def random_number(chance: random.Random, depth: int = 1) -> str:
    if depth and chance.random() < 0.3:
        parts = [random_number(chance, 0), chance.choice([random_number(chance, 0), "2", "0.5"])]
        return f"({parts[0]} {chance.choice('+-*/')} {parts[1]})"
    metric = chance.choice(METRICS)
    term = metric if chance.random() < 0.5 else f"last({metric}, {chance.choice([1, 2, 3, 5])})"
    return f"-{term}" if chance.random() < 0.1 else term


def test_the_stream_begins_before_the_longest_window_of_the_rules() -> None:
    assert margin_days(terms_of(badge_rules(app_with(**WINDOWS)))) == 3 + 4
    assert margin_days([]) == 4


def test_only_players_with_news_are_read() -> None:
    rows, app = [event(player, day) for player in range(1, 21) for day in range(3)], app_with(**LIFETIME)
    with warehouse_with(app, rows) as warehouse:
        night = pin_night(warehouse, app, "hash", dt.date(2024, 1, 5), START + dt.timedelta(days=4), "code")
        award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        add_events(warehouse, app, [event(7, 5)])
        find_awards(
            Known(
                warehouse,
                pin_night(warehouse, app, "hash", dt.date(2024, 1, 8), START + dt.timedelta(days=9), "code"),
            )
        )
        assert warehouse.frame("SELECT player_key FROM badge_touched_all")["player_key"].to_list() == [7]


def test_only_the_day_on_which_the_line_was_crossed_is_walked() -> None:
    app = app_with(solver="solved >= 6", burst="last(points, 3) >= 15", never="average > 100", broad="topics >= 3")
    rows = [event(1, day, points=1, topic="abcd"[day % 4]) for day in range(10)] + [event(1, 10, points=14)]
    with warehouse_with(app, rows) as warehouse:
        night = pin_night(warehouse, app, "hash", dt.date(2024, 1, 20), START + dt.timedelta(days=19), "code")
        assert find_awards(Known(warehouse, night)).height == 3
        walked = warehouse.rows(
            "SELECT DISTINCT DATE '1970-01-01' + day_no::INTEGER AS day FROM badge_walk ORDER BY day"
        )
        assert [day for (day,) in walked] == [START.date() + dt.timedelta(days=day) for day in (2, 5, 10)]


def test_many_buckets_find_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with(solver="solved >= 6", burst="last(points, 3) >= 15", broad="topics >= 3", loved="streak >= 4")
    days = [(player, day) for player in range(1, 13) for day in range(player)]
    rows = [event(player, day, points=player, topic="abcd"[day % 4]) for player, day in days]
    with warehouse_with(app, rows) as warehouse:
        night = pin_night(warehouse, app, "hash", dt.date(2024, 1, 20), START + dt.timedelta(days=19), "code")
        whole = find_awards(Known(warehouse, night))
        monkeypatch.setattr(crossings, "DAYS_PER_BUCKET", 30)
        assert whole["badge_id"].n_unique() == 4
        assert find_awards(Known(warehouse, night)).equals(whole)
