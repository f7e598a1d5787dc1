"""A million players' words: what they cost against a call per player, and how long it takes to put them to rows.

The texts are written over HTTP by the test server, with both providers, for a first night: by halves of the players, as
an app without an experiment has it, and by both with a judge. Then a share of the players has read texts on thirty
nights, what that wears out is topped up, and the words of the night after are filled in, in a process of its own: from
the plan's frames to the frames that are issued, with everything between. The figures are held for a million players or
more; fewer share the same briefs, so that a call per player is no measure for them.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import SecretStr

from configs.kinds import Writer
from configs.settings import Settings
from models.language.calls import Usage
from models.language.offers import language_models
from pipelines.pins import Night
from pipelines.words.briefs import brief_pieces
from pipelines.words.pool import read_pool
from pipelines.words.read_lately import Readings, nothing_read
from pipelines.words.wishes import Wishes
from pipelines.words.write import want_texts
from pipelines.words.writers.session import open_session
from tests.benchmarks.million_fill import STAGES, World, fill_apart
from tests.benchmarks.million_plan import draw_night
from tests.language_server import LanguageServer, start_server
from tests.pipelines.nights import context_of
from tests.pipelines.words.plans import read_from

PLAYERS = 1_000_000
MOST_CALLS, TIMES_CHEAPER, MOST_SECONDS = 15_000, 50, 20.0
READERS, NIGHTS = 0.2, 30  # the share of players who have read, and on how many nights
A_CALL = Usage(input=900, output=300)  # for a player's three challenges
WAYS: dict[str, Writer | None] = {"halves": None, "both": "both"}
FIRST = dt.date(2026, 5, 1)
AFTER = FIRST + dt.timedelta(days=NIGHTS)
FILLS = 3  # of which the median counts
NO_LIMIT = {"requests": 1_000_000, "tokens": 1_000_000_000}


@dataclass
class Bought:
    """What a night's texts took.

    Attributes:
        calls: On the server's bills.
        booked: In the ledger, as the cost.
    """

    briefs: int
    texts: int
    calls: int
    booked: int
    cost_usd: float


def measure(folder: Path, players: int = PLAYERS) -> dict[str, float]:
    """Figures of both ways of writing and of filling in, after a table of each.

    Raises:
        SystemExit: A figure is missed.
    """
    figures: dict[str, float] = {"players": players}
    with start_server(limits={"*": NO_LIMIT}, log=0) as server:
        for name, provider in WAYS.items():
            world = World(folder / name, _settings(folder / name, server), players, provider)
            assigned = world.assigned()
            bought, alone = _buy(world, server, FIRST, assigned), _alone_usd(world)
            figures |= {f"{name}_{what}": value for what, value in vars(bought).items()}
            figures |= {f"{name}_alone_usd": alone, f"{name}_cheaper": alone / bought.cost_usd}
            if provider is None:
                topped = _after_nights(world, server, folder, assigned)
                figures |= {f"topped_up_{what}": value for what, value in vars(topped).items()}
                del assigned
                times = [fill_apart(world, folder, AFTER) for _ in range(FILLS)]
                figures |= sorted(times, key=lambda one: one["all_s"])[FILLS // 2]
    _print(figures)
    if missed := list(_missed(figures)):
        raise SystemExit("; ".join(missed))
    return figures


def _settings(home: Path, server: LanguageServer) -> Settings:
    return Settings(
        home=home, max_cost_usd=1e4, max_cost_usd_per_month=1e4,
        openai_api_key=SecretStr(server.openai_key), openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr(server.anthropic_key), anthropic_base_url=server.anthropic_url,
    )  # fmt: skip


def _buy(
    world: World, server: LanguageServer, day: dt.date, assigned: pl.DataFrame, read: Readings = nothing_read
) -> Bought:
    """Have a night's missing texts written."""
    app, before = world.app, server.control.bills(entries=False)["n"]
    context, moment = (
        context_of(world.settings, Wishes(provider=world.provider)),
        dt.datetime.combine(day, dt.time(), dt.UTC),
    )
    night = Night(app, day, 1, moment, day, 1, moment, "", "", 0)
    with world.warehouse() as warehouse, open_session(night, context, world.crew()) as session:
        assert session is not None
        source = world.source(warehouse, day, assigned, read, session.write)
        plan, asks = draw_night(app, np.arange(world.players), day)
        briefs, rows = brief_pieces(app, [source.sign(want_texts(app, plan, asks))], ("player_key",))
        texts = source.texts(briefs, rows)
        spent = session.ledger.report(context.payer(night))
    calls = server.control.bills(entries=False)["n"] - before
    return Bought(briefs.height, texts.height, calls, spent.calls, spent.cost_usd)


