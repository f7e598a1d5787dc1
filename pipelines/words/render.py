"""Filling slots: numbers, units, plurals and windows in the text's language, over whole columns, in one pass."""

import re
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from configs.app import App
from configs.nouns import is_counted, minutes_of
from configs.speaking import own_language, speaking
from configs.voice import Locale, locale_of
from configs.wording import MetricWords, metric_words
from pipelines.words.checks.validate import SLOT
from pipelines.words.writers.grammar import with_article

_UNKNOWN = pl.lit(None, pl.Date)
LARGEST = 1e15  # numbers beyond are no longer exact
_CURRENCIES = "$£€¥"  # signs that stand before their number


def fill_slots(rows: pl.DataFrame, templates: pl.DataFrame, values: Mapping[str, pl.Expr], on: str) -> pl.DataFrame:
    """Fill the `text` of many rows.

    Every template is cut at its slots once; a row's text is its template's pieces with the row's values between them,
    so no value is ever searched for slots. A value at the start of a sentence gets a capital.

    Args:
        rows: `on` and the columns that `values` rest on.
        templates: `on` (unique) and `text` with slots.
        values: A text per slot; null where a row has none.
        on: What ties rows to templates.

    Returns:
        `rows` in their order with `text` added; null where a slot has no value.
    """
    cut = [SLOT.split(text) for text in templates["text"]]
    width = max(map(len, cut), default=1)
    pieces = {f"_{i}": [parts[i] if i < len(parts) else "" for parts in cut] for i in range(width)}
    laid = templates.select(on).with_columns(pl.Series(name, texts, dtype=pl.String) for name, texts in pieces.items())
    slots = {f"={slot}": text for slot, text in values.items()}
    joined = rows.with_columns(**slots).join(laid, on=on, how="left", maintain_order="left", validate="m:1")
    text = [pl.col(f"_{i}") if i % 2 == 0 else _value(i, values) for i in range(width)]
    return joined.with_columns(text=pl.concat_str(text)).drop([*pieces, *slots])


def _value(i: int, values: Mapping[str, pl.Expr]) -> pl.Expr:
    """The text of the slot that a template's piece number `i` names."""
    value: pl.Expr = pl.when(pl.col(f"_{i}") == "").then(pl.lit(""))  # a template with fewer slots
    for slot in values:
        value = pl.when(pl.col(f"_{i}") == slot).then(pl.col(f"={slot}")).otherwise(value)
    before = pl.col(f"_{i - 1}")
    starts = before.str.contains(r"[.!?] $") | (before == "") if i == 1 else before.str.contains(r"[.!?] $")
    return pl.when(starts).then(value.str.head(1).str.to_uppercase() + value.str.tail(-1)).otherwise(value)


def number_text(value: pl.Expr, locale: Locale, *, up: pl.Expr | None = None) -> pl.Expr:
    """A number as people write it: thousands apart, at most two decimals (four below 1), no trailing zeros.

    Args:
        value: Finite numbers below 1e15.
        locale: Whose separators.
        up: Round a fraction up where true, down where false, so that who reaches the number shown has reached the true
            one. None rounds to the nearest.
    """
    asked = {"value": value} if up is None else {"value": value, "up": up}
    return _at_once(lambda rows: _numbers_written(rows, locale), **asked)


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


def goal_text(app: App, metric: pl.Expr, value: pl.Expr, days: pl.Expr, locale: Locale) -> pl.Expr:
    """A number with its metric's unit: '1 answer', '1,250 clicks', '3.5%', '85' for a metric without a unit.

    Where it is days and the window of `days` has no more, 'all 3 days', but never 'all 3 mindful days'. Where lower is
    better and the task does not say so itself, 'no more than 12 minutes'.
    """
    words = _words(app)
    text = _number_and_noun(app, metric, value, locale, {name: w.asked for name, w in words.items()})
    open_ended = [name for name, w in words.items() if app.metrics[name].better == "lower" and not w.bounded]
    whole_days = [name for name, w in words.items() if app.metrics[name].agg == "days" and " " not in w.asked[0]]
    every = metric.is_in(whole_days) & (value == days) & (days > 1)
    bounded = metric.is_in(open_ended) & (value > 0)
    return _framed(text, "{n}", [(bounded, locale.at_most), (every, locale.every)])


