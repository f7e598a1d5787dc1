"""Runs of days, as SQL: the one definition of a streak, wherever it is counted.

A streak's value on a day with play is how many days with play its run has had. A run goes on over a missed day that
asks nothing of the player: a rest day of the app file, a day of their pause, one that a move to another time zone cut
short, or one that a freeze pays for. A freeze is spent on the first day that would break a run; while no run is on none
is spent. Nothing of this adds to the value.
"""

import datetime as dt
from collections.abc import Iterator

from configs.app import App
from configs.calendar import WEEKDAYS

ORDER = "occurred_at, sequence, event_id"
# Over a player's rows of a streak (day, key): the day without play on which the newest run breaks.
BREAKS_ON = "max_by(coalesce(key, (day + 1)::VARCHAR), day)::DATE"
_FURTHEST = 366
# Of a player's day: a struct that begins with what orders events, so that the least is the first.
_EARLIEST = (
    "min({'occurred_at': occurred_at, 'sequence': sequence, 'event_id': event_id, 'available_at': available_at})"
)


def streak_sql(app: App, base: str, known_until: str, before: str | None = None) -> str:
    """The rows of a streak metric, one for each player and day with play.

    Args:
        app: Its `streaks` and calendar.
        base: A query of the events that count, as `contributions` has them.
        known_until: A SQL expression; pauses that became available later are left out.
        before: A query of rows of the metric as they were, whose days began alike but for the player-days in `touched`.

    Returns:
        SQL for metric, player_key, event_id, occurred_at, sequence, day, cohort, value, key, available_at. `key` is the
        day on which the run breaks unless the player plays before, FOREVER where none does; null: the day after.
    """
    streaks = app.streaks
    special = streaks.rest_days or streaks.rest_on or streaks.freezes
    return f"""
        WITH streak_played AS ({_played_sql(base, before)}),
        streak_pauses AS (
            FROM ({_forgiven_sql(app, known_until)}) SEMI JOIN streak_played USING (player_key)
        ),
        streak_days AS (
            SELECT *, lead(day) OVER (PARTITION BY player_key ORDER BY day) AS next_day
            FROM streak_played {"" if special else "SEMI JOIN streak_pauses USING (player_key)"}
        ),
        streak_gaps AS ({_gaps_sql(app)}),
        streak_missed AS (
            SELECT * FROM (
                SELECT player_key, day, unnest(range(day + 1, looked_until, INTERVAL 1 DAY))::DATE AS missed
                FROM streak_gaps) AS m
            WHERE NOT ({_rests_sql(app)}) AND NOT EXISTS (
                FROM streak_pauses p
                WHERE p.player_key = m.player_key AND m.missed BETWEEN p.first_day AND p.last_day)
        ),
        streak_breaks AS ({_breaks_sql(app)}),
        streak_runs AS (
            SELECT d.*, count(breaks_on) OVER earlier AS run,
                   CASE WHEN next_day IS NULL OR next_day > d.day + 1
                        THEN coalesce(breaks_on, DATE '{dt.date.max}')::VARCHAR END AS kept
            FROM streak_days d LEFT JOIN streak_breaks USING (player_key, day)
            WINDOW earlier AS (PARTITION BY d.player_key ORDER BY d.day
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            {"" if special else f"UNION ALL BY NAME {_PLAIN_RUNS}"}
        )
        SELECT metric, player_key, event_id, occurred_at, sequence, day, 'all' AS cohort,
               row_number() OVER (PARTITION BY player_key, run ORDER BY day)::DOUBLE AS value, kept AS key, available_at
        FROM streak_runs"""


# Of players to whom nothing is forgiven: in a run, days and their number rise alike.
_PLAIN_RUNS = """
            SELECT *, day - DATE '1970-01-01' - row_number() OVER (PARTITION BY player_key ORDER BY day) AS run
            FROM streak_played ANTI JOIN streak_pauses USING (player_key)"""


def goes_on_sql(base_day: dt.date) -> str:
    """Whether a streak goes on when `base_day` begins, over its rows (day, key): an aggregate of a player's."""
    return f"{BREAKS_ON} >= DATE '{base_day}'"


def _played_sql(base: str, before: str | None) -> str:
    """metric, player_key, day and the first event of each day with play."""
    of_days = "SEMI JOIN touched USING (player_key, day)" if before else ""
    played = f"""
        SELECT metric, player_key, day, unnest(earliest)
        FROM (SELECT any_value(metric) AS metric, player_key, day, {_EARLIEST} AS earliest
              FROM ({base}) {of_days} GROUP BY player_key, day)"""
    if not before:
        return played
    return f"""{played}
        UNION ALL BY NAME
        SELECT metric, player_key, day, occurred_at, sequence, event_id, available_at
        FROM ({before}) ANTI JOIN touched USING (player_key, day)"""


