"""The rows of a small night to publish, as the steps before it would have written them."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator

import polars as pl

from configs.badge_rules import nominate_rules
from pipelines.challenges.settle import OPEN
from pipelines.publish.tables import published_tables
from tests.factories import make_app

AS_OF = dt.date(2024, 1, 10)
# A formula, an SQL fragment, a path, an emoji with a combining accent, and a plain one.
USER_IDS = ("=1+1", "'; DROP TABLE players; --", "../../etc/passwd", "zoë🙂e\u0301", "user5")
PLAYERS = range(1, len(USER_IDS) + 1)
APP = make_app(
    profile={"rankings": {"week": {"metric": "solved"}}},
    badges={
        "first_step": {"title": "First step", "tier": "bronze", "category": "start", "when": "solved >= 1"},
        "gold_mind": {"title": "Gold mind", "tier": "gold", "category": "skill", "when": "solved >= 100"},
        "patient": {
            "title": "Patient hand",
            "tier": "gold",
            "category": "care",
            "judged": {"nominate_when": "solved >= 2", "criteria": "Honours care, week after week."},
        },
    },
)


def at(day: dt.date, hour: int = 6) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def content_id(as_of: dt.date, player: int, slot: int, revision: int = 1) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{as_of}/r{revision}/{player}/{slot}"))


def challenge(player: int, slot: int = 1, as_of: dt.date = AS_OF, **changes) -> dict:
    return {
        "content_id": content_id(as_of, player, slot, changes.get("revision", 1)),
        "as_of": as_of,
        "revision": 1,
        "player_key": player,
        "slot": slot,
        "content_type": "daily_challenge",
        "metric": "solved",
        "op": ">=",
        "target": 3.0,
        "window_days": 1,
        "xp": 40,
        "difficulty_level": 4,
        "completion_probability": 0.31,
        "probability_if_active": 0.55,
        "personalization_score": 0.8,
        "estimated_minutes": 12,
        "persona": "SCHOLAR",
        "title": "Three for the road",
        "description": "Solve 3 puzzles before the day is out.",
        "brief_id": "brief-1",
        "ai_provider": "offline",
        "model": "grammar",
        "prompt_version": "1",
        "variant": "a",
        "propensity": 0.5,
        "language": "en",
        "valid_from": as_of,
        "valid_until": as_of,
        "generated_at": at(as_of, 3),
        "metadata": json.dumps({"slot": slot}),
        **changes,
    }


def message(player: int, as_of: dt.date = AS_OF, **changes) -> dict:
    shared = (
        "as_of",
        "revision",
        "ai_provider",
        "model",
        "prompt_version",
        "propensity",
        "variant",
        "brief_id",
        "language",
    )
    row = challenge(player, 9, as_of, revision=changes.get("revision", 1))
    return {
        **{name: row[name] for name in ("content_id", "player_key", "generated_at", "metadata", *shared)},
        "content_type": "come_back_message",
        "title": "We kept your seat",
        "body": "The board is as you left it.",
        **changes,
    }


def achievement(player: int, as_of: dt.date = AS_OF) -> dict:
    kept = ("as_of", "revision", "player_key", "metric", "xp", "persona", "title", "description", "brief_id")
    by = ("ai_provider", "model", "prompt_version", "variant", "propensity", "language", "generated_at", "metadata")
    row = challenge(player, 8, as_of)
    return {
        **{name: row[name] for name in ("content_id", *kept, *by)},
        "content_type": "custom_achievement",
        "target": 10.0,
        "started_from": 3.0,
        "reached_share": 0.2,
        "tier": "silver",
        "category": "skill",
    }


def reached(player: int, issued_on: dt.date, as_of: dt.date) -> dict:
    """What the night of `as_of` says of an achievement."""
    day = as_of - dt.timedelta(days=1)
    told = {"content_id": achievement(player, issued_on)["content_id"], "player_key": player, "as_of": as_of, "xp": 150}
    return {**told, "reached_on": day, "reached_at": at(day, 12), "event_id": "e1", "value": 10.0}


def settlement(player: int, slot: int, as_of: dt.date, completed_at: dt.datetime | None, **changes) -> dict:
    """What the night of `as_of` says of the challenge issued the night before."""
    kept = completed_at is not None
    return {
        "content_id": content_id(as_of - dt.timedelta(days=1), player, slot),
        "revision": 1,
        "player_key": player,
        "as_of": as_of,
        "state": "completed" if kept else "expired",
        "completed_at": completed_at,
        "event_id": "e1" if kept else None,
        "progress": 1.0 if kept else 0.25,
        "played": True,
        "xp": 40 if kept else 0,
        "reason": "reached" if kept else "window over",
        **changes,
    }


def xp_entry(player: int, as_of: dt.date, xp: int = 40) -> dict:
    return {
        "entry_id": f"challenge:{content_id(as_of, player, 1)}:1",
        "player_key": player,
        "as_of": as_of,
        "xp": xp,
        "reason": "Challenge completed",
        "occurred_at": at(as_of, 0) - dt.timedelta(hours=3),
    }


def reward_entry(player: int, as_of: dt.date, kind: str = "points", amount: int = 7) -> dict:
    content = content_id(as_of - dt.timedelta(days=1), player, 1)
    told = {"entry_id": f"challenge:{content}:1:all/{kind}", "content_id": content, "offer": f"all/{kind}"}
    told |= {"player_key": player, "as_of": as_of, "kind": kind, "item": "gem", "amount": amount}
    return told | {"reason": "challenge completed", "occurred_at": at(as_of, 0) - dt.timedelta(hours=3)}


def award(player: int, as_of: dt.date, badge_id: str = "first_step") -> dict:
    return {
        "award_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{player}/{badge_id}")),
        "player_key": player,
        "badge_id": badge_id,
        "as_of": as_of,
        "granted_at": at(as_of) - dt.timedelta(days=1),
        "event_id": "e1",
        "rule_version": "v1",
        "confidence": 1.0,
        "evidence": json.dumps({"solved": 1}),
        "citation": "Solved a first puzzle.",
    }


def revoked(player: int, as_of: dt.date, badge_id: str = "gone") -> dict:
    """An award that the night of `as_of` takes back."""
    told = award(player, as_of - dt.timedelta(days=1), badge_id)
    return told | {"round_no": 0, "revoked_on": as_of, "reason": "an event that it rested on was taken back"}


def nomination(player: int, as_of: dt.date) -> dict:
    (rule,) = nominate_rules(APP)
    return {
        "badge_id": "patient",
        "player_key": player,
        "rule_version": rule.version,
        "as_of": as_of,
        "crossed_at": at(as_of) - dt.timedelta(days=1),
        "event_id": "e1",
        "crossing": json.dumps({"rule": rule.rule.text, "values": {"solved": 2}}),
    }


def verdict(player: int, as_of: dt.date, decision: str = "hold", **changes) -> dict:
    (rule,) = nominate_rules(APP)
    return {
        "verdict_id": f"v{player}/{as_of}",
        "badge_id": "patient",
        "player_key": player,
        "rule_version": rule.version,
        "as_of": as_of,
        "revision": 1,
        "decision": decision,
        "decided_by": "model",
        "provider": "openai",
        "model": "gpt",
        "prompt_version": "p1",
        "confidence": 0.8,
        "citation": "Patient hand, for care." if decision == "award" else None,
        "reasons": "m1 shows it.",
        "evidence": json.dumps([{"id": "m1", "kind": "metric", "text": "puzzles solved: 3 so far"}]),
        "evidence_ids": json.dumps(["m1"]),
        "evidence_hash": "h",
        "call_key": "k",
        **changes,
    }


def judged_award(player: int, as_of: dt.date) -> dict:
    """What a verdict of that night gave."""
    (rule,) = nominate_rules(APP)
    evidence = json.dumps({"verdict_id": f"v{player}/{as_of}"})
    return award(player, as_of, "patient") | {"rule_version": rule.version, "evidence": evidence, "confidence": 0.8}


def make_frames(
    players: Iterator[int] | range = PLAYERS, open_ids: tuple[tuple[str, int], ...] = ()
) -> dict[str, pl.DataFrame]:
    keys = list(players)
    who = pl.DataFrame({"player_key": keys}, schema={"player_key": pl.Int64})
    return {
        "profiles": who.with_columns(
            persona=pl.lit("SCHOLAR"),
            personas=pl.struct(SCHOLAR=pl.lit(0.75), BRUTE=pl.lit(0.25)),
            style=pl.lit(None, pl.String),
            styles=pl.lit(None, pl.String),
            traits=pl.struct(solved=pl.lit(0.5), points=pl.lit(-0.25)),
            risk_tolerance=pl.lit(0.4),
            skill_level=pl.lit(5, pl.Int64),
            skill_word=pl.lit("Advanced"),
            habits=pl.struct(usual_hour=pl.lit(20), part_of_day=pl.lit("evening"), days_a_week=pl.lit(3.5)),
            engagement=pl.struct(active_days_28=pl.lit(14)),
            social=pl.lit(None, pl.String),
            preferences=pl.lit(None, pl.String),
            streaks=pl.struct(run=pl.struct(days=pl.lit(6), best=pl.lit(12), play_by=pl.lit("2024-01-12"))),
            preferred_content=pl.lit("solved"),
            completion_rate=pl.lit(0.5),
            activity=pl.lit("medium"),
            language=pl.lit("en"),
            not_asked=pl.lit(None, pl.String),
            cohort=pl.lit("all"),
        ),
        "segments": who.with_columns(
            cohort=pl.lit("all"),
            judged_as=pl.lit("all"),
            segment=pl.lit("Advanced"),
            posterior=pl.lit(0.9),
            is_main=pl.lit(value=True),
        ),
        "targets": who.join(pl.DataFrame({"percentile": [50, 75], "is_next": [False, True]}), how="cross").with_columns(
            cohort=pl.lit("all"),
            judged_as=pl.lit("all"),
            metric=pl.lit("points"),
            value=pl.col("percentile").cast(pl.Float64),
        ),
        "scores": who.with_columns(
            task=pl.lit("plays"),
            target=pl.lit(None, pl.String),
            horizon_days=pl.lit(1),
            probability=pl.lit(0.4),
            model_version=pl.lit("fallback"),
            days=pl.lit(None, pl.Int32),
            band=pl.lit(None, pl.String),
            reasons=pl.lit(None, pl.String),
        ),
        "open_challenges": pl.DataFrame(
            [(name, player, 0.5, [{"value": 1.5, "progress": 0.5}]) for name, player in open_ids],
            schema=OPEN,
            orient="row",
        ),
    }


def contacts_of(left_alone: str, *others: str) -> pl.DataFrame:
    """The table `contacts` of a night: one player is left alone, others may be told something from noon to three."""
    at = dt.datetime.combine(AS_OF, dt.time(12), dt.UTC)
    until = at + dt.timedelta(hours=3)
    rows = [(left_alone, "paused", None, None, AS_OF), *((user, None, at, until, None) for user in others)]
    types = published_tables()["contacts"].contract.types
    frame = pl.DataFrame(rows, schema=list(types)[2:], orient="row")
    return frame.with_columns(app=pl.lit("toy"), as_of=pl.lit(AS_OF)).select(
        pl.col(name).cast(kind) for name, kind in types.items()
    )
