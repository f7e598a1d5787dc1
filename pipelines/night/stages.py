"""One night of one app, stage by stage; the nightly flow calls these in order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from configs.commands import command
from configs.settings import Settings
from data.warehouse import Warehouse
from models.calibration import Recalibration
from models.tasks.attainment import AttainmentModel
from models.tasks.plays import PlaysModel
from models.tasks.segments import SegmentModel
from models.tracking.night_page import NightPage, Past
from models.tracking.writing import WritingReport, record_writing
from pipelines.badges.judged.judge import Judgements, write_judgements
from pipelines.badges.rules.award import write_awards
from pipelines.badges.rules.flood import FloodLimits, hold_back_flood
from pipelines.badges.rules.progress import badge_progress
from pipelines.badges.rules.read import nominate_rules
from pipelines.challenges.achievements import settle_achievements
from pipelines.challenges.missions import mission_record
from pipelines.challenges.plan import DAILY, recent_challenges
from pipelines.challenges.propose import ChallengeModels
from pipelines.challenges.settle import settle_challenges
from pipelines.experiments.arms import write_down
from pipelines.experiments.kept import ended_tonight
from pipelines.learning.outdated import edited_since
from pipelines.learning.training import SEED, learn_models
from pipelines.night.late import late_note
from pipelines.night.notes import days_note, freshness_figures, freshness_note, quiet_note
from pipelines.night.open_night import Tonight
from pipelines.night.pins import Night
from pipelines.night.plan import Planned, opted_out, plan_night
from pipelines.night.words import Words, hire, judge_night, night_spend, told_of, write_night, writing_figures
from pipelines.players.segments import suits
from pipelines.publish.audit import PAST_NIGHTS, AuditLimits, AuditReport, audit_night
from pipelines.publish.breaks import judge_input
from pipelines.publish.health import TASKS, Fault, models_gone, registry_fault
from pipelines.publish.publish import publish_night
from pipelines.publish.published import past_nights
from pipelines.publish.tables import collect_tables, served_players
from pipelines.reports import NightReport
from pipelines.stores import open_registry
from pipelines.words.report import report_writing
from pipelines.words.write import write_citations
from pipelines.words.writers.crew import Crew

SERIES = ("promised", "ended_promised", "ended_kept")
TOLD_NIGHTS = 90


@dataclass(frozen=True)
class Champions:
    """The models that serve, and a note for every fallback among them."""

    challenges: ChallengeModels
    segments: SegmentModel | None
    notes: tuple[str, ...]
    segment_version: str = ""


@dataclass(frozen=True)
class Issued:
    """An audited night, promises written down, ready to go out."""

    tables: dict[str, pl.DataFrame]
    audit: AuditReport
    figures: dict[str, Any]
    quiet: str


def weigh_awards(tonight: Tonight, *, accept: bool = False) -> None:
    """Hold a night back whose changed badge rules would flood the app, before anything is written.

    Raises:
        NightquestError: It says what would be granted and how to accept it.
    """
    settings = tonight.settings
    limits = FloodLimits(settings.flood_badges, settings.flood_xp, settings.flood_share)
    hold_back_flood(tonight.warehouse, tonight.night, limits, accept=accept)


def settle(tonight: Tonight) -> pl.DataFrame:
    """Settle what earlier nights promised; returns the challenges still open."""
    if "custom_achievement" in tonight.night.app.content.types and tonight.night.issues:
        settle_achievements(tonight.warehouse, tonight.night)
    return settle_challenges(tonight.warehouse, tonight.night)


def load_champions(tonight: Tonight) -> Champions:
    """The registry's champions; where one is missing, a fallback learned on the spot and a note that says so."""
    registry, app = open_registry(tonight.settings), tonight.night.app
    lost, gone = _lost_models(tonight)
    plays, attainment, segments = (None if task in gone else registry.load(app.app, task) for task in TASKS)
    notes: list[str] = []
    edited = ""
    if plays and attainment and isinstance(plays.model, PlaysModel):
        edited = edited_since(app, plays.model, attainment.parameters)
    if (
        plays
        and attainment
        and isinstance(plays.model, PlaysModel)
        and isinstance(attainment.model, AttainmentModel)
        and not (plays.model.outdated or attainment.model.outdated or edited)
    ):
        versions = (f"{plays.name}/{plays.version}", f"{attainment.name}/{attainment.version}")
        models = ChallengeModels(plays.model, attainment.model, versions)
    else:
        learned = learn_models(tonight.warehouse, tonight.night, seed=SEED)
        models = learned.models
        why = _why_none_serves(lost, edited, trained=plays is not None and attainment is not None)
        remedy = lost.remedy if lost else f"Run: {command('train', app=app.app)}"
        notes += [f"{why}, so this night learned its own. {remedy}", *learned.notes]
    found = segments.model if segments and isinstance(segments.model, SegmentModel) else None
    if found is not None and not suits(app, found):
        again = command("train", app=app.app)
        notes.append(f"The segment model is of an older app file and does not serve. Run: {again}")
    if lost and not notes:
        notes.append(f"{lost.message} {lost.remedy}")
    if found is None:
        notes.append("No segment model serves: segments follow the quantiles of the score.")
    version = f"{segments.name}/{segments.version}" if segments and found is not None and suits(app, found) else ""
    return Champions(models, found, tuple(notes), version)