def amount_text(app: App, metric: pl.Expr, value: pl.Expr, locale: Locale, *, reached: bool = False) -> pl.Expr:
    """A number with what it counts or measures, outside of a task.

    'one comment on someone else's post', '13 records in one basket', 'an average of 12 points per game', 'a best score
    of 85 points', 'an average heart rate of 121 bpm', 'a share of trades won of 62.5%', 'a lap of no more than 62 s'.

    Args:
        app: Its metrics' words.
        metric: Their names.
        value: The numbers.
        locale: Whose words.
        reached: Whether the value is what somebody came to and no goal: nothing is 'no more than' then.
    """
    words = _words(app)
    measure = metric.replace_strict(
        {name: w.measure for name, w in words.items()}, default=None, return_dtype=pl.String
    )
    lower = metric.is_in([name for name, one in app.metrics.items() if one.better == "lower" and not reached])
    bounds = [(lower & (value > 0), locale.at_most)]  # there is no less than none
    nouns = {name: (w.one, w.many) for name, w in words.items()}
    total = _framed(_number_and_noun(app, metric, value, locale, nouns), "{n}", bounds)
    counted = _framed(total, "{a}", [(measure == "average", locale.average)])
    share = by_value(locale.percent, "{n}", number_text((value * 100).round(1), locale))
    points = _number_and_noun(app, metric, value, locale, nouns)
    level = _framed(pl.when(measure == "share").then(share).otherwise(points), "{n}", bounds)
    frames = {
        name: locale.frame(w.measure, averaged=w.averaged).replace("{a}", w.named).partition("{n}")
        for name, w in words.items()
    }
    english = locale is locale_of("en")
    begins = {name: with_article(f[0]) if english else f[0] for name, f in frames.items()}
    before, after = (
        metric.replace_strict(part, default=None, return_dtype=pl.String)
        for part in (begins, {name: f[2] for name, f in frames.items()})
    )
    measured = before + level + after
    return pl.when(measure.is_in(["total", "average"])).then(counted).otherwise(measured)


def also_text(app: App, also: pl.Expr, days: pl.Expr, locale: Locale) -> pl.Expr:
    """What is asked beside a goal, one task after another: 'write 3 posts and read on all 7 days'; null for nothing.

    Args:
        app: Its metrics' words.
        also: Lists of metric and target.
        days: Of the window.
        locale: Whose words.
    """
    words = _words(app)
    begins = {name: said.begins for name, said in words.items()}
    ends = {name: said.after for name, said in words.items()}

    def said(rows: pl.DataFrame) -> pl.Series:
        parts = rows.with_row_index("row").filter(pl.col("also").list.len() > 0).explode("also").unnest("also")
        before, after = (
            pl.col("metric").replace_strict(part, default="", return_dtype=pl.String) for part in (begins, ends)
        )
        goal = goal_text(app, pl.col("metric"), pl.col("target"), pl.col("days"), locale)
        # 'pass 3 lessons and 2 quizzes', and not 'and pass 2 quizzes', where nothing stands behind the first goal.
        goes_on = (before == before.shift().over("row")) & (after.shift().over("row") == "")
        begin = pl.when(goes_on.fill_null(value=False)).then(pl.lit("")).otherwise(before)
        tasks = parts.select("row", task=with_one(app, begin + goal + after))
        listed = tasks.group_by("row", maintain_order=True).agg("task")
        last = by_value(locale.joined.replace("{a}", ""), "{b}", pl.col("task").list.last())
        texts = listed.select(
            "row",
            text=pl.when(pl.col("task").list.len() == 1)
            .then(pl.col("task").list.first())
            .otherwise(pl.col("task").list.slice(0, pl.col("task").list.len() - 1).list.join(", ") + last),
        )
        return rows.with_row_index("row").join(texts, on="row", how="left", maintain_order="left")["text"]

    return _at_once(said, also=also, days=days)


