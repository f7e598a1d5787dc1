"""One deed is asked once: what is asked together can be told apart by what a player does."""

import datetime as dt
import random
from typing import Any

import polars as pl
import pytest

from configs.app import App
from pipelines.challenges.implied import ASKED, as_asked, without_implied
from pipelines.windows import completed, window_values
from tests.factories import event, known_at, make_app, warehouse_with

FIRST = dt.date(2024, 1, 8)
METRICS: dict[str, dict[str, Any]] = {
    "all": {"task": "Do {goal}"},
    "runs": {"event": "run", "task": "Do {goal}"},
    "long_runs": {"event": "run", "where": "km >= 5", "task": "Do {goal}"},
    "hard_runs": {"event": "run", "where": "km >= 8 AND kind = 'trail'", "task": "Do {goal}"},
    "trails": {"event": "run", "where": "kind IN ('trail', 'fell')", "task": "Do {goal}"},
    "not_road": {"event": "run", "where": "NOT kind = 'road'", "task": "Do {goal}"},
    "km": {"event": "run", "agg": "sum", "of": "km", "task": "Run {goal}"},
    "farthest": {"event": "run", "agg": "max", "of": "km", "task": "Run {goal}"},
    "shortest": {"event": "run", "agg": "min", "of": "km", "better": "lower", "task": "Run {goal}"},
    "kinds": {"event": "run", "agg": "distinct", "of": "kind", "task": "Try {goal}"},
    "run_days": {"event": "run", "agg": "days", "task": "Run on {goal}"},
    "days": {"agg": "days", "task": "Come on {goal}"},
    "swims": {"event": "swim", "task": "Swim {goal}"},
    "routes": {"event": "run", "agg": "entity", "of": "km", "per": "kind", "reaches": 10, "task": "Finish {goal}"},
}
EVENTS = {
    "run": {"properties": {"km": {"type": "number", "min": 1, "max": 10}, "kind": "text"}},
    "swim": {},
}


def app_of(**metrics: dict[str, Any]) -> App:
    named = metrics or METRICS
    return make_app(
        events=EVENTS,
        metrics=named,
        segments={"features": [next(iter(named))], "score": next(iter(named))},
        challenges={"metrics": list(named), "windows": [1, 3, 7]},
    )


APP = app_of()


def asks(*rows: tuple[str, float, int], start: dt.date = FIRST) -> pl.DataFrame:
    """(metric, target, days) asked of player 1."""
    return pl.DataFrame(
        [
            {
                "player_key": 1,
                "metric": metric,
                "op": "<=" if APP.metrics[metric].better == "lower" else ">=",
                "target": float(target),
                "start_day": start,
                "end_day": start + dt.timedelta(days=days - 1),
            }
            for metric, target, days in rows
        ]
    )


