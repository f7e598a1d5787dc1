"""Nights of a simulated app, each followed by the day that its players make of it: what is planted in them is known."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from configs.shipped import APPS
from data.simulator.academy import AcademyWorld
from data.simulator.fitness import FitnessSettings, simulate_fitness, write_fitness
from data.simulator.learning import LearningSettings, simulate_learning, write_learning
from data.simulator.respond import play_day
from data.simulator.response import Effects
from data.simulator.simulator import SimulatorSettings, simulate, write_simulation
from data.simulator.worlds import FitnessWorld, LearningWorld
from pipelines.activity.job import run_ingest
from tests.pipelines.nights import now, serve_night

LAST_DAY = dt.date(2026, 6, 30)  # of the history
TWO_ARMS = {"name": "words", "arms": {name: {"provider": "offline"} for name in ("plain", "warm")}}
TWO_TABLES = {
    "points": {"coins": {"unit": "coin"}},
    "tables": {
        name: {"purse": {"gives": "coins", "price": {"base": base}}} for name, base in (("lean", 5), ("rich", 50))
    },
    "experiment": {"name": "tables", "arms": {"lean": 1, "rich": 1}},
}
# A challenge a day for one day: what kept it is one day's play, and no other challenge is in its way.
ONE_A_DAY: Mapping[str, Any] = {
    "challenges": {"windows": [1], "per_day": 1},
    "badges": {},
    "content": {"types": ["daily_challenge"], "experiment": TWO_ARMS},
    "rewards": TWO_TABLES,
}

COUNTED = {"learning": LearningWorld.counts, "fitness": FitnessWorld.counts, "trading": AcademyWorld.counts}


@dataclass(frozen=True)
class Loop:
    """A home with nights that were answered.

    Attributes:
        truth: What the simulator kept of every challenge that was seen, with who liked what.
        last: The day that the last night serves, which nobody has played.
    """

    settings: Settings
    loaded: LoadedApp
    truth: pl.DataFrame
    last: dt.date


def run_loop(folder: Path, app: str, *, players: int, nights: int, effects: Effects, history_days: int = 35) -> Loop:
    """Take a history in, then serve nights and play each one's day, and serve one more that knows what came of them."""
    loaded, settings = one_a_day(folder, app)
    people, events = _history(folder, app, players, history_days)
    if people:
        run_ingest(settings, loaded, people, history=True, players=True, now=now())
    run_ingest(settings, loaded, events, history=True, players=False, now=now())
    for number in range(nights):
        serve_night(settings, loaded, LAST_DAY + dt.timedelta(days=number + 1))
        _, files = play_day(app, folder, settings.home, effects)
        run_ingest(settings, loaded, files, history=True, players=False, now=now())
    last = LAST_DAY + dt.timedelta(days=nights + 1)
    serve_night(settings, loaded, last)
    seen = pl.concat(pl.read_parquet(path) for path in sorted((folder / "truth").glob("seen-*.parquet")))
    return Loop(settings, loaded, seen, last)


def one_a_day(folder: Path, app: str) -> tuple[LoadedApp, Settings]:
    """A shipped app that asks for ONE_A_DAY, of what its players can answer, under a home of its own."""
    said = yaml.safe_load((APPS / f"{app}.yaml").read_text(encoding="utf-8"))
    answered = COUNTED[app]
    for section, changes in ONE_A_DAY.items():
        said[section] = {**(said.get(section, {}) if section == "challenges" else {}), **changes}
    said["challenges"]["metrics"] = [name for name in said["challenges"]["metrics"] if name in answered]
    path = folder / f"{app}.yaml"
    path.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return load_app(str(path)), Settings(home=folder / "home", tuning_s=0)


def _history(folder: Path, app: str, players: int, days: int) -> tuple[list[Path], list[Path]]:
    if app == "trading":
        amount = SimulatorSettings(players=players, days=days, start=LAST_DAY - dt.timedelta(days=days - 1))
        people, *events = write_simulation(simulate(amount), folder)
        return [people], events
    if app == "fitness":
        size = FitnessSettings(records=players * 4, others=players * 8, players=players, days=days, end=LAST_DAY)
        return write_fitness(simulate_fitness(size), folder)
    return [], write_learning(simulate_learning(LearningSettings(players, days, LAST_DAY)), folder)