def window_text(days: pl.Expr, locale: Locale) -> pl.Expr:
    """'today' for one day, 'within the next 3 days' for more."""
    return pl.when(days == 1).then(pl.lit(locale.today)).otherwise(by_value(locale.window, "{n}", days))


def period_text(last: pl.Expr, days: pl.Expr, locale: Locale, said_on: pl.Expr = _UNKNOWN) -> pl.Expr:
    """'today' for one day, 'the days up to Sunday, 3 May' for more, or 'the next 3 days' where the last is unknown.

    'Sunday, 3 May' for one day that has not begun when it is said: see `until_text`.
    """
    told = pl.coalesce(_date_in(locale.days_until, last, locale), by_value(locale.period, "{n}", days))
    return pl.when(days == 1).then(_one_day(locale.a_day, last, locale, said_on)).otherwise(told)


def until_text(last: pl.Expr, days: pl.Expr, locale: Locale, said_on: pl.Expr = _UNKNOWN) -> pl.Expr:
    """'today' for one day, 'by Sunday, 3 May' for more: the last day on which it counts, a column of dates.

    A text is read on every day of its window, and 'within the next 3 days' is true on the first alone; it stands where
    the last day is unknown. Whose day of `said_on`, the night's, had long begun is asked for the next one, and reads it
    on either: 'on Sunday, 3 May'.
    """
    date = pl.coalesce(_date_in(locale.until, last, locale), window_text(days, locale))
    return pl.when(days == 1).then(_one_day(locale.on_day, last, locale, said_on)).otherwise(date)


def _one_day(template: str, day: pl.Expr, locale: Locale, said_on: pl.Expr) -> pl.Expr:
    return pl.when(day > said_on).then(_date_in(template, day, locale)).otherwise(pl.lit(locale.today))


def _date_in(template: str, day: pl.Expr, locale: Locale) -> pl.Expr:
    """A template of a locale with a date in it; null without one."""
    number = day.dt.day()
    parts = {
        "weekday": day.dt.weekday().replace_strict(dict(enumerate(locale.weekdays, 1)), return_dtype=pl.String),
        "day": pl.when(number == 1).then(pl.lit(locale.first)).otherwise(number.cast(pl.String)),
        "month": day.dt.month().replace_strict(dict(enumerate(locale.months, 1)), return_dtype=pl.String),
    }
    cut = SLOT.split(template.replace("{a}", locale.date))
    return pl.concat_str([parts[part] if i % 2 else pl.lit(part) for i, part in enumerate(cut)])


def say_figure(app: App, metric: str, value: float, *, reached: bool = False) -> str:
    """A metric's number as it stands beside its label, in the app's language: '155 minutes', '62.5%', '85'.

    Args:
        app: Its metrics' words.
        metric: One of them.
        value: The number.
        reached: Somebody came to it: '41' of the 155 minutes. Else it is a goal, with its unit.
    """
    locale, name, words = locale_of(own_language(app)), pl.lit(metric), _words(app)
    if words[metric].measure == "share":
        text = by_value(locale.percent, "{n}", number_text((pl.lit(value) * 100).round(1), locale))
    else:
        nouns = {metric: ("", "") if reached else (words[metric].unit, words[metric].plural)}
        text = _number_and_noun(app, name, plainer(app, name, pl.lit(value), reached=reached), locale, nouns)
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


