"""Badges that rules earn, given and refused by people or by the app itself: `nightquest.awarded` and `.refused`.

An award of theirs is one like any other, at its own moment and with who gave it and why. A refusal bars the badge to a
player until an award follows. The last word counts; what is held is never taken back.
"""

import json
from dataclasses import dataclass

import polars as pl

from configs.badge_rules import BadgeRule, badge_rules
from configs.spans import span_start_sql
from pipelines.badges.rules.rounds import held_sql, round_name_sql
from pipelines.known import Known
from pipelines.words.checks.cleaning import clean

REASON_LENGTH, CITATION_LENGTH, NAME_LENGTH = 400, 300, 80
_KEYS = ["badge_id", "player_key"]


@dataclass(frozen=True)
class ByHand:
    """What people have said, as a night knows it.

    Attributes:
        given: The columns of `find_crossings`, of awards that are not in the ledger.
        barred: badge_id and player_key of whom a badge is refused to.
    """

    given: pl.DataFrame
    barred: pl.DataFrame


def words_of_people(known: Known) -> ByHand:
    """Read what people have said of badges by rule; of badges on hold no award is given yet."""
    said = known.once("words of people", lambda: _said(known))
    barred = said.filter(~pl.col("gives")).select(_KEYS)
    waits = [name for name, badge in known.app.badges.items() if badge.state == "on_hold"]
    given = said.filter(pl.col("gives") & ~pl.col("badge_id").is_in(waits)).unique(
        [*_KEYS, "round_no"], keep="first", maintain_order=True
    )
    if not given.is_empty():
        given = _not_held(known, given)
    told = ("event_id", "occurred_at", "rule_version", "reason", "citation", "said_by", "round")
    evidence = pl.struct(*told).map_elements(_evidence, return_dtype=pl.String)
    return ByHand(
        given.select(
            *("player_key", "badge_id", "round_no", pl.col("occurred_at").alias("granted_at"), "event_id"),
            *("rule_version", pl.lit(1.0).alias("confidence"), evidence.alias("evidence")),
        ),
        barred,
    )


def _said(known: Known) -> pl.DataFrame:
    """The columns of badge_words.sql, round_no, and of a period what a person calls it: round."""
    rules = badge_rules(known.app)
    by_rule = pl.DataFrame(
        [(rule.badge_id, rule.version) for rule in rules],
        schema={"badge_id": pl.String, "rule_version": pl.String},
        orient="row",
    )
    with known.lend(by_rule=by_rule):
        return known.frame(
            f"""SELECT *, {_round_name_sql(rules)} AS round
                FROM (SELECT *, {_round_sql(rules)} AS round_no FROM ({known.fixed("badges/badge_words")}))""",
            {"as_of": known.as_of, "cut": known.cut},
        )


def _not_held(known: Known, given: pl.DataFrame) -> pl.DataFrame:
    held = known.frame(held_sql(known.as_of))
    again = [name for name, badge in known.app.badges.items() if badge.repeat]
    once = ~pl.col("badge_id").is_in(again)
    anew = given.join(held, on=[*_KEYS, "round_no"], how="anti", maintain_order="left")
    mine = anew.filter(once).join(held, on=_KEYS, how="anti", maintain_order="left")
    return pl.concat([mine, anew.filter(~once)])


def _round_sql(rules: tuple[BadgeRule, ...]) -> str:
    """The round of an award by hand of a badge that repeats: its period, or by number one apart from all others."""
    cases = " ".join(
        f"WHEN '{rule.badge_id}' THEN {_own_round(rule)}" for rule in rules if rule.badge.repeat is not None
    )
    return f"coalesce(CASE badge_id {cases} END, 0)::BIGINT" if cases else "0::BIGINT"


def _round_name_sql(rules: tuple[BadgeRule, ...]) -> str:
    cases = " ".join(f"WHEN '{rule.badge_id}' THEN {round_name_sql(rule)}" for rule in rules if rule.period)
    return f"CASE WHEN round_no > 0 THEN CASE badge_id {cases} END END" if cases else "NULL::VARCHAR"


def _own_round(rule: BadgeRule) -> str:
    return span_start_sql(rule.period, "day_no") if rule.period else "-epoch_ms(occurred_at)"


def _evidence(said: dict[str, object]) -> str:
    moment = said["occurred_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # type: ignore[attr-defined]
    told = {
        "decided_by": clean(str(said["said_by"] or ""), NAME_LENGTH) or "person",
        "reason": clean(str(said["reason"] or ""), REASON_LENGTH),
        "citation": clean(str(said["citation"] or ""), CITATION_LENGTH),
        "rule_version": said["rule_version"],
        "event_id": said["event_id"],
        "occurred_at": moment,
        "round": said["round"],
    }
    return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)
