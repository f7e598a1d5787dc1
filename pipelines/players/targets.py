"""Targets: what players of comparable strength reach, what is next for each, and which of these is nearest."""

from collections.abc import Iterator, Sequence

import polars as pl

from configs.app import App
from models.tasks.segments import PARENT
from pipelines.engines.laid import Frame, parts
from pipelines.luck import lot
from pipelines.pins import Night
from pipelines.players.segments import WINDOW_DAYS
from pipelines.players.standing import EVERYONE, FEWEST_PLAYERS, IN_COHORT, IN_SEGMENT, comparable, narrowest

AT_ONCE = 25_000  # players whose rows are laid out together
_WHOSE = ("player_key", "cohort", "judged_as", "metric")


def set_targets(app: App, features: Frame, segments: pl.DataFrame) -> pl.DataFrame:
    """What the app's percentiles of comparable players come to in 28 days, and which of them is each player's next.

    Comparable are the players of the same cohort and segment; where fewer than FEWEST_PLAYERS have a value, those of
    the cohort, else everyone. A percentile p is a value that some player reached and at least p % of the players do not
    exceed (do not undercut, where lower is better). Next is the smallest that lies strictly beyond the player's own
    value; an unknown own value lies with the least of the group, which any deed comes to. Of percentiles that come to
    the same, the highest is next: who reaches the value is level with that many.

    With `segments.bands` comparable are all players of the cohort, whatever their segment, and a player has the
    percentiles of the own segment's band; who is beyond the band in a metric has those above it as well.

    Args:
        app: Its challenge metrics, `segments.score`, `segments.percentiles` and `segments.bands`.
        features: player_key and `<metric>__28`.
        segments: player_key, cohort, judged_as, segment.

    Returns:
        player_key, cohort, judged_as (the cohort whose players they are of, `all` for everyone) and metric (Enum),
        percentile (Int32), value, is_next; by player, metric and percentile. A metric without values has no rows.
    """
    players = segments.select(pl.col("player_key").unique().sort()).to_series()
    return pl.concat(targets_of_some(app, features, segments, players))


def targets_of_some(app: App, features: Frame, segments: pl.DataFrame, players: pl.Series) -> Iterator[pl.DataFrame]:
    """The rows of `set_targets`, those of some players after those of others; at least one frame.

    Args:
        app: As there.
        features: As there.
        segments: As there.
        players: player_key of all players, in the order in which they are to come.
    """
    who = _numbered(comparable(segments), EVERYONE, PARENT).hstack(_numbered(segments.select("cohort", "segment")))
    large, bands = list[pl.DataFrame](), list[pl.DataFrame]()
    for name in target_metrics(app):
        values = _values(app, features, [name]).join(who, on="player_key", how="inner", maintain_order="left")
        large.append(_large_groups(app, values))
        bands.append(_bands(app, _in_groups(values, large[-1])))
    every = features.select("player_key", *(f"{name}__{WINDOW_DAYS}" for name in target_metrics(app)))
    for start in range(0, max(len(players), 1), AT_ONCE):
        some = players.slice(start, AT_ONCE)
        mine = every.filter(pl.col("player_key").is_in(some.implode()))
        values = _values(app, mine, target_metrics(app)).join(who, on="player_key", how="inner", maintain_order="left")
        yield _ladders(app, _in_groups(values, pl.concat(large)), pl.concat(bands))


