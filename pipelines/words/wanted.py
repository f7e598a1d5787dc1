"""What a night is to put into words: the plan's challenges and missions, messages, and new achievements."""

import polars as pl

from pipelines.challenges.achievements import CONTENT_TYPE as ACHIEVEMENT
from pipelines.challenges.achievements import plan_achievements
from pipelines.challenges.implied import as_asked
from pipelines.challenges.invite import ask_in_addition
from pipelines.challenges.plan import DAILY
from pipelines.known import Known
from pipelines.night.plan import Planned
from pipelines.players.targets import ask_for_encouragement

_NO_ACHIEVEMENTS = pl.DataFrame(
    schema={
        **dict.fromkeys(("content_id", "content_type", "persona", "language", "metric", "tier"), pl.String),
        "player_key": pl.Int64,
        "target": pl.Float64,
    }
)


def want_content(known: Known, planned: Planned) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows that need words, as far as the app's `content.types` lists them.

    Players who were issued daily challenges for this day before keep those; missions, tutorials, social prompts and
    achievements look at what was issued themselves.

    Args:
        known: What the night may see.
        planned: Its players and plan.

    Returns:
        The frames that `write_words` takes: challenges (the `plan` frame with occasion), messages, achievements.
    """
    return (
        _challenges(known, planned),
        _messages(known, planned),
        _achievements(known, planned),
    )


def _challenges(known: Known, planned: Planned) -> pl.DataFrame:
    issued = known.frame(
        "SELECT DISTINCT player_key FROM challenges WHERE as_of = $day AND content_type = $daily",
        {"day": known.as_of, "daily": DAILY},
    )
    daily = planned.plan.challenges.join(issued, on="player_key", how="anti", maintain_order="left")
    return pl.concat([daily.with_columns(occasion=pl.lit("")), planned.plan.missions], how="diagonal")


def _messages(known: Known, planned: Planned) -> pl.DataFrame:
    players, plan = planned.players, planned.plan
    unlikely = plan.unserved.filter(pl.col("reason").str.starts_with("too unlikely")).select("player_key")
    encouraging = ask_for_encouragement(known, players.features, players.targets, players.profiles, unlikely).filter(
        pl.col("content_type").is_in(known.app.content.types)
    )
    more = ask_in_addition(known, players.features, players.segments, players.profiles, plan.missions, unlikely)
    return pl.concat([encouraging, more], how="diagonal_relaxed")


def _achievements(known: Known, planned: Planned) -> pl.DataFrame:
    if ACHIEVEMENT not in known.app.content.types:
        return _NO_ACHIEVEMENTS
    plan = planned.plan
    new = pl.concat(
        [plan.challenges, plan.missions.select(plan.challenges.columns)] if plan.missions.width else [plan.challenges]
    )
    tonight = as_asked(new.rename({"valid_from": "start_day", "valid_until": "end_day"}))
    welcome = planned.players.profiles.filter(~pl.col("opted_out"))
    return plan_achievements(known, welcome, pl.concat([planned.asked, tonight]))
