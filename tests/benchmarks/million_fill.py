"""Filling in a million players' words in a process of its own, stage by stage."""

import datetime as dt
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from configs.app import App
from configs.kinds import Writer
from configs.loader import load_app
from configs.prompt import read_prompts
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from models.language.offers import language_models
from pipelines.experiments.arms import assign_arms, choose_arms
from pipelines.words import worded, write
from pipelines.words.read_lately import AT_ONCE, Readings, nothing_read
from pipelines.words.writers.crew import Crew, find_available, gather_crew
from pipelines.words.writers.pooled import Pooled, WriteJobs
from tests.pipelines.words.plans import read_from, write_words

NOBODY = pl.DataFrame(schema={"player_key": pl.Int64, "profile": pl.String})
# Stages, and who calls each.
STAGES = {"want_texts": write, "brief_pieces": write, "assign_variants": write, "fill_in": worded}
FRAMES = ("plan", "asks", "assigned", "recent")


@dataclass(frozen=True)
class World:
    """Where words are written and filled in.

    Attributes:
        home: Of its warehouse and its ledger.
        provider: Who writes; None is both providers, by halves of the players.
    """

    home: Path
    settings: Settings
    players: int
    provider: Writer | None

    @property
    def app(self) -> App:
        """The app whose players these are."""
        return load_app("trading").app

    def crew(self) -> Crew:
        """Its arms with their writers; prompts as their files have them."""
        trial = choose_arms(self.app.content, find_available(self.settings), provider=self.provider)
        return gather_crew(self.settings, language_models(), trial, lambda _: (read_prompts(), ()))

    def warehouse(self) -> AbstractContextManager[Warehouse]:
        """Holds its texts."""
        return open_warehouse(self.home, self.app.app)

    def assigned(self) -> pl.DataFrame:
        """The players' arms."""
        players = pl.select(player_key=pl.int_range(self.players, dtype=pl.Int64))
        players = players.with_columns(user_id=pl.format("user-{}", "player_key"))
        with self.warehouse() as warehouse:
            return assign_arms(warehouse, players, self.crew().trial)

    def source(
        self,
        warehouse: Warehouse,
        day: dt.date,
        assigned: pl.DataFrame,
        recent: Readings = nothing_read,
        writer: WriteJobs | None = None,
    ) -> Pooled:
        """The texts of a night, as `pipelines.night.words.open_source` opens them."""
        app, crew = self.app, self.crew()
        writers = {str(kind): {arm: team.name(kind) for arm, team in crew.teams.items()} for kind in app.content.types}
        return Pooled(
            app, warehouse, crew.by_name(app), assigned, writers, NOBODY, recent,
            compared=bool(crew.trial.experiment), as_of=day, seed=1, write=writer,
        )  # fmt: skip


@dataclass
class Watch:
    """Seconds by stage: of the clock, and of the processors."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, what: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added to a stage."""

        def run(*args: Any, **options: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return what(*args, **options)
            finally:
                self.wall[name] = self.wall.get(name, 0) + time.perf_counter() - wall
                self.cpu[name] = self.cpu.get(name, 0) + time.process_time() - cpu

        return run

    @contextmanager
    def over(self, source: Pooled) -> Iterator[None]:
        """Time what `choose_words` and `Worded` call, where it calls it."""
        held = {name: getattr(room, name) for name, room in STAGES.items()}
        for name, what in held.items():
            setattr(STAGES[name], name, self.timed(name, what))
        for name in ("sign", "texts"):
            setattr(source, name, self.timed(name, getattr(source, name)))
        try:
            yield
        finally:
            for name, what in held.items():
                setattr(STAGES[name], name, what)


def fill_apart(world: World, folder: Path, day: dt.date) -> dict[str, float]:
    """Fill in a night's words in a fresh process, so that its memory is its own.

    Args:
        world: With the texts written.
        folder: With FRAMES as Parquet files.
        day: The night.

    Returns:
        Seconds by stage, rows, memory, and what is wrong with the words.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        figures: dict[str, float] = pool.apply(fill, (world, folder, day))
    return figures


def fill(world: World, folder: Path, day: dt.date) -> dict[str, float]:
    """Seconds by stage, rows, memory, and what is wrong with the words."""
    watch = Watch()
    plan, asks, assigned, read = (pl.read_parquet(folder / f"{name}.parquet") for name in FRAMES)
    recent = read_from(read, AT_ONCE)
    with world.warehouse() as warehouse:
        source = world.source(warehouse, day, assigned, recent)
        before, load = _most_gb(), os.getloadavg()[0]
        with watch.over(source):
            whole = watch.timed("all", write_words)
            words = whole(world.app, plan, asks, seed=1, as_of=day, recent=recent, source=source)
    figures = {
        "rows": plan.height + asks.height,
        "rows_per_s": (plan.height + asks.height) / watch.wall["all"],
        "inputs_gb": before,
        "peak_gb": _most_gb(),
        "load": load,
    }
    figures |= {f"{name}_s": seconds for name, seconds in watch.wall.items()}
    figures |= {f"{name}_cpu_s": seconds for name, seconds in watch.cpu.items()}
    return figures | _faults((plan, asks), words, read)


def _faults(
    wanted: tuple[pl.DataFrame, ...], words: tuple[pl.DataFrame, ...], recent: pl.DataFrame
) -> dict[str, float]:
    """Rows with a text that their player has read lately, with a title twice, with words from the offline writer."""
    shown = pl.concat(
        [rows.select("player_key").hstack(told.select("variant", "ai_provider", "title"))
         for rows, told in zip(wanted, words, strict=True)]
    )  # fmt: skip
    return {
        "read_before": recent.height,
        "read_again": shown.join(recent, on=["player_key", "variant"], how="semi").height,
        "titles_twice": int(shown.select("player_key", "title").is_duplicated().sum()),
        "offline": shown.filter(pl.col("ai_provider") == "offline").height,
    }


def _most_gb() -> float:
    """The most memory that this process has had; getrusage would count what its parent had when it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20
