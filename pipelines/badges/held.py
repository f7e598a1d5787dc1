"""Who holds what, and how rare it is."""

import polars as pl

from pipelines.known import Known

# A badge is as rare as the share of players, of all who ever played, that holds it: (upper bound of the share, name).
RARITY = ((0.01, "legendary"), (0.05, "epic"), (0.15, "rare"), (0.40, "uncommon"))


def badges_held(known: Known) -> pl.DataFrame:
    """Every award up to this night, with what the app file says of the badge and its rarity tonight.

    The badges new tonight are the rows whose `as_of` is the night's.

    Returns:
        award_id, player_key, badge_id, as_of, title, tier, category, rarity, granted_at (UTC), confidence, evidence
        (JSON text), citation, rule_version, in order of granted_at. A badge that the app file no longer has keeps its
        id as title, with no tier or category.
    """
    held = known.frame("SELECT * FROM badges_at($as_of) ORDER BY granted_at, award_id", {"as_of": known.as_of})
    badges = pl.DataFrame(
        [(badge_id, badge.title, badge.tier, badge.category) for badge_id, badge in known.app.badges.items()],
        schema={"badge_id": pl.String, "title": pl.String, "tier": pl.String, "category": pl.String},
        orient="row",
    )
    rarity = badge_rarity(known).select("badge_id", "rarity")
    named = held.join(badges, on="badge_id", how="left", maintain_order="left")
    rated = named.join(rarity, on="badge_id", how="left", maintain_order="left")
    return rated.with_columns(pl.col("title").fill_null(pl.col("badge_id"))).select(
        *("award_id", "player_key", "badge_id", "as_of", "title", "tier", "category", "rarity"),
        *("granted_at", "confidence", "evidence", "citation", "rule_version"),
    )


def badge_rarity(known: Known) -> pl.DataFrame:
    """How many players hold each badge of the app or the ledger.

    Returns:
        badge_id, holders, share (of all players ever active, 0 to 1) and rarity, in order of badge_id. A badge that
        nobody holds is legendary.
    """
    with known.lend(app_badges=pl.DataFrame({"badge_id": list(known.app.badges)}, schema={"badge_id": pl.String})):
        found = known.frame(known.fixed("badges/badge_holders"), {"as_of": known.as_of})
    rarity = pl.lit("common")
    for bound, name in reversed(RARITY):
        rarity = pl.when(pl.col("share") < bound).then(pl.lit(name)).otherwise(rarity)
    return found.with_columns(rarity=rarity)
