"""What asking every model that serves of very many players costs: a night's players, repeated under keys of their own.

    nightquest train trading
    python -m tests.benchmarks.scoring trading --as-of 2026-05-05 --players 200000

Told are seconds of wall clock and of processors for each task and for all, and the most memory that was held. Chances
of play count as the task `plays`, since that is how planning asks for them. Features are there already, and no files
are written. Reasons are told of as many players as in a night.
"""

import argparse
import datetime as dt
import os
import resource
import time
from pathlib import Path

import polars as pl

from configs.loader import load_app
from configs.settings import Settings
from models.given import Asked, Samples
from models.learned import LearnedModel
from models.tasks import binary_tasks
from pipelines.badges.rules.progress import badge_progress
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels, chance_of_play, open_windows
from pipelines.known import Known
from pipelines.learning.recalibrate import snapshots_lately
from pipelines.learning.samples import samples_of
from pipelines.night.score import Served, score
from pipelines.players.snapshots import describe, eligible_players
from pipelines.stores import open_app, open_registry
from tests.benchmarks.known_on import known_on


def repeated(frame: pl.DataFrame, players: int) -> pl.DataFrame:
    """A night's rows again and again, every copy under other keys, until they are of so many players."""
    if frame.is_empty():
        return frame
    keys = frame["player_key"]
    step, times = int(keys.max() or 0) + 1, -(-players // max(keys.n_unique(), 1))  # type: ignore[arg-type]
    copies = pl.concat([frame.with_columns(pl.col("player_key") + step * n) for n in range(times)])
    first = copies["player_key"].unique(maintain_order=True).head(players)
    return copies.filter(pl.col("player_key").is_in(first.implode()))


class Scoring:
    """A night of many players and the models that serve it.

    Args:
        known: A night's.
        models: The champions by task.
        players: How many are asked about.
    """

    def __init__(self, known: Known, models: dict[str, Served], players: int) -> None:
        self._known, self._models = known, models
        tonight = describe(known, eligible_players(known, [known.base_day]))
        self.features = repeated(tonight, players)
        if tonight.is_empty():
            raise SystemExit(f"Nobody is asked about on {known.as_of}. Choose a day soon after play with --as-of.")
        badges = badge_progress(known).join(tonight.select("player_key"), on="player_key", how="semi")
        self._badges = repeated(badges, round(players * badges["player_key"].n_unique() / tonight.height))
        self._settled: Samples = samples_of(known, snapshots_lately(known))
        self._planning = ChallengeModels(*(models[name].model for name in PLANNED_WITH))

    def chances(self) -> pl.DataFrame:
        """How likely each is to play, as planning asks for it."""
        app = self._known.app
        one = app.model_copy(
            update={"challenges": app.challenges.model_copy(update={"metrics": app.challenges.metrics[:1]})}
        )
        parts = self.features.iter_slices(30_000)
        asked = ((each, open_windows(one, each.with_columns(start_day="base_day"))) for each in parts)
        return pl.concat([chance_of_play(self._planning, each, windows) for each, windows in asked])

    def ask(self, chances: pl.DataFrame, *tasks: str) -> int:
        """How many scores some tasks give, beside those of planning."""
        asked = Asked(self.features, pl.DataFrame(), pl.DataFrame(), chances, self._badges)
        told = score(self._known, self._planning, {name: self._models[name] for name in tasks}, asked, self._settled)
        if told.notes:
            raise RuntimeError(" ".join(told.notes))
        return sum(rows.height for rows in told.rows.values())


class Clock:
    """Seconds of wall clock and of this process's processors since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        return f"{wall:6.1f} s, {cpu:6.1f} s of processors"


def main() -> None:
    """Print what each task costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scoring", description=__doc__)
    parser.add_argument("app")
    parser.add_argument("--as-of", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--players", type=int, default=200_000)
    parser.add_argument("--home", type=Path, default=Path(".nightquest"))
    given = parser.parse_args()
    loaded, settings = load_app(given.app), Settings(home=given.home)
    models = _champions(settings, loaded.app.app)
    with open_app(settings, loaded) as warehouse:
        known = known_on(warehouse, loaded.app, given.as_of)
        scoring = Scoring(known, models, given.players)
        print(f"{scoring.features['player_key'].n_unique():,} players, load of the machine {os.getloadavg()[0]:.1f}")
        clock = Clock()
        chances = scoring.chances()
        print(f"plays            {models['plays'].model.learner.name:14} {clock}", flush=True)
        others = [name for name in models if name not in PLANNED_WITH]
        for name in others:
            clock = Clock()
            scoring.ask(chances, name)
            print(f"{name:16} {models[name].model.learner.name:14} {clock}", flush=True)
        clock = Clock()
        rows = scoring.ask(scoring.chances(), *others)
        print(f"all              {rows:,} scores {clock}")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


def _champions(settings: Settings, app: str) -> dict[str, Served]:
    """By task, the model that serves.

    Raises:
        SystemExit: Planning's are not there.
    """
    registry, found = open_registry(settings), dict[str, Served]()
    for task in binary_tasks():
        loaded = registry.load(app, task.name)
        if loaded is not None and isinstance(loaded.model, LearnedModel):
            found[task.name] = Served(loaded.model, f"{loaded.name}/{loaded.version}")
    if missing := [name for name in PLANNED_WITH if name not in found]:
        raise SystemExit(f"No model serves for {' and '.join(missing)}. Run: nightquest train {app}")
    return found


if __name__ == "__main__":
    main()
