"""What players lose of their badges since events were taken back, where the app says `on_retraction: revoke`.

By rule, what is no longer earned; by judgement, what was judged on it; then what required any of these, and so on until
nothing falls. What people gave stays.
"""

import polars as pl

from pipelines.badges.judged.revoke import note_kept_judged, revoke_judged
from pipelines.badges.rules.revoke import REVOKED, revoke_earned
from pipelines.known import Known
from pipelines.taken_back import find_taken_back


def revoke_awards(known: Known) -> pl.DataFrame:
    """Revoke what players hold and have not earned, of those of whom an event was taken back since the last night.

    Where the app keeps what was granted, only the evidence of what is still earned is found anew, and that of the rest
    says what was taken back.

    Args:
        known: What the night may see.

    Returns:
        award_id, player_key, badge_id and xp of what was revoked.
    """
    if not find_taken_back(known):
        return pl.DataFrame(schema=REVOKED)
    lost = [revoke_earned(known)]
    if known.app.on_retraction == "keep":
        note_kept_judged(known)
        return lost[0]
    while (judged := revoke_judged(known)).height:
        lost += [judged, revoke_earned(known)]
    return pl.concat(lost)
