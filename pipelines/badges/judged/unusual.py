"""Nominees whose last week looks like somebody else's: left to a person, where the badge says so."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from configs.app import App
from models.explain.reasons import RAISES
from models.tasks.anomaly import Anomaly, times_another
from pipelines.badges.judged.adjudicate import Verdict


@dataclass(frozen=True)
class Unusual:
    """Why a player's week is called unusual, in words, and the version of the model that says so."""

    why: str
    model: str


NOBODY: Mapping[int, Unusual] = {}


def unusual_weeks(scores: pl.DataFrame) -> dict[int, Unusual]:
    """By player_key those whose week a night calls unusual, with the facts that speak for it.

    Args:
        scores: A night's of the task `anomaly`: player_key, probability, reasons, model_version.
    """
    flagged = scores.select("player_key", "probability", "reasons", "model_version")
    return {key: Unusual(_in_words(chance, reasons), model) for key, chance, reasons, model in flagged.iter_rows()}


def to_review(app: App, rows: pl.DataFrame, unusual: Mapping[int, Unusual]) -> pl.Series:
    """Which cases are left to a person because the week is unusual.

    Args:
        app: Its badges say `hold_unusual`.
        rows: badge_id and player_key of cases.
        unusual: By player_key.
    """
    careful = [name for name, badge in app.badges.items() if badge.judged and badge.judged.hold_unusual]
    flagged = pl.col("badge_id").is_in(careful) & pl.col("player_key").is_in(list(unusual))
    return rows.select(flagged.alias("flagged")).to_series()


def held_as_unusual(found: Unusual) -> Verdict:
    """Left to a person; a model of what is usual said so, and no language model was asked."""
    return Verdict("hold", "model", found.why, provider=Anomaly.name, model=found.model)


def _in_words(chance: float, reasons: str | None) -> str:
    raised = f" ({RAISES})"
    facts = [fact.removesuffix(raised) for fact in (reasons or "").split("; ") if fact.endswith(raised)]
    told = (
        f"The last week goes {times_another(chance)} as well with the weeks before of another player as with their own"
    )
    return f"{told}: {'; '.join(facts)}." if facts else f"{told}."
