"""The step that gives a night its words: briefs, texts, who reads which, and the numbers filled in."""

import datetime as dt
from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.voice import Locale
from pipelines.content.assign import assign_variants
from pipelines.content.briefs import BRIEF_KEYS, brief_keys, group_briefs, prompt_version, read_briefs
from pipelines.content.citations import write_citations
from pipelines.content.offline import AI_PROVIDER, MODEL, write_briefs
from pipelines.content.render import (
    LARGEST,
    amount_text,
    by_language,
    by_value,
    fill_slots,
    goal_text,
    period_text,
    span_text,
    window_text,
)
from pipelines.content.validate import SLOT, TEXT_LENGTH, TITLE_LENGTH

__all__ = ["write_citations", "write_words"]

TARGET_DAYS = 28  # what the next targets in messages are measured over
_COMMON = ("content_id", "player_key", "content_type", "persona", "metric", "language")
_PLAN = (*_COMMON, "target", "window_days", "difficulty_level")
_ASKS = (*_COMMON, "goal", "percentile", "recency_days")


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
        recent: player_key, variant of what players read in the last 30 days; none is read again while others are left.

    Returns:
        For challenges content_id, title, description, brief_id, ai_provider, model, prompt_version, variant,
        propensity, metadata (JSON text); for messages the same with body instead of description. Rows in the order of
        the input.

    Raises:
        AppFileError: The words of the app file leave no way to say something; the message names them.
        ValueError: A column is missing, a content_id stands twice, or a target is not a number that can be written.
    """
    _check(plan, asks)
    keys = brief_keys(app, plan, asks)
    briefs = group_briefs(app, keys)
    variants = write_briefs(app, read_briefs(briefs), seed=seed)
    rows = keys.join(briefs.select("brief_id", *BRIEF_KEYS), on=BRIEF_KEYS, how="left", maintain_order="left")
    chosen = assign_variants(rows, variants, as_of=as_of, recent=recent)
    numbers = pl.concat([_numbers(plan, "target", "window_days"), _numbers(asks, "goal", "percentile")], how="diagonal")
    words = _render(app, pl.concat([chosen, numbers], how="horizontal"), variants).with_columns(
        ai_provider=pl.lit(AI_PROVIDER), model=pl.lit(MODEL), prompt_version=pl.lit(prompt_version(app))
    )
    columns = ("brief_id", "ai_provider", "model", "prompt_version", "variant", "propensity", "metadata")
    challenges, messages = words.head(plan.height), words.slice(plan.height)
    return (
        challenges.select("content_id", "title", pl.col("text").alias("description"), *columns),
        messages.select("content_id", "title", pl.col("text").alias("body"), *columns),
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


def _numbers(frame: pl.DataFrame, amount: str, other: str) -> pl.DataFrame:
    """The numbers behind the slots: metric, amount and what else goes with it."""
    return frame.select(
        pl.col("metric").cast(pl.String), pl.col(amount).cast(pl.Float64).alias("amount"), pl.col(other).cast(pl.Int64)
    )


def _render(app: App, chosen: pl.DataFrame, variants: pl.DataFrame) -> pl.DataFrame:
    """Fill the chosen texts: `chosen` with title, text and metadata."""
    templates = variants.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant"))
    rows = chosen.with_columns(template=pl.col("brief_id") + "/" + pl.col("variant")).join(
        templates.select("template", "language", "metadata", "title"), on="template", how="left", maintain_order="left"
    )
    languages = variants["language"].unique().to_list()

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
    return hold_fit(fill_slots(rows, templates, values, on="template"))


def hold_fit(filled: pl.DataFrame) -> pl.DataFrame:
    """Let filled texts through that have their length and no slot left open.

    Raises:
        NightquestError: One has not. Checked texts always have, so that this says that check and filling disagree.
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
            f"{unfit.height} texts are not fit to be read, the first being '{title}': '{text}'.",
            "Please report this with the app file.",
            exit_code=1,
        )
    return filled
