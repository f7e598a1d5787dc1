"""What a night says of its input: which days are unknown, what they leave open, and what a person can do."""

import datetime as dt
from typing import Any

from configs.commands import command
from configs.nouns import counted
from pipelines.activity.drifts import drift_since
from pipelines.activity.freshness import Silence, came_later
from pipelines.activity.local_days import day_rule
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.taken_back import find_taken_back
from pipelines.words.types import unusable

TOLD_DAYS = 35
MOST_DRIFT = 5


def freshness_figures(night: Night) -> dict[str, Any]:
    """For the night's figures; nothing where all days are known."""
    if not (told := _told(night)):
        return {}
    first, last = told[0].first_day, told[-1].last_day
    return {"unknown_from": str(first), "unknown_until": str(last), "stale": night.stale}


def freshness_note(known: Known) -> tuple[str, ...]:
    """A sentence about the silent stretches, newest last, and one about what of them came in too late for the night.

    Args:
        known: What the night may see, with its silences.
    """
    night = known.night
    told = _told(night)
    if not told:
        return ()
    spans = ", ".join(
        f"{each.first_day}" if each.first_day == each.last_day else f"{each.first_day} to {each.last_day}"
        for each in told
    )
    why = (
        f"The input is stale: nothing was heard of '{night.app.app}' since {told[-1].since:%Y-%m-%d %H:%M}"
        if night.stale
        else f"Nothing was heard of '{night.app.app}' for longer than it is ever silent"
    )
    settle = "What covers these days is not settled. Ingest what is missing"
    vouch = command("nightly", "--as-of", night.as_of, "--was-silent", app=night.app.app)
    say = f"if nobody played then, say so: {vouch}"
    return (f"{why}. Unknown: {spans}. {settle}; {say}", *_too_late(known, told))


def _too_late(known: Known, silent: list[Silence]) -> tuple[str, ...]:
    """That some of what a night misses is there by now: it may not see what came in after its cut."""
    n = came_later(known.warehouse, known.cut, silent)
    seen = f"this night sees what was there by {known.cut:%Y-%m-%d %H:%M} UTC"
    return (f"Of these days {counted(n, 'event')} came in later: {seen}, the next one sees them.",) if n else ()


def days_note(known: Known) -> tuple[str, ...]:
    """A sentence when days are counted otherwise than they were for the night before."""
    before = known.value(
        """SELECT day_rule FROM nights WHERE status = 'published' AND as_of < $d
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"d": known.as_of},
    )
    rule = day_rule(known.app)
    if before in {None, rule}:
        return ()
    counted = f"Days are now those of {rule}, before {before}: all were counted anew"
    stays = "what was settled stays, and times delivered without a zone stay the moments they were read as"
    return (f"{counted}, and open challenges end by the new ones; {stays}.",)


def types_note(night: Night) -> tuple[str, ...]:
    """A sentence for each content type of the app that could not be written."""
    return tuple(unusable(night.app))


def quiet_note(quiet: str) -> tuple[str, ...]:
    """A sentence when far fewer than usual played, which a holiday explains as well as a delivery that is missing.

    Args:
        quiet: From `judge_input`.
    """
    return (
        (f"{quiet}. If no holiday or end of a term explains it, see what came in: {command('status')}",)
        if quiet
        else ()
    )


def metrics_note(known: Known) -> tuple[str, ...]:
    """A sentence when open challenges ask for metrics that the app file has no more: perhaps they were renamed."""
    rows = known.rows(
        """SELECT metric, count(*) FROM challenges ANTI JOIN metrics USING (metric)
           WHERE as_of < $d AND valid_until >= $d AND content_id NOT IN (SELECT content_id FROM settlements)
           GROUP BY metric ORDER BY metric""",
        {"d": known.as_of},
    )
    if not rows:
        return ()
    lost = ", ".join(f"'{metric}' ({counted(n, 'challenge')})" for metric, n in rows)
    keep = "To let them count, give the metric its old name beside the new one until they are over"
    return (
        f"Open challenges ask for what the app file no longer counts: {lost}. They expire with that reason. {keep}.",
    )


def drift_note(known: Known) -> tuple[str, ...]:
    """What deliveries since the night before looked like otherwise than those before them, in a sentence each."""
    last = known.value("SELECT max(cut) FROM nights WHERE status = 'published' AND as_of < $d", {"d": known.as_of})
    told = drift_since(known.warehouse, last, known.cut)
    more = (f"And {len(told) - MOST_DRIFT} more; see: {command('status')}",) if len(told) > MOST_DRIFT else ()
    return (*(f"A delivery looked otherwise: {each}" for each in told[-MOST_DRIFT:]), *more)


def revoked_note(known: Known) -> tuple[str, ...]:
    """What was taken back tonight with events that were, what is still earned, and what people gave and stays."""
    if not find_taken_back(known):
        return ()
    pins = {"as_of": known.as_of, "cut": known.cut}
    badges, achievements, by_hand, anew, granted = known.rows(known.fixed("badges/revoked_tonight"), pins)[0]
    notes = []
    if anew:
        notes.append(f"Kept: {counted(anew, 'badge')} still earned by what is left; their evidence names that now.")
    if granted:
        notes.append(f"Kept as granted: {counted(granted, 'badge')} no longer earned; `kept` in the evidence says why.")
    if known.app.on_retraction == "keep":
        return tuple(notes)
    if badges or achievements:
        gone = " and ".join(counted(n, what) for n, what in ((badges, "badge"), (achievements, "achievement")) if n)
        notes.append(f"With events that were taken back went {gone}; the table revocations says whose and why.")
    if by_hand:
        notes.append(f"Kept: {counted(by_hand, 'badge')} that people gave to players of whom events were taken back.")
    return tuple(notes)


def _told(night: Night) -> list[Silence]:
    since = night.as_of - dt.timedelta(days=TOLD_DAYS)
    return [silence for silence in night.silences if silence.last_day >= since]
