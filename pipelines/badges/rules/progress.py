"""How far active players are from the badges that they do not hold yet."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule, earnable_rules, terms_of
from configs.badges import Badge
from configs.spans import span_start
from configs.speaking import own_language, speaking
from pipelines.badges.rules.by_hand import words_of_people
from pipelines.badges.rules.progress_sql import Measures, measures, with_shown
from pipelines.badges.rules.values_sql import values_sql
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.players.languages import languages_read

FAR_DAYS = 3650  # beyond ten years a date is no information
TOLD = "badge_told"  # a temporary table of the warehouse
_COLUMNS = {
    "player_key": pl.Int64,
    "badge_id": pl.String,
    "progress": pl.Float64,
    "remaining": pl.String,
    "eta_days": pl.Int32,
}


def badge_progress(known: Known, *, active_within_days: int | None = None) -> pl.DataFrame:
    """What `tell_progress` tells, in order of player_key and badge_id."""
    if not tell_progress(known, active_within_days=active_within_days):
        return pl.DataFrame(schema=_COLUMNS)
    return known.frame(f"FROM {TOLD} ORDER BY player_key, badge_id").cast(pl.Schema(_COLUMNS))


class Progress:
    """Progress towards badges, worked out once and read for some players at a time, since each has many rows."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._told = tell_progress(known)

    def of(self, players: pl.Series) -> pl.DataFrame:
        """That of some players, as `badge_progress` has it."""
        if not self._told:
            return pl.DataFrame(schema=_COLUMNS)
        with self._known.lend(asked=players.alias("player_key").to_frame()):
            rows = self._known.frame(f"FROM {TOLD} SEMI JOIN asked USING (player_key) ORDER BY player_key, badge_id")
        return rows.cast(pl.Schema(_COLUMNS))


def tell_progress(known: Known, *, active_within_days: int | None = None) -> bool:
    """Write the progress of active players towards badges not held into the table TOLD; of a series only the next one.

    Of hidden and refused badges nothing is told, nor out of season, nor while a badge that it requires is not held. Of
    one that repeats it is the progress towards the next award.

    Args:
        known: What the night may see.
        active_within_days: Who is active; the app's `challenges.active_within_days` when not given.

    Returns:
        Whether there is any badge to tell of. The table has player_key, badge_id, progress (0 to 1; 1 when the rule
        holds and waits for the next event), remaining (what is missing, in words; null when nothing is) and eta_days
        (at the pace of the last 28 days; null without a pace or beyond ten years).
    """
    rules = [
        rule for rule in earnable_rules(known.app) if not rule.badge.hidden and _in_season(rule.badge, known.as_of)
    ]
    if not rules:
        return False
    within = active_within_days or known.app.challenges.active_within_days
    _lay_out(known, values_sql(known.night, terms_of(rules), within))
    read = languages_read(known)
    with known.lend(barred=words_of_people(known).barred, languages_read=read):
        progress = progress_sql(known.night, rules, languages=read["language"].unique(), refused="barred")
        told = f"FROM ({progress}) ANTI JOIN barred USING (badge_id, player_key)"
        known.run(f"CREATE OR REPLACE TEMP TABLE {TOLD} AS {told}")
    return True


def _lay_out(known: Known, values: str) -> None:
    """Let `badge_values` hold the numbers, unless it does: a night asks twice, and only badges held change between."""
    there = known.once("badge values", list[str])
    if there != [values]:
        known.run(f"CREATE OR REPLACE TEMP TABLE badge_values AS {values}")
        there[:] = [values]


