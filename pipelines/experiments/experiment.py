"""What an experiment, of words or of rewards, has shown.

Each arm's figures, differences to the first arm, and how far they can be believed.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from data.warehouse import Warehouse
from models.policies.bandit import Result, arm_propensities, effective_rows
from models.policies.sequential import (
    ALPHA,
    FEWEST_PLAYERS,
    Estimate,
    Ratio,
    clustered_mean,
    look_by_look,
    sample_ratio,
)
from pipelines.experiments.arms import REWARDS, Goal, Trial
from pipelines.known import Known

# Outcome by goal, and the standard deviation of the differences that were thought possible before any data.
SCALES: dict[Goal, float] = {"completion": 0.05, "rating": 0.25, "return": 0.05}
UNITS: dict[Goal, str] = {
    "completion": "completed share of the challenges shown",
    "rating": "mean rating",
    "return": "next-day return",
}
# Nobody is in two arms, but all of them teach the models.
_SPILLS_OVER = (
    "Chances are learnt from the players of all arms, so that what one table gets done moves what is asked of the "
    "others, too: the difference is that of tables that share their models."
)
WEIGHED_DAYS = 28  # what the coming night's weights rest on, so that an arm may become better or worse
RESULTS = {
    "metric": pl.String,
    "arm": pl.String,
    "n": pl.Int64,
    "players": pl.Int64,
    "mean": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "always_low": pl.Float64,
    "always_high": pl.Float64,
    "p": pl.Float64,
    "found_on": pl.Date,
}


@dataclass(frozen=True)
class ExperimentReport:
    """An experiment as it stood on a night.

    Attributes:
        valid: Whether the arms may be compared at all: content was reported as shown, and the arms have the players
            that their chances say.
        verdict: What may be said, in a sentence.
        arms: arm, provider, prompt, propensity (the last), players, players_shown, issued, shown, own_words (share of
            the pieces that the arm's own providers wrote), first arm first.
        ratios: By stage, `assigned` and `shown`: the arms' players against their logged chances.
        results: RESULTS, a row per metric and arm. Means and their 95 % intervals are weighted by 1 / propensity and
            clustered by player; `difference` is to the first arm, `difference_low` and `_high` hold for one look that
            was planned ahead, `always_low` and `_high` at every look; `p` is always valid, and `found_on` is the first
            day on which a difference was shown.
        looks: arm and models.policies.sequential.LOOKS, of the goal.
        personas: persona and RESULTS of the goal, for each persona that players counted as when they were put into an
            arm; the intervals of differences, and `found_on`, hold for all of these together.
    """

    app: str
    experiment: str
    as_of: dt.date
    goal: Goal
    nights: int
    valid: bool
    verdict: str
    arms: pl.DataFrame
    ratios: dict[str, Ratio]
    results: pl.DataFrame
    looks: pl.DataFrame
    personas: pl.DataFrame


def read_experiment(known: Known, name: str, goal: Goal = "completion") -> ExperimentReport:
    """Read an experiment's results as known at a night's cut.

    Args:
        known: What the night may see.
        name: The experiment's.
        goal: What decides.
    """
    outcomes = _outcomes(known, name)
    arms = known.frame(known.fixed("experiments/experiment_reach"), {"experiment": name, "as_of": known.as_of})
    counts = known.frame(known.fixed("experiments/experiment_ratio"), {"experiment": name})
    ratios = {stage: sample_ratio(counts.filter(pl.col("stage") == stage)) for stage in ("assigned", "shown")}
    order = arms["arm"].to_list()
    looks = {metric: _looks(outcomes, metric, order, scale) for metric, scale in SCALES.items()}
    rows = [_result(outcomes, looks[metric], metric, arm) for metric in SCALES for arm in order]
    results = pl.DataFrame(rows, schema=RESULTS)
    valid = bool(arms["shown"].sum()) and all(ratio.sound for ratio in ratios.values())
    nights = known.value("SELECT count(DISTINCT as_of) FROM experiment_content")
    verdict = _verdict(arms, ratios, results.filter(pl.col("metric") == goal), goal)
    if valid and REWARDS in arms["provider"]:
        verdict = f"{verdict} {_SPILLS_OVER}"
    personas = _by_persona(known, outcomes, goal, order)
    pins = (known.app.app, name, known.as_of, goal, int(nights))
    return ExperimentReport(*pins, valid, verdict, arms, ratios, results, looks[goal], personas)


def find_experiment(warehouse: Warehouse, app: App, name: str | None = None) -> tuple[str, Goal]:
    """The experiment to look at and its goal: the named one, else the first of the app file, else the newest.

    Raises:
        NightquestError: No night has tried it yet.
    """
    tried = warehouse.frame(
        "SELECT experiment, max(as_of) AS last FROM experiment_arms GROUP BY ALL ORDER BY last DESC"
    )
    known = tried["experiment"].to_list()
    goals: dict[str, Goal] = {one.name: one.goal for one in (app.content.experiment, app.rewards.experiment) if one}
    wanted = name or next((one for one in (*goals, *known) if one in known), None)
    if wanted is None or wanted not in known:
        missing = (
            f"'{wanted}' has not been tried; there are: {', '.join(known)}" if known else "No experiment was tried"
        )
        raise NightquestError(
            f"{missing} by '{app.app}' yet.",
            "Say content.experiment or rewards.experiment in the app file, or set the keys of two providers, and run: "
            f"{command('nightly', app=app.app)}",
        )
    return wanted, goals.get(wanted, "completion")


def weigh_arms(known: Known, trial: Trial) -> Trial:
    """The trial with the weights of the coming night: what has worked gets more, by Thompson sampling.

    Only what was known at the night's cut counts, of the content of the last WEIGHED_DAYS. A trial whose policy is
    `fixed`, or that has no results yet, stays as it is.
    """
    if trial.policy != "thompson":
        return trial
    since = known.as_of - dt.timedelta(days=WEIGHED_DAYS)
    outcomes = _outcomes(known, trial.experiment, since).filter(pl.col("metric") == trial.goal)
    if outcomes.is_empty():
        return trial
    results = {arm.name: _result_of(outcomes.filter(pl.col("arm") == arm.name), trial.goal) for arm in trial.arms}
    return trial.weighed(arm_propensities(results, rating=trial.goal == "rating"))


def _outcomes(known: Known, name: str, since: dt.date = dt.date.min) -> pl.DataFrame:
    """metric, arm, player_key, known_on, n, and total, squares and weight over 1 / propensity."""
    with known.lend(**known.what_is_over()):
        pins = {"experiment": name, "since": since, "as_of": known.as_of, "cut": known.cut}
        known.run(known.fixed("experiments/experiment_content"), pins)
    rows = known.frame(known.fixed("experiments/experiment_outcomes"))
    worth = 1 / pl.col("propensity")
    return rows.with_columns(
        weight=pl.col("n") * worth, total=pl.col("total") * worth, squares=pl.col("squares") * worth
    )


def _estimate(rows: pl.DataFrame, metric: str) -> Estimate:
    players = rows.group_by("player_key", maintain_order=True).agg(pl.col("total", "weight").sum())
    return clustered_mean(players["total"].to_numpy(), players["weight"].to_numpy(), share=metric != "rating")


def _result_of(rows: pl.DataFrame, goal: Goal) -> Result:
    found = _estimate(rows, goal)
    if not found.players:
        return Result(float("nan"), 0)
    squares, weights = (rows[name].to_numpy().sum() for name in ("squares", "weight"))
    spread = max(0.0, float(squares / weights) - found.mean**2)
    return Result(found.mean, effective_rows(found.mean, found.se, found.players, spread=spread), spread)


def _by_persona(known: Known, outcomes: pl.DataFrame, goal: Goal, arms: list[str]) -> pl.DataFrame:
    """RESULTS of the goal for the players of each persona, in the order of the app file."""
    personas = known.frame(known.fixed("experiments/experiment_personas"))
    told = outcomes.join(personas, on="player_key", how="inner", maintain_order="left")
    found = set(told["persona"])
    rows = []
    for persona in [name for name in known.app.personas if name in found]:
        own = told.filter(pl.col("persona") == persona)
        looks = _looks(own, goal, arms, SCALES[goal], among=len(found))
        rows += [{"persona": persona} | _result(own, looks, goal, arm) for arm in arms]
    return pl.DataFrame(rows, schema={"persona": pl.String, **RESULTS})


def _looks(outcomes: pl.DataFrame, metric: str, arms: list[str], scale: float, *, among: int = 1) -> pl.DataFrame:
    rows = outcomes.filter(pl.col("metric") == metric)
    alpha = ALPHA / max(len(arms) - 1, 1) / among  # so that all comparisons together hold
    parts = [
        look_by_look(rows, arms[0], other, scale=scale, alpha=alpha).select(pl.lit(other).alias("arm"), pl.all())
        for other in arms[1:]
    ]
    return pl.concat(parts) if parts else pl.DataFrame()


def _result(outcomes: pl.DataFrame, looks: pl.DataFrame, metric: str, arm: str) -> dict[str, Any]:
    rows = outcomes.filter((pl.col("metric") == metric) & (pl.col("arm") == arm))
    found = _estimate(rows, metric)
    told: dict[str, Any] = {"metric": metric, "arm": arm, "n": int(rows["n"].sum()), "players": found.players}
    told |= {name: None if np.isnan(value := getattr(found, name)) else value for name in ("mean", "low", "high")}
    mine = looks.filter(pl.col("arm") == arm) if looks.width else looks
    if mine.height:
        last = mine.row(-1, named=True)
        told |= {name: last[name] for name in ("difference", "always_low", "always_high", "p")}
        told |= {"difference_low": last["low"], "difference_high": last["high"]}
        shown = mine.filter((pl.col("always_low") > 0) | (pl.col("always_high") < 0))
        told["found_on"] = shown["known_on"].first()
    return {name: told.get(name) for name in RESULTS}


def _verdict(arms: pl.DataFrame, ratios: dict[str, Ratio], results: pl.DataFrame, goal: Goal) -> str:
    if not arms["shown"].sum():
        return (
            "The arms cannot be compared: no content was reported as shown. Send nightquest.shown events, with the "
            "content_id, when a player sees a text."
        )
    for stage, ratio in ratios.items():
        if not ratio.sound:
            return (
                f"The arms must not be compared: the players {stage} are not split as their chances say "
                f"(p = {ratio.p:.2g}), so that something removes players from an arm. Find it first."
            )
    compared = results.tail(-1)
    if compared["difference"].null_count() == compared.height:
        return f"It is too early: every arm needs {FEWEST_PLAYERS} players whose outcome is known."
    return " ".join(_compared(row, arms["arm"][0], goal) for row in compared.drop_nulls("difference").to_dicts())


def _compared(row: dict[str, Any], first: str, goal: Goal) -> str:
    unit, digits = (100, 1) if goal != "rating" else (1, 2)
    points = " points" if goal != "rating" else ""
    low, high = (f"{row[name] * unit:+.{digits}f}" for name in ("always_low", "always_high"))
    by = f"{row['difference'] * unit:+.{digits}f}{points}, between {low} and {high}"
    what = f"'{row['arm']}' against '{first}' in {UNITS[goal]}: {by}"
    if row["found_on"] is None:
        return f"No difference is shown yet. {what}."
    return f"A difference is shown, first on {row['found_on']}. {what}."
