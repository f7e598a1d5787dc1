"""What a nominee for a judged badge has to show: a short list of facts with ids, that a person could judge by.

Everything is as of the night: of days before it, available at its cut. Nobody's user id is in it, and what a player
typed stands between double quotes, cleaned and cut.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule, nominate_rules
from configs.voice import Locale, locale_of
from configs.wording import MetricWords, metric_words
from pipelines.badges.judged.events_shown import event_lines
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.windows import window_values
from pipelines.words.numbers import LARGEST, number_text

DAYS = 28
WEEKS = 12
_KEYS = ["badge_id", "player_key"]
_LETTER = {"metric": "m", "trend": "t", "event": "e"}

Item = dict[str, str]


def gather_evidence(known: Known, nominees: pl.DataFrame) -> pl.DataFrame:
    """The evidence of some nominees.

    Args:
        known: What the night may see.
        nominees: badge_id (of judged badges) and player_key.

    Returns:
        badge_id, player_key, evidence (JSON text: a list of {id, kind, text, when}, `when` with events only) and
        evidence_hash (64 hex digits of it), by badge_id and player_key.
    """
    rules = {rule.badge_id: rule for rule in nominate_rules(known.app)}
    wanted = nominees.select(_KEYS).unique().sort(_KEYS)
    numbers = _numbers(known, wanted, rules)
    lines = pl.concat(
        [
            _tenure(known, wanted),
            _metric_lines(known.app, numbers),
            _trend_lines(known.app, numbers),
            event_lines(known, wanted, rules),
        ]
    )
    listed = (
        lines.sort(*_KEYS, pl.col("kind").cast(pl.Enum(list(_LETTER))), "place")
        .group_by(_KEYS)
        .agg("kind", "text", "when")
    )
    rows = wanted.join(listed, on=_KEYS, how="left", maintain_order="left")
    texts = [_as_json(row) for row in rows.iter_rows(named=True)]  # as many as there are questions to ask
    return wanted.with_columns(
        pl.Series("evidence", texts, dtype=pl.String),
        pl.Series("evidence_hash", [hashlib.sha256(text.encode()).hexdigest() for text in texts], dtype=pl.String),
    )


def read_evidence(text: str) -> list[Item]:
    """The items of an evidence list."""
    items: list[Item] = json.loads(text)
    return items


def shown_metrics(rule: BadgeRule) -> list[str]:
    """The metrics that a badge's evidence tells: those of its rule as they stand there, then `judged.metrics`."""
    named = sorted({term.metric for term in rule.rule.terms}, key=lambda name: (rule.rule.text.find(name), name))
    return list(dict.fromkeys([*named, *rule.judged.metrics]))


def _as_json(row: Mapping[str, Any]) -> str:
    return json.dumps(list(_items(row)), ensure_ascii=False, separators=(",", ":"))


def _items(row: Mapping[str, Any]) -> Iterator[Item]:
    counts = dict.fromkeys(_LETTER, 0)
    for kind, text, when in zip(row["kind"], row["text"], row["when"], strict=True):
        counts[kind] += 1
        item = {"id": f"{_LETTER[kind]}{counts[kind]}", "kind": kind, "text": text}
        yield item | {"when": when} if when else item


def _tenure(known: Known, nominees: pl.DataFrame) -> pl.DataFrame:
    with known.lend(nominees=nominees):
        found = known.frame(
            """SELECT badge_id, player_key, $as_of - min(day) AS days, count(DISTINCT day) AS active
               FROM nominees JOIN known_active_days USING (player_key) GROUP BY badge_id, player_key""",
            {"as_of": known.as_of},
        )
    text = pl.format("first active {} days ago, active on {} days since", "days", "active")
    return _lines(found, "metric", pl.lit(0), text)