def _ladders(app: App, own: pl.DataFrame, bands: pl.DataFrame) -> pl.DataFrame:
    """The rows of `set_targets` of some players."""
    percentiles = app.segments.percentiles
    ladder = own.join(bands, on=["group", "metric"], how="inner", maintain_order="left")
    aimed = _aimed_for(app)
    values = {p: pl.when(aimed[p]).then(pl.col(_value(p))) if p in aimed else pl.col(_value(p)) for p in percentiles}
    beyond = pl.coalesce("own", "least")
    nearest = pl.min_horizontal(pl.when(value > beyond).then(value) for value in values.values())
    highest = pl.max_horizontal(pl.when(value <= pl.col("nearest")).then(p) for p, value in values.items())
    every = {p: pl.col(_told(p)) * pl.col("sign") + 0.0 for p in percentiles}
    told = pl.concat_list(pl.when(aimed[p]).then(value) if p in aimed else value for p, value in every.items())
    steps = pl.Series(percentiles, dtype=pl.Int32)
    rows = (
        ladder.with_columns(nearest=nearest)
        .select(*_WHOSE, percentile=pl.lit(steps).implode(), value=told, highest=highest)
        .sort("player_key", "metric")
        .explode("percentile", "value")
        .select(
            *(*_WHOSE, "percentile", "value"),
            is_next=(pl.col("percentile") == pl.col("highest")).fill_null(value=False),
        )
    )
    return rows.filter(pl.col("value").is_not_null()) if aimed else rows


def nearest_targets(night: Night, features: Frame, targets: Frame) -> pl.DataFrame:
    """Each player's nearest next target: the one with the smallest gap relative to its value.

    Args:
        night: Its app's challenge metrics; its seed breaks ties.
        features: player_key and `<metric>__28`: the players' own values.
        targets: From `set_targets`.

    Returns:
        player_key, metric, goal, percentile; no row for who is beyond every target.
    """
    own = features.select("player_key", *(f"{name}__{WINDOW_DAYS}" for name in target_metrics(night.app)))
    return pl.concat(_nearest(night, own, part) for part in parts(targets)).sort("player_key")


