"""Badges by rule: the first event after which a rule is true earns it, once and for good."""

import datetime as dt
from collections.abc import Callable, Mapping

import polars as pl
from sqlglot import exp

from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.parts import know_until
from pipelines.badges.rules import BadgeRule, badge_rules, term_label, terms_of
from pipelines.badges.stream import margin_days, openings_sql, past_keys_sql, stream_sql
from pipelines.night import Night

Cite = Callable[[App, pl.DataFrame], pl.DataFrame]

EVENTS_PER_BUCKET = 2_000_000
_NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def award_badges(warehouse: Warehouse, night: Night, cite: Cite) -> pl.DataFrame:
    """Find what was earned since the last night, write it to the badge and XP ledgers, and return the night's awards.

    A badge that is held stays as it was granted; running a night twice adds nothing.

    Args:
        warehouse: Open for writing.
        night: Its `as_of` and `cut` bound what is read.
        cite: Writes the citations: awards in, a frame with award_id and citation out.

    Returns:
        The ledger's rows of this night: award_id, player_key, badge_id, as_of, granted_at (UTC), event_id,
        rule_version, confidence, evidence (JSON text), citation.

    Raises:
        AppFileError: A rule of the app cannot be read.
    """
    found = find_awards(warehouse, night)
    if found.height:
        words = cite(night.app, found).select("award_id", "citation")
        _write(warehouse, night, found.join(words, on="award_id", how="left", maintain_order="left", validate="1:1"))
    return warehouse.frame(
        "SELECT * FROM badge_ledger WHERE as_of = $d ORDER BY granted_at, award_id", {"d": night.as_of}
    )


def find_awards(warehouse: Warehouse, night: Night, *, from_scratch: bool = False) -> pl.DataFrame:
    """What players earned and do not hold yet; writes nothing that lasts.

    Args:
        warehouse: Its parts in step with its events.
        night: Its `as_of` and `cut` bound what is read.
        from_scratch: Evaluate every player's whole history instead of what is new since the last published night.

    Returns:
        award_id, player_key, badge_id, granted_at (UTC), event_id, rule_version, confidence, evidence (JSON text), in
        order of granted_at.
    """
    rules = badge_rules(night.app)
    limits = {"as_of": night.as_of, "cut": night.cut}
    frames = [_no_awards()]
    if rules:
        know_until(warehouse, night.as_of, night.cut)
        for bucket in range(_touch(warehouse, night, rules, from_scratch=from_scratch)):
            _stream(warehouse, night.app, rules, bucket, limits)
            frames += [warehouse.frame(_crossings_sql(rule)) for rule in rules]
    awards = pl.concat(frames, how="vertical_relaxed")
    with warehouse.lend(awards=awards):
        return warehouse.frame(warehouse.fixed("badge_awards"), {"app": night.app.app})


def badges_sql(app: App) -> dict[str, str]:
    """The SQL that an app's rules become, by name, for a person to read."""
    rules = badge_rules(app)
    if not rules:
        return {}
    return {"badge_stream": stream_sql(app, terms_of(rules))} | {rule.badge_id: _crossings_sql(rule) for rule in rules}


def _touch(warehouse: Warehouse, night: Night, rules: tuple[BadgeRule, ...], *, from_scratch: bool) -> int:
    """List the players to evaluate; returns how many buckets they are best read in."""
    last = warehouse.frame(
        """SELECT as_of, cut, started_at FROM (
               SELECT * FROM nights WHERE status = 'published' AND as_of < $as_of
               ORDER BY as_of DESC, revision DESC LIMIT 1)
           WHERE app_hash = $app_hash AND NOT $from_scratch""",
        {"as_of": night.as_of, "app_hash": night.app_hash, "from_scratch": from_scratch},
    )
    since = last.row(0) if last.height else (dt.date.min, _NEVER, _NEVER)
    warehouse.run(
        warehouse.fixed("badge_touched"),
        {
            "as_of": night.as_of,
            "cut": night.cut,
            "since_day": since[0],
            "since_cut": since[1],
            "since_taken": since[2],
            "margin_days": margin_days(terms_of(rules)),
            "badge_ids": [rule.badge_id for rule in rules],
        },
    )
    events = int(
        warehouse.value("SELECT count(*) FROM events JOIN badge_touched_all USING (player_key) WHERE day >= start_day")
    )
    warehouse.run(f"CREATE OR REPLACE TEMP MACRO badge_bucket(k) AS k % {1 + events // EVENTS_PER_BUCKET}")
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


def _crossings_sql(rule: BadgeRule) -> str:
    """The first row of each player on which a rule holds, for those who do not hold its badge."""
    values = ", ".join(f'"{term_label(term)}" := "{term.column}"' for term in rule.rule.terms)
    text = exp.Literal.string(rule.badge.when).sql(dialect="duckdb")
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
        ) ANTI JOIN (SELECT player_key FROM badge_ledger WHERE badge_id = '{rule.badge_id}') USING (player_key)"""


def _write(warehouse: Warehouse, night: Night, awards: pl.DataFrame) -> None:
    """Add awards to both ledgers; what is there already stays untouched."""
    xp = pl.DataFrame(
        [(rule.badge_id, rule.badge.title, badge_xp(night.app, rule.badge_id)) for rule in badge_rules(night.app)],
        schema={"badge_id": pl.String, "title": pl.String, "xp": pl.Int32},
        orient="row",
    )
    entries = awards.join(xp, on="badge_id", how="left", maintain_order="left").select(
        pl.format("badge:{}", "award_id").alias("entry_id"),
        "player_key",
        pl.lit(night.as_of).alias("as_of"),
        "xp",
        pl.format("Badge earned: {}", "title").alias("reason"),
        pl.col("granted_at").alias("occurred_at"),
    )
    with warehouse.transaction():
        warehouse.append("badge_ledger", awards.with_columns(as_of=pl.lit(night.as_of)), on_conflict_skip=True)
        warehouse.append("xp_ledger", entries, on_conflict_skip=True)


def badge_xp(app: App, badge_id: str) -> int:
    """What a badge pays: its own `xp`, or its tier's."""
    badge = app.badges[badge_id]
    return app.rewards.badge_xp.get(badge.tier, 0) if badge.xp is None else badge.xp


def _no_awards() -> pl.DataFrame:
    return pl.DataFrame(
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
