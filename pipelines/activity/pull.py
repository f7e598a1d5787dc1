"""Pull what is new on a live PostgreSQL, and take it in as if it had been delivered as a file.

Rows come into a file under home first, and then into the warehouse by the way of every delivery; where a pull stands is
kept in the transaction that takes its rows. So a server that dies half-way, or a run that does, has taken nothing, and
the next pull reads the same again.
"""

import datetime as dt
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.pulls import Pull
from configs.settings import Settings
from data.contracts_in import EVENT_COLUMNS, PLAYER_COLUMNS
from data.postgres import connect
from data.warehouse import Warehouse
from pipelines.activity.deliveries import Delivery
from pipelines.activity.ingest import IngestResult, Progress, ingest_files
from pipelines.activity.pull_rows import RowsRead, Since, read_columns, read_rows
from pipelines.activity.quarantine import retire_read_again
from pipelines.activity.source import PREFIX, read_source
from pipelines.activity.take_calendar import read_calendar
from pipelines.stores import open_app


@dataclass(frozen=True)
class Pulled:
    """What a pull brought.

    Attributes:
        rows: New ones; what became of them the ingest says.
        notes: What a person should know: columns that came, went or changed.
    """

    name: str
    rows: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PullResult:
    """What all pulls of an app brought, and what became of it; None where nothing is pulled of players or of events."""

    pulled: tuple[Pulled, ...]
    players: IngestResult | None
    events: IngestResult | None


