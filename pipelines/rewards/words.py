"""Rewards in words: '45 XP, 12 sparks and the title Night Runner', in a text's own language."""

from collections.abc import Mapping

import polars as pl

from configs.app import App
from configs.rewards import XP, Kind
from configs.speaking import speaking, written_in
from configs.voice import Locale
from pipelines.rewards.titles import item_title, nouns_of
from pipelines.words.numbers import by_value, number_text
from pipelines.words.render import by_language


def amount_words(app: App, kinds: Mapping[str, Kind], language: pl.Expr, languages: list[str]) -> pl.Expr:
    """What an offer gives, from the columns item and amount: '12 sparks', 'the title Night Runner', '50 XP'.

    Args:
        app: Its points, titles, unlocks and badges.
        kinds: What each item is, see `Rewards.kinds`.
        language: Of each row.
        languages: Those there are.
    """
    return by_language(app, *_read_in(app, language, languages), lambda said, locale: _said(said, kinds, locale))


def joined_words(app: App, xp: pl.Expr, words: pl.Expr, language: pl.Expr, languages: list[str]) -> pl.Expr:
    """All that something pays, as one phrase: its XP where there is any, and the words of what comes beside it.

    Args:
        app: The app.
        xp: Whole numbers.
        words: Lists of texts, null for none.
        language: Of each row.
        languages: Those there are.
    """
    return by_language(app, *_read_in(app, language, languages), lambda _, locale: _joined(xp, words, locale))


def _read_in(app: App, language: pl.Expr, languages: list[str]) -> tuple[pl.Expr, list[str]]:
    """The language that each row is said in, and all of them: none in which the app has no words of its own."""
    read = {name: name if speaking(app, name) else written_in(app, name) for name in languages}
    return language.replace_strict(read, return_dtype=pl.String), list(dict.fromkeys(read.values()))


def _said(app: App, kinds: Mapping[str, Kind], locale: Locale) -> pl.Expr:
    item, number = pl.col("item"), pl.col("amount").cast(pl.Float64)
    one, many = {XP: "XP"}, {XP: "XP"}
    named: dict[str, str] = {}
    for name, kind in kinds.items():
        if kind == "points":
            one[name], many[name] = nouns_of(app, name)
        elif kind != "xp":
            named[name] = str(getattr(locale, kind)).replace("{a}", item_title(app, name))
    single = pl.lit(f"{locale.one} ") + item.replace_strict(one, default=None, return_dtype=pl.String)
    several = number_text(number, locale) + " " + item.replace_strict(many, default=None, return_dtype=pl.String)
    points = pl.when((number == 1) & (item != XP)).then(single).otherwise(several)
    return pl.coalesce(item.replace_strict(named, default=None, return_dtype=pl.String), points)


def _joined(xp: pl.Expr, words: pl.Expr, locale: Locale) -> pl.Expr:
    paid = pl.when(xp > 0).then(number_text(xp.cast(pl.Float64), locale) + " XP")
    parts = pl.concat_list(paid, words.fill_null([])).list.drop_nulls()
    last = parts.list.last()
    first = parts.list.head(parts.list.len() - 1).list.join(", ")
    several = by_value(locale.joined.replace("{b}", ""), "{a}", first) + last
    return pl.when(parts.list.len() > 1).then(several).otherwise(last)


def balance_words(app: App, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows (item, amount, language) with words; an item that the app has no more by its name."""
    kinds, languages = app.rewards.kinds(app.badges), rows["language"].unique().to_list()
    gone = pl.col("item").str.replace_all("_", " ")
    return rows.with_columns(words=pl.coalesce(amount_words(app, kinds, pl.col("language"), languages), gone))
