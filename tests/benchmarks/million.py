"""A million players' words: what they cost against a call per player, and how long it takes to put them to rows.

The texts are written over HTTP by the test server, with both providers, for a first night: by halves of the players, as
an app without an experiment has it, and by both with a judge. Then a share of the players has read texts on thirty
nights, what that wears out is topped up, and the words of the night after are filled in, in a process of its own: from
the plan's frames to the frames that are issued, with everything between. The figures are held for a million players or
more; fewer share the same briefs, so that a call per player is no measure for them.
"""

import datetime as dt
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import SecretStr

from configs.app import App, Writer
from configs.language import language_models
from configs.loader import load_app
from configs.prompt import read_prompts
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from models.language.calls import Usage
from pipelines.content import write
from pipelines.content.arms import assign_arms, choose_arms
from pipelines.content.briefs import brief_rows
from pipelines.content.crew import Crew, gather_crew, vendor_keys
from pipelines.content.pool import read_pool
from pipelines.content.pooled import Pooled, WriteJobs
from pipelines.content.wishes import Wishes
from pipelines.night import Night
from pipelines.studio import open_studio
from tests.benchmarks.million_plan import draw_night
from tests.language_server import LanguageServer, start_server
from tests.pipelines.nights import wants_of

PLAYERS = 1_000_000
MOST_CALLS, TIMES_CHEAPER, MOST_SECONDS = 15_000, 50, 20.0
READERS, NIGHTS = 0.2, 30  # the share of players who have read, and on how many nights
A_CALL = Usage(input=900, output=300)  # for each player: plan B of the notes
FIRST = dt.date(2026, 5, 1)
NO_LIMIT = {"requests": 1_000_000, "tokens": 1_000_000_000}
NOBODY = pl.DataFrame(schema={"player_key": pl.Int64, "profile": pl.String})
UNREAD = pl.DataFrame(schema={"player_key": pl.Int64, "brief_id": pl.String, "variant": pl.String})
STAGES = ("want_texts", "brief_rows", "assign_variants", "fill_in")


@dataclass(frozen=True)
class World:
    """Where words are written and filled in; handed to the process that fills."""

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
        trial = choose_arms(self.app.content, vendor_keys(self.settings), provider=self.provider)
        return gather_crew(self.settings, language_models(), trial, lambda _: (read_prompts(), ()))

    def warehouse(self, *, read_only: bool = False) -> Any:
        """Holds its texts."""
        return open_warehouse(self.home, self.app.app, read_only=read_only)

    def assigned(self) -> pl.DataFrame:
        """The players' arms."""
        players = pl.select(player_key=pl.int_range(self.players, dtype=pl.Int64))
        with self.warehouse() as warehouse:
            return assign_arms(
                warehouse, players.with_columns(user_id=pl.format("user-{}", "player_key")), self.crew().trial
            )

    def source(
        self,
        warehouse: Warehouse,
        day: dt.date,
        assigned: pl.DataFrame,
        recent: pl.DataFrame = UNREAD,
        writer: WriteJobs | None = None,
    ) -> Pooled:
        """The texts of a night, as `pipelines.writing.open_source` opens them."""
        app, crew = self.app, self.crew()
        return Pooled(
            app, warehouse, crew.by_name(app), assigned,
            {kind: {arm: team.name(kind) for arm, team in crew.teams.items()} for kind in app.content.types},
            NOBODY, recent, compared=bool(crew.trial.experiment), as_of=day, seed=1, write=writer,
        )  # fmt: skip


@dataclass
class Bought:
    """What a night's texts took: the server's bills, and the ledger's cost."""

    calls: int
    booked: int
    cost_usd: float
    briefs: int
    texts: int


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


def measure(folder: Path, players: int = PLAYERS) -> dict[str, float]:
    """Figures of both ways of writing and of filling in.

    Raises:
        SystemExit: A figure is missed.
    """
    figures: dict[str, float] = {"players": players}
    after = FIRST + dt.timedelta(days=NIGHTS)
    with start_server(limits={"*": NO_LIMIT}, log=0) as server:
        for name, provider in (("auto", None), ("both", "both")):
            world = World(folder / name, _settings(folder / name, server), players, provider)
            assigned = world.assigned()
            bought = _buy(world, server, FIRST, assigned, UNREAD)
            alone = _alone_usd(world)
            figures |= {f"{name}_{what}": value for what, value in vars(bought).items()}
            figures |= {f"{name}_alone_usd": alone, f"{name}_cheaper": alone / bought.cost_usd}
            if provider is None:
                recent = _read(world, assigned)
                topped = _buy(world, server, after, assigned, recent)
                figures |= {"topped_up_calls": topped.calls, "topped_up_usd": topped.cost_usd}
                figures |= _filled_apart(world, folder, after, assigned, recent)
    _print(figures)
    _hold(figures)
    return figures


def _settings(home: Path, server: LanguageServer) -> Settings:
    return Settings(
        home=home, max_cost_usd=1e4, max_cost_usd_per_month=1e4,
        openai_api_key=SecretStr(server.openai_key), openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr(server.anthropic_key), anthropic_base_url=server.anthropic_url,
    )  # fmt: skip


def _buy(world: World, server: LanguageServer, day: dt.date, assigned: pl.DataFrame, recent: pl.DataFrame) -> Bought:
    """Have a night's missing texts written."""
    app, before = world.app, server.control.bills(entries=False)["n"]
    wants, crew = wants_of(world.settings, Wishes(provider=world.provider)), world.crew()
    moment = dt.datetime.combine(day, dt.time(), dt.UTC)
    night = Night(app, day, 1, moment, day, 1, moment, "", "", 0)
    with world.warehouse() as warehouse, open_studio(night, wants, crew) as studio:
        assert studio is not None
        source = world.source(warehouse, day, assigned, recent, studio.write)
        plan, asks = draw_night(app, np.arange(world.players), day)
        briefs, rows = brief_rows(app, source.sign(write.want_texts(app, plan, asks)))
        texts = source.texts(briefs, rows)
        spent = studio.ledger.report(wants.payer(night))
    calls = server.control.bills(entries=False)["n"] - before
    return Bought(calls, spent.calls, spent.cost_usd, briefs.height, texts.height)


