"""Numbers as a language writes them and people say them, with unit and plural, over whole columns."""

import re
from collections.abc import Callable, Mapping

import polars as pl

from configs.app import App
from configs.nouns import is_counted, minutes_of
from configs.speaking import own_language
from configs.voice import Locale, locale_of
from configs.wording import MetricWords, metric_words

LARGEST = 1e15  # numbers beyond are no longer exact
_CURRENCIES = "$£€¥"  # signs, which stand before their number or behind it


def number_text(value: pl.Expr, locale: Locale, *, up: pl.Expr | None = None) -> pl.Expr:
    """A number as people write it: thousands apart, at most two decimals (four below 1), no trailing zeros.

    Args:
        value: Finite numbers below 1e15.
        locale: Whose separators.
        up: Round a fraction up where true, down where false, so that who reaches the number shown has reached the true
            one. None rounds to the nearest.
    """
    asked = {"value": value} if up is None else {"value": value, "up": up}
    return at_once(lambda rows: _numbers_written(rows, locale), **asked)


def say_figure(app: App, metric: str, value: float, *, reached: bool = False) -> str:
    """A metric's number as it stands beside its label, in the app's language: '155 minutes', '62.5%', '85'.

    Args:
        app: Its metrics' words.
        metric: One of them.
        value: The number.
        reached: Somebody came to it: '41' of the 155 minutes. Else it is a goal, with its unit.
    """
    locale, name, words = locale_of(own_language(app)), pl.lit(metric), words_of(app)
    if words[metric].measure == "share":
        text = by_value(locale.percent, "{n}", number_text((pl.lit(value) * 100).round(1), locale))
    else:
        nouns = {metric: ("", "") if reached else (words[metric].unit, words[metric].plural)}
        text = number_and_noun(app, name, plainer(app, name, pl.lit(value), reached=reached), locale, nouns)
    return str(pl.select(text).item())


def plainer(app: App, metric: pl.Expr, amount: pl.Expr, *, reached: bool = False) -> pl.Expr:
    """A target with no more digits than people say: 190 minutes for 189.1, so that who reaches it has reached both.

    What somebody came to (`reached`) is rounded the other way: 41 minutes for 41.9, so that nobody seems to be there.
    """
    minutes = metric.is_in(
        [name for name, one in app.metrics.items() if minutes_of(one.unit) == 1 and one.agg != "mean"]
    )
    least = [(10.0, 1), (1.0, 10), (0.1, 100)]  # an amount, and the parts of one that are said of it
    places = pl.lit(10_000)
    for size, parts in reversed(least):
        places = pl.when(amount.abs() >= size).then(parts).otherwise(places)
    places = pl.when(minutes & (amount.abs() >= 1)).then(1).otherwise(places)
    scaled = (amount * places).round(6)
    lower = metric.is_in([name for name, one in app.metrics.items() if one.better == "lower"])
    return pl.when(lower != reached).then(scaled.floor()).otherwise(scaled.ceil()) / places


def by_value(template: str, slot: str, value: pl.Expr) -> pl.Expr:
    """A template of a locale with its one slot filled from a column."""
    before, _, after = template.partition(slot)
    return pl.concat_str(pl.lit(before), value.cast(pl.String), pl.lit(after))


