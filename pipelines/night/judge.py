"""Nominees of badges that are given by judgement: decided on tonight."""

import polars as pl

from models.tasks.anomaly import Anomaly
from pipelines.badges.judged.judge import Judgements, judge_nominees
from pipelines.badges.judged.panel import Panel
from pipelines.badges.judged.unusual import unusual_weeks
from pipelines.badges.rules.crossings import forget_walk
from pipelines.experiments.arms import PROMPT
from pipelines.night.open_night import Tonight
from pipelines.night.plan import Planned
from pipelines.night.words import Words
from pipelines.words.writers.choose import Judge
from pipelines.words.writers.crew import Crew
from pipelines.words.writers.session import WritingSession, find_session


def judge(tonight: Tonight, planned: Planned, crew: Crew, words: Words) -> Judgements:
    """Decide on the nominees for judged badges, in what is left of the night's patience; writes nothing.

    A night that issues nothing decides nothing.
    """
    if not tonight.night.issues:
        return Judgements(pl.DataFrame(), pl.DataFrame())
    with find_session(tonight.night, tonight.context, crew, words.account) as session:
        unusual = unusual_weeks(planned.scored.of(Anomaly.name))
        judged = judge_nominees(tonight.known, panel_of(session) if session else None, unusual)
    forget_walk(tonight.known)
    return judged


def panel_of(session: WritingSession) -> Panel | None:
    """Who judges nominees for badges, with the prompts that serve: an arm's writers, the other one for seconds."""
    crew = session.crew
    arms = sorted(crew.trial.arms, key=lambda arm: arm.prompt != PROMPT)  # of several the first stays first
    team = next((crew.teams[arm.name] for arm in arms if arm.name in crew.teams), None)
    if team is None:
        return None
    pens = (*team.pens, *team.others)
    return Panel(session.ask_all, tuple(Judge(p.provider, p.model, p.pricing, p.prompts["verdict"]) for p in pens))
