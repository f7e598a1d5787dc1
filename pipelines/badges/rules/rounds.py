"""Which award of a badge a moment can earn: its rounds, and what bounds them beside the rule.

A badge that is earned once has the one round 0. One that repeats by period has a round for each span, known by its
first day (days since 1970); one that repeats by number the rounds 1, 2, 3, … A season bounds the days, what a badge
requires the moment from which it can be earned.
"""

import datetime as dt
from collections.abc import Iterable

from configs.badge_rules import BadgeRule
from configs.spans import span_start_sql
from pipelines.badges.rules.possible import possible_sql

# Who holds which round, as far as rules are concerned: queries of badge_id, player_key, round_no.
HELD = "SELECT badge_id, player_key, round_no FROM badge_ledger"
NOBODY = "SELECT NULL::VARCHAR AS badge_id, NULL::BIGINT AS player_key, NULL::BIGINT AS round_no WHERE false"


def held_sql(as_of: dt.date) -> str:
    """HELD as of a night, also when it is made again: with awards that a later night has revoked."""
    since = f"FROM revoked_awards WHERE revoked_on > DATE '{as_of}'"
    return f"{HELD} UNION ALL SELECT badge_id, player_key, round_no {since}"


def reach_columns(rule: BadgeRule) -> list[str]:
    """Of a rule on a day, over the columns of its terms: may it be true, is it at the end, how far it counts."""
    name = rule.badge_id
    columns = [f'{possible_sql(rule)} AS "{name} may"', f'{rule.rule.sql} AS "{name} ends"']
    if rule.per:
        ends = {"": "at the end", " high": "at most"}
        columns += [f'{_rounds(rule, which)} AS "{name} {told}"' for which, told in ends.items()]
    return columns


def due_of_rule_sql(rule: BadgeRule) -> str:
    """The days of `flags` to look at for a rule: player_key, badge_id, day_no, round_no, ends.

    Reads `badge_done`; of a rule that requires badges `badge_event_days` and `badge_gates`, too. Of one that repeats by
    number, a day is left out when a day before has reached as much.
    """
    name, done = rule.badge_id, f"FROM badge_done WHERE badge_id = '{rule.badge_id}'"
    if rule.per:
        return f"""
            SELECT player_key, '{name}' AS badge_id, day_no, day_no AS round_no, ends FROM (
                SELECT player_key, day_no, "{name} ends" AS ends, "{name} may" AS may, "{name} at most" AS most,
                       max(CASE WHEN "{name} ends" THEN "{name} at the end" END) OVER (
                           PARTITION BY player_key ORDER BY day_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                       ) AS reached
                FROM {_bounded_days(rule)}
            ) LEFT JOIN (SELECT player_key, max(round_no) AS held {done} GROUP BY player_key) USING (player_key)
            WHERE may AND most > greatest(coalesce(reached, 0), coalesce(held, 0))"""
    rounds, key = ("0::BIGINT", "player_key")
    if rule.period:
        rounds, key = span_start_sql(rule.period, "day_no"), "player_key, round_no"
    return f"""
        SELECT * FROM (SELECT player_key, '{name}' AS badge_id, day_no, {rounds} AS round_no, "{name} ends" AS ends
                       FROM {_bounded_days(rule)} WHERE "{name} may"{_in_season(rule)})
        ANTI JOIN (SELECT {key} {done}) USING ({key})"""


