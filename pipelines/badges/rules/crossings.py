"""The first event after which a rule is true, for every player who has news: what earns badges and what nominates."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from itertools import product

import polars as pl
from sqlglot import exp

from configs.badge_rules import BadgeRule, in_levels, term_label, terms_of
from pipelines.badges.rules.days import due_sql, is_keyed, keys_sql, numbers_sql
from pipelines.badges.rules.rounds import gates_sql, moments_sql, round_name_sql
from pipelines.badges.rules.stream import margin_days, openings_sql, past_keys_sql, stream_sql
from pipelines.badges.rules.walk import add_up, marks_sql, walk_sql, walked_sql
from pipelines.known import Known

Walk = Callable[[Known, tuple[BadgeRule, ...]], Iterator[pl.DataFrame]]
EVENTS_PER_BUCKET = 2_000_000
DAYS_PER_BUCKET = 100_000
_NEVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_NONE = pl.DataFrame(
    schema={
        "player_key": pl.Int64,
        "badge_id": pl.String,
        "round_no": pl.Int64,
        "granted_at": pl.Datetime("us", "UTC"),
        "event_id": pl.String,
        "rule_version": pl.String,
        "confidence": pl.Float64,
        "evidence": pl.String,
    }
)
_NOBODY = pl.DataFrame(schema={"badge_id": pl.String, "player_key": pl.Int64})
# The tables of a walk, which last as long as the warehouse is open: some hold a row for each day of each player.
_OF_ALL = ("done", "gates", "touched_all", "event_days", "resting")
_OF_A_BUCKET = (
    *("touched", "keys", "numbers", "due", "next", "walked", "walk"),
    *("past_keys", "openings", "stream"),
)


def find_crossings(
    known: Known,
    rules: tuple[BadgeRule, ...],
    done: str,
    *,
    barred: pl.DataFrame = _NOBODY,
    from_scratch: bool = False,
    only: str = "",
    standing: str = "badge_ledger",
) -> pl.DataFrame:
    """Who crossed the line of a rule; writes nothing that lasts.

    Only days on which a rule may have become true are walked event by event. Players whose local days do not follow one
    another in time are walked whole, from their first new event on.

    Args:
        known: What the night may see.
        rules: At most one per badge. Those whose badges require others of them are looked at after these.
        done: A query of badge_id, player_key and round_no: which rounds of a badge (see rounds.py) a player is past.
        barred: badge_id and player_key of whom a badge is refused to.
        from_scratch: Evaluate every player's whole history instead of what is new since the last published night.
        only: A query of player_key: of nobody else.
        standing: What is held of what badges require, as a table with the columns of `badge_ledger`.

    Returns:
        player_key, badge_id, round_no, granted_at (UTC), event_id, rule_version, confidence (1), evidence (JSON text).
    """
    frames = [_NONE]
    known.run(f"CREATE OR REPLACE TEMP TABLE badge_done AS {done}")
    for level in in_levels(rules):
        before = pl.concat(frames, how="vertical_relaxed")
        found = pl.concat(
            [_NONE, *_find_level(known, level, before, only, standing, from_scratch=from_scratch)],
            how="vertical_relaxed",
        )
        frames.append(found.join(barred, on=["badge_id", "player_key"], how="anti", maintain_order="left"))
    return pl.concat(frames, how="vertical_relaxed")


def forget_walk(known: Known) -> None:
    """Let go of what the last `find_crossings` has laid out, and of the memory that it took."""
    _forget(known, _OF_ALL + _OF_A_BUCKET)


def _forget(known: Known, tables: Iterable[str]) -> None:
    for name in tables:
        known.run(f"DROP TABLE IF EXISTS temp.badge_{name}")
    known.warehouse.ease()


def _find_level(
    known: Known,
    rules: tuple[BadgeRule, ...],
    found: pl.DataFrame,
    only: str,
    standing: str,
    *,
    from_scratch: bool,
) -> Iterator[pl.DataFrame]:
    """Who crossed the line of rules that do not wait for each other; `found` is who crossed those before them."""
    with known.lend(badge_found=found.with_columns(as_of=pl.lit(known.as_of))):
        known.run(f"CREATE OR REPLACE TEMP TABLE badge_gates AS {gates_sql(rules, standing)}")
    buckets, ways = _touch(known, rules, only, from_scratch=from_scratch)
    # Neighbours by number, so that what is read of a bucket passes over most rows of the others unread.
    for bucket, (astray, walk) in product(range(buckets), ways.items()):
        known.run(
            """CREATE OR REPLACE TEMP TABLE badge_touched AS SELECT * EXCLUDE bucket FROM (
                   SELECT *, ntile($buckets) OVER (ORDER BY player_key) - 1 AS bucket FROM badge_touched_all)
               WHERE bucket = $bucket AND astray = $astray""",
            {"buckets": buckets, "bucket": bucket, "astray": astray},
        )
        yield from walk(known, rules)
        if buckets > 1:
            _forget(known, _OF_A_BUCKET)  # the next one takes as much memory


def _walk_days(known: Known, rules: tuple[BadgeRule, ...]) -> Iterator[pl.DataFrame]:
    """Walk the days on which a rule may be true, of each player and rule up to the first that ends with it true."""
    terms = terms_of(rules)
    ((first, last),) = known.rows("SELECT min(player_key), max(player_key) FROM badge_touched")
    among = {"first": first, "last": last}
    if is_keyed(known.app, terms):
        known.run(f"CREATE OR REPLACE TEMP TABLE badge_keys AS {keys_sql(known.app, terms)}", among)
    known.run(f"CREATE OR REPLACE TEMP TABLE badge_numbers AS {numbers_sql(known.app, terms)}", among)
    known.run(f"CREATE OR REPLACE TEMP TABLE badge_due AS {due_sql(known.app, rules, terms)}")
    while due := {badge_id for (badge_id,) in known.rows("SELECT DISTINCT badge_id FROM badge_due")}:
        some = tuple(rule for rule in rules if rule.badge_id in due)
        known.run(known.fixed("badges/badge_next"))
        marks = known.frame(marks_sql(known.app, terms_of(some)), {"cut": known.cut} | among)
        with known.lend(badge_so_far=add_up(known.app, terms_of(some), marks)):
            known.run(f"CREATE OR REPLACE TEMP TABLE badge_walk AS {walk_sql(known.app, terms_of(some))}")
        found = known.frame(" UNION ALL ".join(first_sql(rule, walked_sql(rule)) for rule in some))
        with known.lend(found=found.select("player_key", "badge_id", "round_no")):
            known.run(known.fixed("badges/badge_left"))
        yield found


def _walk_whole(known: Known, rules: tuple[BadgeRule, ...]) -> Iterator[pl.DataFrame]:
    """Walk all events of each player from the first on that the last night did not see."""
    app, terms = known.app, terms_of(rules)
    known.run(f"CREATE OR REPLACE TEMP TABLE badge_past_keys AS {past_keys_sql(terms)}")
    known.run(f"CREATE OR REPLACE TEMP TABLE badge_openings AS {openings_sql(app, terms)}")
    known.run(
        f"CREATE OR REPLACE TEMP TABLE badge_stream AS {stream_sql(app, terms)}",
        {"as_of": known.as_of, "cut": known.cut},
    )
    yield known.frame(" UNION ALL ".join(first_sql(rule, "badge_stream") for rule in rules))


def first_sql(rule: BadgeRule, stream: str) -> str:
    """The first row of each player and round on which a rule holds, for those who are not past it.

    Args:
        rule: The rule.
        stream: Of `badge_touched` players: player_key, event_id, occurred_at, moment, day_no and the columns of the
            terms.
    """
    values = ", ".join(f'"{term_label(term)}" := "{term.column}"' for term in rule.rule.terms)
    text = exp.Literal.string(rule.rule.text).sql(dialect="duckdb")
    moment = "strftime(first.occurred_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    again = f", round := {round_name_sql(rule)}" if rule.badge.repeat else ""
    found = f"struct_pack(event_id := event_id, occurred_at := occurred_at, terms := struct_pack({values}))"
    return f"""
        SELECT player_key, '{rule.badge_id}' AS badge_id, round_no, first.occurred_at AS granted_at,
               first.event_id AS event_id, '{rule.version}' AS rule_version, 1.0 AS confidence,
               to_json(struct_pack(rule := {text}, rule_version := '{rule.version}', "values" := first.terms,
                                   event_id := first.event_id, occurred_at := {moment}{again}))::VARCHAR AS evidence
        FROM ({moments_sql(rule, stream, found)})"""


def _touch(
    known: Known, rules: tuple[BadgeRule, ...], only: str, *, from_scratch: bool
) -> tuple[int, dict[bool, Walk]]:
    """List the players to evaluate in `badge_touched_all`.

    Returns:
        The number of buckets that they are best read in, and how to walk those who are there, by whether their days
        are astray.
    """
    last = known.rows(
        """SELECT as_of, cut, started_at FROM (
               SELECT * FROM nights WHERE status = 'published' AND as_of < $as_of
               ORDER BY as_of DESC, revision DESC LIMIT 1)
           WHERE coalesce(file_hash, app_hash) = $file_hash AND NOT $from_scratch""",
        {"as_of": known.as_of, "file_hash": known.night.file_hash, "from_scratch": from_scratch},
    )
    since = last[0] if last else (dt.date.min, _NEVER, _NEVER)
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
            "once": [rule.badge_id for rule in rules if not rule.badge.repeat],
        },
    )
    if only:
        known.run(f"DELETE FROM badge_touched_all WHERE player_key NOT IN ({only})")
    known.run(known.fixed("badges/badge_event_days"), {"as_of": known.as_of, "cut": known.cut})
    known.run(known.fixed("badges/badge_astray"))
    found = known.rows(
        """SELECT astray, count(*), sum(n_events) FROM badge_event_days JOIN badge_touched_all USING (player_key)
           GROUP BY astray ORDER BY astray"""
    )
    sizes = [events // EVENTS_PER_BUCKET if astray else days // DAYS_PER_BUCKET for astray, days, events in found]
    return 1 + max(sizes, default=0), {row[0]: _walk_whole if row[0] else _walk_days for row in found}
