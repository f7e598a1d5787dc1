"""What was taken back from players up to this night, as an event that it rested on was: when, why, in which words."""

import polars as pl

from configs.app import App
from configs.voice import locale_of
from data.contracts_out import KINDS, contract, day, text, whole, words
from pipelines.publish.seen import Seen
from pipelines.rewards.said import balance_words
from pipelines.words.render import by_value, number_text

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
    titles = pl.DataFrame(
        [(name, badge.title) for name, badge in app.badges.items()],
        schema={"badge_id": pl.String, "title": pl.String},
        orient="row",
    )
    found = balance_words(app, seen.select("revocations", titles=titles).whole())
    rewards = pl.col("kind").is_in(["points", "title", "unlock"])
    found = found.with_columns(title=pl.when(rewards).then("words").otherwise("title"))
    said = _said(app) if app.tell_revocations else pl.lit(None, pl.String)
    return found.with_columns(words=said)


def _said(app: App) -> pl.Expr:
    """A kind sentence about what is gone, its XP with it."""
    locale = locale_of(app.voice.languages[0])
    xp = pl.concat_str("title", pl.lit(" ("), number_text(pl.col("xp").cast(pl.Float64), locale), pl.lit(" XP)"))
    return by_value(locale.taken_back, "{a}", pl.when(pl.col("xp") > 0).then(xp).otherwise("title"))
