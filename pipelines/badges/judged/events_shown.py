"""The newest events of a nominee as lines of evidence: what happened, when, and with which properties."""

from collections.abc import Mapping

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule
from configs.metrics import Property
from configs.voice import locale_of
from configs.wording import plain
from data.warehouse import Warehouse
from pipelines.badges.judged.nominate import events_shown, shown_events
from pipelines.badges.judged.typed import Members, clean_typed, names_in
from pipelines.known import Known
from pipelines.words.numbers import LARGEST, number_text

EVENTS = 24
_KEYS = ["badge_id", "player_key"]
_EVENT = [*_KEYS, "place"]


def event_lines(known: Known, nominees: pl.DataFrame, rules: Mapping[str, BadgeRule]) -> pl.DataFrame:
    """badge_id, player_key, kind, place (1 is the newest), text and when (UTC, to the minute); at most EVENTS each."""
    with known.lend(nominees=nominees, shown_events=events_shown(known.app, rules.values())):
        limits = {"as_of": known.as_of, "cut": known.cut, "newest": EVENTS}
        found = known.frame(known.fixed("badges/nominee_events"), limits)
    said = _said(
        known.warehouse,
        found.join(_declared(known.app, rules), on=["badge_id", "event", "key"], how="left", maintain_order="left"),
    )
    titles = {name: plain(event.title) or name.replace("_", " ") for name, event in known.app.events.items()}
    title = pl.col("event").replace_strict(titles, return_dtype=pl.String)
    details = pl.col("said").drop_nulls().str.join(", ")
    return (
        said.sort(*_EVENT, "order", nulls_last=True)
        .group_by(*_EVENT, "event", "occurred_at", maintain_order=True)
        .agg(details=details)
        .select(
            *_KEYS,
            kind=pl.lit("event"),
            place=pl.col("place").cast(pl.Int64),
            text=pl.when(pl.col("details") == "").then(title).otherwise(pl.format("{}: {}", title, "details")),
            when=pl.col("occurred_at").dt.strftime("%Y-%m-%dT%H:%MZ"),
        )
    )


def _declared(app: App, rules: Mapping[str, BadgeRule]) -> pl.DataFrame:
    """badge_id, event, key, type and order of the properties that are shown: those listed, else all except ids."""
    rows = [
        (rule.badge_id, event, key, declared.type, order)
        for rule in rules.values()
        for event in shown_events(app, rule)
        for order, (key, declared) in enumerate(_carried(app, event).items())
        if (key in rule.judged.properties if rule.judged.properties else not _is_id(key))
    ]
    schema = {"badge_id": pl.String, "event": pl.String, "key": pl.String, "type": pl.String, "order": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _carried(app: App, event: str) -> dict[str, Property]:
    """What an event of the kind may carry, its own value first."""
    declared = app.events[event]
    return ({"value": declared.value} if declared.value else {}) | declared.properties


def _is_id(key: str) -> bool:
    return key == "id" or key.endswith("_id")


def _said(warehouse: Warehouse, pairs: pl.DataFrame) -> pl.DataFrame:
    """The rows with `said` as words: 'stop set yes', 'words 230', 'mate "member A"'; null for what is not shown."""
    locale = locale_of("en")
    raw = pl.col("said")
    number = raw.cast(pl.Float64, strict=False)
    writable = number.is_finite() & (number.abs() < LARGEST)
    words = (
        pl.when(pl.col("type") == "boolean")
        .then(raw.replace({"true": "yes", "false": "no"}))
        .when(pl.col("type").is_in(["number", "integer"]) & writable)
        .then(number_text(number, locale))
        .when(pl.col("type") == "text")
        .then(pl.format('"{}"', pl.Series("typed", _typed(warehouse, pairs), dtype=pl.String)))
    )
    label = pl.col("key").str.replace_all("_", " ", literal=True)
    return pairs.with_columns(said=pl.when(raw.is_not_null()).then(pl.format("{} {}", label, words)))


def _typed(warehouse: Warehouse, pairs: pl.DataFrame) -> list[str | None]:
    """What was typed, cleaned, with letters for the members that it names: one per row, null for other rows."""
    texts = [
        clean_typed(said) if kind == "text" and said is not None else None
        for said, kind in pairs.select("said", "type").iter_rows()
    ]
    names = pl.DataFrame({"name": sorted(names_in(filter(None, texts)))}, schema={"name": pl.String})
    with warehouse.lend(names=names):
        known = set(warehouse.frame("SELECT user_id FROM players JOIN names ON name = user_id")["user_id"])
    members: dict[tuple[str, int], Members] = {}
    owners = pairs.select("badge_id", "player_key", "user_id").iter_rows()
    return [
        None if text is None else members.setdefault((badge, player), Members(known, user or "")).hide(text)
        for text, (badge, player, user) in zip(texts, owners, strict=True)
    ]
