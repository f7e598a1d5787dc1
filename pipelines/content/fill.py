"""Filling in: the chosen texts with each player's own numbers, over whole columns."""

from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.voice import Locale
from pipelines.content.render import (
    amount_text,
    by_language,
    by_value,
    fill_slots,
    goal_text,
    period_text,
    span_text,
    window_text,
)
from pipelines.content.validate import FORMS, SLOT, TITLE_LENGTH

TARGET_DAYS = 28  # what the next targets in messages are measured over


def fill_in(app: App, chosen: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Put each row's numbers into the text chosen for it.

    Args:
        app: Its metrics' words.
        chosen: content_type, brief_id, variant, metric, amount, window_days, percentile, and any others.
        texts: brief_id, variant (unique together), title, text with slots, language, and any others.

    Returns:
        `chosen` in its order with the columns of `texts`, the text filled.

    Raises:
        NightquestError: A text is not fit to be read; see `hold_fit`.
    """
    templates = texts.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant"))
    rows = chosen.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant")).join(
        templates.drop("brief_id", "variant", "text"), on="template", how="left", maintain_order="left"
    )
    languages = texts["language"].unique().to_list()

    def slot(text: Callable[[Locale], pl.Expr]) -> pl.Expr:
        return by_language(pl.col("language"), languages, text)

    metric, amount, days = pl.col("metric"), pl.col("amount"), pl.col("window_days")
    values = {
        "goal_1": slot(lambda locale: goal_text(app, metric, amount, days, locale)),
        "window": slot(lambda locale: window_text(days, locale)),
        "period": slot(lambda locale: period_text(days, locale)),
        "amount": slot(lambda locale: amount_text(app, metric, amount, locale)),
        "span": slot(lambda locale: span_text(app, metric, TARGET_DAYS, locale)),
        "percentile": slot(lambda locale: by_value(locale.percent, "{n}", pl.col("percentile"))),
    }
    return hold_fit(fill_slots(rows, templates, values, on="template").drop("template"))


def hold_fit(filled: pl.DataFrame) -> pl.DataFrame:
    """Let filled texts through that have their length and no slot left open.

    Raises:
        NightquestError: One has not. Checked texts always have, so that this says that check and filling disagree.
    """
    lengths = {name: form.length for name, form in FORMS.items()}
    most = pl.col("content_type").replace_strict(lengths, return_dtype=pl.UInt32)
    fits = (
        pl.col("title").str.len_chars().is_between(1, TITLE_LENGTH)
        & pl.col("text").str.len_chars().is_between(1, most)
        & ~pl.col("text").str.contains(SLOT.pattern)
    )
    unfit = filled.filter(~fits.fill_null(value=False))
    if unfit.height:
        title, text = unfit.select("title", "text").row(0)
        raise NightquestError(
            f"{unfit.height} texts are not fit to be read, the first being '{title}': '{text}'.",
            "Please report this with the app file.",
            exit_code=1,
        )
    return filled
