"""Who is looked at tonight for a judged badge, and in which order."""

import datetime as dt
from collections.abc import Iterable

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule, events_counted, open_nominate_rules
from data.warehouse import Warehouse
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.rounds import HELD
from pipelines.known import Known


def find_nominations(known: Known) -> pl.DataFrame:
    """Who met the nominating rule of a judged badge since the last night; writes nothing.

    Args:
        known: What the night may see.

    Returns:
        badge_id, player_key, rule_version, crossed_at (UTC), event_id, crossing (JSON text: the rule and its values
        right after the event), without those who hold the badge or were nominated by this version of the rule before.

    Raises:
        AppFileError: A rule of the app cannot be read.
    """
    rules = open_nominate_rules(known.app)
    versions = ", ".join(f"'{rule.version}'" for rule in rules) or "NULL"
    done = f"""{HELD}
               UNION SELECT badge_id, player_key, 0 FROM nominations WHERE rule_version IN ({versions})"""
    return find_crossings(known, rules, done).select(
        *("badge_id", "player_key", "rule_version"),
        pl.col("granted_at").alias("crossed_at"),
        "event_id",
        pl.col("evidence").alias("crossing"),
    )


def choose_nominees(known: Known, found: pl.DataFrame, settled: pl.DataFrame, *, asked: bool) -> pl.DataFrame:
    """Who is decided on tonight: per badge the longest waiting, up to its limit. The others wait.

    Open are players active of late who do not hold the badge and of whom nothing was decided, or who were held because
    nobody could be asked, or whom a model did not award `again_after_days` ago or earlier and who have new events
    since, or who lapsed that long ago and have new events. A person's refusal stands.

    A statistical gate narrows the nominees here, before the limit counts, once it is trained on earlier verdicts.

    Args:
        known: What the night may see.
        found: From `find_nominations`.
        settled: badge_id and player_key whom a person decided on tonight.
        asked: Whether anybody can be asked; without, only those of whom nothing was said yet are open.

    Returns:
        badge_id, player_key, user_id, rule_version, crossed_at, event_id, crossing, waiting_since and place; in order
        of badge_id and place.
    """
    app = known.app
    limits = {
        "as_of": known.as_of,
        "revision": known.night.revision,
        "cut": known.cut,
        "active_within_days": app.challenges.active_within_days,
        "asked": asked,
    }
    rules = open_nominate_rules(app)
    frames = {"judged": judged_badges(rules), "shown_events": events_shown(app, rules)}
    with known.lend(found=found, spoken=settled.select("badge_id", "player_key"), **frames):
        open_ = known.frame(known.fixed("badges/nominees"), limits)
    return open_.filter(pl.col("place") <= pl.col("room")).drop("room")


def judged_badges(rules: Iterable[BadgeRule]) -> pl.DataFrame:
    """badge_id, rule_version, per_night, again_after_days and lapse_after_days of judged badges."""
    limits = ("per_night", "again_after_days", "lapse_after_days")
    rows = [(rule.badge_id, rule.version, *(getattr(rule.judged, limit) for limit in limits)) for rule in rules]
    schema = {"badge_id": pl.String, "rule_version": pl.String} | dict.fromkeys(limits, pl.Int64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def held_since(warehouse: Warehouse, as_of: dt.date) -> pl.DataFrame:
    """badge_id, player_key, rule_version, since: the night since which nobody has decided on those held at a night."""
    return warehouse.frame(warehouse.fixed("badges/held_since"), {"as_of": as_of})


def events_shown(app: App, rules: Iterable[BadgeRule]) -> pl.DataFrame:
    """badge_id, event: the events that count as evidence of a badge."""
    rows = [(rule.badge_id, event) for rule in rules for event in shown_events(app, rule)]
    return pl.DataFrame(rows, schema={"badge_id": pl.String, "event": pl.String}, orient="row")


def shown_events(app: App, rule: BadgeRule) -> list[str]:
    """The events that the badge lists, else those that its metrics rest on."""
    return rule.judged.events or events_counted(app, rule, *rule.judged.metrics)


def seen_events(app: App, rule: BadgeRule) -> list[str]:
    """The events that a judge is shown or that their numbers rest on."""
    return list(dict.fromkeys([*rule.judged.events, *events_counted(app, rule, *rule.judged.metrics)]))
