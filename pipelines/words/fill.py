"""Filling in: the chosen texts with each player's own numbers, over whole columns."""

from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.nouns import counted
from configs.voice import Locale
from pipelines.challenges.parts import PARTS
from pipelines.words.alike import find_alike
from pipelines.words.checks.validate import SLOT, TITLE_LENGTH
from pipelines.words.numbers import by_value, plainer
from pipelines.words.render import (
    also_text,
    amount_text,
    by_language,
    fill_slots,
    goal_text,
    period_text,
    span_text,
    until_text,
    with_one,
)
from pipelines.words.types import content_types

TARGET_DAYS = 28  # what the next targets in messages are measured over
# What may differ between two rows with the same text. All else that is filled in or told follows from their brief.
_OWN = ("amount", "window_days", "valid_until", "percentile", "mission", "arm", "chapter", "done", "also")
FILLED = ("content_type", "metric", "as_of", *_OWN)  # what `fill_in` reads of a row, beside which text it has
TOLD = ("title", "text", "brief_id", "ai_provider", "model", "prompt_version", "variant", "metadata")


_OF_A_DATE = 24  # what a last day takes more than a span, which texts were checked with that are kept from before


def fill_in(app: App, chosen: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Put each row's numbers into the text chosen for it, and what is known of the row into its metadata.

    A million players share few texts and round numbers, so rows that say the very same are filled once.

    Args:
        app: Its metrics' words.
        chosen: at (the row of `texts`), content_type, metric, amount, window_days, percentile; where there are any,
            valid_until (the last day of the window), as_of (the night's day, the same for all), mission, arm, chapter,
            done and also.
        texts: The columns of TOLD, text with slots, metadata (JSON text) and language.

    Returns:
        The columns of TOLD in the order of `chosen`: the text filled, the metadata with the metric of a message that is
        about one without asking for it, the mission of its brief and the arm of a player.

    Raises:
        NightquestError: A text is not fit to be read; see `hold_fit`.
    """
    rows = chosen.select("at", *(name for name in FILLED if name in chosen.columns))
    lacking = pl.DataFrame(schema={"also": PARTS, "done": pl.Float64, "valid_until": pl.Date, "as_of": pl.Date})
    rows = pl.concat([rows, lacking.select(pl.exclude(rows.columns))], how="diagonal")
    rows = rows.cast(lacking.schema).with_columns(beside=_as_key(pl.col("also")))
    told = [name for name in (*_OWN[:-1], "beside") if name in rows.columns and rows[name].null_count() < rows.height]
    first, place = find_alike(rows, "at", *told)
    filled = _filled(app, rows[first], texts.with_row_index("at")).with_columns(about=_about())
    for name, column in (("metric", "about"), ("mission", "mission"), ("chapter", "chapter"), ("arm", "arm")):
        filled = _tell(filled, name, column)
    return filled.select(TOLD)[place]


def _filled(app: App, rows: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the columns of `texts` that go with their `at`, the text filled."""
    texts = texts.filter(pl.col("at").is_in(rows["at"].unique().implode()))  # of a night's, which tables share
    rows = rows.join(texts.drop("text"), on="at", how="left", maintain_order="left")
    said = ("language", "metric", "amount", "window_days", "valid_until", "percentile", "beside", "done")
    first, place = find_alike(rows, *said)
    values = _values(app, rows[first], texts["language"].unique().to_list())
    rows = rows.hstack(values.select(pl.all().name.suffix("_text"))[place])
    slots = {name: pl.col(f"{name}_text") for name in values.columns}
    filled = fill_slots(rows, texts.select("at", "text"), slots, on="at").with_columns(
        text=with_one(app, pl.col("text"))
    )
    return hold_fit(filled)


def _values(app: App, rows: pl.DataFrame, languages: list[str]) -> pl.DataFrame:
    """What each slot becomes; null where a row has no such number."""

    def slot(text: Callable[[App, Locale], pl.Expr]) -> pl.Expr:
        return by_language(app, pl.col("language"), languages, text)

    metric, amount, days, last = pl.col("metric"), pl.col("amount"), pl.col("window_days"), pl.col("valid_until")
    said_on = pl.col("as_of")
    until = slot(lambda _, locale: until_text(last, days, locale, said_on))
    return rows.select(
        also=slot(lambda said, locale: also_text(said, pl.col("also"), days, locale)),
        goal_1=slot(lambda said, locale: goal_text(said, metric, amount, days, locale)),
        window=until,
        period=slot(lambda _, locale: period_text(last, days, locale, said_on)),
        until=until,
        done=slot(
            lambda said, locale: amount_text(
                said, metric, plainer(said, metric, pl.col("done"), reached=True), locale, reached=True
            )
        ),
        amount=slot(lambda said, locale: amount_text(said, metric, plainer(said, metric, amount), locale)),
        span=slot(lambda said, locale: span_text(said, metric, TARGET_DAYS, locale)),
        percentile=slot(lambda _, locale: by_value(locale.percent, "{n}", pl.col("percentile"))),
    )


def _as_key(also: pl.Expr) -> pl.Expr:
    """What is asked beside a goal as a text, by which rows that say the same are found."""
    field = pl.element().struct.field
    return also.list.eval(pl.format("{} {}", field("metric"), field("target"))).list.join(", ")


def hold_fit(filled: pl.DataFrame) -> pl.DataFrame:
    """Let filled texts through that have their length and no slot left open.

    Raises:
        NightquestError: One has not. Checked texts always have, so that this says that check and filling disagree.
    """
    lengths = {name: kind.form.length for name, kind in content_types().items()}
    most = pl.col("content_type").replace_strict(lengths, return_dtype=pl.UInt32)
    fits = (
        pl.col("title").str.len_chars().is_between(1, TITLE_LENGTH)
        & pl.col("text").str.len_chars().is_between(1, most + _OF_A_DATE)
        & ~pl.col("text").str.contains(SLOT.pattern)
    )
    unfit = filled.filter(~fits.fill_null(value=False))
    if unfit.height:
        title, text = unfit.select("title", "text").row(0)
        raise NightquestError(
            f"Not fit to be read: {counted(unfit.height, 'text')}, the first being '{title}': '{text}'.",
            "Please report this with the app file.",
            exit_code=1,
        )
    return filled


def _about() -> pl.Expr:
    """The metric of a message that is about one without asking for it."""
    told = [name for name, kind in content_types().items() if kind.names_metric]
    return pl.when(pl.col("content_type").is_in(told) & (pl.col("metric") != "")).then("metric")


def _tell(words: pl.DataFrame, name: str, column: str) -> pl.DataFrame:
    """Add a column's value to the metadata of the rows that have one: the mission of its brief, the arm of a player."""
    if column not in words.columns:
        return words
    told = pl.format('{}, "{}": "{}"}}', pl.col("metadata").str.strip_suffix("}"), pl.lit(name), column)
    return words.with_columns(metadata=pl.when(pl.col(column).is_not_null()).then(told).otherwise(pl.col("metadata")))
