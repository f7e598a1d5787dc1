"""What was taken back from players up to this night, as an event that it rested on was: when, why, in which words."""

import polars as pl

from configs.voice import Locale
from data.contracts_out import KINDS, contract, day, text, whole, words
from pipelines.badges.held import badge_titles
from pipelines.publish.seen import Seen
from pipelines.rewards.words import balance_words
from pipelines.words.numbers import by_value, number_text
from pipelines.words.render import by_language

CONTRACT = contract(
    ("user_id", "revocation_id"),
    {
        "revocation_id": text(),
        "user_id": text(),
        "revoked_on": day(),
        "kind": text(one_of=(*KINDS, "achievement", "challenge")),
        "item": text(),
        "title": words(),
        "amount": whole(1),
        "xp": whole(),
        "given_as": text(),
        "reason": text(),
        "words": text(nullable=True),
    },
    standing=False,
    screen=("revoked_on", "kind", "item", "title", "amount", "xp", "words"),
    told="words",
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order; `words` are null where the app tells players nothing of it."""
    app = seen.known.app
    found = balance_words(app, seen.with_language(seen.select("revocations").whole()))
    titles = badge_titles(app).select("language", item="badge_id", named="title")
    found = found.join(titles, on=["language", "item"], how="left", maintain_order="left")
    rewards, badges = pl.col("kind").is_in(["points", "title", "unlock"]), pl.col("kind") == "badge"
    title = pl.when(rewards).then("words").when(badges).then(pl.coalesce("named", "title")).otherwise("title")
    languages = found["language"].unique().to_list()
    said = by_language(app, pl.col("language"), languages, lambda _, locale: _said(locale))
    found = found.with_columns(title=title)
    words = said if app.tell_revocations else pl.lit(None, pl.String)
    return found.with_columns(words=words).drop("language", "named")


def _said(locale: Locale) -> pl.Expr:
    """A kind sentence about what is gone, its XP with it."""
    xp = pl.concat_str("title", pl.lit(" ("), number_text(pl.col("xp").cast(pl.Float64), locale), pl.lit(" XP)"))
    return by_value(locale.taken_back, "{a}", pl.when(pl.col("xp") > 0).then(xp).otherwise("title"))