def _after_nights(world: World, server: LanguageServer, folder: Path, assigned: pl.DataFrame) -> Bought:
    """Have the texts topped up that many nights have worn out, and lay ready what the night after is made of."""
    read = _read(world, assigned)
    topped = _buy(world, server, AFTER, assigned, read_from(read))
    plan, asks = draw_night(world.app, np.arange(world.players), AFTER)
    for name, frame in {"plan": plan, "asks": asks, "assigned": assigned, "recent": read}.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return topped


def _alone_usd(world: World) -> float:
    """A call per player to the very same models: each arm's players ask its own, an arm of both asks both."""
    crew, models = world.crew(), language_models().models
    return sum(
        world.players * crew.trial.propensities[arm] * sum(A_CALL.cost_usd(models[pen.model]) for pen in team.pens)
        for arm, team in crew.teams.items()
    )


def _read(world: World, assigned: pl.DataFrame) -> pl.DataFrame:
    """player_key, variant of what a share of the players has read, night after night: three challenges and a message
    each night, of every brief one text after the other.
    """
    app, readers = world.app, np.arange(0, world.players, round(1 / READERS))
    nights = []
    with world.warehouse() as warehouse:
        source = world.source(warehouse, FIRST, assigned)
        for n in range(NIGHTS):
            plan, asks = draw_night(app, readers, FIRST + dt.timedelta(days=n))
            briefs, rows = brief_pieces(app, [source.sign(want_texts(app, plan, asks))], ("player_key",))
            nights.append(rows.select("player_key", pl.col("brief_id").cast(pl.Categorical)))
        pool = read_pool(warehouse, briefs).filter("serves").select("brief_id", "variant")
    kept = pool.with_columns(
        pl.col("brief_id").cast(pl.Categorical),
        turn=pl.int_range(pl.len()).over("brief_id"),
        n=pl.len().over("brief_id"),
    )
    before = pl.int_range(pl.len()).over("player_key", "brief_id")
    rows = pl.concat(nights).join(kept.select("brief_id", "n").unique(), on="brief_id", maintain_order="left")
    rows = rows.with_columns(turn=(pl.col("player_key") + before) % pl.col("n"))
    return rows.join(kept, on=["brief_id", "turn"], maintain_order="left").select("player_key", "variant")


def _print(figures: dict[str, float]) -> None:
    """What was bought, a column for each way; then the seconds of each stage."""
    print(f"{figures['players']:,.0f} players", "".join(f"{name:>14}" for name in WAYS), sep="")
    for what in (*vars(Bought(0, 0, 0, 0, 0)), "alone_usd", "cheaper"):
        print(f"{what:<20}", *(f"{figures[f'{name}_{what}']:>14,.2f}" for name in WAYS), sep="")
    print(f"{'stage':<20}{'seconds':>14}{'processor':>14}")
    for stage in ("want_texts", "sign", "brief_pieces", "texts", *list(STAGES)[2:], "all"):
        print(f"{stage:<20}{figures[f'{stage}_s']:>14.2f}{figures[f'{stage}_cpu_s']:>14.2f}", flush=True)


def _missed(figures: dict[str, float]) -> list[str]:
    """What is not as it should be; cost and time only for so many players as they are told for."""
    missed = [f"{name}: {figures[name]:,.0f} rows" for name in ("read_again", "offline") if figures[name]]
    for name in WAYS:
        calls, cheaper = figures[f"{name}_calls"], figures[f"{name}_cheaper"]
        if calls != figures[f"{name}_booked"]:
            missed.append(f"{name}: {calls:,.0f} calls were billed, {figures[f'{name}_booked']:,.0f} booked")
        if figures["players"] >= PLAYERS and (calls > MOST_CALLS or cheaper < TIMES_CHEAPER):
            missed.append(f"{name}: {calls:,.0f} calls, {cheaper:.0f} times cheaper than a call per player")
    if figures["players"] >= PLAYERS and figures["all_s"] >= MOST_SECONDS:
        missed.append(f"filled in within {figures['all_s']:.1f} s, load {figures['load']:.1f}")
    return missed