def span_text(app: App, metric: pl.Expr, days: int, locale: Locale) -> pl.Expr:
    """The days over which an amount counts: 'over 28 days', 'out of 28' for days, 'within 28 days' for a best.

    'Within 4 weeks' for a best that is itself so many days: 'a loan of no more than 19 days within 4 weeks'.
    """
    texts = (locale.of_days, locale.span, locale.past.replace("{a}", "").strip())
    of_days, span, within = (pl.lit(text.replace("{n}", str(days))) for text in texts)
    weeks = pl.lit(locale.past_weeks.replace("{a}", "").replace("{n}", str(days // 7)).strip())
    in_days = metric.is_in([name for name, one in app.metrics.items() if one.unit in {"day", "days"}])
    counts_days, single = (
        metric.is_in([name for name, one in app.metrics.items() if one.agg in aggs])
        for aggs in (("days",), ("max", "min", "streak"))
    )
    return (
        pl.when(counts_days).then(of_days).when(single & in_days).then(weeks).when(single).then(within).otherwise(span)
    )


def with_one(app: App, text: pl.Expr) -> pl.Expr:
    """A filled text whose task asks for one thing, what follows it said of one: 'on someone else's post'."""
    one = locale_of("en").one
    for words in _words(app).values():
        if words.after_one != words.after:
            asked, meant = (f"{one} {words.unit}{after}" for after in (words.after, words.after_one))
            text = text.str.replace(asked, meant, literal=True)
    return text


def by_value(template: str, slot: str, value: pl.Expr) -> pl.Expr:
    """A template of a locale with its one slot filled from a column."""
    before, _, after = template.partition(slot)
    return pl.concat_str(pl.lit(before), value.cast(pl.String), pl.lit(after))


def by_language(
    app: App, language: pl.Expr, languages: Sequence[str], text: Callable[[App, Locale], pl.Expr]
) -> pl.Expr:
    """An expression of the app's words and a locale, each row with those of its language.

    English for a language without a catalogue, and the app's own words for one in which it has none.
    """
    chosen = text(speaking(app, "en") or app, locale_of("en"))
    for name in sorted(set(languages)):
        said = speaking(app, name) or app
        if locale_of(name) is not locale_of("en") or said is not app:
            chosen = pl.when(language == name).then(text(said, locale_of(name))).otherwise(chosen)
    return chosen


def _words(app: App) -> dict[str, MetricWords]:
    return {name: words for name in app.metrics if (words := metric_words(app, name))}


def _at_once(text: Callable[[pl.DataFrame], pl.Series], **columns: pl.Expr) -> pl.Expr:
    """A text worked out step by step from columns, each calculated once.

    An expression is a tree: one that names a number ten times, of which each names its own ten times, takes longer to
    plan than a night's texts to fill.
    """
    named = [column.alias(name) for name, column in columns.items()]
    return pl.struct(named).map_batches(lambda rows: text(rows.struct.unnest()), return_dtype=pl.String)


def _framed(text: pl.Expr, slot: str, frames: Sequence[tuple[pl.Expr, str]]) -> pl.Expr:
    """The text in the first template whose condition holds, or as it is; the text is calculated once."""
    before, after = pl.lit(""), pl.lit("")
    for condition, template in reversed(frames):
        first, _, last = template.partition(slot)
        before = pl.when(condition).then(pl.lit(first)).otherwise(before)
        after = pl.when(condition).then(pl.lit(last)).otherwise(after)
    return before + text + after


def _number_and_noun(
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
        sign = metric.replace_strict(signs, default="", return_dtype=pl.String)
        tenths = rf"({re.escape(locale.decimal)}\d)$"  # $3.50
        paid = pl.when(sign == "").then(number).otherwise(number.str.replace(tenths, "${1}0"))
        return rows.select(text=sign + paid + pl.col("noun"))["text"]

    def form(which: int) -> pl.Expr:
        forms = {name: _spaced(both[which].lstrip(_CURRENCIES)) for name, both in nouns.items()}
        return pl.col("metric").replace_strict(forms, default="", return_dtype=pl.String)

    signs = {name: one[:1] for name, (one, _) in nouns.items() if one.startswith(tuple(_CURRENCIES))}
    return _at_once(written, metric=metric, value=value)


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
