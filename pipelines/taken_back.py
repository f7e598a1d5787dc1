"""Which events were taken back since the last night, and whose: where what rested on them is looked for."""

from pipelines.known import Known

WHY = "an event that it rested on was taken back"
_EVENTS = """
    CREATE OR REPLACE TEMP TABLE events_gone AS
    SELECT player_key, event, day, available_at FROM retracted_events
    WHERE retracted_at <= $cut AND (retracted_at > $since_cut OR moved_at > $since_taken)"""
_PLAYERS = "CREATE OR REPLACE TEMP TABLE players_hit AS SELECT DISTINCT player_key FROM events_gone"


def find_taken_back(known: Known) -> bool:
    """Whether events were taken back since the last published night; looked for once a night.

    Those are in the table `events_gone` (player_key, event, day, available_at) then, whose they were in `players_hit`.
    """
    return known.once("taken back", lambda: _find(known))


def _find(known: Known) -> bool:
    if not known.value("SELECT count(*) FROM (FROM retracted_events LIMIT 1)"):
        return False
    last = known.rows(
        """SELECT cut, started_at FROM nights WHERE status = 'published' AND as_of < $as_of
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"as_of": known.as_of},
    )
    if not last:
        return False
    known.run(_EVENTS, {"cut": known.cut, "since_cut": last[0][0], "since_taken": last[0][1]})
    known.run(_PLAYERS)
    return bool(known.value("SELECT count(*) FROM players_hit"))