def _alone_usd(world: World) -> float:
    """A call per player to the very same models: each arm's players ask its own, an arm of both asks both."""
    crew, models = world.crew(), language_models().models
    return sum(
        world.players * crew.trial.propensities[arm] * sum(A_CALL.cost_usd(models[pen.model]) for pen in team.pens)
        for arm, team in crew.teams.items()
    )


def _read(world: World, assigned: pl.DataFrame) -> pl.DataFrame:
    """player_key, brief_id, variant of what a share of the players has read in the nights before: every night three
    challenges and a message, of each brief one text after the other.
    """
    app, readers = world.app, np.arange(0, world.players, round(1 / READERS))
    nights = []
    with world.warehouse() as warehouse:
        source = world.source(warehouse, FIRST, assigned)
        for n in range(NIGHTS):
            plan, asks = draw_night(app, readers, FIRST + dt.timedelta(days=n))
            briefs, rows = brief_rows(app, source.sign(write.want_texts(app, plan, asks)))
            nights.append(rows.select("player_key", pl.col("brief_id").cast(pl.Categorical)))
        pool = read_pool(warehouse, briefs).filter("serves").select("brief_id", "variant")
    kept = pool.with_columns(
        pl.col("brief_id").cast(pl.Categorical),
        turn=pl.int_range(pl.len()).over("brief_id"),
        n=pl.len().over("brief_id"),
    )
    counts = kept.select("brief_id", "n").unique()
    turn = (pl.col("player_key") + pl.int_range(pl.len()).over("player_key", "brief_id")) % pl.col("n")
    rows = pl.concat(nights).join(counts, on="brief_id").with_columns(turn=turn)
    read = rows.join(kept.select("brief_id", "turn", "variant"), on=["brief_id", "turn"]).unique()
    return read.select("player_key", pl.col("brief_id").cast(pl.String), "variant").sort("player_key")


def _filled_apart(
    world: World, folder: Path, day: dt.date, assigned: pl.DataFrame, recent: pl.DataFrame
) -> dict[str, float]:
    """Fill in a night's words in a fresh process, so that its memory is its own."""
    plan, asks = draw_night(world.app, np.arange(world.players), day)
    for name, frame in {"plan": plan, "asks": asks, "assigned": assigned, "recent": recent}.items():
        frame.write_parquet(folder / f"{name}.parquet")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        figures: dict[str, float] = pool.apply(fill, (world, folder, day))
    return figures


def fill(world: World, folder: Path, day: dt.date) -> dict[str, float]:
    """Time a night's words, texts being there, and look at them."""
    app, watch = world.app, Watch()
    plan, asks, assigned, read = (
        pl.read_parquet(folder / f"{name}.parquet") for name in ("plan", "asks", "assigned", "recent")
    )
    with world.warehouse() as warehouse:
        source = world.source(warehouse, day, assigned, read)
        for name in ("sign", "texts"):
            setattr(source, name, watch.timed(name, getattr(source, name)))
        before, load = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, os.getloadavg()[0]
        with _watched(watch):
            words = watch.timed("all", write.write_words)(
                app, plan, asks, seed=1, as_of=day, recent=read, source=source
            )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = sum(part.height for part in words)
    stages = {f"{name}_s": seconds for name, seconds in watch.wall.items()}
    stages |= {f"{name}_cpu_s": seconds for name, seconds in watch.cpu.items()}
    shown = pl.concat(
        [frame.select("player_key").hstack(part.select("variant", "ai_provider", "title"))
         for frame, part in zip((plan, asks), words, strict=True)]
    )  # fmt: skip
    again = shown.join(read, on=["player_key", "variant"], how="semi").height
    return stages | {
        "rows": rows,
        "rows_per_s": rows / watch.wall["all"],
        "texts_read": read.height,
        "read_again": again,
        "titles_twice": shown.select("player_key", "title").is_duplicated().sum(),
        "offline": shown.filter(pl.col("ai_provider") == "offline").height,
        "load": load,
        "inputs_gb": before / 2**20,
        "peak_gb": most / 2**20,
    }


@contextmanager
def _watched(watch: Watch) -> Iterator[None]:
    """Time the stages of `write_words` where it calls them."""
    held = {name: getattr(write, name) for name in STAGES}
    for name, what in held.items():
        setattr(write, name, watch.timed(name, what))
    try:
        yield
    finally:
        for name, what in held.items():
            setattr(write, name, what)


def _print(figures: dict[str, float]) -> None:
    for name, value in figures.items():
        print(f"{name:<24}{value:>16,.3f}", flush=True)


def _hold(figures: dict[str, float]) -> None:
    if figures["players"] < PLAYERS:
        return
    missed = [
        f"{name}: {figures[f'{name}_calls']:,.0f} calls, {figures[f'{name}_cheaper']:.0f} times cheaper"
        for name in ("auto", "both")
        if figures[f"{name}_calls"] > MOST_CALLS or figures[f"{name}_cheaper"] < TIMES_CHEAPER
    ]
    if figures["all_s"] >= MOST_SECONDS:
        missed.append(f"filled in within {figures['all_s']:.1f} s")
    if missed:
        raise SystemExit("; ".join(missed))