def moments_sql(rule: BadgeRule, stream: str, found: str) -> str:
    """The first moment of each round on which a rule holds: player_key, round_no, first.

    Args:
        rule: The rule.
        stream: Rows of players, each after an event: player_key, day_no, occurred_at, moment, the columns of the terms.
        found: What is wanted of the moment, as SQL.
    """
    first = f"SELECT player_key, round_no, min_by({found}, moment) AS first"
    gate = f"JOIN {_gates(rule)} USING (player_key)" if rule.badge.requires else ""
    rows = f"""{stream} JOIN badge_touched USING (player_key) {gate}
               WHERE occurred_at >= first_at AND {rule.rule.sql}{_in_season(rule)}"""
    rows += " AND occurred_at >= open_at" if gate else ""
    done = f"FROM badge_done WHERE badge_id = '{rule.badge_id}'"
    if rule.per:
        return f"""
            {first} FROM (
                SELECT *, unnest(range(coalesce(reached, 0) + 1, reaches + 1)) AS round_no
                FROM (SELECT *, max(reaches) OVER (PARTITION BY player_key ORDER BY moment
                                                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
                      FROM (SELECT *, {_rounds(rule)} AS reaches FROM {rows}))
                WHERE reaches > coalesce(reached, 0)
            ) LEFT JOIN (SELECT player_key, max(round_no) AS held {done} GROUP BY player_key) USING (player_key)
            WHERE round_no > coalesce(held, 0) GROUP BY player_key, round_no"""
    rounds, key = ("0::BIGINT", "player_key")
    if rule.period:
        rounds, key = span_start_sql(rule.period, "day_no"), "player_key, round_no"
    return f"""SELECT * FROM ({first} FROM (SELECT *, {rounds} AS round_no FROM {rows}) GROUP BY player_key, round_no)
               ANTI JOIN (SELECT {key} {done}) USING ({key})"""


def round_name_sql(rule: BadgeRule) -> str:
    """SQL of what a person calls `round_no`: `2024-W09`, `2024-03`, `2024`, a season's first day, or a number."""
    if rule.per:
        return "round_no::VARCHAR"
    day = "(DATE '1970-01-01' + round_no::INTEGER)"
    return f"strftime({day}, '{_NAMES.get(rule.period, '%Y-%m-%d')}')"


def gates_sql(rules: Iterable[BadgeRule], standing: str = "badge_ledger") -> str:
    """From when on players can earn badges that require others: badge_id, player_key, open_at, as_of.

    Reads the ledger, or what of it is `standing`, and `badge_found` (badge_id, player_key, granted_at, as_of), what is
    new tonight.
    """
    needs = [(rule.badge_id, needed) for rule in rules for needed in dict.fromkeys(rule.badge.requires)]
    if not needs:
        return "SELECT '' AS badge_id, 0 AS player_key, now() AS open_at, DATE '1970-01-01' AS as_of WHERE false"
    return f"""
        WITH moved AS (SELECT award_id, max(as_of) AS moved_on, arg_max(granted_at, as_of) AS moved_to
                       FROM award_moments GROUP BY award_id),
        given AS (
            SELECT badge_id, player_key, min(granted_at) AS granted_at, min(as_of) AS as_of FROM (
                SELECT badge_id, player_key, coalesce(moved_to, granted_at) AS granted_at,
                       coalesce(moved_on, as_of) AS as_of
                FROM {standing} LEFT JOIN moved USING (award_id)
                UNION ALL (SELECT badge_id, player_key, granted_at, as_of FROM badge_found
                           ANTI JOIN {standing} USING (badge_id, player_key))
            ) GROUP BY badge_id, player_key
        ),
        needs AS (SELECT *, count(*) OVER (PARTITION BY badge_id) AS n
                  FROM (VALUES {", ".join(map(str, needs))}) AS needs(badge_id, needed))
        SELECT needs.badge_id, player_key, max(granted_at) AS open_at, max(as_of) AS as_of
        FROM needs JOIN given ON given.badge_id = needs.needed
        GROUP BY needs.badge_id, player_key, n HAVING count(*) = n"""


_NAMES = {"week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}


def _rounds(rule: BadgeRule, which: str = "") -> str:
    most = rule.badge.repeat.at_most if rule.badge.repeat else 1
    return f'least({most}, floor("{rule.counted.column}{which}" / {rule.per}))::BIGINT'


def _in_season(rule: BadgeRule) -> str:
    season = rule.badge.season
    return f" AND {span_start_sql(season.span, 'day_no')} IS NOT NULL" if season else ""


def _gates(rule: BadgeRule) -> str:
    return f"(SELECT player_key, open_at FROM badge_gates WHERE badge_id = '{rule.badge_id}')"


def _bounded_days(rule: BadgeRule) -> str:
    """`flags`, of a rule that requires badges without the days that were over before these were held."""
    if not rule.badge.requires:
        return "flags"
    return f"""(SELECT flags.* FROM flags JOIN {_gates(rule)} USING (player_key)
                JOIN (SELECT player_key, day - DATE '1970-01-01' AS day_no, last_at FROM badge_event_days)
                USING (player_key, day_no) WHERE last_at >= open_at)"""