def _why_none_serves(lost: Fault | None, edited: str, *, trained: bool) -> str:
    if lost:
        return lost.message.rstrip(".")
    if edited:
        return f"The trained models are of an older app file ({edited})"
    return "The trained models are of another version of Nightquest" if trained else "No trained model serves yet"


def _lost_models(tonight: Tonight) -> tuple[Fault | None, list[str]]:
    """What is wrong with a registry under home, and the tasks whose champion's files are gone."""
    home, app = tonight.settings.home, tonight.night.app.app
    if tonight.settings.mlflow_uri is not None:
        return None, []
    lost = registry_fault(home, app)
    return lost, models_gone(home, app) if lost else []


def plan(tonight: Tonight, champions: Champions) -> Planned:
    """Understand the players and decide what each is asked; writes nothing."""
    warehouse, night = tonight.warehouse, tonight.night
    recent, record = recent_challenges(warehouse, night), mission_record(warehouse, night)
    planned = plan_night(warehouse, night, champions.challenges, champions.segments, recent, record)
    return replace(planned, segment_version=champions.segment_version)


def hire_writers(tonight: Tonight) -> Crew:
    """Who writes for each arm, with the prompts that serve."""
    return hire(tonight.warehouse, tonight.night, tonight.wants)


def write(tonight: Tonight, planned: Planned, crew: Crew) -> Words:
    """Put the plan and the earned badges into words. Players who were issued challenges for this day keep those."""
    return write_night(tonight.warehouse, tonight.night, planned, crew, tonight.wants)


def judge(tonight: Tonight, crew: Crew, words: Words) -> Judgements:
    """Decide on nominees for badges that are given by judgement; a night that issues nothing decides nothing."""
    if not tonight.night.issues:
        return Judgements(pl.DataFrame(), pl.DataFrame())
    return judge_night(tonight.warehouse, tonight.night, crew, tonight.wants, words.account)


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
    warehouse, night, home = tonight.warehouse, tonight.night, tonight.settings.home
    # What a person chose for this run may be less than what the night before had.
    chosen = frozenset({"challenges", "messages", "achievements"} if tonight.wants.wishes.types else ())
    limits = AuditLimits(max_fall=tonight.settings.max_row_fall, free=chosen)
    spent, models = night_spend(night, crew, tonight.wants), _models_of(planned)
    with warehouse.transaction() if night.issues else warehouse.rehearsal():
        warehouse.append("challenges", _with_models(words.challenges, models), on_conflict_skip=True)
        warehouse.append("messages", words.messages, on_conflict_skip=True)
        warehouse.append("achievements", words.achievements, on_conflict_skip=True)
        judging: dict[str, Any] = {}
        if night.issues:
            write_down(warehouse, night, words.trial, words.assigned)
            write_awards(warehouse, night, words.awards)
            judging = write_judgements(warehouse, night, judged, write_citations)
        tables = collect_tables(warehouse, night, _frames(warehouse, night, planned, still_open))
        served = served_players(warehouse, night, tables, _reasons(warehouse, night, planned))
        past = past_nights(home, night.app.app, night.as_of, PAST_NIGHTS)
        previous = past[0] if past else None
        heard = judge_input(warehouse, night, previous)
        audit = audit_night(tables, previous, night, served, limits, accept=accept, past=past, broken=heard.broken)
        audit.require(told_of(words.account))
        figures = (
            _figures(night, tables)
            | ended_tonight(warehouse, night)
            | _left_out(planned)
            | {"models": models}
            | {"writing": writing_figures(words, spent)}
        )
        figures |= {"judging": judging} if nominate_rules(night.app) and night.issues else {}
        figures |= freshness_figures(night)
        figures |= {"late": True, "issued": night.issues} if night.late else {}
        _mark(warehouse, night, "planned", figures)
    return Issued(tables, audit, figures, heard.quiet)


