"""Who holds what, and how rare it is."""

import polars as pl

from configs.app import App
from configs.speaking import speaking
from configs.voice import Locale
from pipelines.known import Known
from pipelines.players.languages import languages_read
from pipelines.words.render import amount_text, by_language
from pipelines.words.writers.lexicon import phrases_of

_HELD = (
    *("award_id", "player_key", "badge_id", "as_of", "title", "tier", "category", "prestige", "rarity"),
    *("granted_at", "confidence", "evidence", "citation", "rule_version"),
)
# A badge is as rare as the share of players, of all who ever played, that holds it: (upper bound of the share, name).
RARITY = ((0.01, "legendary"), (0.05, "epic"), (0.15, "rare"), (0.40, "uncommon"))


def badges_held(known: Known) -> pl.DataFrame:
    """Every award up to this night, with what the app file says of the badge and its rarity tonight.

    The badges new tonight are the rows whose `as_of` is the night's. A custom achievement that was reached is held as a
    badge, too: `achievement:<metric>`, under the title and tier that it was issued with, as rare as it was then.

    Returns:
        award_id, player_key, badge_id, as_of, title, tier, category, prestige (0 to 100), rarity, granted_at (UTC),
        confidence, evidence (JSON text), citation, rule_version, in order of granted_at. A badge that the app file no
        longer has is told as the file of the last night that had it did; where none did its title is its id, with no
        tier, category or prestige. An achievement has a prestige of 0.
    """
    sql, lent = held_query(known)
    with known.lend(**lent):
        return known.frame(f"FROM ({sql}) ORDER BY granted_at, award_id", {"as_of": known.as_of})


def held_query(known: Known) -> tuple[str, dict[str, pl.DataFrame]]:
    """The query of `badges_held`, with the parameter `as_of`, and the frames that it names."""
    badges = pl.DataFrame(
        [(name, one.title, one.tier, one.category, one.prestige) for name, one in known.app.badges.items()],
        schema=dict.fromkeys(("badge_id", "title", "tier", "category"), pl.String) | {"prestige": pl.Int32},
        orient="row",
    )
    rarity = badge_rarity(known).select("badge_id", "rarity")
    lost = rarity.select("badge_id").join(badges, on="badge_id", how="anti")
    if not lost.is_empty():
        with known.lend(lost=lost):
            before = known.frame(known.fixed("badges/lost_badges"), {"as_of": known.as_of})
        badges = pl.concat([badges, before.cast(badges.schema)])
    told = rarity.join(badges, on="badge_id", how="left")
    lent = {"told": told, "titles": badge_titles(known.app), "languages_read": languages_read(known)}
    return known.fixed("badges/badges_held"), lent | {"reached": achievements_held(known)}


def badge_titles(app: App) -> pl.DataFrame:
    """badge_id, language, title: what badges are called in each of the app's languages."""
    rows = [
        (name, tag, badge.title)
        for tag in app.voice.languages
        for name, badge in (speaking(app, tag) or app).badges.items()
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("badge_id", "language", "title"), pl.String), orient="row")


def achievements_held(known: Known) -> pl.DataFrame:
    """The custom achievements that were reached by a night, as badges: the columns of `badges_held`."""
    reached = known.frame(known.fixed("badges/achievements_held"), {"as_of": known.as_of})
    languages = reached["language"].unique().to_list()
    said = pl.coalesce(by_language(known.app, pl.col("language"), languages, _cited), "title")
    return reached.with_columns(rarity=_rarity(pl.col("share")), citation=said, prestige=pl.lit(0, pl.Int32)).select(
        _HELD
    )


def _cited(app: App, locale: Locale) -> pl.Expr:
    """What was reached, and a kind word: '10 long workouts completed. Well done.' is one."""
    amount = amount_text(app, pl.col("metric"), pl.col("target"), locale)
    cited = amount.str.head(1).str.to_uppercase() + amount.str.tail(-1) + "."
    closings = phrases_of(app, "citation_closing")
    if not closings:
        return cited
    turn = pl.col("award_id").str.head(8).str.to_integer(base=16, strict=False).fill_null(0) % len(closings)
    return cited + " " + turn.replace_strict(dict(enumerate(closings)), return_dtype=pl.String)


def badge_rarity(known: Known) -> pl.DataFrame:
    """How many players hold each badge of the app or the ledger.

    Returns:
        badge_id, holders, share (of all players ever active, 0 to 1) and rarity, in order of badge_id. A badge that
        nobody holds is legendary.
    """
    with known.lend(app_badges=pl.DataFrame({"badge_id": list(known.app.badges)}, schema={"badge_id": pl.String})):
        found = known.frame(known.fixed("badges/badge_holders"), {"as_of": known.as_of})
    return found.with_columns(rarity=_rarity(pl.col("share")))


def _rarity(share: pl.Expr) -> pl.Expr:
    rarity = pl.lit("common")
    for bound, name in reversed(RARITY):
        rarity = pl.when(share < bound).then(pl.lit(name)).otherwise(rarity)
    return rarity