def together(one: tuple[str, float, int], other: tuple[str, float, int]) -> bool:
    """Whether both may be asked; either way round it is the same."""
    there, back = (
        bool(without_implied(APP, asks(a), as_asked(asks(b))).height) for a, b in ((one, other), (other, one))
    )
    assert there == back
    return there


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("runs", 3, 3), ("runs", 3, 3)),
        (("runs", 3, 3), ("runs", 2, 7)),
        (("run_days", 3, 7), ("runs", 3, 7)),
        (("run_days", 7, 7), ("runs", 1, 1)),
        (("run_days", 6, 7), ("run_days", 2, 3)),
        (("run_days", 2, 3), ("days", 2, 3)),
        (("long_runs", 2, 3), ("runs", 2, 3)),
        (("long_runs", 2, 3), ("km", 10, 3)),
        (("hard_runs", 2, 3), ("long_runs", 1, 3)),
        (("hard_runs", 2, 3), ("trails", 2, 3)),
        (("trails", 2, 3), ("not_road", 2, 3)),
        (("km", 31, 3), ("runs", 4, 3)),
        (("runs", 5, 3), ("km", 5, 3)),
        (("kinds", 3, 3), ("runs", 3, 3)),
        (("routes", 2, 3), ("kinds", 2, 3)),
        (("farthest", 6, 3), ("long_runs", 1, 3)),
        (("farthest", 6, 3), ("km", 6, 3)),
        (("long_runs", 1, 3), ("farthest", 5, 3)),
        (("swims", 4, 1), ("all", 4, 1)),
        (("shortest", 4, 1), ("shortest", 5, 3)),
    ],
)
def test_what_follows_from_something_asked_is_not_asked_beside_it(one, other) -> None:
    assert not together(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("runs", 3, 1), ("runs", 4, 3)),
        (("runs", 3, 3), ("run_days", 2, 3)),
        (("runs", 3, 3), ("kinds", 2, 3)),
        (("long_runs", 2, 3), ("hard_runs", 1, 3)),
        (("km", 30, 3), ("runs", 4, 3)),
        (("km", 30, 3), ("farthest", 9, 3)),
        (("swims", 9, 3), ("runs", 1, 3)),
        (("routes", 2, 3), ("km", 15, 3)),
        (("trails", 3, 3), ("long_runs", 1, 3)),
        (("run_days", 6, 7), ("run_days", 3, 3)),
    ],
)
def test_what_can_be_told_apart_may_be_asked_together(one, other) -> None:
    assert together(one, other)


def test_of_what_is_open_only_what_is_left_to_do_counts() -> None:
    """Four of five runs are done: one more run tonight is the same deed, six are not."""
    started = asks(("runs", 5, 7), start=FIRST - dt.timedelta(days=3)).with_columns(
        left=pl.lit(1.0), counts=pl.lit(value=True)
    )
    started = started.select(*ASKED)
    new = asks(("runs", 1, 1), ("runs", 6, 7), ("days", 3, 7))
    assert without_implied(APP, new, started)["target"].to_list() == [6, 3]
    untouched = started.with_columns(left=pl.lit(5.0))
    assert without_implied(APP, asks(("runs", 1, 1), ("runs", 6, 7)), untouched)["target"].to_list() == [1, 6]
    assert without_implied(APP, asks(("runs", 3, 7)), untouched).is_empty()


def test_other_players_challenges_are_no_reason_to_ask_less() -> None:
    other = as_asked(asks(("runs", 3, 3))).with_columns(player_key=pl.lit(2, dtype=pl.Int64))
    assert without_implied(APP, asks(("runs", 3, 3)), other).height == 1


def test_some_players_after_the_others_are_told_what_all_at_once_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random.Random(7)  # noqa: S311 (reproducible draws, no secret)
    new, still = (
        pl.concat(
            asks((drawn.choice(["runs", "km", "days"]), drawn.randint(1, 6), drawn.choice([1, 3, 7]))).with_columns(
                player_key=pl.lit(drawn.randint(1, 9), pl.Int64)
            )
            for _ in range(60)
        )
        for _ in range(2)
    )
    at_once = without_implied(APP, new, as_asked(still))
    assert 0 < at_once.height < new.height
    monkeypatch.setattr("pipelines.challenges.implied.AT_ONCE", 2)
    assert without_implied(APP, new, as_asked(still)).equals(at_once)


def test_what_was_asked_before_an_edit_still_counts_though_its_metric_is_asked_for_no_more() -> None:
    app = APP.model_copy(update={"challenges": APP.challenges.model_copy(update={"metrics": ["runs"]})})
    assert without_implied(app, asks(("runs", 2, 3)), as_asked(asks(("long_runs", 2, 3)))).is_empty()


TARGETS = {"km": (1, 2, 7, 30), "farthest": (1, 5, 6, 9), "shortest": (2, 5, 9), "routes": (1, 2)}
EVERY = [
    (metric, float(target), days)
    for metric in METRICS
    for days in (1, 3, 7)
    for target in TARGETS.get(metric, (1, 2, 3))
    if APP.metrics[metric].agg != "days" or target <= days
]