def publish(tonight: Tonight, issued: Issued, notes: tuple[str, ...]) -> NightReport:
    """Put the night where the app reads it, whole, and write down that it is out."""
    night = tonight.night
    models = issued.figures["models"]
    publication = publish_night(issued.tables, night, tonight.settings.home, issued.audit, models=models)
    notes = (
        *freshness_note(night),
        *days_note(tonight.warehouse, night),
        *late_note(tonight.warehouse, night),
        *quiet_note(issued.quiet),
        *notes,
    )
    figures = issued.figures | {"notes": list(notes)}
    _mark(tonight.warehouse, night, "published" if night.issues else "unissued", figures)
    return NightReport(night.as_of, figures, publication.folder, unchanged=not publication.changed, notes=notes)


def describe(tonight: Tonight, crew: Crew, words: Words) -> WritingReport:
    """What the night's writing leaves for people to look at."""
    return report_writing(tonight.warehouse, tonight.night, crew, words, tonight.wants)


def recall(tonight: Tonight) -> Past:
    """What the nights that were out before said they would keep, and what was kept: the curve behind a night's own."""
    columns = ", ".join(f"CAST(figures->>'$.{name}' AS DOUBLE)" for name in SERIES)
    rows = tonight.warehouse.rows(
        f"""SELECT as_of, {columns} FROM nights WHERE status = 'published' AND as_of < $d
            QUALIFY row_number() OVER (PARTITION BY as_of ORDER BY revision DESC) = 1
            ORDER BY as_of DESC LIMIT {TOLD_NIGHTS}""",
        {"d": tonight.night.as_of},
    )
    return {day: {k: v for k, v in zip(SERIES, values, strict=True) if v is not None} for day, *values in rows}


def record(
    settings: Settings,
    app: str,
    report: NightReport,
    writing: WritingReport,
    past: Past | None = None,
    run_url: str | None = None,
) -> None:
    """One MLflow run for the night with its figures, and one for its writing.

    Args:
        settings: Where MLflow is.
        app: The app's name.
        report: The night's.
        writing: What its words left to look at.
        past: From `recall`.
        run_url: Where Prefect shows the run that made the night.
    """
    numbers = {name: float(value) for name, value in report.figures.items() if isinstance(value, int | float)}
    registry = open_registry(settings)
    models = report.figures.get("models", {})
    revision, folder = report.figures["revision"], report.path.relative_to(settings.home)
    registry.record_night(app, report.as_of, numbers, NightPage(str(folder), models, run_url), past, revision=revision)
    record_writing(registry.tracking, app, report.as_of, writing)


