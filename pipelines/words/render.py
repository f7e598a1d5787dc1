"""Filling slots: numbers, units, plurals and windows in the text's language, over whole columns, in one pass."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from configs.app import App
from configs.speaking import speaking
from configs.voice import Locale, locale_of
from pipelines.words.checks.validate import SLOT
from pipelines.words.numbers import at_once, by_value, number_and_noun, number_text, words_of
from pipelines.words.writers.grammar import with_article

_UNKNOWN = pl.lit(None, pl.Date)


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


def goal_text(app: App, metric: pl.Expr, value: pl.Expr, days: pl.Expr, locale: Locale) -> pl.Expr:
    """A number with its metric's unit: '1 answer', '1,250 clicks', '3.5%', '85' for a metric without a unit.

    Where it is days and the window of `days` has no more, 'all 3 days', but never 'all 3 mindful days'. Where lower is
    better and the task does not say so itself, 'no more than 12 minutes'.
    """
    words = words_of(app)
    text = number_and_noun(app, metric, value, locale, {name: w.asked for name, w in words.items()})
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
    words = words_of(app)
    measure = metric.replace_strict(
        {name: w.measure for name, w in words.items()}, default=None, return_dtype=pl.String
    )
    lower = metric.is_in([name for name, one in app.metrics.items() if one.better == "lower" and not reached])
    bounds = [(lower & (value > 0), locale.at_most)]  # there is no less than none
    nouns = {name: (w.one, w.many) for name, w in words.items()}
    total = _framed(number_and_noun(app, metric, value, locale, nouns), "{n}", bounds)
    counted = _framed(total, "{a}", [(measure == "average", locale.average)])
    share = by_value(locale.percent, "{n}", number_text((value * 100).round(1), locale))
    points = number_and_noun(app, metric, value, locale, nouns)
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
    words = words_of(app)
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

    return at_once(said, also=also, days=days)


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
    for words in words_of(app).values():
        if words.after_one != words.after:
            asked, meant = (f"{one} {words.unit}{after}" for after in (words.after, words.after_one))
            text = text.str.replace(asked, meant, literal=True)
    return text


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


def _framed(text: pl.Expr, slot: str, frames: Sequence[tuple[pl.Expr, str]]) -> pl.Expr:
    """The text in the first template whose condition holds, or as it is; the text is calculated once."""
    before, after = pl.lit(""), pl.lit("")
    for condition, template in reversed(frames):
        first, _, last = template.partition(slot)
        before = pl.when(condition).then(pl.lit(first)).otherwise(before)
        after = pl.when(condition).then(pl.lit(last)).otherwise(after)
    return before + text + after