def deeds() -> list[list[tuple[str, int, float, str]]]:
    """What different players did in a week: event, day, km and kind."""
    plain = [
        [("run", (first + i // each) % 7, km, kinds[i % len(kinds)]) for i in range(n)]
        for n in (1, 2, 3, 4, 7, 31)
        for km in (1.0, 5.0, 6.0, 7.0, 8.0, 9.5, 10.0)
        for kinds in (["road"], ["trail"], ["fell"], ["road", "trail", "fell"], ["road", "a", "b"])
        for first, each in ((0, 99), (0, 1), (1, 99), (1, 1), (3, 99), (3, 1), (0, 2))
    ]
    swims = [
        [("swim", (first + i // each) % 7, 0.0, "") for i in range(n)]
        for n in (1, 2, 3)
        for first in (0, 1, 3)
        for each in (1, 9)
    ]
    mixed = [[("run", 0, 1.0, "road")] * n + run for n in (1, 2) for run in plain[::7] if len(run) < 5]
    draw = random.Random(5)  # noqa: S311 (rows for a test)
    some = [
        [
            (
                draw.choice(["run", "run", "swim"]),
                draw.randrange(7),
                draw.choice([1.0, 4.0, 5.0, 8.0, 10.0]),
                draw.choice("abct"),
            )
            for _ in range(draw.randrange(1, 9))
        ]
        for _ in range(200)
    ]
    before = [[("run", -1, km, kind) for kind in ("road", "trail", "fell")] for km in (9.0, 10.0)]
    seen = [past + run for past in before for run in plain if len(run) < 5 or run[0][2] == 10.0]
    return [*plain, *swims, *mixed, *seen, *some]


@pytest.fixture(scope="module")
def kept() -> dict[tuple[str, float, int], set[int]]:
    """Which players complete what is asked, by the predicate that settles challenges."""
    noon = dt.datetime.combine(FIRST, dt.time(12), dt.UTC)
    weeks = deeds()
    rows = [
        event(player, noon + dt.timedelta(days=day, seconds=i), name, **({"km": km, "kind": kind} if kind else {}))
        for player, week in enumerate(weeks)
        for i, (name, day, km, kind) in enumerate(week)
    ]
    asked = asks(*EVERY).drop("player_key").with_row_index("ask")
    windows = asked.join(pl.DataFrame({"player_key": range(len(weeks))}), how="cross").with_row_index("window_id")
    with warehouse_with(APP, rows) as warehouse:
        valued = window_values(known_at(warehouse, APP), windows)
    hits = valued.filter(completed(pl.col("value"), pl.col("op"), pl.col("target")))
    found = {ask: set(rows["player_key"]) for (ask,), rows in hits.partition_by("ask", as_dict=True).items()}
    return {ask: found.get(i, set()) for i, ask in enumerate(EVERY)}


def test_of_two_things_asked_together_each_is_completed_by_somebody_who_leaves_the_other_open(kept) -> None:
    """And what is kept apart is so for a reason: nobody completes the one and not the other, in one direction."""
    asked = asks(*EVERY).with_columns(player_key=pl.int_range(len(EVERY), dtype=pl.Int64))
    alike, kept_apart = [], []
    for one in EVERY:
        whole = as_asked(asks(one)).drop("player_key").join(asked.select("player_key"), how="cross").select(*ASKED)
        allowed = set(without_implied(APP, asked, whole)["player_key"])
        for i, other in enumerate(EVERY):
            told_apart = bool(kept[one] - kept[other]) and bool(kept[other] - kept[one])
            alike += [(one, other)] if i in allowed and not told_apart else []
            kept_apart += [(one, other)] if i not in allowed and told_apart else []
    assert alike == []
    assert kept_apart == []
