"""What is known of the night's players, and the plan that follows; shared by the night and by replay."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from configs.nouns import counted
from models.given import SNAPSHOT, Asked
from models.tasks.segments import SegmentModel, Segments
from pipelines.badges.rules.progress import Progress
from pipelines.challenges.asked import what_is_open
from pipelines.challenges.caps import cap_challenges
from pipelines.challenges.implied import NOTHING_ASKED
from pipelines.challenges.missions import EMPTY_RECORD, beside_missions, mission_days, mission_record, plan_missions
from pipelines.challenges.not_asked import CAPPED
from pipelines.challenges.parts import MISSION
from pipelines.challenges.plan import Plan, look_ahead, plan_challenges, recent_challenges
from pipelines.challenges.propose import ChallengeModels
from pipelines.engines import open_buckets
from pipelines.engines.buckets import HERE, Buckets, PlayerRows
from pipelines.engines.laid import Frame, laid, whole
from pipelines.known import Known
from pipelines.learning.recalibrate import recalibrate, snapshots_lately
from pipelines.learning.samples import samples_of
from pipelines.learning.together import learn_together
from pipelines.night.champions import Champions
from pipelines.night.open_night import Tonight
from pipelines.night.score import Scored, Served, score
from pipelines.players.day_by_day import DayByDay
from pipelines.players.snapshots import eligible_players, look_at
from pipelines.players.tastes import describe_tastes
from pipelines.players.understand import Players, understand_players
from pipelines.words.worded import AT_A_TIME

PLANNED_BY = ("player_key", "persona", "language", "risk_tolerance", "skill", "start_day")
NO_OTHERS: Mapping[str, Served] = {}


@dataclass(frozen=True)
class Planned:
    """A night's players, its plan, the scores behind it, what was open before, which segments served, what to tell."""

    players: Players
    plan: Plan
    scored: Scored = field(default_factory=Scored)
    asked: pl.DataFrame = field(default_factory=NOTHING_ASKED.clone)
    segment_version: str = ""
    notes: tuple[str, ...] = ()

    def to_issue(self) -> "Planned":
        """What is still to be published and told, without what the models were asked and what was put into words."""
        players = replace(self.players, features=self.players.features.clear())
        rows = {name: getattr(self.plan, name).clear() for name in ("challenges", "missions", "chances")}
        return replace(self, players=players, plan=replace(self.plan, **rows), asked=self.asked.clear())


def plan_night(
    known: Known,
    models: ChallengeModels,
    segment_model: SegmentModel | None,
    recent: pl.DataFrame,
    record: pl.DataFrame = EMPTY_RECORD,
    others: Mapping[str, Served] = NO_OTHERS,
    buckets: Buckets = HERE,
) -> Planned:
    """Understand the players, decide what each is asked, and score them; writes nothing.

    Args:
        known: What the night may see.
        models: The champions of the tasks that planning needs.
        segment_model: The champion's segments, or None for the rule.
        recent: What was issued lately.
        record: The missions before this night's, see `mission_record`.
        others: The champions of every other task, by name.
        buckets: Where the work of the players is done.
    """
    lately = snapshots_lately(known)
    now, before = look_at(known, eligible_players(known, [known.base_day]), lately, buckets=buckets)
    if isinstance(now.features, pl.DataFrame):
        now = replace(now, features=buckets.lay(now.features))
    players = understand_players(known, segment_model, now)
    settled = samples_of(known, lately, before)
    del now, before  # whose features would stay in memory
    tuned = recalibrate(known, models, settled)
    welcome = players.profiles.select(*PLANNED_BY)  # of the whole, each row that is planned would have a copy
    welcome = welcome.join(known.left_alone(), on="player_key", how="anti", maintain_order="left")
    asked = what_is_open(known, recent)
    tastes = describe_tastes(known)
    features, ahead = players.features, look_ahead(known, tuned, players.features, welcome)
    missions = None
    if MISSION in known.app.content.types:
        past, so_far = players.past.of_length(mission_days(known.app)), (ahead[1], recent, record, asked, tastes)
        joint = learn_together(known, tuned, settled)
        missions = plan_missions(known, tuned, features, past, welcome, *so_far, buckets, joint)
    beside = beside_missions(known, missions.rows, recent, asked) if missions else (recent, asked)
    plan = plan_challenges(known, tuned, features, players.past, welcome, ahead, *beside, tastes, buckets)
    if missions:
        choices = pl.concat([plan.choices, missions.choices])
        plan = replace(plan, missions=missions.rows, left_out=missions.left_out, alone=missions.alone, choices=choices)
    challenges, capped = cap_challenges(known, whole(plan.challenges), whole(plan.missions))
    capped_off = (
        whole(plan.challenges).join(challenges, on="player_key", how="anti").select("player_key", reason=pl.lit(CAPPED))
    )
    unserved = pl.concat([plan.unserved, capped_off.unique(maintain_order=True)], how="diagonal")
    plan = replace(plan, challenges=challenges, missions=capped, unserved=unserved)
    served = Asked(players.features.select(*SNAPSHOT), pl.DataFrame(), pl.DataFrame(), plan.chances)
    kept: dict[str, Frame | PlayerRows] = {"features": players.features, "past": players.past, "windows": plan.windows}
    if any(each.model.task.asks_of_badges for each in others.values()):
        kept["badges"] = Progress(known)
    if days := max((each.model.task.asks_of_days for each in others.values()), default=0):
        kept["days"] = DayByDay(known, days)
    scored = score(known, tuned, others, served, settled, buckets, kept, players.profiles)
    notes = (*buckets.notes, *scored.notes, *nobody_asked(plan))
    return Planned(players, plan, scored, asked, notes=notes)


def nobody_asked(plan: Plan) -> tuple[str, ...]:
    """Why nobody at all gets a new daily challenge, in a sentence; nothing where somebody does."""
    if plan.challenges.height or plan.unserved.is_empty():
        return ()
    counts = plan.unserved.group_by("reason").len().sort("len", "reason", descending=[True, False]).iter_rows()
    told = ", ".join(f"{reason} {n:,}" for reason, n in counts)
    return (f"Nobody gets a new daily challenge. Of {counted(plan.unserved.height, 'player')}: {told}.",)


def plan(tonight: Tonight, champions: Champions) -> Planned:
    """Understand the players and decide what each is asked; writes nothing."""
    known = tonight.known
    models = champions.challenges
    with open_buckets(tonight.settings, known.app.app, (plan_night, models)) as buckets:
        recent, record = recent_challenges(known), mission_record(known)
        planned = plan_night(known, models, champions.segments, recent, record, champions.others, buckets)
    challenges, missions = (
        laid(rows, tonight.folder, AT_A_TIME) for rows in (planned.plan.challenges, planned.plan.missions)
    )
    intended = replace(planned.plan, challenges=challenges, missions=missions)
    return replace(planned, plan=intended, segment_version=champions.segment_version)


def models_of(planned: Planned) -> dict[str, str]:
    """Which version of each model had a part in the night; a fallback is named as one."""
    scored = planned.scored
    learners = {name: each.model.learner.name for name, each in scored.served.items()}
    versions = {
        name: f"fallback: {each.version}" if each.version == learners[name] else each.version
        for name, each in scored.served.items()
    }
    moved = scored.moved()
    return {
        **versions,
        Segments.name: planned.segment_version or "fallback: quantiles of the score",
        "recalibration": f"of this night: {', '.join(moved)}" if moved else "none: too few outcomes",
    }