def number_and_noun(
    app: App, metric: pl.Expr, value: pl.Expr, locale: Locale, nouns: Mapping[str, tuple[str, str]]
) -> pl.Expr:
    """A number, rounded so that who reaches it has reached the true one, with its noun in the singular or plural."""

    def written(rows: pl.DataFrame) -> pl.Series:
        metric, number = pl.col("metric"), pl.col("number")
        higher = metric.is_in([name for name, one in app.metrics.items() if one.better == "higher"])
        rows = rows.with_columns(number=number_text(pl.col("value"), locale, up=higher))
        noun = pl.when(number.is_in(["1", "-1"])).then(form(0)).otherwise(form(1))
        things = metric.is_in([name for name, (one, _) in nouns.items() if is_counted(one)])
        rows = rows.with_columns(
            noun=noun, number=pl.when(things & (number == "1")).then(pl.lit(locale.one)).otherwise(number)
        )
        if not signs:
            return rows.select(text=number + pl.col("noun"))["text"]
        tenths = rf"({re.escape(locale.decimal)}\d)$"  # $3.50
        paid = pl.when(metric.is_in(list(signs))).then(number.str.replace(tenths, "${1}0")).otherwise(number)
        return rows.select(text=around(0) + paid + around(1) + pl.col("noun"))["text"]

    def around(side: int) -> pl.Expr:
        """What stands before an amount of money, or behind it."""
        piece = locale.money.split("{n}")[side]
        written = {name: piece.replace("{a}", sign) for name, sign in signs.items()}
        return pl.col("metric").replace_strict(written, default="", return_dtype=pl.String)

    def form(which: int) -> pl.Expr:
        forms = {name: _spaced(both[which].lstrip(_CURRENCIES)) for name, both in nouns.items()}
        return pl.col("metric").replace_strict(forms, default="", return_dtype=pl.String)

    signs = {name: one[:1] for name, (one, _) in nouns.items() if one.startswith(tuple(_CURRENCIES))}
    return at_once(written, metric=metric, value=value)


def words_of(app: App) -> dict[str, MetricWords]:
    """Each metric's words, by name; none for one that cannot be said."""
    return {name: words for name in app.metrics if (words := metric_words(app, name))}


def at_once(text: Callable[[pl.DataFrame], pl.Series], **columns: pl.Expr) -> pl.Expr:
    """A text worked out step by step from columns, each calculated once.

    An expression is a tree: one that names a number ten times, of which each names its own ten times, takes longer to
    plan than a night's texts to fill.
    """
    named = [column.alias(name) for name, column in columns.items()]
    return pl.struct(named).map_batches(lambda rows: text(rows.struct.unnest()), return_dtype=pl.String)


def _numbers_written(rows: pl.DataFrame, locale: Locale) -> pl.Series:
    """`number_text` of the column `value`, rounded by the column `up` where there is one."""
    value, size, scaled, units, rest = map(pl.col, ("value", "size", "scaled", "units", "rest"))
    rows = rows.with_columns(size=value.abs())
    rows = rows.with_columns(places=pl.when(size < 1).then(pl.lit(10_000)).otherwise(pl.lit(100)))
    rows = rows.with_columns(scaled=(size * pl.col("places")).round(4))  # 0.1 + 0.2 is not worth another hundredth
    nearest = scaled.round()
    if "up" in rows.columns:
        nearest = pl.when(pl.col("up") == (value >= 0)).then(scaled.ceil()).otherwise(scaled.floor())
    rows = rows.with_columns(units=nearest.cast(pl.Int64))
    rows = rows.with_columns(rest=units % pl.col("places"), whole=units // pl.col("places"))
    digits = rest.cast(pl.String).str.zfill(pl.when(size < 1).then(pl.lit(4)).otherwise(pl.lit(2)))
    fraction = pl.lit(locale.decimal) + digits.str.strip_chars_end("0")
    fraction = pl.when(rest == 0).then(pl.lit("")).otherwise(fraction)
    sign = pl.when((value < 0) & (units > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    return rows.select(text=sign + _grouped(pl.col("whole"), locale.thousands) + fraction)["text"]


def _spaced(unit: str) -> str:
    """What stands behind the number: nothing, '%' at once, a word after a space."""
    return unit if unit[:1] in {"", "%", "°", " "} else f" {unit}"


def _grouped(whole: pl.Expr, separator: str) -> pl.Expr:
    """The digits of whole numbers that are not negative, in groups of three.

    Names its input once: an expression is a tree, and planning it took longer than filling in a night's numbers.
    """
    mark = separator.replace("$", "$$")
    groups = mark.join(f"${{{group}}}" for group in range(1, 6))
    padded = whole.cast(pl.String).str.zfill(15).str.replace(r"^(\d{3,})" + r"(\d{3})" * 4 + "$", groups)
    return padded.str.replace(rf"^[0{re.escape(separator)}]+(\d)", "$1")
