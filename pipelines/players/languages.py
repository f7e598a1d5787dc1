"""Which of the app's languages each player reads."""

import polars as pl

from configs.app import App
from pipelines.known import Known


def languages_read(known: Known) -> pl.DataFrame:
    """player_key and language (a tag of `voice.languages`) of those who read another one than the first.

    Without rows for an app that speaks one language.
    """
    if len(known.app.voice.languages) < 2:
        return pl.DataFrame(schema={"player_key": pl.Int64, "language": pl.String})
    return known.once("languages read", lambda: _languages_read(known))


def with_language(known: Known, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with player_key, and the language that each player reads."""
    read = rows.join(languages_read(known), on="player_key", how="left", maintain_order="left")
    return read.with_columns(pl.col("language").fill_null(known.app.voice.languages[0]))


def spoken(app: App, language: pl.Expr) -> pl.Expr:
    """A language of the app's voice: the player's own, with or without its region, else the first."""
    mine = language.str.to_lowercase().str.replace_all("_", "-")
    ours = {tag.lower().replace("_", "-"): tag for tag in app.voice.languages}
    exact = mine.replace_strict(ours, default=None, return_dtype=pl.String)
    plain = mine.str.extract(r"^([a-z]+)").replace_strict(ours, default=None, return_dtype=pl.String)
    return pl.coalesce(exact, plain, pl.lit(app.voice.languages[0]))


def _languages_read(known: Known) -> pl.DataFrame:
    told = known.frame(known.fixed("players/player_languages"), {"cut": known.cut})
    told = told.select("player_key", language=spoken(known.app, pl.col("language")))
    return told.filter(pl.col("language") != known.app.voice.languages[0])