def progress_sql(night: Night, rules: Sequence[BadgeRule], *, languages: Iterable[str] = (), refused: str = "") -> str:
    """The progress of those in `badge_values` towards the badges that they do not hold: columns of `badge_progress`.

    What is missing is said in the app's own language; to who is in `languages_read` (player_key, language), if one of
    `languages` is given, in theirs. `refused` names a table (badge_id, player_key) of what is refused to whom.
    """
    app = speaking(night.app, own_language(night.app)) or night.app
    found = {rule.badge_id: measures(app, rule, night.as_of) for rule in rules}
    others = {tag: said for tag in sorted(languages) if (said := speaking(app, tag))}
    held = f"SELECT player_key, badge_id, round_no FROM badges_at(DATE '{night.as_of}') WHERE true"
    values = values_with_awards(rules, held)
    if others:
        read = 'SELECT player_key, language AS "language read" FROM languages_read'
        values = f"(SELECT * FROM {values} LEFT JOIN ({read}) USING (player_key))"
    told = ", ".join(
        f"""{{'badge_id': '{rule.badge_id}', 'progress': ({found[rule.badge_id].progress})::DOUBLE,
              'remaining': {_remaining(rule, found[rule.badge_id], others, night.as_of)},
              'eta_days': {_eta(found[rule.badge_id])}}}"""
        for rule in rules
    )
    return f"""
        SELECT * FROM (SELECT player_key, unnest([{told}], recursive := true) FROM {with_shown(found.values(), values)})
        ANTI JOIN ({held}{_of_this_round(night, rules)}) USING (player_key, badge_id)
        {_later_steps(night.app, night.as_of, held, refused)}"""


def _remaining(rule: BadgeRule, own: Measures, others: Mapping[str, App], day: dt.date) -> str:
    """What is missing in the language that the player reads; the numbers are the same in each."""
    said = [f"WHEN '{tag}' THEN {measures(app, rule, day).remaining}" for tag, app in others.items()]
    return f'CASE "language read" {" ".join(said)} ELSE {own.remaining} END' if said else own.remaining


def _eta(one: Measures) -> str:
    return f"CASE WHEN {one.eta} <= {FAR_DAYS} THEN ceil({one.eta})::INTEGER END"


def values_with_awards(rules: Sequence[BadgeRule], held: str) -> str:
    """`badge_values`, with `<badge> next`: what a badge that repeats by number takes to be earned once more."""
    counted = [rule for rule in rules if rule.per]
    if not counted:
        return "badge_values"
    columns = ", ".join(
        f"""(1 + coalesce(max(round_no) FILTER (badge_id = '{rule.badge_id}' AND round_no > 0), 0)) * {rule.per}
            AS "{rule.badge_id} next" """
        for rule in counted
    )
    return f"""(SELECT * FROM badge_values JOIN (
                  SELECT player_key, {columns} FROM badge_values LEFT JOIN ({held}) USING (player_key)
                  GROUP BY player_key) USING (player_key))"""


def _of_this_round(night: Night, rules: Sequence[BadgeRule]) -> str:
    """Leave out awards of rounds gone by, and as many as there may be of what repeats by number."""
    conditions = []
    for rule in rules:
        again = f"badge_id = '{rule.badge_id}' AND round_no"
        if rule.period and (first := span_start(rule.period, night.as_of)):
            conditions.append(f" AND NOT ({again} <> DATE '{first}' - DATE '1970-01-01')")
        elif rule.per and rule.badge.repeat:
            conditions.append(f" AND NOT ({again} < {rule.badge.repeat.at_most})")
    return "".join(conditions)


def _in_season(badge: Badge, day: dt.date) -> bool:
    return badge.season is None or span_start(badge.season.span, day) is not None


def _later_steps(app: App, day: dt.date, held: str, refused: str) -> str:
    """Leave out who lacks a badge that comes before in its series or is required; nothing for an app without.

    What of a series is `refused` (badge_id, player_key), hidden or out of season holds up nothing: nobody is told of
    it, and nobody would be told of anything.
    """
    told = {name: badge for name, badge in app.badges.items() if not badge.hidden and _in_season(badge, day)}
    series = [(name, badge.series) for name, badge in told.items() if badge.series and badge.state == "open"]
    pairs = [(later, earlier, True) for (earlier, one), (later, other) in combinations(series, 2) if one == other]
    pairs += [(name, needed, False) for name, badge in app.badges.items() for needed in badge.requires]
    if not pairs:
        return ""
    of_them = "{0}.player_key = who.player_key AND {0}.badge_id = step.needs"
    passed = f"ANTI JOIN {refused} AS no ON {of_them.format('no')} AND step.follows" if refused else ""
    return f"""ANTI JOIN (
            SELECT who.player_key, step.badge_id
            FROM badge_values AS who CROSS JOIN (VALUES {", ".join(map(str, pairs))}) AS step(badge_id, needs, follows)
            ANTI JOIN ({held}) AS held ON {of_them.format("held")} {passed}
        ) USING (player_key, badge_id)"""
