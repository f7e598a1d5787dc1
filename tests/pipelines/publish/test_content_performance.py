"""What is told of content: shown, kept, rated, when, and at what cost, each counted once and in its own day."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from pipelines.known import Known
from tests.factories import add_events, event, put_zone
from tests.pipelines.publish.night_rows import APP, AS_OF, PLAYERS, at, challenge, content_id, make_frames, settlement
from tests.pipelines.publish.nights import NIGHT, YESTERDAY, collect, contract_breaches, issue, put


def test_content_performance_counts_what_was_shown_kept_and_rated_by_the_one_it_was_for(warehouse):
    issue(warehouse, YESTERDAY)
    ids = {player: content_id(YESTERDAY, player, 1) for player in PLAYERS}
    put(
        warehouse,
        "settlements",
        settlement(1, 1, AS_OF, at(YESTERDAY, 10)),
        settlement(2, 1, AS_OF, at(YESTERDAY, 20)),
        settlement(3, 1, AS_OF, None),
    )
    add_events(
        warehouse,
        APP,
        [
            event(1, at(YESTERDAY, 8), "nightquest.shown", content_id=ids[1]),
            event(1, at(YESTERDAY, 9), "nightquest.shown", content_id=ids[1]),
            event(3, at(YESTERDAY, 9), "nightquest.shown", content_id=ids[3]),
            event(4, at(YESTERDAY, 9), "nightquest.shown", content_id=ids[2]),  # not theirs
            event(4, at(YESTERDAY, 9), "nightquest.shown", content_id="no id at all"),
            event(
                4, at(YESTERDAY, 9), "nightquest.shown", available_at=at(AS_OF, 1), content_id=ids[4]
            ),  # after the cut
            event(1, at(YESTERDAY, 11), "nightquest.rated", value=1.0, content_id=ids[1]),
            event(1, at(YESTERDAY, 12), "nightquest.rated", value=4.0, content_id=ids[1]),  # the last word
            event(2, at(YESTERDAY, 12), "nightquest.rated", value=9.0, content_id=ids[2]),  # out of range
            event(3, at(YESTERDAY, 12), "nightquest.rated", value=5.0, content_id=ids[3]),
        ],
    )
    rows = collect(Known(warehouse, NIGHT), make_frames())["content_performance"].to_dicts()
    by_type = {row["content_type"]: row for row in rows}
    assert set(by_type) == {"daily_challenge", "come_back_message"}
    figures = by_type["daily_challenge"]
    assert (figures["issued"], figures["shown"], figures["settled"], figures["completed"]) == (4, 2, 3, 2)
    assert figures["kept_rate"] == pytest.approx(2 / 3)
    assert (figures["rated"], figures["mean_rating"]) == (2, 4.5)
    assert figures["median_minutes_from_start"] == 15 * 60  # 10:00 and 20:00
    assert figures["median_minutes_from_shown"] == 2 * 60
    assert by_type["come_back_message"]["kept_rate"] is None


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Africa/Cairo", dt.date(2024, 4, 26), dt.datetime(2024, 4, 25, 22, tzinfo=dt.UTC)),  # its midnight is skipped
        (
            "America/Havana",
            dt.date(2024, 11, 3),
            dt.datetime(2024, 11, 3, 4, tzinfo=dt.UTC),
        ),  # its midnight comes twice
    ],
)
def test_minutes_from_the_start_count_from_where_the_clock_begins_the_day(warehouse, zone, day, begins):
    put(warehouse, "challenges", challenge(1, 1, day))
    put_zone(warehouse, 1, zone)
    night = replace(NIGHT, as_of=day + dt.timedelta(days=1), cut=begins + dt.timedelta(days=2))
    put(warehouse, "settlements", settlement(1, 1, night.as_of, begins + dt.timedelta(minutes=90)))
    (row,) = collect(Known(warehouse, night), make_frames())["content_performance"].to_dicts()
    assert row["median_minutes_from_start"] == 90


def test_a_mean_is_the_same_whichever_way_its_numbers_are_added_up(warehouse):
    scores = (0.1, 0.1, 0.1, 0.3)  # a mean of 0.15000000000000002 from the left, of 0.15 from the right
    rows = (
        challenge(n, 1, YESTERDAY, personalization_score=p, variant="ab"[n > 4])
        for n, p in enumerate(scores + scores[::-1], 1)
    )
    put(warehouse, "challenges", *rows)
    made = collect(Known(warehouse, NIGHT), make_frames())["content_performance"]
    assert made["mean_personalization"].to_list() == [0.15, 0.15]


def test_costs_are_spread_over_the_pieces_they_paid_for_and_told_per_completion(warehouse):
    paid = {"ai_provider": "openai", "prompt_version": "p1"}
    put(warehouse, "challenges", *(challenge(n, 1, YESTERDAY, variant="ab"[n > 3], **paid) for n in (1, 2, 3, 4)))
    put(warehouse, "challenges", challenge(5, 1, YESTERDAY, personalization_score=0.4))
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY)), settlement(2, 1, AS_OF, at(YESTERDAY)))
    costs = pl.DataFrame(
        [("daily_challenge", "openai", "p1", 0.08), ("tutorial", "openai", "p1", 5.0)],
        ["content_type", "ai_provider", "prompt_version", "cost_usd"],
        orient="row",
    )
    rows = collect(Known(warehouse, NIGHT), make_frames(), costs=costs)["content_performance"]
    figures = {(row["ai_provider"], row["variant"]): row for row in rows.to_dicts()}
    assert figures["openai", "a"]["cost_usd"] == pytest.approx(0.06)
    assert figures["openai", "a"]["cost_per_completion_usd"] == pytest.approx(0.03)
    assert figures["openai", "b"]["cost_usd"] == pytest.approx(0.02)
    assert figures["openai", "b"]["cost_per_completion_usd"] is None  # nobody completed it
    assert figures["offline", "a"]["cost_usd"] == 0
    assert figures["offline", "a"]["mean_personalization"] == pytest.approx(0.4)
    assert contract_breaches("content_performance", rows) == []


def test_what_bought_nothing_usable_is_borne_by_all_content_of_its_type(warehouse):
    put(
        warehouse,
        "challenges",
        *(challenge(n, 1, YESTERDAY, ai_provider="openai", prompt_version="p1") for n in (1, 2)),
    )
    put(warehouse, "challenges", *(challenge(n, 1, YESTERDAY) for n in (3, 4)))
    costs = pl.DataFrame(
        [
            ("daily_challenge", "openai", "p1", 0.04),
            ("daily_challenge", "anthropic", "p1", 0.03),  # every answer was refused
            ("daily_challenge", None, None, 0.01),  # choosing between the two
        ],
        ["content_type", "ai_provider", "prompt_version", "cost_usd"],
        orient="row",
    )
    rows = collect(Known(warehouse, NIGHT), make_frames(), costs=costs)["content_performance"]
    assert rows["cost_usd"].sum() == pytest.approx(0.08)
    assert dict(rows.select("ai_provider", "cost_usd").iter_rows()) == pytest.approx({"openai": 0.06, "offline": 0.02})


def test_without_costs_everything_was_free(warehouse):
    issue(warehouse, YESTERDAY)
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY)))
    rows = collect(Known(warehouse, NIGHT), make_frames())["content_performance"]
    assert rows["cost_usd"].to_list() == [0, 0]
    told = {row["content_type"]: row for row in rows.to_dicts()}
    assert told["daily_challenge"]["cost_per_completion_usd"] == 0
    assert told["come_back_message"]["cost_per_completion_usd"] is None
    assert told["daily_challenge"]["mean_personalization"] == pytest.approx(0.8)
    assert told["come_back_message"]["mean_personalization"] is None


def test_time_to_complete_runs_from_the_start_of_the_day_where_the_player_lives(warehouse):
    put(warehouse, "challenges", challenge(1, 1, YESTERDAY))
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY, 6)))
    moment = at(YESTERDAY, 0)
    put(
        warehouse,
        "player_records",
        {"player_key": 1, "recorded_at": moment, "available_at": moment, "timezone": "Asia/Tokyo"},
    )
    rows = collect(Known(warehouse, NIGHT), make_frames())["content_performance"]
    assert rows["median_minutes_from_start"].to_list() == [15 * 60]  # Tokyo's day starts at 15:00 UTC the day before


def test_a_window_that_runs_on_where_the_player_lives_has_no_outcome_yet(warehouse):
    put(warehouse, "challenges", *(challenge(player, 1, YESTERDAY) for player in (1, 2)))
    put(warehouse, "settlements", *(settlement(player, 1, AS_OF, at(YESTERDAY, 6)) for player in (1, 2)))
    moment = at(YESTERDAY, 0)
    lives = {"recorded_at": moment, "available_at": moment, "timezone": "America/New_York"}
    put(warehouse, "player_records", {"player_key": 1, **lives})
    rows = collect(Known(warehouse, NIGHT), make_frames())["content_performance"]
    assert rows.select("issued", "settled", "completed", "kept_rate").rows() == [(2, 1, 1, 1.0)]


def test_a_compensating_settlement_is_the_one_that_counts(warehouse):
    put(warehouse, "challenges", challenge(1, 1, YESTERDAY))
    put(
        warehouse,
        "settlements",
        settlement(1, 1, AS_OF, None),
        settlement(1, 1, AS_OF, at(YESTERDAY), revision=2, reason="late event"),
    )
    rows = collect(Known(warehouse, NIGHT), make_frames())["content_performance"]
    assert rows.select("settled", "completed").rows() == [(1, 1)]
