"""Nominees of badges that are given by judgement: decided on tonight."""

import polars as pl

from pipelines.badges.judged.judge import Judgements, judge_nominees
from pipelines.night.open_night import Tonight
from pipelines.night.words import Words
from pipelines.words.writers.crew import Crew
from pipelines.words.writers.session import find_session


def judge(tonight: Tonight, crew: Crew, words: Words) -> Judgements:
    """Decide on the nominees for judged badges, in what is left of the night's patience; writes nothing.

    A night that issues nothing decides nothing.
    """
    if not tonight.night.issues:
        return Judgements(pl.DataFrame(), pl.DataFrame())
    with find_session(tonight.night, tonight.context, crew, words.account) as session:
        return judge_nominees(tonight.known, session.panel() if session else None)
