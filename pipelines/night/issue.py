"""Promises written down, badges awarded, tables gathered and audited: all or nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from configs.badge_rules import nominate_rules
from pipelines.badges.judged.judge import Judgements, write_judgements
from pipelines.badges.rules.award import write_awards
from pipelines.badges.rules.recite import write_recited
from pipelines.challenges.kept import ended_tonight
from pipelines.challenges.not_asked import NOT_ASKED
from pipelines.challenges.plan import Plan
from pipelines.engines.laid import Frame, beside, each_part, parts, together
from pipelines.experiments.arms import write_down
from pipelines.known import Known
from pipelines.night.figures import left_out, mark_night, night_figures, not_asked
from pipelines.night.metadata import with_metadata
from pipelines.night.notes import freshness_figures
from pipelines.night.open_night import Tonight
from pipelines.night.plan import Planned, models_of
from pipelines.night.score import TOLD, Scored
from pipelines.night.words import Words, night_spend, told_of, writing_figures
from pipelines.players.membership import write_memberships
from pipelines.players.segments import in_each_cohort
from pipelines.players.waiting import EVER, write_waiting
from pipelines.publish.audit import PAST_NIGHTS, AuditReport, addressed, audit_night
from pipelines.publish.collect import collect_tables, served_players
from pipelines.publish.input_checks import judge_input
from pipelines.publish.published import Published, past_nights
from pipelines.publish.shrinkage import AuditLimits
from pipelines.publish.stage import Staged, staged
from pipelines.publish.word_costs import paid_for_words
from pipelines.rewards.offers import promise_rewards
from pipelines.words.types import content_types
from pipelines.words.write import write_citations
from pipelines.words.writers.crew import Crew


@dataclass(frozen=True)
class Issued:
    """An audited night, promises written down, ready to go out; with a sentence for each table that is left out."""

    staged: Published
    audit: AuditReport
    figures: dict[str, Any]
    quiet: str
    notes: tuple[str, ...] = ()


def issue(
    tonight: Tonight,
    planned: Planned,
    crew: Crew,
    words: Words,
    judged: Judgements,
    still_open: pl.DataFrame,
    *,
    accept: bool = False,
) -> Issued:
    """Write the promises down, award badges and audit, all or nothing: a night that fails its audit leaves no promise.

    A night that issues nothing gathers and audits what it would promise, and awards nothing.

    Raises:
        NightquestError: The audit failed; it says which check and what to do.
    """
    known, night, home = tonight.known, tonight.night, tonight.settings.home
    warehouse, models = known.warehouse, models_of(planned)
    spent = night_spend(night, crew, tonight.context)
    with warehouse.transaction() if night.issues else warehouse.rehearsal():
        _write_promises(known, planned.plan, words, models)
        judging = _write_awards(known, planned, words, judged) if night.issues else {}
        warehouse.ease()  # awards have brought pages back; what is gathered next takes memory, too
        costs = paid_for_words(home, night, tonight.context.clock)
        tables = collect_tables(known, _frames(known, planned, still_open), costs=costs)
        with staged(tables, night, home, models=models) as out:
            audit, quiet = _audit(tonight, planned, words, out, accept=accept)
            figures = (
                night_figures(night, out.night)
                | ended_tonight(known)
                | left_out(planned)
                | not_asked(planned)
                | {"models": models, "writing": writing_figures(words, spent)}
                | ({"rewards": words.rewards.figures} if night.app.rewards.tables else {})
                | ({"judging": judging} if nominate_rules(night.app) and night.issues else {})
                | freshness_figures(night)
                | ({"late": True, "issued": night.issues} if night.late else {})
            )
            mark_night(known, "planned", figures)
    return Issued(out.night, audit, figures, quiet, out.faults)


def _write_promises(known: Known, plan: Plan, words: Words, models: Mapping[str, str]) -> None:
    """Write the night's rows and what they pay into the warehouse, their texts filled in some rows at a time."""
    promise_rewards(known, words.rewards, [words.challenges.rows, words.achievements.rows])
    for table, rows in words.tables.items():
        for piece in rows.pieces():
            told = with_metadata(piece, plan, words, models) if table == "challenges" else piece
            known.warehouse.append(table, told, on_conflict_skip=True)
        known.warehouse.ease()  # what is written next takes memory, too


