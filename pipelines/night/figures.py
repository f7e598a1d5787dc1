"""The figures of a night that people and MLflow see."""

import json
from typing import Any

import polars as pl

from pipelines.challenges.kept import rounded_mean
from pipelines.challenges.parts import DAILY
from pipelines.known import Known
from pipelines.night.plan import Planned
from pipelines.pins import Night
from pipelines.publish.published import Published, count_rows


def night_figures(night: Night, staged: Published) -> dict[str, Any]:
    """The figures of a night that people and MLflow see, of its staged tables."""
    daily, tables = pl.col("content_type") == DAILY, staged.manifest.tables
    asked = staged.scan("challenges").filter("is_new")
    shown = ("user_id", "completion_probability", "probability_if_active")
    challenges, missions = asked.filter(daily).select(shown).collect(), count_rows(asked.filter(~daily))
    paid = staged.scan("xp_ledger").filter(pl.col("posted_on") == night.as_of).select(pl.col("xp").sum())
    return {
        "as_of": str(night.as_of),
        "revision": night.revision,
        "players_active": tables["profiles"].rows,
        "players_challenged": challenges["user_id"].n_unique(),
        "challenges": challenges.height,
        "missions": missions,
        "still_open": tables["challenges"].rows - challenges.height - missions,
        "messages": count_rows(staged.scan("messages").filter("is_new")),
        "achievements": count_rows(staged.scan("achievements").filter(pl.col("state") == "open")),
        "promised": rounded_mean(challenges["completion_probability"]),
        "promised_if_active": rounded_mean(challenges["probability_if_active"]),
        "completed": count_rows(staged.scan("settlements").filter(pl.col("state") == "completed")),
        "xp_paid": int(paid.collect().item()),
        "badges_awarded": tables["badges"].rows if "badges" in tables else 0,
        "badges_held": tables["badges_held"].rows,
    }


def left_out(planned: Planned) -> dict[str, Any]:
    """How many missions were due and not found, or ask for one thing, in all and by reason."""
    told: dict[str, Any] = {}
    for name, reasons in (("missions_left_out", planned.plan.left_out), ("missions_of_one", planned.plan.alone)):
        if reasons.height:
            counts = reasons.group_by("reason").len().sort("reason").iter_rows()
            told |= {name: reasons.height} | {f"missions_{reason}": n for reason, n in counts}
    return told


def not_asked(planned: Planned) -> dict[str, Any]:
    """How many players are asked for nothing new, by reason."""
    counts = planned.plan.unserved.group_by("reason").len().sort("reason").iter_rows()
    return {f"players_not_asked_{reason.replace(' ', '_')}": n for reason, n in counts}


def mark_night(known: Known, status: str, figures: dict[str, Any]) -> None:
    """Write the night's status and figures down; a night that is out stays as it is."""
    known.run(
        """UPDATE nights SET figures = $figures, status = $status,
                  published_at = CASE WHEN $status IN ('published', 'unissued') THEN $at END
           WHERE as_of = $d AND revision = $r AND status NOT IN ('published', 'unissued')""",
        {
            "figures": json.dumps(figures),
            "status": status,
            "at": known.night.started_at,
            "d": known.as_of,
            "r": known.night.revision,
        },
    )
