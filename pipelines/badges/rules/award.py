"""Badges by rule: the first event after which a rule is true earns it, for good; or people give or refuse it."""

from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.badge_rules import earnable_rules
from data.warehouse import Warehouse
from pipelines.badges.rules.by_hand import words_of_people
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.rounds import held_sql
from pipelines.known import Known
from pipelines.players.languages import with_language

Cite = Callable[[App, pl.DataFrame], pl.DataFrame]


def find_awards(known: Known, *, from_scratch: bool = False) -> pl.DataFrame:
    """What players earned by rule, or were given by people, and do not hold yet; writes nothing that lasts.

    Args:
        known: What the night may see.
        from_scratch: Evaluate every player's whole history instead of what is new since the last published night.

    Returns:
        award_id, player_key, badge_id, round_no, granted_at (UTC), event_id, rule_version, confidence, evidence (JSON
        text), in order of granted_at.
    """
    people = words_of_people(known)
    rules = earnable_rules(known.app)
    found = find_crossings(known, rules, held_sql(known.as_of), barred=people.barred, from_scratch=from_scratch)
    if not people.given.is_empty():  # of what is both earned and given, the earlier counts
        both = pl.concat([found, people.given.select(found.columns)], how="vertical_relaxed").sort("granted_at")
        found = both.unique(["badge_id", "player_key", "round_no"], keep="first", maintain_order=True)
    return name_awards(known.warehouse, known.app, found)


def name_awards(warehouse: Warehouse, app: App, awards: pl.DataFrame) -> pl.DataFrame:
    """Awards with their award_id, the same in every rebuilt warehouse; in order of granted_at."""
    with warehouse.lend(awards=awards):
        return warehouse.frame(warehouse.fixed("badges/badge_awards"), {"app": app.app})


def cite_awards(known: Known, awards: pl.DataFrame, cite: Cite) -> pl.DataFrame:
    """Awards with their citation: that of whoever gave the badge, else one that is written in the player's language."""
    if awards.is_empty():
        return awards.with_columns(citation=pl.lit(None, dtype=pl.String))
    words = cite(known.app, with_language(known, awards)).select("award_id", "citation")
    cited = awards.join(words, on="award_id", how="left", maintain_order="left", validate="1:1")
    own = pl.col("evidence").str.json_path_match("$.citation")
    return cited.with_columns(citation=pl.coalesce(own, "citation"))


def write_awards(known: Known, awards: pl.DataFrame) -> None:
    """Add awards to the badge and XP ledgers; what is there already stays untouched.

    Args:
        known: What the night may see.
        awards: The columns of `find_awards` and citation.
    """
    xp = pl.DataFrame(
        [(badge_id, badge.title, badge_xp(known.app, badge_id)) for badge_id, badge in known.app.badges.items()],
        schema={"badge_id": pl.String, "title": pl.String, "xp": pl.Int32},
        orient="row",
    )
    entries = awards.join(xp, on="badge_id", how="left", maintain_order="left").select(
        pl.format("badge:{}", "award_id").alias("entry_id"),
        "player_key",
        pl.lit(known.as_of).alias("as_of"),
        pl.col("xp").fill_null(0),  # of a badge that was promised and has left the app's file
        pl.format("Badge earned: {}", pl.coalesce("title", "badge_id")).alias("reason"),
        pl.col("granted_at").alias("occurred_at"),
    )
    with known.warehouse.transaction():
        known.warehouse.append("badge_ledger", awards.with_columns(as_of=pl.lit(known.as_of)), on_conflict_skip=True)
        known.warehouse.append("xp_ledger", entries, on_conflict_skip=True)


def badge_xp(app: App, badge_id: str) -> int:
    """What a badge pays: its own `xp`, or its tier's, and `prestige_xp` for each point of prestige."""
    badge = app.badges[badge_id]
    own = app.rewards.badge_xp.get(badge.tier, 0) if badge.xp is None else badge.xp
    return own + badge.prestige * app.rewards.prestige_xp