def _write_awards(known: Known, planned: Planned, words: Words, judged: Judgements) -> dict[str, Any]:
    """Write who was in which arm, counted as what and waits for news, and award badges; the figures of judging."""
    write_down(known, words.trial, words.assigned)
    write_memberships(known, planned.players.profiles)
    write_waiting(known)
    write_down(known, words.rewards.trial, words.rewards.assigned)
    for awards in parts(words.awards):
        write_awards(known, awards)
    write_recited(known, words.recited)
    return write_judgements(known, judged, write_citations)


def _audit(tonight: Tonight, planned: Planned, words: Words, out: Staged, *, accept: bool) -> tuple[AuditReport, str]:
    """The audit of the staged night, and a sentence where far fewer than usual played.

    Raises:
        NightquestError: It failed.
    """
    known, night = tonight.known, tonight.night
    served = served_players(known, addressed(out.night), _reasons(known, planned, words.faults))
    past = past_nights(tonight.settings.home, night.app.app, night.as_of, PAST_NIGHTS)
    previous = past[0] if past else None
    heard = judge_input(known, previous)
    known.warehouse.ease()  # what is audited next takes memory, too
    # What a person chose for this run may be less than what the night before had.
    chosen = frozenset({"challenges", "messages", "achievements"} if tonight.context.wishes.types else ())
    limits = AuditLimits(max_fall=tonight.settings.max_row_fall, free=chosen)
    audit = audit_night(out.night, previous, night, served, limits, accept=accept, past=past, broken=heard.broken)
    audit.require([*told_of(words), *out.faults])
    return audit, heard.quiet


def _frames(known: Known, planned: Planned, still_open: pl.DataFrame) -> dict[str, Frame]:
    """What is computed each night and kept nowhere else."""
    why = pl.concat([planned.plan.unserved.select("player_key", "reason"), known.left_alone(EVER)])
    why = why.unique("player_key", keep="last").select("player_key", not_asked="reason")
    profiles = planned.players.profiles
    told = profiles.select("player_key").join(why, on="player_key", how="left", maintain_order="left")
    return {
        "profiles": beside(profiles, told.select("not_asked")),
        "segments": in_each_cohort(known, planned.players.segments, planned.players.in_cohorts),
        "targets": planned.players.targets,
        "scores": _to_be_earned(known, planned.scored),
        "open_challenges": still_open,
    }


def _to_be_earned(known: Known, scored: Scored) -> Frame:
    """The scores, without the odds of badges that this night has granted meanwhile."""
    of_badges = [name for name, each in scored.served.items() if each.model.task.asks_of_badges]
    held = known.frame("SELECT player_key, badge_id AS target FROM badge_ledger").cast({"target": pl.Categorical})

    def not_held(some: pl.DataFrame) -> pl.DataFrame:
        return some.join(held, on=["player_key", "target"], how="anti", maintain_order="left")

    rows = {name: each_part(rows, not_held) if name in of_badges else rows for name, rows in scored.rows.items()}
    return together([*rows.values()] or [pl.DataFrame(schema=TOLD)])


def _reasons(known: Known, planned: Planned, failed: Collection[str]) -> pl.DataFrame:
    """Why an active player gets nothing: player_key, reason."""
    why = f"would get {', '.join(failed)}, which failed" if failed else "content.types has nothing for them tonight"
    some = planned.players.profiles.select("player_key", reason=pl.lit(why))
    everyone = {name for name, kind in content_types().items() if kind.for_everyone}
    every = everyone <= set(known.app.content.types).difference(failed)
    unserved = planned.plan.unserved.select("player_key", pl.col("reason").replace_strict(NOT_ASKED))
    return pl.concat([unserved if every else some, known.left_alone()]).unique("player_key", keep="last")
