"""Awards that are still earned by what is left after events were taken back: their citations say what that is."""

import polars as pl

from pipelines.badges.rules.award import Cite
from pipelines.known import Known
from pipelines.players.languages import with_language

_MOVED = """SELECT award_id, m.player_key, badge_id, m.evidence::VARCHAR AS evidence
            FROM award_moments m JOIN badge_ledger USING (award_id)
            WHERE m.as_of = $as_of AND m.event_id IS NOT NULL ORDER BY award_id"""


def recite_awards(known: Known, cite: Cite) -> pl.DataFrame:
    """Word anew what awards were given for whose evidence the night has found anew (see `revoke_earned`).

    Args:
        known: What the night may see.
        cite: Writes the citations: awards in, a frame with award_id and citation out.

    Returns:
        award_id, citation.
    """
    moved = known.frame(_MOVED, {"as_of": known.as_of})
    if moved.is_empty():
        return pl.DataFrame(schema={"award_id": pl.String, "citation": pl.String})
    return cite(known.app, with_language(known, moved)).select("award_id", "citation")


def write_recited(known: Known, recited: pl.DataFrame) -> None:
    """Write down the citations of `recite_awards`; awards, their ids, XP and `granted_at` stay as they are."""
    with known.lend(recited=recited):
        known.run(
            """UPDATE award_moments SET citation = r.citation FROM recited r
               WHERE award_moments.award_id = r.award_id AND award_moments.as_of = $as_of""",
            {"as_of": known.as_of},
        )
