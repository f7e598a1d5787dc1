"""In any app: what is asked tonight can be told apart from what still counts, by somebody's play, as it is settled."""

import datetime as dt
import random
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.app import App
from data.warehouse import Warehouse
from pipelines.challenges.asked import what_is_open
from pipelines.challenges.identity import named_ids
from pipelines.challenges.implied import ASKED, without_implied
from pipelines.known import Known
from pipelines.pins import make_night
from pipelines.windows import completed, window_values
from tests.factories import event, known_at, make_app, warehouse_with

pytestmark = pytest.mark.long

TONIGHT = dt.date(2024, 1, 15)
LONG_AFTER = TONIGHT + dt.timedelta(days=20)
CONDITIONS = [None, "size >= 2", "size >= 3", "size < 3", "kind = 'x'", "kind IN ('x', 'y')", "NOT kind = 'x'"]
EVENTS = {name: {"properties": {"size": {"type": "integer", "min": 1, "max": 4}, "kind": "text"}} for name in "ab"}
OF = {"sum": "size", "max": "size", "min": "size", "distinct": "kind"}
TARGETS = {"sum": (1, 4, 9), "max": (2, 4), "min": (1, 3)}
Past = list[tuple[str, int, int, str]]  # event, day from tonight, size, kind


@st.composite
def metrics(draw: st.DrawFn) -> dict[str, Any]:
    agg = draw(st.sampled_from(["count", "sum", "max", "min", "distinct", "days"]))
    made = {"agg": agg, "event": draw(st.sampled_from(["a", "b", None])), "where": draw(st.sampled_from(CONDITIONS))}
    return made | {"of": OF.get(agg), "better": "lower" if agg == "min" else "higher", "task": "Do {goal}"}


APPS = st.builds(
    lambda made, windows: make_app(
        events=EVENTS,
        metrics={f"m{i}": metric for i, metric in enumerate(made)},
        segments={"features": ["m0"], "score": "m0"},
        challenges={"metrics": [f"m{i}" for i in range(len(made))], "windows": sorted(windows)},
        content={"types": ["daily_challenge", "custom_achievement"]},
    ),
    st.lists(metrics(), min_size=4, max_size=4),
    st.sets(st.sampled_from([1, 2, 3, 5]), min_size=2, max_size=2),
)


def pasts(seed: int) -> list[Past]:
    """What players may have done before tonight: nothing, and this and that."""
    draw = random.Random(seed)  # noqa: S311 (rows for a test)
    some = [
        [(draw.choice("ab"), -draw.randrange(1, 5), draw.randrange(1, 5), draw.choice("xyz")) for _ in range(n)]
        for n in (2, 5)
    ]
    return [[], *some]


def futures() -> list[Past]:
    """What players may do from tonight on: much alike on one day or on several, and a mixture."""
    spans = [(0, 1), (3, 4), (0, 1, 2), (2, 3, 4), (0, 1, 2, 3, 4), (1, 2, 3, 4, 5), (5, 6, 7, 8, 9)]
    times = [(n, (day,)) for n in (1, 2, 3, 4, 5, 9) for day in range(6)] + [
        (n, on) for on in spans for n in (len(on), 9)
    ]
    alike = [
        [(name, on[i % len(on)], size, kinds[i % len(kinds)]) for i in range(n)]
        for name, size, kinds, (n, on) in product("ab", (1, 2, 3, 4), ["x", "y", "z", "xyz", "uvw"], times)
        if n > 1 or len(kinds) == 1
    ]
    both = [[("a", 0, size, "x"), ("b", 0, other, "x")] for size, other in product((1, 4), repeat=2)]
    return [[], *alike, *both]


def asks(app: App) -> pl.DataFrame:
    """Everything that may be asked: metric, op, target, window_days."""
    rows = [
        (name, "<=" if metric.better == "lower" else ">=", float(target), days)
        for name, metric in app.metrics.items()
        for target in TARGETS.get(metric.agg, (1, 2, 3))
        for days in app.challenges.windows
        if metric.agg != "days" or target <= days
    ]
    return pl.DataFrame(rows, schema=["metric", "op", "target", "window_days"], orient="row")


def still_open(warehouse: Warehouse, app: App, past: dict[int, int]) -> pl.DataFrame:
    """What may be open tonight for a player of each past, as the night sees it: the columns of ASKED.

    Args:
        past: player_key of a player with each past.
    """
    players = pl.DataFrame({"player_key": list(past.values())}, schema={"player_key": pl.Int64})
    ages = pl.DataFrame({"age": [0, 1, 2, 4]}, schema={"age": pl.Int32})
    issued = asks(app).join(ages, how="cross").filter(pl.col("age") < pl.col("window_days"))
    issued = issued.with_columns(
        pl.col("window_days").cast(pl.Int32),
        valid_until=pl.lit(TONIGHT) + pl.duration(days=pl.col("window_days") - 1 - pl.col("age")),
        issued_on=pl.lit(TONIGHT) - pl.duration(days=pl.col("age")),
        counts=pl.lit(value=True),
    )
    goals = asks(app).filter(pl.col("metric").is_in([n for n, m in app.metrics.items() if m.aggregation.adds_up]))
    goals = goals.select("metric", pl.col("target") + 4).unique().join(players, how="cross").sort(pl.all())
    night = make_night(warehouse, app, TONIGHT, dt.datetime.combine(TONIGHT, dt.time(3), dt.UTC))
    with warehouse.transaction():
        warehouse.append("achievements", _goals(warehouse, goals))
    recent = issued.join(players, how="cross")
    return what_is_open(Known(warehouse, night), recent).filter(pl.col("left") > 0)


