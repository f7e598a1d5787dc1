"""Settlement: completed at the crossing event, expired when the window is over, never taken back."""

import datetime as dt
from dataclasses import replace
from itertools import permutations

import polars as pl
import pytest

from data.warehouse import Warehouse
from pipelines.activity.parts import sync_metrics
from pipelines.challenges.parts import PARTS
from pipelines.challenges.settle import settle_challenges, with_outcomes
from pipelines.known import Known
from tests.factories import START, add_events, event, make_app, put_zone, warehouse_with
from tests.pipelines.challenges.issued import APP, ISSUED, issue, night_of, seen


def settled(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.frame("SELECT revision, state, completed_at, xp FROM settlements ORDER BY revision").rows()


def test_a_kept_challenge_is_completed_at_the_event_that_crossed_before_its_window_ends() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, days=7)
        add_events(warehouse, APP, [event(1, 2.1, points=1, topic="a"), event(1, 2.2, points=1, topic="b")])
        still = settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 4))))
        assert still.is_empty()
        crossing = START + dt.timedelta(days=2.2)
        assert settled(warehouse) == [(1, "completed", crossing, 40)]
        assert warehouse.frame("SELECT xp, occurred_at FROM xp_ledger").rows() == [(40, crossing)]


def test_what_asks_for_several_things_is_kept_with_the_last_of_them_and_as_far_as_they_are_on_average() -> None:
    beside = [{"metric": "points", "op": ">=", "target": 30.0}, {"metric": "days", "op": ">=", "target": 1.0}]
    with warehouse_with(APP, [event(1, 0, points=1), event(1, 2, points=10), event(1, 2.1, points=10)]) as warehouse:
        issue(warehouse, target=2, days=2, also=beside)
        [(_, _, progress, so_far)] = settle_challenges(seen(warehouse, 4)).iter_rows()
        assert progress == pytest.approx((1 + 20 / 30 + 1) / 3)
        assert [(part["value"], part["progress"]) for part in so_far] == [(2, 1), (20, 20 / 30), (1, 1)]
        assert settled(warehouse) == []
        add_events(warehouse, APP, [event(1, 3.1, points=10)])
        settle_challenges(seen(warehouse, 5))
        [(_, state, at, xp)] = settled(warehouse)
        assert (state, xp) == ("completed", 40)
        assert at == START + dt.timedelta(days=3.1)


def test_each_of_several_things_comes_to_what_it_would_come_to_alone_and_the_whole_is_their_mean() -> None:
    told = [event(n % 5, 2 + n / 40, points=7 * n % 40, topic="abc"[n % 3]) for n in range(60)]
    metrics = {"solved": ">=", "points": ">=", "best": ">=", "topics": ">=", "days": ">=", "average": "<="}
    chosen = [some for size in (1, 2, 3) for some in permutations(metrics, size)]
    asked = [[(m, metrics[m], 1.0 + 7 * (n + len(m)) % 60) for m in some] for n, some in enumerate(chosen)]
    one = {"start_day": ISSUED, "end_day": ISSUED + dt.timedelta(days=1)}

    def outcomes(rows: list[dict]) -> list[dict]:
        spans = pl.DataFrame([one | row for row in rows], schema_overrides={"also": PARTS})
        return with_outcomes(seen(warehouse, 6), spans).to_dicts()

    def row(player: int, first: tuple, *others: tuple) -> dict:
        parts = [dict(zip(("metric", "op", "target"), part, strict=True)) for part in (first, *others)]
        return {"player_key": player, **parts[0], "also": parts[1:] or None}

    with warehouse_with(APP, told) as warehouse:
        wholes = outcomes([row(n % 7, *parts) for n, parts in enumerate(asked)])
        alone = iter(outcomes([row(n % 7, part) for n, parts in enumerate(asked) for part in parts]))
    assert {part["value"] for whole in wholes for part in whole["so_far"]} >= {None, 0.0}  # who did not play at all
    for whole, parts in zip(wholes, asked, strict=True):
        singles = [next(alone) for _ in parts]
        assert whole["so_far"] == [{"value": s["value"], "progress": s["progress"]} for s in singles]
        assert whole["progress"] == pytest.approx(sum(s["progress"] for s in singles) / len(singles))
        assert (whole["value"], whole["hit"]) == (singles[0]["value"], all(s["hit"] for s in singles))


def test_what_lacks_one_of_several_things_expires() -> None:
    with warehouse_with(APP, [event(1, 0, points=90), event(1, 2, points=10), event(1, 3.2, points=1)]) as warehouse:
        issue(warehouse, target=2, days=2, also=[{"metric": "points", "op": ">=", "target": 30.0}])
        settle_challenges(seen(warehouse, 5))
        assert [state for _, state, _, _ in settled(warehouse)] == ["expired"]
        assert warehouse.value("SELECT so_far FROM settlements") == [  # which of them fell short
            {"value": 2.0, "progress": 1.0},
            {"value": 11.0, "progress": pytest.approx(11 / 30)},
        ]


def test_an_open_challenge_shows_its_progress_and_expires_when_its_window_is_over() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse)
        add_events(warehouse, APP, [event(1, 2.1, points=1, topic="a")])
        still = settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 4))))
        assert still["progress"].to_list() == [0.5]
        assert settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5)))).is_empty()
        assert settled(warehouse) == [(1, "expired", None, 0)]


