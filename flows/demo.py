"""Demo: a trading academy's simulated players, their history taken in, models trained, and its newest nights run.

Runs when a person asks. The simulated period ends the day before yesterday and is kept under home, so that running the
demo again simulates nothing new and changes nothing.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.errors import NightquestError
from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from data.simulator.simulator import SimulatorSettings, simulate, write_simulation
from data.warehouse import open_warehouse, warehouse_path
from flows.progress import report
from models.portable import OutdatedModelError
from pipelines.challenges.kept import kept_by_night
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.pins import local_day
from pipelines.publish.published import Published, read_latest
from pipelines.publish.show import PlayerView, gather_player
from pipelines.reports import NightReport, TrainReport
from pipelines.stores import has_registry, open_registry

APP = "trading"
DAYS = 75
NIGHTS = 4
NOTE = "simulation.json"


class Plan(BaseModel):
    """What this home's demo simulates, settled at its first run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    players: int = Field(ge=2)
    days: int = Field(ge=1)
    start: dt.date

    @property
    def last_night(self) -> dt.date:
        """The day after the last simulated one."""
        return self.start + dt.timedelta(days=self.days)


@dataclass(frozen=True)
class Demo:
    """What the demo did, and one player's night.

    Attributes:
        events: Events in the warehouse.
        trained: None when an earlier run's models serve.
        kept: A row per night and one for all of them, see `pipelines.challenges.kept`.
        away: A message to a player who stayed away: title and body; None when nobody did.
    """

    home: Path
    plan: Plan
    events: int
    trained: TrainReport | None
    nights: list[NightReport]
    kept: pl.DataFrame
    player: PlayerView
    away: dict[str, str] | None


def run_demo(settings: Settings, players: int) -> Demo:
    """Simulate, ingest, train, run the newest nights, and pick a player to show.

    Raises:
        NightquestError: Home holds other trading data, or a demo of another size.
    """
    from flows.backfill import backfill
    from flows.ingest import ingest
    from flows.train import train

    folder = settings.home / "demo"
    plan = settle_plan(settings.home, folder, load_app(APP), players, dt.datetime.now(dt.UTC))
    people, *files = _simulate(plan, folder)
    ingest(app=APP, files=[str(people)], history=True, players=True)
    ingest(app=APP, files=[str(path) for path in files], history=True)
    first_night = plan.last_night - dt.timedelta(days=NIGHTS - 1)
    trained = None if _serves(settings) else train(app=APP, as_of=first_night, untuned=True)
    nights = backfill(app=APP, start=first_night, end=plan.last_night)
    with open_warehouse(settings.home, APP) as warehouse:
        kept = kept_by_night(warehouse, load_app(APP).app)
        events = int(warehouse.value("SELECT count(*) FROM events"))
    night = read_latest(settings.home, APP)
    player = gather_player(settings.home, APP, telling_player(night))
    return Demo(settings.home, plan, events, trained, nights, kept, player, _word_to_the_absent(night))


def settle_plan(home: Path, folder: Path, loaded: LoadedApp, players: int, now: dt.datetime) -> Plan:
    """The plan of an earlier run on this home, or a new one, written down.

    Raises:
        NightquestError: Home holds other trading data, or a demo of another size.
    """
    note = folder / NOTE
    remedy = "Give --home a folder of its own."
    if note.exists():
        plan = _read_plan(note)
        if plan.players != players:
            raise NightquestError(f"{home} holds a demo of {plan.players} players already.", remedy)
        return plan
    if warehouse_path(home, APP).exists():
        raise NightquestError(f"{home} holds data of '{APP}' that is not the demo's.", remedy)
    # Two days back, so that the last day is over in every player's time zone.
    start = local_day(loaded.app, now) - dt.timedelta(days=DAYS + 1)
    plan = Plan(players=players, days=DAYS, start=start)
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(plan.model_dump_json(), encoding="utf-8")
    return plan


def telling_player(night: Published) -> str:
    """The user_id with most to show: challenges out, one just completed, a badge just awarded, and badges held."""
    asked = night.table("challenges").group_by("user_id").agg(challenges=pl.len())
    completed = night.table("settlements").filter(pl.col("state") == "completed").select("user_id").unique()
    fresh = night.table("badges").select("user_id").unique()
    held = night.table("badges_held").group_by("user_id").agg(badges=pl.len())
    told = asked.join(completed.with_columns(completed=True), on="user_id", how="left")
    told = told.join(fresh.with_columns(fresh=True), on="user_id", how="left").join(held, on="user_id", how="left")
    ranked = told.fill_null(False).sort(
        pl.col("completed").fill_null(False),
        pl.col("fresh").fill_null(False),
        "challenges",
        pl.col("badges").fill_null(0),
        "user_id",
        descending=[True, True, True, True, False],
    )
    if ranked.is_empty():
        raise NightquestError("The last night challenged nobody.", "Simulate more players: --players 500.")
    return str(ranked["user_id"][0])


def _simulate(plan: Plan, folder: Path) -> list[Path]:
    """Write the simulated deliveries, unless they lie there; players first."""
    report("Simulating players", 0, 1)
    files = [folder / "players.parquet", *sorted(folder.glob("events_*.parquet"))]
    done = folder / "done"
    if not done.exists():
        settings = SimulatorSettings(players=plan.players, days=plan.days, start=plan.start)
        files = write_simulation(simulate(settings), folder)
        done.touch()
    report("Simulating players", 1, 1)
    return files


def _serves(settings: Settings) -> bool:
    """Whether an earlier run's models serve already."""
    if not has_registry(settings):  # which training makes while it is at other work, since that takes MLflow seconds
        return False
    registry = open_registry(settings)
    try:
        return all(registry.load(APP, task) for task in PLANNED_WITH)
    except OutdatedModelError:
        return False


def _read_plan(note: Path) -> Plan:
    try:
        return Plan.model_validate_json(note.read_bytes())
    except ValidationError:
        raise NightquestError(f"{note} is damaged.", "Delete the folder it lies in, or give another --home.") from None


def _word_to_the_absent(night: Published) -> dict[str, str] | None:
    words = night.table("messages").filter(pl.col("content_type") == "come_back_message").sort("user_id")
    return words.select("user_id", "title", "body").row(0, named=True) if words.height else None
