"""A small night to publish: rows in a real warehouse and the frames of the steps before."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from configs.app import App
from configs.badge_rules import nominate_rules
from data.contracts_out import breaches
from data.warehouse import Warehouse
from pipelines.challenges.settle import OPEN
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.publish.audit import AuditReport, audit_night
from pipelines.publish.collect import Collected, collect_tables, served_players
from pipelines.publish.disk import Disk
from pipelines.publish.publish import Publication, publish_night
from pipelines.publish.published import Published, previous_night
from pipelines.publish.stage import staged
from pipelines.publish.tables import published_tables
from tests.factories import event, make_app, warehouse_with

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


def make_night(as_of: dt.date = AS_OF, revision: int = 1, app: App = APP) -> Night:
    return Night(
        app=app,
        as_of=as_of,
        revision=revision,
        cut=at(as_of, 0),
        base_day=as_of,
        seed=7,
        started_at=at(as_of, 3),
        code_version="test",
        app_hash="abc",
        watermark=10,
    )


YESTERDAY, NIGHT = AS_OF - dt.timedelta(days=1), make_night()


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


@contextmanager
def played_warehouse(app: App = APP) -> Iterator[Warehouse]:
    """Five players with a few days of play before AS_OF, under ids that would break what quotes them badly."""
    with warehouse_with(
        app, [event(player, day, points=3) for player in PLAYERS for day in (5.0, 6.0, 7.0)]
    ) as warehouse:
        names = pl.DataFrame({"player_key": list(PLAYERS), "user_id": USER_IDS})
        with warehouse.lend(names=names):
            warehouse.run(
                "UPDATE players SET user_id = names.user_id FROM names WHERE names.player_key = players.player_key"
            )
        yield warehouse


def put(warehouse: Warehouse, table: str, *rows: dict) -> None:
    warehouse.append(table, pl.DataFrame(list(rows), infer_schema_length=None))


def publish(warehouse: Warehouse, as_of: dt.date) -> None:
    """Write down that a night went out."""
    night = make_night(as_of)
    names = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
    put(warehouse, "nights", {name: getattr(night, name) for name in names} | {"status": "published"})


def issue(warehouse: Warehouse, as_of: dt.date = AS_OF) -> None:
    """A night's rows: a challenge for all but the last player, who gets a message, and what the ledgers gained."""
    put(warehouse, "challenges", *(challenge(player, 1, as_of) for player in PLAYERS[:-1]))
    put(warehouse, "messages", message(PLAYERS[-1], as_of))
    put(warehouse, "xp_ledger", *(xp_entry(player, as_of) for player in PLAYERS[:2]))


def contract_breaches(name: str, frame: pl.DataFrame) -> list[str]:
    """What a frame breaks of the contract of the table of a name."""
    return breaches(published_tables()[name].contract, [frame])


def collect(known: Known, frames: dict[str, pl.DataFrame], **options) -> dict[str, pl.DataFrame]:
    """The tables that a night would publish, whole."""
    return {table.name: pl.concat(table.pieces()) for table in collect_tables(known, frames, **options)}


def everybody(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """user_id of everybody who is asked or told something."""
    return pl.concat(tables[name].select("user_id") for name in ("challenges", "messages")).unique()


def tables_of(frames: dict[str, pl.DataFrame]) -> list[Collected]:
    """Whole tables as if they had been collected, in the order of their keys."""
    keys = {name: table.contract.key for name, table in published_tables().items()}

    def pieces(name: str, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        yield frame.sort(keys[name]) if name in keys and {*keys[name]} <= {*frame.columns} else frame

    return [Collected(name, partial(pieces, name, frame)) for name, frame in frames.items()]


def audit_tables(
    frames: dict[str, pl.DataFrame], previous: Published | None, night: Night, served: pl.DataFrame, **options
) -> AuditReport:
    """The audit of whole tables, staged in a home of their own."""
    with TemporaryDirectory() as home, staged(tables_of(frames), night, Path(home)) as out:
        return audit_night(out.night, previous, night, served, **options)


def publish_tables(
    frames: dict[str, pl.DataFrame], night: Night, home: Path, report: AuditReport, disk: Disk | None = None
) -> Publication:
    """Stage and publish whole tables."""
    with staged(tables_of(frames), night, home, disk) as out:
        pass
    return publish_night(out.night, home, report, disk)


def audited(
    warehouse: Warehouse, night: Night, home, open_ids: tuple[tuple[str, int], ...] = ()
) -> tuple[dict[str, pl.DataFrame], AuditReport]:
    tables = collect(Known(warehouse, night), make_frames(open_ids=open_ids))
    served = served_players(Known(warehouse, night), everybody(tables), pl.DataFrame())
    return tables, audit_tables(tables, previous_night(home, night.app.app, night.as_of), night, served)


def put_out(warehouse: Warehouse, home, *days: dt.date, revision: int = 1, **changed: pl.DataFrame) -> None:
    """Publish the rows of the first night as those of other days, some tables changed."""
    made, report = audited(warehouse, make_night(), home)
    for day in days:
        tables = {name: frame.with_columns(as_of=pl.lit(day)) for name, frame in {**made, **changed}.items()}
        publish_tables(tables, make_night(day, revision), home, report)


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


@contextmanager
def nights(home, *days: dt.date) -> Iterator[Warehouse]:
    """An app's warehouse after its nights of these days, all out."""
    with played_warehouse() as warehouse:
        issue(warehouse)
        put_out(warehouse, home, *days)
        yield warehouse
