"""Custom achievements: one lifetime goal for each player, in reach, kept until it is reached.

Reachable is a target that the player, at the pace of the last 28 days, comes to in two to eight weeks. Of those the
roundest is taken: a multiple of the largest step of 1, 2, 5, 10, 20, 50, … that has one in that range, the one nearest
to four weeks. It is round when it has at most 20 such steps, or ten of 1 or 2; and at least five, to be a milestone.
No number of different things is asked for that nobody has come to yet: there may be no more of them.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import polars as pl

from configs.app import App
from configs.badge_rules import badge_rules
from data.warehouse import Warehouse
from pipelines.challenges.identity import named_ids
from pipelines.challenges.implied import EVER, FOREVER, NOTHING_ASKED, without_implied
from pipelines.challenges.lifetimes import PACE_DAYS, lifetime_metrics, lifetime_values
from pipelines.challenges.parts import ACHIEVEMENT
from pipelines.challenges.payable import with_room
from pipelines.known import Known
from pipelines.luck import luck
from pipelines.windows import crossings

SOONEST_DAYS, LATEST_DAYS = 14, 56
FEWEST = 5
# A tier by the share of the players active of late who have come that far, the player included: (below, tier).
TIERS = ((0.01, "platinum"), (0.05, "gold"), (0.2, "silver"))
AT_ONCE = 25_000  # players whose targets are looked for together: each life is held against some thirty steps
FAR_DAYS = 365  # beyond a year a pace of four weeks promises nothing: players read "in 2744 days"
_STEPS = [step * 10**power for power in range(9, -1, -1) for step in (5, 2, 1)]


def plan_achievements(known: Known, profiles: pl.DataFrame, asked: pl.DataFrame = NOTHING_ASKED) -> pl.DataFrame:
    """A new achievement for each player who has none open and does enough to reach one.

    Among a player's metrics the choice is by fit + standing + 0.3 u - [the metric of their last one], where fit is
    1 - |log2(days needed / 28)|, standing the mid-rank of the player's gain of 28 days among those who gained any,
    from 0 to 1, and u is uniform, fixed by player, metric and night. What follows from something else that is asked of
    the player is left out.

    Args:
        known: What the night may see.
        profiles: player_key, user_id, persona, language of the active players who may be written to.
        asked: What else is asked of them, tonight and still (see `what_is_open`).

    Returns:
        content_id, player_key, content_type, persona, language, metric, target, tier, category, xp, started_from,
        reached_share; by player_key.
    """
    app = known.app
    lives = lifetime_values(known, profiles)
    given = known.frame(
        "SELECT player_key, metric, target, as_of, content_id FROM achievements WHERE as_of <= $d ORDER BY as_of",
        {"d": known.as_of},
    )
    still = open_achievements(known).select("player_key").unique()
    last = given.unique("player_key", keep="last", maintain_order=True).select("player_key", last="metric")
    most = lives.group_by("metric").agg(most=pl.col("value").max())
    free = (some.join(still, on="player_key", how="anti", maintain_order="left") for some in _some_players(lives))
    rows = pl.concat(_in_question(app, some, most, given, asked) for some in free)
    standing = (pl.col("gain").rank("average").over("metric") - 0.5) / pl.len().over("metric")
    rows = rows.with_columns(standing=standing)
    chosen = pl.concat(_best(some, last, known.night.seed) for some in _some_players(rows))
    told = profiles.select("player_key", "user_id", "persona", "language")
    chosen = chosen.join(told, on="player_key", maintain_order="left")
    return _described(known.warehouse, app, chosen, _reached_shares(chosen, lives, profiles.height))


def settle_achievements(known: Known) -> None:
    """Write down which achievements were reached, when and with which event, and pay what the app pays for their tier.

    One that is reached anew, since it was taken back, may have to wait for a night with room to pay it (`with_room`).

    Args:
        known: What the night may see.
    """
    due = open_achievements(known).filter(pl.col("as_of") < known.as_of)
    if due.is_empty():
        return
    lives = lifetime_values(known, due).select("player_key", "metric", "value")
    hits = due.join(lives, on=["player_key", "metric"], how="inner", maintain_order="left")
    hits = hits.filter(pl.col("value") >= pl.col("target")).drop("as_of").with_row_index("window_id")
    spans = hits.with_columns(
        start_day=pl.lit(EVER), end_day=pl.lit(known.as_of - dt.timedelta(days=1)), op=pl.lit(">=")
    )
    crossed = hits.join(crossings(known, spans), on="window_id", how="inner", maintain_order="left")
    with known.lend(crossed=crossed):
        found = known.frame(known.fixed("challenges/achievement_days"), {"as_of": known.as_of, "cut": known.cut})
    found = with_room(known, found)
    entries = found.filter(pl.col("xp") > 0).select(
        pl.format("achievement:{}{}", "content_id", "again").alias("entry_id"),
        *("player_key", "as_of", "xp"),
        pl.format("Achievement reached: {}", "title").alias("reason"),
        pl.col("reached_at").alias("occurred_at"),
    )
    with known.warehouse.transaction():
        known.warehouse.append("achievements_reached", found.drop("title", "again"), on_conflict_skip=True)
        known.warehouse.append("xp_ledger", entries, on_conflict_skip=True)


def open_achievements(known: Known) -> pl.DataFrame:
    """content_id, player_key, metric, target, title, xp, as_of of what was not reached by a night and still counts."""
    asked = pl.DataFrame({"metric": lifetime_metrics(known.app)}, schema={"metric": pl.String})
    with known.lend(asked=asked):
        return known.frame(known.fixed("challenges/open_achievements"), {"as_of": known.as_of})


def achievement_progress(known: Known) -> pl.DataFrame:
    """How far each open achievement is: content_id, value, progress (value / target, 0 to 1), eta_days.

    eta_days is at the player's pace; null without one or beyond a year. Nothing is open for an app that writes no
    custom achievements.
    """
    rows = open_achievements(known)
    if ACHIEVEMENT not in known.app.content.types:
        rows = rows.clear()
    lives = lifetime_values(known, rows)
    days = ((pl.col("target") - pl.col("value")) / pl.col("pace")).ceil()
    return rows.join(lives, on=["player_key", "metric"], how="left", maintain_order="left").select(
        "content_id",
        value=pl.col("value").fill_null(0.0),
        progress=(pl.col("value").fill_null(0.0) / pl.col("target")).clip(0, 1),
        eta_days=pl.when((pl.col("pace") > 0) & (days <= FAR_DAYS)).then(days.clip(0)).cast(pl.Int32),
    )


def categories(app: App) -> dict[str, str]:
    """The category of an achievement about each metric.

    It is the one that most of the app's earned badges carry whose rule names the metric; without any, of those whose
    rule names a metric of the same events; without any, the metric's label. Of equally many, the first in the file.
    """
    named = [({term.metric for term in rule.rule.terms}, rule.badge.category) for rule in badge_rules(app)]

    def commonest(metrics: set[str]) -> str | None:
        counts = Counter(category for about, category in named if about & metrics)
        return counts.most_common(1)[0][0] if counts else None

    def alike(name: str) -> set[str]:
        events = app.metrics[name].events
        return {other for other, metric in app.metrics.items() if events and metric.events == events}

    return {name: commonest({name}) or commonest(alike(name)) or app.called(name) for name in lifetime_metrics(app)}


def _some_players(lives: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The lives of AT_ONCE players after the others; at least one frame."""
    players = lives.select(pl.col("player_key").unique().sort())
    for some in players.iter_slices(AT_ONCE) if players.height else [players]:
        yield lives.filter(pl.col("player_key").is_between(some["player_key"].min(), some["player_key"].max()))


