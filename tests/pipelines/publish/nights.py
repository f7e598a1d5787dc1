"""A small night to publish: a real warehouse, and its tables collected, audited and published."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from configs.app import App
from data.contracts_out import breaches
from data.warehouse import Warehouse
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.publish.audit import AuditReport, audit_night
from pipelines.publish.collect import Collected, collect_tables, served_players
from pipelines.publish.disk import Disk
from pipelines.publish.publish import Publication, publish_night
from pipelines.publish.published import Published, previous_night
from pipelines.publish.stage import staged
from pipelines.publish.tables import published_tables
from tests.factories import event, warehouse_with
from tests.pipelines.publish.night_rows import (
    APP,
    AS_OF,
    PLAYERS,
    USER_IDS,
    at,
    challenge,
    make_frames,
    message,
    xp_entry,
)


def make_night(as_of: dt.date = AS_OF, revision: int = 1, app: App = APP) -> Night:
    return Night(
        app=app,
        as_of=as_of,
        revision=revision,
        cut=at(as_of, 0),
        base_day=as_of,
        seed=7,
        started_at=at(as_of, 3),
        code_version="test",
        app_hash="abc",
        watermark=10,
    )


YESTERDAY, NIGHT = AS_OF - dt.timedelta(days=1), make_night()


@contextmanager
def played_warehouse(app: App = APP) -> Iterator[Warehouse]:
    """Five players with a few days of play before AS_OF, under ids that would break what quotes them badly."""
    with warehouse_with(
        app, [event(player, day, points=3) for player in PLAYERS for day in (5.0, 6.0, 7.0)]
    ) as warehouse:
        names = pl.DataFrame({"player_key": list(PLAYERS), "user_id": USER_IDS})
        with warehouse.lend(names=names):
            warehouse.run(
                "UPDATE players SET user_id = names.user_id FROM names WHERE names.player_key = players.player_key"
            )
        yield warehouse


def put(warehouse: Warehouse, table: str, *rows: dict) -> None:
    warehouse.append(table, pl.DataFrame(list(rows), infer_schema_length=None))


def publish(warehouse: Warehouse, as_of: dt.date) -> None:
    """Write down that a night went out."""
    night = make_night(as_of)
    names = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
    put(warehouse, "nights", {name: getattr(night, name) for name in names} | {"status": "published"})


def issue(warehouse: Warehouse, as_of: dt.date = AS_OF) -> None:
    """A night's rows: a challenge for all but the last player, who gets a message, and what the ledgers gained."""
    put(warehouse, "challenges", *(challenge(player, 1, as_of) for player in PLAYERS[:-1]))
    put(warehouse, "messages", message(PLAYERS[-1], as_of))
    put(warehouse, "xp_ledger", *(xp_entry(player, as_of) for player in PLAYERS[:2]))


def contract_breaches(name: str, frame: pl.DataFrame) -> list[str]:
    """What a frame breaks of the contract of the table of a name."""
    return breaches(published_tables()[name].contract, [frame])


def collect(known: Known, frames: dict[str, pl.DataFrame], **options) -> dict[str, pl.DataFrame]:
    """The tables that a night would publish, whole."""
    return {table.name: pl.concat(table.pieces()) for table in collect_tables(known, frames, **options)}


def everybody(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """user_id of everybody who is asked or told something."""
    return pl.concat(tables[name].select("user_id") for name in ("challenges", "messages")).unique()


def tables_of(frames: dict[str, pl.DataFrame]) -> list[Collected]:
    """Whole tables as if they had been collected, in the order of their keys."""
    keys = {name: table.contract.key for name, table in published_tables().items()}

    def pieces(name: str, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        yield frame.sort(keys[name]) if name in keys and {*keys[name]} <= {*frame.columns} else frame

    return [Collected(name, partial(pieces, name, frame)) for name, frame in frames.items()]


def audit_tables(
    frames: dict[str, pl.DataFrame], previous: Published | None, night: Night, served: pl.DataFrame, **options
) -> AuditReport:
    """The audit of whole tables, staged in a home of their own."""
    with TemporaryDirectory() as home, staged(tables_of(frames), night, Path(home)) as out:
        return audit_night(out.night, previous, night, served, **options)


def publish_tables(
    frames: dict[str, pl.DataFrame], night: Night, home: Path, report: AuditReport, disk: Disk | None = None
) -> Publication:
    """Stage and publish whole tables."""
    with staged(tables_of(frames), night, home, disk) as out:
        pass
    return publish_night(out.night, home, report, disk)


def audited(
    warehouse: Warehouse, night: Night, home, open_ids: tuple[tuple[str, int], ...] = ()
) -> tuple[dict[str, pl.DataFrame], AuditReport]:
    tables = collect(Known(warehouse, night), make_frames(open_ids=open_ids))
    served = served_players(Known(warehouse, night), everybody(tables), pl.DataFrame())
    return tables, audit_tables(tables, previous_night(home, night.app.app, night.as_of), night, served)


def audit_and_publish(
    warehouse: Warehouse, night: Night, home: Path, open_ids: tuple[tuple[str, int], ...] = ()
) -> Publication:
    """Publish what the warehouse holds of a night."""
    tables, report = audited(warehouse, night, home, open_ids)
    return publish_tables(tables, night, home, report)


def put_out(warehouse: Warehouse, home, *days: dt.date, revision: int = 1, **changed: pl.DataFrame) -> None:
    """Publish the rows of the first night as those of other days, some tables changed."""
    made, report = audited(warehouse, make_night(), home)
    for day in days:
        tables = {name: frame.with_columns(as_of=pl.lit(day)) for name, frame in {**made, **changed}.items()}
        publish_tables(tables, make_night(day, revision), home, report)


@contextmanager
def nights(home, *days: dt.date) -> Iterator[Warehouse]:
    """An app's warehouse after its nights of these days, all out."""
    with played_warehouse() as warehouse:
        issue(warehouse)
        put_out(warehouse, home, *days)
        yield warehouse
