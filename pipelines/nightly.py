"""One night of one app, step by step: understand, settle, plan, write, award, publish. Free of Prefect and MLflow."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.warehouse import Warehouse
from models.segments import SegmentModel
from pipelines.activity.parts import know_until
from pipelines.badges.award import award_badges
from pipelines.badges.progress import badge_progress
from pipelines.challenges.plan import Plan, first_whole_days, plan_challenges, recent_challenges
from pipelines.challenges.profiles import describe_players
from pipelines.challenges.propose import ChallengeModels
from pipelines.challenges.recalibrate import recalibrate
from pipelines.challenges.samples import describe, eligible_players, past_values
from pipelines.challenges.segment import assign_segments, player_cohorts
from pipelines.challenges.settle import settle_challenges
from pipelines.challenges.targets import ask_for_encouragement, set_targets
from pipelines.content.write import write_citations, write_words
from pipelines.night import Night
from pipelines.publish.audit import AuditLimits, AuditReport, audit_night
from pipelines.publish.publish import publish_night
from pipelines.publish.published import previous_night
from pipelines.publish.tables import collect_tables, served_players


@dataclass(frozen=True)
class Players:
    """What is known of the night's eligible players; every frame has player_key.

    Attributes:
        features: One row per player at the night's base day.
        past: Their own past windows.
        segments: cohort, segment, posterior.
        targets: Percentile values, with the next one marked.
        profiles: persona, traits, risk_tolerance, skill, … and start_day, the first whole local day.
    """

    features: pl.DataFrame
    past: pl.DataFrame
    segments: pl.DataFrame
    targets: pl.DataFrame
    profiles: pl.DataFrame


@dataclass(frozen=True)
class Planned:
    """A night's players, its plan, and the recalibrated models behind the promises."""

    players: Players
    plan: Plan
    models: ChallengeModels


def understand_players(warehouse: Warehouse, night: Night, segment_model: SegmentModel | None) -> Players:
    """Everything known of the players active recently enough, from days before the base day."""
    app = night.app
    eligible = eligible_players(warehouse, app, [night.base_day])
    features = describe(warehouse, app, eligible)
    segments = assign_segments(app, features, segment_model, player_cohorts(warehouse, night))
    profiles = describe_players(warehouse, night, features, segments)
    start = first_whole_days(warehouse, night, eligible)
    return Players(
        features=features,
        past=past_values(warehouse, app, eligible),
        segments=segments,
        targets=set_targets(app, features, segments),
        profiles=profiles.join(start, on="player_key", how="left", maintain_order="left"),
    )


def plan_night(
    warehouse: Warehouse,
    night: Night,
    models: ChallengeModels,
    segment_model: SegmentModel | None,
    recent: pl.DataFrame,
) -> Planned:
    """Understand the players and decide what each is asked; writes nothing.

    Args:
        warehouse: With the known_* views of the night in place.
        night: Its pins.
        models: The champions.
        segment_model: The champion's segments, or None for the rule.
        recent: What was issued lately.
    """
    players = understand_players(warehouse, night, segment_model)
    tuned = recalibrate(warehouse, night.app, models, as_of=night.as_of, lead_days=night.lead_days, seed=night.seed)
    welcome = players.profiles.join(opted_out(warehouse, night), on="player_key", how="anti", maintain_order="left")
    plan = plan_challenges(warehouse, night, tuned, players.features, players.past, welcome, recent)
    return Planned(players, plan, tuned)


def issue_night(warehouse: Warehouse, night: Night, planned: Planned) -> None:
    """Write the words and issue the promises, all in one transaction; what was issued before is never rewritten."""
    issued = warehouse.frame("SELECT DISTINCT player_key FROM challenges WHERE as_of = $d", {"d": night.as_of})
    plan = planned.plan.challenges.join(issued, on="player_key", how="anti", maintain_order="left")
    asks = ask_messages(night, planned)
    for_challenges, for_messages = write_words(
        night.app, plan, asks, seed=night.seed, as_of=night.as_of, recent=recent_words(warehouse, night)
    )
    pins = {"as_of": pl.lit(night.as_of), "revision": pl.lit(night.revision), "generated_at": pl.lit(night.started_at)}
    challenges = plan.drop("p_plays").join(for_challenges, on="content_id", how="inner", maintain_order="left")
    messages = asks.select("content_id", "player_key", "content_type", "language").join(
        for_messages, on="content_id", how="inner", maintain_order="left"
    )
    with warehouse.transaction():
        warehouse.append("challenges", challenges.with_columns(**pins), on_conflict_skip=True)
        warehouse.append("messages", messages.with_columns(**pins), on_conflict_skip=True)
        warehouse.run(
            "UPDATE nights SET status = 'planned' WHERE as_of = $d AND revision = $r",
            {"d": night.as_of, "r": night.revision},
        )


