"""How much is new for one player on one day: an app file's caps on challenges and on messages."""

from collections.abc import Sequence

import polars as pl

from pipelines.known import Known


def cap_challenges(known: Known, daily: pl.DataFrame, missions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The night's daily challenges and new missions, as many as the app lets a player have on one day.

    What earlier revisions of the night asked counts, too; a replayed night has none, whatever was asked on that day. A
    mission comes first, since it comes once a week.

    Args:
        known: What the night may see.
        daily: player_key, slot and more.
        missions: player_key and more, at most one for a player; without columns where the app writes none.
    """
    most = known.app.caps.challenges_a_day
    if most is None:
        return daily, missions
    sql = "SELECT player_key, count(*) AS n_asked FROM challenges WHERE as_of = $day AND $again GROUP BY player_key"
    asked = known.frame(sql, {"day": known.as_of, "again": known.night.revision > 1})
    room = most - pl.col("n_asked").fill_null(0)
    if missions.width:
        missions = missions.join(asked, on="player_key", how="left", maintain_order="left").filter(room > 0)
        missions = missions.drop("n_asked")
        asked = pl.concat([asked, missions.select("player_key", n_asked=pl.lit(1, dtype=pl.Int64))])
        asked = asked.group_by("player_key", maintain_order=True).agg(pl.col("n_asked").sum())
    daily = daily.join(asked, on="player_key", how="left", maintain_order="left")
    return daily.filter(pl.col("slot").rank("ordinal").over("player_key") <= room).drop("n_asked"), missions


def cap_messages(known: Known, messages: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """The night's messages, as many as the app lets a player have on one day: the first kinds of `order`.

    A kind that an earlier revision of the night has sent is written anew before others are.

    Args:
        known: What the night may see.
        messages: player_key, content_type and more, at most one of a kind for a player.
        order: Every content type.
    """
    most = known.app.caps.messages_a_day
    if most is None:
        return messages
    sql = "SELECT DISTINCT player_key, content_type, -1 AS place FROM messages WHERE as_of = $day"
    sent = known.frame(sql, {"day": known.as_of})
    n_sent = sent.group_by("player_key", maintain_order=True).agg(n_sent=pl.len().cast(pl.Int64))
    placed = (
        messages.join(sent, on=["player_key", "content_type"], how="left", maintain_order="left")
        .join(n_sent, on="player_key", how="left", maintain_order="left")
        .with_columns(pl.col("n_sent").fill_null(0), again=pl.col("place").is_not_null())
        .with_columns(
            place=pl.col("content_type").replace_strict(list(order), range(len(order)), return_dtype=pl.Int64)
        )
    )
    nth = pl.col("place").rank("ordinal").over("player_key", "again")
    kept = placed.filter(pl.col("again") | (nth <= most - pl.col("n_sent")))
    return kept.select(messages.columns)