def run_pulls(
    settings: Settings,
    loaded: LoadedApp,
    addresses: Mapping[str, str],
    *,
    now: dt.datetime,
    history: bool,
    again: bool,
    progress: Progress | None = None,
) -> PullResult:
    """Pull all that an app's file names: players first, whose zones decide the days of events.

    Args:
        settings: Where the app's warehouse lies.
        loaded: The app.
        addresses: Of servers, by environment variable.
        now: When it arrives (UTC).
        history: Past data: available from the moment it happened, instead of from `now`.
        again: Read everything again, whatever was taken before.
        progress: See `ingest_files`.

    Raises:
        NightquestError: The app pulls nothing, a variable is not set, a server or the ingest refuses something; nothing
            was taken of players, or of events, then.
    """
    require_pulls(loaded)
    folder = settings.home / "pulls" / loaded.app.app
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(parents=True)
    try:
        with open_app(settings, loaded, grows=True) as warehouse:
            taken = [
                _take(warehouse, loaded, addresses, folder, of_players, again, now, history, progress)
                for of_players in (True, False)
            ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return PullResult(tuple(one for pulled, _ in taken for one in pulled), taken[0][1], taken[1][1])


def spool(
    loaded: LoadedApp, addresses: Mapping[str, str], folder: Path, *, players: bool, most: int
) -> tuple[list[Path], list[Pulled]]:
    """The first rows of each pull of players, or of events, in files of a folder, for a look; nothing is kept.

    Raises:
        NightquestError: As `run_pulls`.
    """
    require_pulls(loaded)
    reads = {
        name: _read(loaded, name, addresses, folder, Since(), most=most)
        for name, pull in loaded.app.pulls.items()
        if pull.players == players
    }
    return [_file(folder, name) for name in reads], [Pulled(name, r.rows, r.notes) for name, r in reads.items()]


def probe(loaded: LoadedApp, addresses: Mapping[str, str]) -> None:
    """Find out whether each pull's server can be reached and its SELECT runs there; nothing is read.

    Raises:
        NightquestError: With the first that cannot.
    """
    for name, pull in loaded.app.pulls.items():
        with connect(_address(name, pull, addresses), title(name), reads=True) as con:
            _check_columns(loaded, name, read_columns(con, title(name), pull))


def title(name: str) -> str:
    """A pull at the start of a sentence."""
    return f"The pull {name}"


def require_pulls(loaded: LoadedApp) -> None:
    """Refuse an app that names no pull.

    Raises:
        NightquestError: It names none.
    """
    if not loaded.app.pulls:
        raise NightquestError(
            f"The app '{loaded.app.app}' pulls nothing.", "Name `pulls` in its file: docs/postgres.md."
        )


def _take(
    warehouse: Warehouse,
    loaded: LoadedApp,
    addresses: Mapping[str, str],
    folder: Path,
    of_players: bool,
    again: bool,
    now: dt.datetime,
    history: bool,
    progress: Progress | None,
) -> tuple[list[Pulled], IngestResult | None]:
    names = [name for name, pull in loaded.app.pulls.items() if pull.players == of_players]
    if not names:
        return [], None
    reads: dict[str, RowsRead] = {}
    for name in names:
        if progress:
            progress(f"Pulling {name}", 0, 0)
        reads[name] = _read(loaded, name, addresses, folder, Since() if again else _since(warehouse, name))

    def keep(deliveries: Sequence[Delivery]) -> None:
        came = {Path(d.file).stem for d in deliveries if d.state == "already taken" or _came_in(d)}
        for d in deliveries if again else ():
            retire_read_again(warehouse, Path("pulls", loaded.app.app, Path(d.file).name), d.feeds, d.delivery_id)
        for name in came & reads.keys():
            _keep(warehouse, name, reads[name].since, now)

    result = ingest_files(
        warehouse,
        loaded.app,
        [_file(folder, name) for name in names],
        now=now,
        history=history,
        source_sql=loaded.players_sql if of_players else loaded.source_sql,
        calendar_sql=loaded.calendar_sql,
        players=of_players,
        progress=progress,
        within=keep,
    )
    return [Pulled(name, read.rows, read.notes) for name, read in reads.items()], result


def _came_in(delivery: Delivery) -> bool:
    """Whether rows were kept: those of the contract's own columns that were refused to the last come again."""
    direct = delivery.feeds in {"events", "players"}
    lost = direct and delivery.rows_refused and not delivery.rows_taken + delivery.rows_known
    return delivery.state == "taken" and not lost


def _read(
    loaded: LoadedApp,
    name: str,
    addresses: Mapping[str, str],
    folder: Path,
    since: Since,
    most: int | None = None,
) -> RowsRead:
    pull = loaded.app.pulls[name]
    with connect(_address(name, pull, addresses), title(name), reads=True) as con:
        left_out = _check_columns(loaded, name, read_columns(con, title(name), pull))
        file = _file(folder, name)
        return read_rows(con, title(name), pull, since, file, app=loaded.app.app, leave_out=left_out, most=most)


def _address(name: str, pull: Pull, addresses: Mapping[str, str]) -> str:
    if not (address := addresses.get(pull.dsn, "").strip()):
        raise NightquestError(
            f"{title(name)} reads its server's address in {pull.dsn}, which is not set.",
            f"Set that environment variable, like {pull.dsn}=postgresql://user:password@host:5432/database",
        )
    return address


def _check_columns(loaded: LoadedApp, name: str, columns: Mapping[str, str]) -> list[str]:
    """Which column is there as a watermark alone and is not kept.

    Raises:
        NightquestError: The source does not read the pull, or events could not be told from those taken before.
    """
    pull = loaded.app.pulls[name]
    sql = loaded.players_sql if pull.players else loaded.source_sql
    direct = "players" if pull.players else "events"
    source = read_source(sql) if sql is not None else None
    calendar = () if pull.players else read_calendar(loaded.calendar_sql).tables
    if f"{PREFIX}{name}" in {*(source.tables if source else ()), *calendar}:
        return []
    if source is not None and name != direct:
        reads = ", ".join(table.removeprefix(PREFIX) for table in source.tables)
        raise NightquestError(
            f"{title(name)}: the source reads {reads}, and no {name}.", f"Call it one of these, or '{direct}'."
        )
    if not pull.players and "event_id" not in columns:
        raise NightquestError(
            f"{title(name)} yields no event_id.",
            "Make one of the row's key, such as 'purchase:' || id AS event_id: by it an event is taken once.",
        )
    known = PLAYER_COLUMNS if pull.players else EVENT_COLUMNS
    return [] if pull.watermark in known else [pull.watermark]


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _since(warehouse: Warehouse, name: str) -> Since:
    rows = warehouse.rows("SELECT mark, watermark, columns FROM pulls WHERE name = $name", {"name": name})
    if not rows:
        return Since()
    columns = json.loads(rows[0][2])
    recent = warehouse.frame("SELECT hashes FROM pulled_rows WHERE name = $name", {"name": name})
    by_column = recent.select(pl.col("hashes").list.to_struct(fields=list(columns))).unnest("hashes")
    return Since(rows[0][0], rows[0][1], columns, by_column)


def _keep(warehouse: Warehouse, name: str, since: Since, now: dt.datetime) -> None:
    warehouse.run("DELETE FROM pulls WHERE name = $name", {"name": name})
    warehouse.run(
        "INSERT INTO pulls (name, mark, watermark, columns, pulled_at) VALUES ($name, $mark, $by, $columns, $now)",
        {"name": name, "mark": since.mark, "by": since.watermark, "columns": json.dumps(since.columns), "now": now},
    )
    warehouse.run("DELETE FROM pulled_rows WHERE name = $name", {"name": name})
    hashes = since.recent.select(pl.lit(name).alias("name"), pl.concat_list(pl.all()).alias("hashes"))
    warehouse.append("pulled_rows", hashes)