def _numbers(known: Known, nominees: pl.DataFrame, rules: Mapping[str, BadgeRule]) -> pl.DataFrame:
    """badge_id, player_key, metric, place, label and, in words, so_far, lately, before and weeks (a list)."""
    app, locale = known.app, locale_of("en")
    shown = pl.DataFrame(
        [(rule.badge_id, name, i) for rule in rules.values() for i, name in enumerate(shown_metrics(rule), start=1)],
        schema={"badge_id": pl.String, "metric": pl.String, "place": pl.Int64},
        orient="row",
    )
    windows = nominees.join(shown, on="badge_id").join(_spans(known.night), how="cross").with_row_index("window_id")
    values = window_values(known, windows.with_columns(window_id=pl.col("window_id").cast(pl.Int64)))
    told = values.with_columns(said=_number_words(app, locale)).sort(*_KEYS, "place", "span")
    weeks = pl.col("said").filter(pl.col("span").str.starts_with("week"))
    spans = {name: pl.col("said").filter(pl.col("span") == name).first() for name in ("so_far", "lately", "before")}
    labels = {name: words.label for name in app.metrics if (words := metric_words(app, name))}
    return (
        told.group_by(*_KEYS, "metric", "place", maintain_order=True)
        .agg(**spans, weeks=weeks)
        .with_columns(label=pl.col("metric").replace_strict(labels, return_dtype=pl.String))
    )


def _spans(night: Night) -> pl.DataFrame:
    """span, start_day, end_day (inclusive); the weeks sort from the oldest to the latest."""
    last = night.as_of - dt.timedelta(days=1)

    def back(days: int) -> dt.date:
        return night.as_of - dt.timedelta(days=days)

    weeks = [(f"week{i:02}", back(7 * (WEEKS - i)), back(7 * (WEEKS - i - 1) + 1)) for i in range(WEEKS)]
    spans = [("so_far", dt.date.min, last), ("lately", back(DAYS), last), ("before", back(2 * DAYS), back(DAYS + 1))]
    return pl.DataFrame(spans + weeks, schema=["span", "start_day", "end_day"], orient="row")


def _number_words(app: App, locale: Locale) -> pl.Expr:
    """A value as people read it: '1,250', '93.3%', 'none' where there is no value."""
    value = pl.col("value")
    words = {name: found for name in app.metrics if (found := metric_words(app, name))}
    share = pl.col("metric").is_in([name for name, found in words.items() if found.measure == "share"])
    percent = number_text((value * 100).round(1), locale) + "%"
    number = pl.when(share).then(percent).otherwise(number_text(value, locale))
    writable = value.is_finite() & (value.abs() < LARGEST)
    return pl.when(writable).then(number).otherwise(pl.lit("none"))


def _metric_lines(app: App, numbers: pl.DataFrame) -> pl.DataFrame:
    units = {
        name: f" {words.plural}" for name in app.metrics if (words := metric_words(app, name)) and _has_unit(words)
    }
    unit = pl.col("metric").replace_strict(units, default="", return_dtype=pl.String)
    text = pl.format(
        f"{{}}: {{}}{{}} so far, {{}} in the last {DAYS} days, {{}} in the {DAYS} days before",
        *("label", "so_far", unit, "lately", "before"),
    )
    return _lines(numbers, "metric", pl.col("place"), text)


def _has_unit(words: MetricWords) -> bool:
    """Whether the label leaves open what is counted: a total's says it."""
    return words.measure == "level" and bool(words.plural)


def _trend_lines(app: App, numbers: pl.DataFrame) -> pl.DataFrame:
    """Weeks of what happened in them; a streak has no weeks of its own."""
    streaks = [name for name, metric in app.metrics.items() if metric.aggregation.runs]
    happened = pl.col("weeks").list.eval(~pl.element().is_in(["0", "none"])).list.any()
    weeks = pl.col("weeks").list.join(", ")
    text = pl.format(f"{{}}, by week, the last {WEEKS} weeks, oldest first: {{}}", "label", weeks)
    return _lines(numbers.filter(happened & ~pl.col("metric").is_in(streaks)), "trend", pl.col("place"), text)


def _lines(frame: pl.DataFrame, kind: str, place: pl.Expr, text: pl.Expr) -> pl.DataFrame:
    return frame.select(
        *_KEYS,
        kind=pl.lit(kind),
        place=place.cast(pl.Int64),
        text=text,
        when=pl.lit(None, dtype=pl.String),
    )