def ask_messages(night: Night, planned: Planned) -> pl.DataFrame:
    """A come-back message for those too unlikely to play, an encouraging one from the next target for the others."""
    unlikely = planned.plan.unserved.filter(pl.col("reason").str.starts_with("too unlikely")).select("player_key")
    return ask_for_encouragement(night, planned.players.features, planned.players.targets, planned.players.profiles, unlikely)


def opted_out(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """player_key of those who asked to be left alone, as known by the night's cut."""
    return warehouse.frame(warehouse.fixed("opted_out"), {"cut": night.cut})


def recent_words(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """player_key, brief_id, variant of what players read in the 30 days before."""
    return warehouse.frame(
        """SELECT player_key, brief_id, variant FROM challenges WHERE as_of BETWEEN $since AND $until
           UNION SELECT player_key, brief_id, variant FROM messages WHERE as_of BETWEEN $since AND $until
           ORDER BY ALL""",
        {"since": night.as_of - dt.timedelta(days=30), "until": night.as_of - dt.timedelta(days=1)},
    )


def score_players(night: Night, planned: Planned) -> pl.DataFrame:
    """The `scores` frame: how likely each player is to play within each window."""
    return planned.plan.chances.select(
        "player_key",
        pl.lit("plays").alias("task"),
        pl.lit(None, dtype=pl.String).alias("target"),
        pl.col("window_days").alias("horizon_days"),
        pl.col("p_plays").alias("probability"),
        pl.lit(planned.models.versions[0] or planned.models.plays.parameters.kind).alias("model_version"),
        pl.lit(None, dtype=pl.String).alias("reasons"),
    )


def finish_night(
    warehouse: Warehouse,
    night: Night,
    planned: Planned,
    still_open: pl.DataFrame,
    home: Path,
    limits: AuditLimits,
    *,
    accept: bool = False,
) -> tuple[Path, bool, AuditReport, dict[str, pl.DataFrame]]:
    """Award badges, collect the tables, audit them and publish them whole.

    Returns:
        The published folder, whether anything changed, the audit and the tables.

    Raises:
        NightquestError: The audit failed or the disk refused; the night before stays.
    """
    award_badges(warehouse, night, write_citations)
    know_until(warehouse, night.app, night.as_of, night.cut)
    frames = {
        "profiles": planned.players.profiles,
        "segments": planned.players.segments,
        "targets": planned.players.targets,
        "scores": score_players(night, planned),
        "badge_progress": badge_progress(warehouse, night),
        "open_challenges": still_open,
    }
    tables = collect_tables(warehouse, night, frames)
    out = opted_out(warehouse, night).with_columns(reason=pl.lit("opted out"))
    reasons = pl.concat([planned.plan.unserved.select("player_key", "reason"), out]).unique("player_key", keep="last")
    served = served_players(warehouse, night, tables, reasons)
    report = audit_night(tables, previous_night(home, night.app.app, night.as_of), night, served, limits, accept=accept)
    published = publish_night(tables, night, home, report)
    return published.folder, published.changed, report, tables


def mark_published(warehouse: Warehouse, night: Night, figures: Mapping[str, Any]) -> None:
    """Write down that the night is out, with its figures; the first time stays."""
    warehouse.run(
        """UPDATE nights SET status = 'published', published_at = coalesce(published_at, $at), figures = $figures
           WHERE as_of = $d AND revision = $r""",
        {"at": night.started_at, "figures": json.dumps(figures), "d": night.as_of, "r": night.revision},
    )


def settle_night(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """Settle what earlier nights promised; returns the challenges still open."""
    return settle_challenges(warehouse, night)


def night_figures(warehouse: Warehouse, night: Night, tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The figures of a night that people and MLflow see."""
    challenges, settled = tables["challenges"], tables["settlements"].filter(pl.col("state") != "open")
    done = settled.filter(pl.col("state") == "completed")
    return {
        "as_of": str(night.as_of),
        "revision": night.revision,
        "players_active": tables["profiles"].height,
        "players_challenged": challenges["user_id"].n_unique(),
        "challenges": challenges.height,
        "messages": tables["messages"].height,
        "promised": _mean(challenges["completion_probability"]),
        "promised_if_active": _mean(challenges["probability_if_active"]),
        "settled": settled.height,
        "completed": done.height,
        "xp_paid": int(tables["xp_ledger"].filter(pl.col("as_of") == night.as_of)["xp"].sum()),
        "badges_awarded": tables["badges"].height,
        "badges_held": tables["badges_held"].height,
    }


def _mean(values: pl.Series) -> float | None:
    return round(float(values.to_numpy().mean()), 4) if len(values) else None


def recent_of(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """What was issued lately, for variety."""
    return recent_challenges(warehouse, night)
