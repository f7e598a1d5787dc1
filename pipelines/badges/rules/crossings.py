"""The first event after which a rule is true, for every player who has news: what earns badges and what nominates."""

import datetime as dt
from collections.abc import Mapping

import polars as pl
from sqlglot import exp

from configs.app import App
from configs.badge_rules import BadgeRule, term_label, terms_of
from data.warehouse import Warehouse
from pipelines.badges.rules.stream import margin_days, openings_sql, past_keys_sql, stream_sql
from pipelines.known import Known

EVENTS_PER_BUCKET = 2_000_000
_NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_NONE = pl.DataFrame(
    schema={
        "player_key": pl.Int64,
        "badge_id": pl.String,
        "granted_at": pl.Datetime("us", "UTC"),
        "event_id": pl.String,
        "rule_version": pl.String,
        "confidence": pl.Float64,
        "evidence": pl.String,
    }
)


def find_crossings(
    known: Known, rules: tuple[BadgeRule, ...], done: str, *, from_scratch: bool = False
) -> pl.DataFrame:
    """Who crossed the line of a rule; writes nothing that lasts.

    Args:
        known: What the night may see.
        rules: At most one per badge.
        done: A query of badge_id and player_key: who is past a badge's line and not looked at again.
        from_scratch: Evaluate every player's whole history instead of what is new since the last published night.

    Returns:
        player_key, badge_id, granted_at (UTC), event_id, rule_version, confidence (1), evidence (JSON text).
    """
    frames = [_NONE]
    if rules:
        known.run(f"CREATE OR REPLACE TEMP TABLE badge_done AS {done}")
        for bucket in range(_touch(known, rules, from_scratch=from_scratch)):
            _stream(known.warehouse, known.app, rules, bucket, {"as_of": known.as_of, "cut": known.cut})
            frames += [known.frame(crossings_sql(rule)) for rule in rules]
    return pl.concat(frames, how="vertical_relaxed")


def crossings_sql(rule: BadgeRule) -> str:
    """The first row of each player on which a rule holds, for those who are not past it."""
    values = ", ".join(f'"{term_label(term)}" := "{term.column}"' for term in rule.rule.terms)
    text = exp.Literal.string(rule.rule.text).sql(dialect="duckdb")
    moment = "strftime(first.occurred_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"""
        SELECT player_key, '{rule.badge_id}' AS badge_id, first.occurred_at AS granted_at, first.event_id AS event_id,
               '{rule.version}' AS rule_version, 1.0 AS confidence,
               to_json(struct_pack(rule := {text}, rule_version := '{rule.version}', "values" := first.terms,
                                   event_id := first.event_id, occurred_at := {moment}))::VARCHAR AS evidence
        FROM (
            SELECT player_key, min_by(struct_pack(event_id := event_id, occurred_at := occurred_at,
                                                  terms := struct_pack({values})), moment) AS first
            FROM badge_stream JOIN badge_touched USING (player_key)
            WHERE occurred_at >= first_at AND {rule.rule.sql}
            GROUP BY player_key
        ) ANTI JOIN (SELECT player_key FROM badge_done WHERE badge_id = '{rule.badge_id}') USING (player_key)"""


def _touch(known: Known, rules: tuple[BadgeRule, ...], *, from_scratch: bool) -> int:
    """List the players to evaluate; returns how many buckets they are best read in."""
    last = known.frame(
        """SELECT as_of, cut, started_at FROM (
               SELECT * FROM nights WHERE status = 'published' AND as_of < $as_of
               ORDER BY as_of DESC, revision DESC LIMIT 1)
           WHERE coalesce(file_hash, app_hash) = $file_hash AND NOT $from_scratch""",
        {"as_of": known.as_of, "file_hash": known.night.file_hash, "from_scratch": from_scratch},
    )
    since = last.row(0) if last.height else (dt.date.min, _NEVER, _NEVER)
    known.run(
        known.fixed("badges/badge_touched"),
        {
            "as_of": known.as_of,
            "cut": known.cut,
            "since_day": since[0],
            "since_cut": since[1],
            "since_taken": since[2],
            "margin_days": margin_days(terms_of(rules)),
            "badge_ids": [rule.badge_id for rule in rules],
        },
    )
    events = int(
        known.value("SELECT count(*) FROM events JOIN badge_touched_all USING (player_key) WHERE day >= start_day")
    )
    known.run(f"CREATE OR REPLACE TEMP MACRO badge_bucket(k) AS k % {1 + events // EVENTS_PER_BUCKET}")
    return 1 + events // EVENTS_PER_BUCKET


def _stream(
    warehouse: Warehouse, app: App, rules: tuple[BadgeRule, ...], bucket: int, limits: Mapping[str, object]
) -> None:
    terms = terms_of(rules)
    mine = f"FROM badge_touched_all WHERE badge_bucket(player_key) = {bucket}"
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE badge_touched AS {mine}")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE badge_past_keys AS {past_keys_sql(terms)}")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE badge_openings AS {openings_sql(app, terms)}")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE badge_stream AS {stream_sql(app, terms)}", limits)