def test_a_window_in_which_the_player_paused_is_not_held_against_them_but_pays_when_it_is_kept() -> None:
    rows = [event(1, 0), event(1, 2.1, "nightquest.paused", days=1), event(1, 2.2, points=1)]
    with warehouse_with(APP, rows) as warehouse:
        missed, kept = issue(warehouse, target=9), issue(warehouse, target=1, slot=2)
        known = Known(warehouse, night_of(warehouse, dt.date(2024, 1, 6)))
        assert settle_challenges(known).is_empty()
        reasons = "SELECT content_id::VARCHAR, state, xp, reason FROM settlements ORDER BY xp"
        assert warehouse.frame(reasons).rows() == [
            (missed, "expired", 0, "window over, the player paused in it"),
            (kept, "completed", 40, "target reached"),
        ]
        with known.lend(asked=pl.DataFrame({"player_key": [1]}), **known.what_is_over()):
            told = known.frame(known.fixed("players/player_profiles"), {"cut": known.cut, "as_of": known.as_of})
        assert told.select("settled", "completed").row(0) == (0, 0)
        spans = pl.DataFrame(
            [(1, dt.date(2024, 1, 1), dt.date(2024, 1, day)) for day in (2, 3)],
            schema=["player_key", "start_day", "end_day"],
            orient="row",
        )
        assert known.over(spans).rows() == spans.rows()[:1]


def test_settling_a_night_twice_changes_nothing() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, days=7)
        issue(warehouse, target=9, days=3, slot=2)
        add_events(warehouse, APP, [event(1, 2.1 + i / 10, points=1, topic="a") for i in range(3)])
        night = night_of(warehouse, dt.date(2024, 1, 4))
        first = (settle_challenges(Known(warehouse, night)), settled(warehouse))
        again = (settle_challenges(Known(warehouse, night)), settled(warehouse))
        assert first[0].equals(again[0])
        assert first[1] == again[1]
        assert warehouse.value("SELECT count(*) FROM xp_ledger") == 1


def test_a_late_event_within_grace_completes_an_expired_challenge_with_a_new_row_and_its_xp() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, target=1)
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        late = START + dt.timedelta(days=4.2)
        add_events(warehouse, APP, [event(1, 3, points=1, topic="a", available_at=late)])
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 6))))
        assert settled(warehouse) == [(1, "expired", None, 0), (2, "completed", START + dt.timedelta(days=3), 40)]
        assert warehouse.value("SELECT sum(xp) FROM xp_ledger") == 40


def test_an_event_later_than_the_grace_period_changes_nothing() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, target=1)
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        late = START + dt.timedelta(days=12)
        add_events(warehouse, APP, [event(1, 3, points=1, topic="a", available_at=late)])
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 15))))
        assert settled(warehouse) == [(1, "expired", None, 0)]


def test_a_promise_that_was_never_published_is_not_settled() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, status="planned")
        add_events(warehouse, APP, [event(1, 2.1 + i / 10, points=1, topic="a") for i in range(3)])
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 9))))
        assert settled(warehouse) == []


def test_a_night_settled_again_with_more_known_pays_no_second_time() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, target=1)
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        known_in_time = START + dt.timedelta(days=3.3)
        add_events(warehouse, APP, [event(1, 3, points=1, topic="a", available_at=known_in_time)])
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        assert warehouse.value("SELECT count(*) FROM xp_ledger") == 0
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 6))))
        assert warehouse.frame("SELECT entry_id, xp FROM xp_ledger")["xp"].to_list() == [40]


def test_a_challenge_whose_metric_is_gone_expires_and_says_so() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse)
        metrics = {name: m.model_dump(exclude_defaults=True) for name, m in APP.metrics.items() if name != "solved"}
        segments = {"features": ["points"], "score": "points"}
        smaller = make_app(metrics=metrics, challenges={"metrics": ["points"]}, segments=segments)
        sync_metrics(warehouse, smaller)
        night = replace(night_of(warehouse, dt.date(2024, 1, 5)), app=smaller)
        settle_challenges(Known(warehouse, night))
        assert warehouse.value("SELECT reason FROM settlements") == "window over, the app no longer counts this"


def test_a_window_is_over_when_the_players_own_day_is() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, target=1)
        put_zone(warehouse, 1, "America/Los_Angeles")
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        assert settled(warehouse) == []
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 6))))
        assert settled(warehouse) == [(1, "expired", None, 0)]


def test_a_promise_of_a_first_revision_that_only_the_second_published_is_settled() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, status="planned")
        second = warehouse.frame("SELECT * REPLACE (2 AS revision, 'published' AS status) FROM nights")
        warehouse.append("nights", second)
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 5))))
        assert settled(warehouse) == [(1, "expired", None, 0)]


def test_the_crossing_is_that_of_the_events_known_at_the_cut() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        issue(warehouse, days=3)
        late = START + dt.timedelta(days=9)
        rows = [event(1, at, points=1, topic="a") for at in (2.1, 2.4)]
        add_events(warehouse, APP, [*rows, event(1, 2.2, points=1, topic="a", available_at=late)])
        settle_challenges(Known(warehouse, night_of(warehouse, dt.date(2024, 1, 4))))
        assert settled(warehouse) == [(1, "completed", START + dt.timedelta(days=2.4), 40)]
