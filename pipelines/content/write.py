"""The step that gives a night its words: briefs, texts, who reads which, and the numbers filled in."""

import datetime as dt
from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.voice import Locale
from pipelines.content.assign import assign_variants
from pipelines.content.briefs import (
    BRIEF_KEYS,
    MESSAGE_WINDOW_DAYS,
    brief_keys,
    group_briefs,
    metric_words,
    prompt_version,
    read_briefs,
)
from pipelines.content.citations import write_citations
from pipelines.content.offline import AI_PROVIDER, MODEL, write_briefs
from pipelines.content.render import LARGEST, by_language, counted, fill_columns, goal_text, window_text
from pipelines.content.validate import SLOT, TEXT_LENGTH, TITLE_LENGTH

__all__ = ["write_citations", "write_words"]

SLOTS = ("goal_1", "window", "label_1", "days_away", "percentile")


def write_words(
    app: App, plan: pl.DataFrame, asks: pl.DataFrame, *, seed: int, as_of: dt.date, recent: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write every challenge's and message's words with the offline writer.

    The same input gives the same words; nothing of a player but key, persona, language and numbers is read.

    Args:
        app: Its voice and metrics.
        plan: content_id, player_key, content_type, persona, metric, target, window_days, difficulty_level, language.
        asks: content_id, player_key, content_type, persona, language, metric, goal (null: no target), percentile,
            recency_days.
        seed: Another seed draws other texts.
        as_of: The night; moves players on to the next text of their brief.
        recent: player_key, brief_id, variant of what players read in the last 30 days; none is read again while others
            are left.

    Returns:
        For challenges content_id, title, description, brief_id, ai_provider, model, prompt_version, variant, propensity,
        metadata (JSON text); for messages the same with body instead of description. Rows in the order of the input.

    Raises:
        ValueError: A column is missing, a content_id stands twice, or a target is not a number that can be written.
    """
    _check(plan, asks)
    keys = brief_keys(app, plan, asks)
    briefs = group_briefs(app, keys)
    variants = write_briefs(app, read_briefs(briefs), seed=seed)
    rows = keys.join(briefs.select("brief_id", *BRIEF_KEYS), on=BRIEF_KEYS, how="left", maintain_order="left")
    chosen = assign_variants(rows, variants, as_of=as_of, recent=recent)
    values = pl.concat([_values(plan, "target", "window_days"), _values(asks, "goal", None)])
    words = _render(app, pl.concat([chosen, values.drop("content_id")], how="horizontal"), variants)
    words = words.with_columns(
        ai_provider=pl.lit(AI_PROVIDER), model=pl.lit(MODEL), prompt_version=pl.lit(prompt_version(app))
    )
    columns = ("brief_id", "ai_provider", "model", "prompt_version", "variant", "propensity", "metadata")
    challenges, messages = words.head(plan.height), words.tail(asks.height) if asks.height else words.clear()
    return (
        challenges.select("content_id", "title", pl.col("text").alias("description"), *columns),
        messages.select("content_id", "title", pl.col("text").alias("body"), *columns),
    )


_PLAN = (
    "content_id",
    "player_key",
    "content_type",
    "persona",
    "metric",
    "target",
    "window_days",
    "difficulty_level",
    "language",
)
_ASKS = (
    "content_id",
    "player_key",
    "content_type",
    "persona",
    "metric",
    "goal",
    "percentile",
    "recency_days",
    "language",
)


def _check(plan: pl.DataFrame, asks: pl.DataFrame) -> None:
    for name, frame, columns in (("plan", plan, _PLAN), ("asks", asks, _ASKS)):
        if missing := [column for column in columns if column not in frame.columns]:
            raise ValueError(f"{name} lacks {', '.join(missing)}")
    ids = pl.concat([plan["content_id"].cast(pl.String), asks["content_id"].cast(pl.String)])
    if ids.n_unique() < len(ids):
        raise ValueError("a content_id stands twice in plan and asks")
    targets = pl.concat([plan["target"].cast(pl.Float64), asks["goal"].cast(pl.Float64).drop_nulls()])
    if targets.null_count() or not (targets.is_finite() & (targets.abs() < LARGEST)).all():
        raise ValueError(f"a target is null, not finite or {LARGEST:g} or more")


def _values(frame: pl.DataFrame, amount: str, window: str | None) -> pl.DataFrame:
    """The numbers behind the slots, under common names."""
    absent = pl.lit(None, dtype=pl.Int64)
    return frame.select(
        pl.col("content_id").cast(pl.String),
        pl.col("metric").cast(pl.String),
        pl.col(amount).cast(pl.Float64).alias("amount"),
        (pl.col(window).cast(pl.Int64) if window else absent).alias("window_days"),
        (pl.col("percentile").cast(pl.Int64) if not window else absent).alias("percent"),
        (pl.col("recency_days").cast(pl.Int64) if not window else absent).alias("away"),
    )


def _render(app: App, chosen: pl.DataFrame, variants: pl.DataFrame) -> pl.DataFrame:
    """Fill the chosen texts: content_id, title, text, brief_id, variant, propensity, metadata."""
    templates = variants.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant"))
    rows = chosen.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant")).join(
        templates.select("template", "language", "metadata"), on="template", how="left", maintain_order="left"
    )
    languages = templates["language"].unique().to_list()

    def slot(text: Callable[[Locale], pl.Expr]) -> pl.Expr:
        return by_language(pl.col("language"), languages, text)

    labels = {name: words.label for name in app.metrics if (words := metric_words(app, name))}
    filled = rows.with_columns(
        goal_1=slot(lambda locale: goal_text(app, pl.col("metric"), pl.col("amount"), locale)),
        window=slot(_window),
        percentile=slot(lambda locale: counted(locale.percent, pl.col("percent"))),
        days_away=slot(lambda locale: _days(pl.col("away"), locale)),
        label_1=pl.col("metric").replace_strict(labels, default=None, return_dtype=pl.String),
    )
    for field in ("title", "text"):
        filled = fill_columns(filled, templates, field, SLOTS, on="template")
    return _refuse_unfit(filled)


def _window(locale: Locale) -> pl.Expr:
    """A challenge's window from now on; of a message's target the days that it spans."""
    span = pl.lit(locale.span.replace("{n}", str(MESSAGE_WINDOW_DAYS)))
    return pl.when(pl.col("window_days").is_null()).then(span).otherwise(window_text(pl.col("window_days"), locale))


def _days(number: pl.Expr, locale: Locale) -> pl.Expr:
    return pl.when(number == 1).then(counted(locale.day, number)).otherwise(counted(locale.days, number))


def _refuse_unfit(filled: pl.DataFrame) -> pl.DataFrame:
    """Hold every filled text to its length and to having no slot left open.

    Raises:
        NightquestError: One does not; checked texts cannot, so a check and the filling disagree.
    """
    fits = (
        pl.col("title").str.len_chars().is_between(1, TITLE_LENGTH)
        & pl.col("text").str.len_chars().is_between(1, TEXT_LENGTH)
        & ~pl.col("text").str.contains(SLOT.pattern)
    )
    unfit = filled.filter(~fits.fill_null(value=False))
    if unfit.height:
        title, text = unfit.select("title", "text").row(0)
        raise NightquestError(
            f"{unfit.height} texts are not fit to be read, such as '{title}': '{text}'.",
            "Shorten the words of that metric in the app file.",
        )
    return filled