def _goals(warehouse: Warehouse, goals: pl.DataFrame) -> pl.DataFrame:
    names = goals.select(pl.format("{}/{}/{}", "player_key", "metric", "target")).to_series()
    words = ("content_type", "tier", "category", "persona", "title", "description", "brief_id", "ai_provider", "model")
    same = dict.fromkeys((*words, "prompt_version", "variant", "language"), "")
    return goals.with_columns(
        content_id=named_ids(warehouse, names),
        as_of=pl.lit(TONIGHT - dt.timedelta(days=9)),
        revision=pl.lit(1),
        started_from=pl.lit(0.0),
        reached_share=pl.lit(0.5),
        xp=pl.lit(0),
        propensity=pl.lit(1.0),
        generated_at=pl.lit(dt.datetime.combine(TONIGHT, dt.time(3), dt.UTC)),
        **{name: pl.lit(value) for name, value in same.items()},
    )


def outcomes(known: Known, asked: pl.DataFrame, players: int) -> np.ndarray:
    """Who completes what, by the predicate that settles challenges: a row for each of `asked`, a column a player."""
    spans = asked.select("metric", "start_day", "end_day").unique(maintain_order=True).with_row_index("span")
    whole = spans.join(pl.DataFrame({"player_key": range(players)}), how="cross").with_row_index("window_id")
    value = window_values(known, whole).sort("span", "player_key").select("span", "player_key", "value")
    rows = asked.with_row_index("ask").join(spans, on=["metric", "start_day", "end_day"], maintain_order="left")
    hits = rows.join(value, on="span").select(
        "ask", "player_key", hit=completed(pl.col("value"), pl.col("op"), pl.col("target"))
    )
    return hits.sort("ask", "player_key")["hit"].to_numpy().reshape(asked.height, players)


@given(app=APPS, seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_asked_tonight_follows_from_nothing_that_still_counts(app: App, seed: int) -> None:
    """Of what is open, what is left to do counts: somebody with the same past does it, and not what is asked tonight.

    Nor does it lead to what is open: of the same metric nobody with that past, of another nobody who began with
    nothing done, completes tonight's without leaving the other open. Nothing else is kept from being asked. Left aside
    is what nobody here completes, and different things of which some are done: which are left is not looked at.
    """
    befores, afters = pasts(seed), futures()
    weeks = [past + future for past, future in product(befores, afters)]
    noon = dt.datetime.combine(TONIGHT, dt.time(12), dt.UTC)
    rows = [
        event(player, noon + dt.timedelta(days=day, seconds=i), name, size=size, kind=kind)
        for player, week in enumerate(weeks)
        for i, (name, day, size, kind) in enumerate(week)
    ]
    with warehouse_with(app, rows) as warehouse:
        opened = still_open(warehouse, app, {i: i * len(afters) for i in range(len(befores))})
        new = asks(app).with_columns(
            start_day=pl.lit(TONIGHT), end_day=pl.lit(TONIGHT) + pl.duration(days=pl.col("window_days") - 1)
        )
        after = known_at(warehouse, app, LONG_AFTER, noon + dt.timedelta(days=30))
        old_done = outcomes(after, opened.select("metric", "op", "target", "start_day", "end_day"), len(weeks))
        new_done = outcomes(after, new, len(weeks))
    kept, apart = allowed(app, opened, new), told_apart(app, opened, new, old_done, new_done, len(afters))
    some_do = np.array([old_done[i, p : p + len(afters)].any() for i, p in enumerate(opened["player_key"])])
    begun = opened["metric"].is_in([n for n, m in app.metrics.items() if m.agg == "distinct"]) & (
        opened["left"] < opened["target"]
    )
    possible = (some_do & ~begun.to_numpy())[:, None] & new_done.any(axis=1)
    wrong = [(opened.row(i, named=True), new.row(j, named=True)) for i, j in np.argwhere((kept != apart) & possible)]
    assert wrong == []
    assert (kept & possible).any()


def allowed(app: App, opened: pl.DataFrame, new: pl.DataFrame) -> np.ndarray:
    """For each of what is open and of what may be new, whether the new one is asked beside it."""
    asked = opened.with_columns(player_key=pl.int_range(pl.len())).select(*ASKED)
    pairs = asked.select("player_key").join(new.with_row_index("new"), how="cross")
    passed = np.zeros((opened.height, new.height), dtype=bool)
    kept = without_implied(app, pairs, asked)
    passed[kept["player_key"].to_numpy(), kept["new"].to_numpy()] = True
    return passed


def told_apart(
    app: App, opened: pl.DataFrame, new: pl.DataFrame, old_done: np.ndarray, new_done: np.ndarray, each: int
) -> np.ndarray:
    """Whether somebody's play completes the one and not the other, both ways round; `each` players share a past."""
    apart = np.zeros((opened.height, new.height), dtype=bool)
    again = {name for name, metric in app.metrics.items() if metric.agg == "distinct"}
    for i, (player, metric) in enumerate(opened.select("player_key", "metric").iter_rows()):
        own = slice(player, player + each)
        leaves_new = (old_done[i, own] & ~new_done[:, own]).any(axis=1)
        like = np.array([metric == other and metric not in again for other in new["metric"]])
        ours = (new_done[:, own] & ~old_done[i, own]).any(axis=1)
        anyones = (new_done & ~old_done[i]).any(axis=1)
        apart[i] = leaves_new & np.where(like, ours, anyones)
    return apart
