"""Filling slots: numbers, units, plurals and windows in the text's language, over whole columns and in a single pass."""

from collections.abc import Callable, Sequence

import polars as pl

from configs.app import App
from configs.voice import Locale, voice_defaults
from pipelines.content.briefs import metric_words
from pipelines.content.validate import SLOT

LARGEST = 1e15


def fill_slots(template: str, values: dict[str, str]) -> str:
    """One text filled in; a value is never searched for slots. A slot without a value stays."""
    return SLOT.sub(lambda found: values.get(found[1], found[0]), template)


def fill_columns(
    rows: pl.DataFrame, templates: pl.DataFrame, field: str, slots: Sequence[str], on: str
) -> pl.DataFrame:
    """Fill one field of many rows.

    Every template is cut at its slots once; a row's text is its template's pieces with the row's values between them, so no
    value is ever searched for slots.

    Args:
        rows: `on` and a text column for each of `slots`; null where the row has none.
        templates: `on` (unique) and `field`, the text with slots.
        field: Name of the column to fill.
        slots: The slots there may be.
        on: What ties rows to templates.

    Returns:
        `rows` in their order with `field` added; null where a slot has no value.
    """
    cut = [SLOT.split(text) for text in templates[field]]
    most = max((len(pieces) // 2 for pieces in cut), default=0)
    pieces: dict[str, list[str]] = {f"_{i}": [p[i] if i < len(p) else "" for p in cut] for i in range(2 * most + 1)}
    laid = templates.select(on).with_columns(pl.Series(name, texts, dtype=pl.String) for name, texts in pieces.items())
    text: list[pl.Expr] = [pl.col("_0")]
    for i in range(1, 2 * most + 1, 2):
        value = pl.lit(None, dtype=pl.String)
        for slot in slots:
            value = pl.when(pl.col(f"_{i}") == slot).then(pl.col(slot)).otherwise(value)
        text += [pl.when(pl.col(f"_{i}") == "").then(pl.lit("")).otherwise(value), pl.col(f"_{i + 1}")]
    joined = rows.join(laid, on=on, how="left", maintain_order="left", validate="m:1")
    return joined.with_columns(pl.concat_str(text).alias(field)).drop(list(pieces))


def number_text(value: pl.Expr, locale: Locale, *, up: pl.Expr | None = None) -> pl.Expr:
    """A number as people write it: thousands apart, at most two decimals (four below 1), no trailing zeros.

    Args:
        value: Finite numbers below 1e15.
        locale: Whose separators.
        up: Round a fraction up where true, down where false, so that who reaches the number shown has reached the true
            one. None rounds to the nearest.
    """
    size = value.abs()
    places = pl.when(size < 1).then(pl.lit(10_000)).otherwise(pl.lit(100))
    scaled = (size * places).round(4)  # 0.1 + 0.2 is not worth another hundredth
    nearest = scaled.round()
    if up is not None:
        nearest = pl.when(up == (value >= 0)).then(scaled.ceil()).otherwise(scaled.floor())
    units = nearest.cast(pl.Int64)
    whole, rest = units // places, units % places
    digits = (
        rest.cast(pl.String).str.zfill(pl.when(size < 1).then(pl.lit(4)).otherwise(pl.lit(2))).str.strip_chars_end("0")
    )
    fraction = pl.when(rest == 0).then(pl.lit("")).otherwise(pl.lit(locale.decimal) + digits)
    sign = pl.when((value < 0) & (units > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + _grouped(whole, locale.thousands) + fraction


def number_words(value: float, locale: Locale) -> str:
    """One number as `number_text` writes it."""
    return str(pl.select(number_text(pl.lit(float(value)), locale)).item())


def goal_text(app: App, metric: pl.Expr, value: pl.Expr, locale: Locale) -> pl.Expr:
    """A number with its metric's unit: '1 answer', '1,250 clicks', '3.5%', '85' for a metric without a unit."""
    names = list(app.metrics)
    words = [metric_words(app, name) for name in names]
    lower = metric.replace_strict(names, [m.better == "lower" for m in app.metrics.values()], default=False)
    number = number_text(value, locale, up=~lower)
    one = metric.replace_strict(
        names, [_joined(w.unit) if w else "" for w in words], default="", return_dtype=pl.String
    )
    many = metric.replace_strict(
        names, [_joined(w.plural) if w else "" for w in words], default="", return_dtype=pl.String
    )
    return number + pl.when(number.is_in(["1", "-1"])).then(one).otherwise(many)


def counted(template: str, number: pl.Expr) -> pl.Expr:
    """A template with `{n}` once, filled with a column."""
    before, _, after = template.partition("{n}")
    return pl.concat_str(pl.lit(before), number.cast(pl.String), pl.lit(after))


def window_text(days: pl.Expr, locale: Locale) -> pl.Expr:
    """'today' for one day, 'over the next 3 days' for more."""
    return pl.when(days == 1).then(pl.lit(locale.today)).otherwise(counted(locale.window, days))


def by_language(language: pl.Expr, languages: Sequence[str], text: Callable[[Locale], pl.Expr]) -> pl.Expr:
    """An expression of a locale, each row with the locale of its language; English for a language without one."""
    defaults = voice_defaults()
    chosen = text(defaults.locale("en"))
    for name in sorted(set(languages)):
        if (locale := defaults.locale(name)) is not defaults.locale("en"):
            chosen = pl.when(language == name).then(text(locale)).otherwise(chosen)
    return chosen


def _joined(unit: str) -> str:
    """What stands behind the number: nothing, '%' at once, a word after a space."""
    return unit if unit[:1] in {"", "%", "°"} else f" {unit}"


def _grouped(whole: pl.Expr, separator: str) -> pl.Expr:
    """Digits in groups of three."""
    text = (whole % 1000).cast(pl.String)
    for power in (1, 2, 3, 4):
        below = 1000**power
        group = (whole // below % 1000).cast(pl.String)
        tail = whole % below
        text = pl.when(whole >= below).then(group + _padded(tail, power, separator)).otherwise(text)
    return text


def _padded(tail: pl.Expr, groups: int, separator: str) -> pl.Expr:
    """The lower groups of a number, each with three digits and its separator in front."""
    pieces = []
    for power in reversed(range(groups)):
        pieces += [pl.lit(separator), (tail // 1000**power % 1000).cast(pl.String).str.zfill(3)]
    return pl.concat_str(pieces)