def _forgiven_sql(app: App, known_until: str) -> str:
    """player_key, first_day, last_day: days on which single players do not have to play."""
    pauses = f"FROM pauses_known({known_until})"
    if not app.streaks.short_day_hours:
        return pauses
    shift = f"INTERVAL ({app.day_shift // dt.timedelta(minutes=1)}) MINUTE"
    return f"""
        WITH zones AS (
            SELECT player_key, timezone,
                   CASE WHEN lag(timezone) OVER of_player IS NULL THEN TIMESTAMPTZ '0001-01-01 00:00:00+00'
                        ELSE recorded_at END AS since,
                   lead(recorded_at, 1, TIMESTAMPTZ '9999-01-01 00:00:00+00') OVER of_player AS until
            FROM player_records WHERE timezone IS NOT NULL AND available_at <= {known_until}
            WINDOW of_player AS (PARTITION BY player_key ORDER BY recorded_at, available_at)
        ),
        stays AS ( -- what the player's clock showed first and last of each stay; days begin at midnight
            SELECT player_key, since, timezone(timezone, since) - {shift} AS arrives,
                   timezone(timezone, until) - {shift} AS leaves
            FROM zones WHERE player_key IN (
                SELECT player_key FROM zones GROUP BY player_key HAVING count(DISTINCT timezone) > 1)
        ),
        lost AS ( -- the days that a clock put forward touches
            SELECT DISTINCT player_key, unnest(range(left_at::DATE, arrives::DATE + 1, INTERVAL 1 DAY))::DATE AS day
            FROM (SELECT *, lag(leaves) OVER (PARTITION BY player_key ORDER BY since) AS left_at FROM stays)
            WHERE left_at < arrives
        )
        {pauses}
        UNION ALL
        SELECT player_key, day, day
        FROM lost JOIN stays USING (player_key)
        GROUP BY player_key, day
        HAVING sum(greatest(0, epoch(least(leaves, day + INTERVAL 1 DAY) - greatest(arrives, day::TIMESTAMP))))
               < 3600 * {app.streaks.short_day_hours}"""


def _gaps_sql(app: App) -> str:
    """Days with play after which days were missed, and until when to look for the one that breaks the run.

    What lasts longer than it takes the freezes to renew, in any week alike, breaks no more.
    """
    streaks = app.streaks
    renews = streaks.freeze_renews_days if streaks.freezes else 0
    far = 1 + renews + 7 + (_FURTHEST if streaks.rest_on else 0)
    end = f"coalesce(next_day, greatest(day, paused_until) + {far})"
    if not streaks.rest_on:
        end = f"CASE WHEN pauses THEN {end} ELSE least(coalesce(next_day, day + {far}), day + {far}) END"
    paused = f"""SELECT player_key, true AS pauses,
                        max(last_day) FILTER (last_day < DATE '{dt.date.max}') AS paused_until
                 FROM streak_pauses GROUP BY player_key"""
    return f"""SELECT player_key, day, {end} AS looked_until
               FROM streak_days LEFT JOIN ({paused}) USING (player_key)
               WHERE next_day IS NULL OR next_day > day + 1"""


def _rests_sql(app: App) -> str:
    """Whether nobody has to play on the day `missed`."""
    rests = [f"isodow(missed) = {1 + WEEKDAYS.index(name)}" for name in app.streaks.rest_days]
    return " OR ".join([*rests, *_calendar_sql(app)]) or "false"


def _calendar_sql(app: App) -> Iterator[str]:
    for entry in app.calendar:
        if entry.kind not in app.streaks.rest_on:
            continue
        if not entry.every:
            yield f"missed BETWEEN DATE '{entry.on}' AND DATE '{entry.last}'"
            continue
        first, last = f"'{entry.on:%m-%d}'", f"'{entry.last:%m-%d}'"
        at, joined = "strftime(missed, '%m-%d')", "AND" if f"{entry.on:%m%d}" <= f"{entry.last:%m%d}" else "OR"
        yield f"({at} >= {first} {joined} {at} <= {last})"


def _breaks_sql(app: App) -> str:
    """player_key, day and breaks_on: the day on which the run breaks that went on until a day with play."""
    freezes, renews = app.streaks.freezes, app.streaks.freeze_renews_days
    if not freezes:
        return "SELECT player_key, day, min(missed) AS breaks_on FROM streak_missed GROUP BY player_key, day"
    # One missed day of each player after another: `spent`, the days of the last freezes, and `breaks`, of all runs.
    return f"""
        SELECT player_key, broken.day AS day, broken.missed AS breaks_on
        FROM (
            SELECT player_key, unnest(list_reduce(
                list({{'day': day, 'missed': missed, 'spent': NULL::DATE[],
                       'breaks': NULL::STRUCT("day" DATE, missed DATE)[]}} ORDER BY missed),
                lambda so_far, one: CASE
                    WHEN so_far.breaks[-1].day = one.day THEN so_far
                    WHEN len(so_far.spent) < {freezes} OR so_far.spent[1] + {renews} <= one.missed
                    THEN {{'day': one.day, 'missed': one.missed,
                           'spent': list_append(so_far.spent, one.missed)[-{freezes}:], 'breaks': so_far.breaks}}
                    ELSE {{'day': one.day, 'missed': one.missed, 'spent': so_far.spent,
                           'breaks': list_append(so_far.breaks, {{'day': one.day, 'missed': one.missed}})}} END,
                {{'day': NULL::DATE, 'missed': NULL::DATE, 'spent': []::DATE[],
                  'breaks': []::STRUCT("day" DATE, missed DATE)[]}}).breaks) AS broken
            FROM streak_missed GROUP BY player_key)"""