def _in_question(
    app: App, lives: pl.DataFrame, most: pl.DataFrame, given: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """The lives that have a target of their own which is new to them.

    Args:
        app: The app.
        lives: Of some players.
        most: metric, most: what somebody has come to.
        given: player_key, metric, target of what they have had.
        asked: What else is asked of them.
    """
    rows = lives.with_columns(target=_round_target()).filter(pl.col("target") >= FEWEST)
    rows = rows.join(most, on="metric", how="left", maintain_order="left")
    rows = rows.filter(~_distinct(app) | (pl.col("target") <= pl.col("most"))).drop("most")
    new = rows.join(given, on=["player_key", "metric", "target"], how="anti", maintain_order="left")
    return _of_their_own(app, new, asked)


def _best(rows: pl.DataFrame, last: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Of what is in question for some players the best for each: see `plan_achievements`."""
    days = (pl.col("target") - pl.col("value")) / pl.col("pace")
    chance = luck("player_key", "metric", seed=seed)
    score = 1 - (days / PACE_DAYS).log(2).abs() + pl.col("standing") + 0.3 * chance
    again = (pl.col("metric") == pl.col("last")).fill_null(value=False)
    return (
        rows.join(last, on="player_key", how="left", maintain_order="left")
        .with_columns(score=score - again)
        .sort("player_key", "score", "metric", descending=[False, True, False])
        .unique("player_key", keep="first", maintain_order=True)
    )


def _of_their_own(app: App, rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Goals that do not follow from anything asked: what is still to do; of different things those seen count too."""
    to_do = pl.col("target") - pl.when(_distinct(app)).then(0.0).otherwise("value")
    goals = rows.select(
        *("player_key", "metric", pl.lit(">=").alias("op"), to_do.alias("target")),
        start_day=pl.lit(EVER),
        end_day=pl.lit(FOREVER),
    )
    new = without_implied(app, goals, asked)
    return rows.join(new, on=["player_key", "metric"], how="semi", maintain_order="left")


def _distinct(app: App) -> pl.Expr:
    return pl.col("metric").is_in([name for name, metric in app.metrics.items() if metric.aggregation.keyed])


def _round_target() -> pl.Expr:
    """The roundest target in reach: see above; null where there is none."""
    value, pace = pl.col("value"), pl.col("pace")
    soonest, latest, middle = (value + pace * days for days in (SOONEST_DAYS, LATEST_DAYS, PACE_DAYS))
    target = pl.lit(None, dtype=pl.Float64)
    for step in reversed(_STEPS):
        first, last = (soonest / step).ceil(), (latest / step).floor()
        nearest = (middle / step).round().clip(first, last) * step
        most = step * (10 if step < 5 else 20)
        target = pl.when((first <= last) & (nearest <= most)).then(nearest).otherwise(target)
    return pl.when(pace > 0).then(target)


def _reached_shares(chosen: pl.DataFrame, lives: pl.DataFrame, players: int) -> pl.DataFrame:
    """metric, target, reached_share: (players who have come that far + 1) / (players + 1)."""
    shares = []
    for (metric,), rows in chosen.select("metric", "target").unique().partition_by("metric", as_dict=True).items():
        values = lives.filter(pl.col("metric") == metric)["value"].sort()
        there = len(values) - values.search_sorted(rows["target"], side="left").cast(pl.Int64)
        shares.append(rows.with_columns(reached_share=(there + 1) / (players + 1)))
    return pl.concat(shares) if shares else pl.DataFrame(schema=_SHARES)


_SHARES = {"metric": pl.String, "target": pl.Float64, "reached_share": pl.Float64}


def _described(warehouse: Warehouse, app: App, chosen: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    rows = chosen.join(shares, on=["metric", "target"], how="left", maintain_order="left")
    tier = pl.lit("bronze")
    for below, name in reversed(TIERS):
        tier = pl.when(pl.col("reached_share") < below).then(pl.lit(name)).otherwise(tier)
    pay = {name: app.rewards.achievement_xp.get(name, 0) for name in ("bronze", "silver", "gold", "platinum")}
    names = rows.select(
        pl.format("{}/achievement/{}/{}/{}", pl.lit(app.app), "user_id", "metric", pl.col("target").cast(pl.Int64))
    ).to_series()
    return (
        rows.with_columns(content_id=named_ids(warehouse, names), tier=tier)
        .with_columns(xp=pl.col("tier").replace_strict(pay, return_dtype=pl.Int32))
        .select(
            *("content_id", "player_key", pl.lit(ACHIEVEMENT).alias("content_type"), "persona", "language", "metric"),
            *(
                "target",
                "tier",
                pl.col("metric").replace_strict(categories(app), return_dtype=pl.String).alias("category"),
            ),
            *("xp", pl.col("value").alias("started_from"), "reached_share"),
        )
        .sort("player_key")
    )