def _nearest(night: Night, own: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    """The nearest target of each player in `targets`, which holds all of their targets."""
    ahead = targets.filter("is_next").with_columns(pl.col("metric").cast(pl.String))
    ahead = ahead.filter(pl.col("metric").is_in(night.app.challenges.metrics))
    mine = own.join(ahead, on="player_key", how="semi", maintain_order="left")
    mine = _values(night.app, mine, target_metrics(night.app)).with_columns(
        pl.col("metric").cast(pl.String), own=pl.col("own") * pl.col("sign")
    )
    ahead = ahead.join(
        mine.select("player_key", "metric", "own"), on=["player_key", "metric"], how="left", maintain_order="left"
    )
    gap = (pl.col("value") - pl.col("own").fill_null(0.0)).abs() / pl.col("value").abs().clip(1e-9)
    tie = lot("player_key", "metric", seed=night.seed)
    return (
        ahead.with_columns(gap=gap.clip(0, 1).round(6), tie=tie)
        .sort("player_key", "gap", "tie")
        .unique("player_key", keep="first", maintain_order=True)
        .select("player_key", "metric", goal="value", percentile="percentile")
    )


def target_metrics(app: App) -> list[str]:
    """The metrics that carry targets: those of challenges, and the score of the segments."""
    return list(dict.fromkeys([*app.challenges.metrics, app.segments.score]))


def _signs(app: App) -> dict[str, float]:
    return {name: 1.0 if app.metrics[name].better == "higher" else -1.0 for name in target_metrics(app)}


def _values(app: App, features: Frame, metrics: Sequence[str]) -> pl.DataFrame:
    """player_key, metric, sign and own, signed so that more is better; null when there is none."""
    columns = {f"{name}__{WINDOW_DAYS}": name for name in metrics}
    long = features.select("player_key", *(pl.col(c).cast(pl.Float64) for c in columns)).unpivot(
        index="player_key", variable_name="metric", value_name="own"
    )
    return (
        long.with_columns(
            metric=pl.col("metric").replace_strict(columns, return_dtype=pl.Enum(sorted(target_metrics(app))))
        )
        .with_columns(sign=pl.col("metric").replace_strict(_signs(app), return_dtype=pl.Float64))
        .with_columns(own=(pl.col("own") * pl.col("sign")).fill_nan(None))
    )


def _large_groups(app: App, values: pl.DataFrame) -> pl.DataFrame:
    """group, metric: of which groups so many have a value that players are compared within them."""
    known = values.drop_nulls("own")
    columns = [IN_COHORT] if app.segments.bands else [IN_SEGMENT, IN_COHORT]
    sizes = pl.concat(known.group_by("metric", pl.col(column).alias("group")).len() for column in columns)
    return sizes.filter(pl.col("len") >= FEWEST_PLAYERS).select("group", "metric")


def _in_groups(values: pl.DataFrame, large: pl.DataFrame) -> pl.DataFrame:
    """The values with the group that each is compared with in that metric."""
    for column in (IN_SEGMENT, IN_COHORT):
        told = large.select("metric", pl.col("group").alias(column), pl.lit(value=True).alias(f"{column}_large"))
        values = values.join(told, on=["metric", column], how="left", maintain_order="left")
    values = values.with_columns(kind=narrowest(lambda group: pl.col(f"{group}_large").fill_null(value=False)))
    named = (pl.when(pl.col("kind") == group).then(pl.col(group)) for group in (IN_SEGMENT, IN_COHORT))
    group = pl.coalesce(*named, pl.lit(EVERYONE, values.schema[IN_COHORT]))
    among = pl.when(pl.col("kind") == EVERYONE).then(pl.lit(PARENT, values.schema[IN_COHORT])).otherwise(IN_COHORT)
    values = values.with_columns(group=group, judged_as=among)
    return values.drop("kind", f"{IN_SEGMENT}_large", f"{IN_COHORT}_large")


def _numbered(rows: pl.DataFrame, *others: str) -> pl.DataFrame:
    """Rows whose texts are of one Enum: in every row of a large night names would be most of what memory holds."""
    texts = [column for column in rows.iter_columns() if column.dtype == pl.String]
    names = pl.concat([pl.Series(others, dtype=pl.String), *(column.rename("") for column in texts)])
    kind = pl.Enum(names.drop_nulls().unique().sort())
    return rows.with_columns(column.cast(kind) for column in texts)


def _aimed_for(app: App) -> dict[int, pl.Expr]:
    """Whether each percentile is in the band of a row's segment, or above one that lies behind; empty without bands."""
    bands = app.segments.bands
    if not bands:
        return {}
    first, last = (
        pl.col("segment")
        .cast(pl.String)
        .replace_strict({level: band[i] for level, band in bands.items()}, return_dtype=pl.Int32)
        for i in (0, 1)
    )
    end = pl.coalesce(pl.when(last == p).then(pl.col(_value(p))) for p in {band[1] for band in bands.values()})
    behind = (pl.coalesce("own", "least") >= end).fill_null(value=False)
    return {p: (first <= p) & ((last >= p) | behind) for p in app.segments.percentiles}


def _bands(app: App, own: pl.DataFrame) -> pl.DataFrame:
    """What every group that some player is compared with comes to.

    Returns:
        group, metric, least (signed); of each percentile its `_value` (signed), and `_told` without the noise of
        single precision.
    """
    wanted = own.select("group", "metric").unique()
    members = pl.concat(
        [
            own.select(group=IN_SEGMENT, metric="metric", own="own"),
            own.select(group=IN_COHORT, metric="metric", own="own"),
            own.select(group=pl.lit(EVERYONE, own.schema["group"]), metric="metric", own="own"),
        ]
    )
    members = members.join(wanted, on=["group", "metric"], how="semi").filter(pl.col("own").is_not_null())
    percentiles = app.segments.percentiles
    bands = members.group_by("group", "metric").agg(
        *(pl.col("own").quantile(p / 100, "higher").alias(_value(p)) for p in percentiles),
        least=pl.col("own").min(),
    )
    told = (pl.col(_value(p)).cast(pl.Float32).cast(pl.String).cast(pl.Float64).alias(_told(p)) for p in percentiles)
    return bands.with_columns(told)


def _value(percentile: int) -> str:
    return f"value_{percentile}"


def _told(percentile: int) -> str:
    return f"told_{percentile}"
