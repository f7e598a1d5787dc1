"""What a night is to put into words: each content type's plan, as far as the app lists it."""

from collections.abc import Callable

import polars as pl

from configs.app import App
from pipelines.challenges.identity import content_ids
from pipelines.known import Known
from pipelines.night.plan import Planned
from pipelines.words.content_type import NOBODY, Asking
from pipelines.words.types import content_types

LONG_AWAY_DAYS = 90  # what an unknown time away counts as
ASKS = pl.Schema(
    {
        "content_id": pl.String(),
        "player_key": pl.Int64(),
        "content_type": pl.String(),
        "persona": pl.String(),
        "language": pl.String(),
        "metric": pl.String(),
        "goal": pl.Float64(),
        "percentile": pl.Int32(),
        "recency_days": pl.Int32(),
        "occasion": pl.String(),
        "window_days": pl.Int32(),
        "mission": pl.String(),
    }
)
_NO_ACHIEVEMENTS = pl.DataFrame(
    schema={
        **dict.fromkeys(("content_id", "content_type", "persona", "language", "metric", "tier"), pl.String),
        "player_key": pl.Int64,
        "target": pl.Float64,
    }
)


def want_content(known: Known, planned: Planned) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows that need words, as far as the app's `content.types` lists them.

    Players who were issued daily challenges for this day before keep those; missions, achievements and what comes
    once a week look at what was issued themselves.

    Args:
        known: What the night may see.
        planned: Its players and plan.

    Returns:
        The frames that `write_words` takes: challenges (the `plan` frame with occasion), messages, achievements.
    """
    players, plan = planned.players, planned.plan
    unlikely = plan.unserved.filter(pl.col("reason").str.starts_with("too unlikely")).select("player_key")

    def asking(rows: Callable[[str], pl.DataFrame]) -> Asking:
        return Asking(
            *(known, players.features, players.segments, players.targets, players.profiles),
            *(plan.challenges, plan.missions, unlikely, planned.asked, rows),
        )

    return gather(known.app, asking, plan.challenges)


def gather(
    app: App, asking: Callable[[Callable[[str], pl.DataFrame]], Asking], challenges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What every content type that the app lists plans for the night, by table.

    Args:
        app: It says which types.
        asking: Makes what they plan from, given what tells one what another plans.
        challenges: Of what columns challenges are.

    Returns:
        See `want_content`.
    """
    planned: dict[str, pl.DataFrame] = {}

    def rows(name: str) -> pl.DataFrame:
        kind = content_types().get(name) if name in app.content.types else None
        if name not in planned:
            planned[name] = NOBODY  # to a type that it looks at itself
            planned[name] = kind.plan(told) if kind and kind.plan else NOBODY
        return planned[name]

    told = asking(rows)
    found: dict[str, list[pl.DataFrame]] = {"challenges": [], "messages": [], "achievements": []}
    for name, kind in content_types().items():
        if (mine := rows(name)).height and kind.table in found:
            found[kind.table].append(_messages(told, name, mine) if kind.table == "messages" else mine)
    none = challenges.clear().with_columns(occasion=pl.lit(""))
    return (
        pl.concat([none, *found["challenges"]], how="diagonal"),
        pl.concat([pl.DataFrame(schema=ASKS), *found["messages"]]),
        pl.concat(found["achievements"] or [_NO_ACHIEVEMENTS]),
    )


def _messages(asking: Asking, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """A content type's messages with all that the writers need: the columns of ASKS, to nobody who opted out.

    Raises:
        ValueError: A player would get two of a kind.
    """
    if rows["player_key"].is_duplicated().any():
        raise ValueError(f"the content type {kind} plans two messages for one player")
    away = asking.features.select("player_key", pl.col("recency_days").fill_null(LONG_AWAY_DAYS).cast(pl.Int32))
    welcome = asking.profiles.filter(~pl.col("opted_out")).select("player_key", "user_id", "persona", "language")
    rows = rows.join(welcome, on="player_key", how="inner", maintain_order="left").join(
        away, on="player_key", how="left", maintain_order="left"
    )
    names = rows.select(pl.format("{}/{}", "user_id", pl.lit(kind))).to_series()
    rows = rows.with_columns(
        content_type=pl.lit(kind),
        content_id=content_ids(asking.known, names),
    )
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit("" if name == "occasion" else None)).cast(type_).alias(name)
        for name, type_ in ASKS.items()
    )