def _frames(warehouse: Warehouse, night: Night, planned: Planned, still_open: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What is computed each night and kept nowhere else."""
    models = planned.models
    scores = planned.plan.chances.select(
        "player_key",
        task=pl.lit("plays"),
        target=pl.lit(None, dtype=pl.String),
        horizon_days=pl.col("window_days"),
        probability=pl.col("p_plays"),
        model_version=pl.lit(models.versions[0] or models.plays.parameters.kind),
        reasons=pl.lit(None, dtype=pl.String),
    )
    return {
        "profiles": planned.players.profiles,
        "segments": planned.players.segments,
        "targets": planned.players.targets,
        "scores": scores,
        "badge_progress": badge_progress(warehouse, night),
        "open_challenges": still_open,
    }


def _reasons(warehouse: Warehouse, night: Night, planned: Planned) -> pl.DataFrame:
    """Why an active player gets nothing: player_key, reason."""
    some = planned.players.profiles.select("player_key", reason=pl.lit("content.types has nothing for them tonight"))
    every = {DAILY, "motivational_message", "come_back_message"} <= set(night.app.content.types)
    unserved = planned.plan.unserved.select("player_key", "reason")
    out = opted_out(warehouse, night).with_columns(reason=pl.lit("opted out"))
    return pl.concat([unserved if every else some, out]).unique("player_key", keep="last")


def _figures(night: Night, tables: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """The figures of a night that people and MLflow see."""
    daily = pl.col("content_type") == DAILY
    new, settled = tables["challenges"].filter("is_new"), tables["settlements"]
    challenges = new.filter(daily)
    paid = tables["xp_ledger"].filter(pl.col("posted_on") == night.as_of)["xp"].sum()
    return {
        "as_of": str(night.as_of),
        "revision": night.revision,
        "players_active": tables["profiles"].height,
        "players_challenged": challenges["user_id"].n_unique(),
        "challenges": challenges.height,
        "missions": new.filter(~daily).height,
        "still_open": tables["challenges"].height - new.height,
        "messages": tables["messages"].filter("is_new").height,
        "achievements": tables["achievements"].filter(pl.col("state") == "open").height,
        "promised": _mean(challenges["completion_probability"]),
        "promised_if_active": _mean(challenges["probability_if_active"]),
        "completed": settled.filter(pl.col("state") == "completed").height,
        "xp_paid": int(paid),
        "badges_awarded": tables["badges"].height,
        "badges_held": tables["badges_held"].height,
    }


def _models_of(planned: Planned) -> dict[str, str]:
    """Which version of each model had a part in the night; a fallback is named as one."""
    models, segments = planned.models, planned.segment_version
    plays, attainment = models.versions
    adjusted = {"plays": models.plays, "attainment": models.attainment}
    moved = [name for name, model in adjusted.items() if model.adjustment != Recalibration()]
    return {
        "plays": plays or f"fallback: {models.plays.parameters.kind}",
        "attainment": attainment or f"fallback: {models.attainment.parameters.kind}",
        "segments": segments or "fallback: quantiles of the score",
        "recalibration": f"of this night: {', '.join(moved)}" if moved else "none: too few outcomes",
    }


def _with_models(challenges: pl.DataFrame, models: Mapping[str, str]) -> pl.DataFrame:
    """Challenges whose metadata also names the models behind their numbers: `plays` and `attainment`."""
    if challenges.is_empty():
        return challenges
    told = json.dumps({name: models[name] for name in ("plays", "attainment")}).removeprefix("{")
    before = pl.col("metadata").fill_null("{}").str.strip_suffix("}")
    comma = pl.when(before == "{").then(pl.lit("")).otherwise(pl.lit(", "))
    return challenges.with_columns(metadata=pl.concat_str(before, comma, pl.lit(told)))


def _left_out(planned: Planned) -> dict[str, Any]:
    """How many missions were due and not found, in all and by reason."""
    reasons = planned.plan.left_out
    if reasons.is_empty():
        return {}
    counts = reasons.group_by("reason").len().sort("reason").iter_rows()
    return {"missions_left_out": reasons.height} | {f"missions_{reason}": n for reason, n in counts}


def _mean(values: pl.Series) -> float | None:
    return round(float(values.to_numpy().mean()), 4) if len(values) else None


def _mark(warehouse: Warehouse, night: Night, status: str, figures: dict[str, Any]) -> None:
    """Write the night's status and figures down; a night that is out stays as it is."""
    warehouse.run(
        """UPDATE nights SET figures = $figures, status = $status,
                  published_at = CASE WHEN $status IN ('published', 'unissued') THEN $at END
           WHERE as_of = $d AND revision = $r AND status NOT IN ('published', 'unissued')""",
        {
            "figures": json.dumps(figures),
            "status": status,
            "at": night.started_at,
            "d": night.as_of,
            "r": night.revision,
        },
    )
