"""Rewards of what was settled: paid once, to the ledger and, of badges, to the badges held; taken back as XP is."""

import polars as pl

from pipelines.badges.rules.award import name_awards, write_awards
from pipelines.badges.rules.revoke import take_back
from pipelines.known import Known
from pipelines.players.languages import with_language
from pipelines.words.citations import write_citations


def pay_rewards(known: Known) -> None:
    """Pay what the promises settled by this night give beside XP; all or nothing, and nothing a second time.

    The ledger follows the settlements that stand: a promise that pays its XP pays its rewards, and where an event was
    taken back and the app's `on_retraction` takes the XP, a row below zero takes the rewards, too.

    Args:
        known: What the night may see; its settlements are written.
    """
    if not known.value("SELECT count(*) FROM (FROM promised_rewards LIMIT 1)"):
        return
    pins = {"as_of": known.as_of}
    with known.warehouse.transaction():
        known.run(known.fixed("rewards/pay_rewards"), {**pins, "cut": known.cut})
        take_back(known, known.frame(known.fixed("rewards/badges_to_take_back"), pins))
        given = known.frame(known.fixed("rewards/badges_to_give"), pins)
        if given.height:
            write_awards(known, _cited(known, given))


def _cited(known: Known, given: pl.DataFrame) -> pl.DataFrame:
    """Awards, each with a word on the badge behind the title (`kept`) of what was asked, whose days are over."""
    named = name_awards(known.warehouse, known.app, given.drop("kept"))
    titles = given.select("player_key", "badge_id", "kept")
    there = named.filter(pl.col("badge_id").is_in(list(known.app.badges)))  # the file may have lost one since
    words = write_citations(known.app, with_language(known, there)).select("award_id", "citation")
    cited = named.join(titles, on=["player_key", "badge_id"], how="left", maintain_order="left")
    cited = cited.join(words, on="award_id", how="left", maintain_order="left", validate="1:1")
    return cited.with_columns(citation=pl.coalesce(pl.format("{}. {}", "kept", "citation"), "kept")).drop("kept")
