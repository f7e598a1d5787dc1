"""An app's warehouse: SQL in, rows out, all or nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from configs.commands import command
from configs.errors import NightquestError
from configs.full_disk import is_full
from data.connections import close_the_doors, connect, in_memory
from data.duckdb_errors import first_line, is_out_of_room, no_room, told_by_arrow
from data.lent import IN_A_BATCH, Lent, plain_numbers
from data.memory import MEMORY_GB, give_back, most_memory

if TYPE_CHECKING:
    import pyarrow as pa

SQL = Path(__file__).parent / "sql"
_AT_ONCE = 2048  # rows that are fetched together
_SHARES = (16, 8, 4, 2)  # of its memory that DuckDB keeps when it is eased: the first that what is in use fits into
_SMALL = 16 * 2**20  # bytes of a file that one thread has read before several have agreed on who reads what


@cache
def fixed_sql(name: str) -> str:
    """The text of `data/sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


class Warehouse:
    """One app's open DuckDB file. All times in and out are UTC.

    Args:
        con: The connection.
        memory: Bytes that DuckDB may take, where `ease` may take them back.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, memory: int | None = None) -> None:
        self.con = con
        self._memory = memory
        self.has_parts = False  # what parts are made with is in place; see pipelines.activity.parts
        self.seen_by: object = None  # whose views of the known past it has; see pipelines.known
        self._depth = 0

    def run(self, sql: str, params: object = None) -> None:
        """Execute a statement for its effect."""
        self.con.execute(sql, params)
        self.con.complete()

    def frame(self, sql: str, params: object = None) -> pl.DataFrame:
        """The rows of a query; DuckDB's 128-bit decimals come as Int64 or Float64."""
        return plain_numbers(self.con.sql(sql, params=params).pl())

    def pieces(self, sql: str, params: object, rows: int) -> Iterator[pl.DataFrame]:
        """The rows of a query in their order, at most so many at one time, in the types of `frame`.

        At least one piece, which may be empty. Nothing else may be asked before the last: DuckDB goes on with the query
        as pieces are taken, and holds no more of them.
        """
        import pyarrow as pa  # noqa: PLC0415 (half a second that commands which only look need not wait)

        found = self.con.sql(sql, params=params).to_arrow_reader(rows)
        batches = iter(found)
        try:
            first = next(batches, None)
            yield plain_numbers(pl.DataFrame(pa.Table.from_batches([] if first is None else [first], found.schema)))
            for batch in batches:
                yield plain_numbers(pl.DataFrame(pa.Table.from_batches([batch])))
        except OSError as error:  # as which Arrow hands on what DuckDB says later than with the first piece
            raise told_by_arrow(error) from error

    def value(self, sql: str, params: object = None) -> Any:
        """The first column of the first row of a query, or None without rows."""
        rows = self.rows(sql, params)
        return rows[0][0] if rows else None

    def rows(self, sql: str, params: object = None) -> list[tuple[Any, ...]]:
        """The few rows of a small look: a frame brings pyarrow and numpy with it, which take half a second to load."""
        return self.con.execute(sql, params).fetchall()

    def each(self, sql: str, params: object = None) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one after the other, however many; nothing else may be asked until the last."""
        found = self.con.execute(sql, params)
        while some := found.fetchmany(_AT_ONCE):
            yield from some

    @contextmanager
    def batches(self, sql: str, params: object = None) -> Iterator["pa.RecordBatchReader"]:
        """The rows of a query a batch after the other, however many; nothing else may be asked meanwhile."""
        rows = self.con.sql(sql, params=params).to_arrow_reader(IN_A_BATCH)
        try:
            yield rows
        finally:
            rows.close()

    def fixed(self, name: str) -> str:
        """The text of `data/sql/<name>.sql`."""
        return fixed_sql(name)

    def append(self, table: str, frame: pl.DataFrame, *, on_conflict_skip: bool = False) -> int:
        """Insert a frame by column name; returns how many rows are new."""
        if frame.is_empty():
            return 0
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        skip = "ON CONFLICT DO NOTHING" if on_conflict_skip else ""
        with self.lend(_appended=frame):
            return int(self.value(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM _appended {skip}"))

    @contextmanager
    def lend(self, **frames: pl.DataFrame) -> Iterator[None]:
        """Let SQL read frames by name for a while; then nothing holds them that did not before."""
        lent = {name: Lent(frame) for name, frame in frames.items()} if self._depth else {}
        try:
            for name, frame in (frames | lent).items():
                self.con.register(name, frame)
            yield
        finally:
            with suppress(duckdb.TransactionException):  # an aborted transaction forgets them itself
                for name in frames:
                    self.con.unregister(name)
            for rows in lent.values():
                rows.forget()

    def ease(self) -> None:
        """Give memory back to the system: pages of the file that DuckDB has cached, and what it and C have freed.

        DuckDB keeps cached pages up to its limit, whatever else the process holds meanwhile. To lower the limit for a
        moment, to a sixteenth if what is in use fits, makes it let go of them. The limit is set on a cursor beside the
        transaction: a limit that cannot be kept would abort the transaction.
        """
        if self._memory is not None:
            with self.con.cursor() as beside:
                for share in _SHARES:
                    with suppress(duckdb.OutOfMemoryException):  # where more than that is in use
                        beside.execute(f"SET memory_limit = '{self._memory // share}B'")
                        break
                beside.execute(f"SET memory_limit = '{self._memory}B'")
        give_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another transaction it joins that one."""
        if self._depth:
            yield
            return
        self.con.execute("BEGIN")
        self._depth = 1
        try:
            yield
            self.con.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        finally:
            self._depth = 0

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """A transaction whose writes can be read inside and are all taken back at its end."""
        self.con.execute("BEGIN")
        self._depth = 1
        try:
            yield
        finally:
            self._depth = 0
            self._rollback()

    def _rollback(self) -> None:
        self.has_parts, self.seen_by = False, None
        try:
            self.con.execute("ROLLBACK")
        except (duckdb.TransactionException, duckdb.FatalException):
            return  # a failed COMMIT has already rolled back, and after a fatal error reopening does


def warehouse_path(home: Path, app: str) -> Path:
    """Where an app's warehouse file lies."""
    return home / "warehouse" / f"{app}.duckdb"


def require_warehouse(home: Path, app: str) -> None:
    """Refuse to work on an app that has no warehouse.

    Raises:
        NightquestError: It has none.
    """
    if not warehouse_path(home, app).exists():
        raise NightquestError(
            f"There is no data for '{app}' under {home}.", f"Run: {command('ingest', 'FILE', app=app)}"
        )


@contextmanager
def open_warehouse(
    home: Path,
    app: str,
    *,
    read_only: bool = False,
    threads: int | None = None,
    grows: bool = False,
    memory_gb: float = MEMORY_GB,
    wait_for_lock_s: float = 0,
) -> Iterator[Warehouse]:
    """Open an app's warehouse, creating it on first use.

    Args:
        home: The folder that everything is written under.
        app: The app's name.
        read_only: Look only; the file must exist.
        threads: For DuckDB; when None all cores, and one for a small file.
        grows: Much may come in, so that a file that is small now gets all cores too.
        memory_gb: For DuckDB: what does not fit waits in a folder beside the file.
        wait_for_lock_s: How long to wait for another process that has it open.

    Raises:
        BusyError: Another process has it open, still after the wait; the message names it.
        NightquestError: The file cannot be written, is damaged, or (read-only) does not exist; or, inside the block,
            disk or memory ran out.
    """
    path = warehouse_path(home, app)
    if read_only:
        require_warehouse(home, app)
    con = connect(path, app, read_only=read_only, wait_for_lock_s=wait_for_lock_s)
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET preserve_insertion_order = true")
        if threads is None and not grows and path.stat().st_size < _SMALL:
            threads = 1
        if threads is not None:
            con.execute(f"SET threads = {int(threads)}")
        memory = most_memory(memory_gb)
        con.execute(f"SET memory_limit = '{memory}B'")
        con.execute("SET allowed_configs = ['memory_limit']")
        if not read_only:
            con.execute(fixed_sql("functions"))
            _lay_out(con)
            con.execute(fixed_sql("players/bucketed"))
        with suppress(duckdb.CatalogException):  # looked into before it is written to: an older version's warehouse
            _look_back(con)
        close_the_doors(con)
        yield Warehouse(con, memory)
    except duckdb.Error as error:
        if not is_out_of_room(error):
            raise
        if is_full(error):
            raise no_room(path, error) from error
        raise NightquestError(
            f"The warehouse {path} cannot be written: {first_line(error)}.",
            "Let DuckDB have more memory (NIGHTQUEST_MEMORY_GB), or free disk space, and run the same again; what was "
            "begun is undone.",
            exit_code=1,
        ) from error
    finally:
        con.close()


@contextmanager
def scratch() -> Iterator[Warehouse]:
    """A warehouse in memory, with the schema, for checks that need no file."""
    number = next(_NUMBERS)
    memory = _memory(number // _BESIDE)
    con, name = memory.cursor(), f"scratch_{number}"
    con.execute(f"ATTACH ':memory:' AS {name}")
    try:
        con.execute(f"COPY FROM DATABASE laid_out TO {name}")
        con.execute(f"USE {name}")
        con.execute(fixed_sql("functions"))
        _look_back(con)
        yield Warehouse(con)
    finally:
        con.close()
        with memory.cursor() as beside:
            beside.execute(f"DETACH {name}")


_NUMBERS = count()
_BESIDE = 20  # DuckDB takes longer for each, the more there have been


@lru_cache(maxsize=1)
def _memory(_nth: int) -> duckdb.DuckDBPyConnection:
    """Where some scratch warehouses lie, each a copy of `laid_out`: a third of the work of laying it out."""
    con = in_memory()
    con.execute("SET GLOBAL TimeZone = 'UTC'; ATTACH ':memory:' AS laid_out; USE laid_out")
    con.execute(fixed_sql("functions"))
    con.execute(fixed_sql("schema"))
    con.execute("USE memory")
    close_the_doors(con)
    return con


def _lay_out(con: duckdb.DuckDBPyConnection) -> None:
    """Tables and columns, unless this very schema has laid them out: to ask for each again takes 20 ms."""
    with suppress(duckdb.CatalogException):
        if con.execute("SELECT 1 FROM laid_out WHERE schema = md5($1)", [fixed_sql("schema")]).fetchone():
            return
    con.execute(fixed_sql("schema"))
    con.execute("CREATE OR REPLACE TABLE laid_out AS SELECT md5($1) AS schema", [fixed_sql("schema")])


def _look_back(con: duckdb.DuckDBPyConnection) -> None:
    """What looks at ledgers as they were."""
    con.execute(fixed_sql("activity/events_at"))
    con.execute(fixed_sql("badges/badges_at"))
    con.execute(fixed_sql("challenges/achievements_at"))


@contextmanager
def open_partition(tables: Mapping[str, Path], memory_gb: float) -> Iterator[Warehouse]:
    """Tables of Parquet files, in memory, for one thread.

    Args:
        tables: The file of each, by name.
        memory_gb: For DuckDB: what does not fit waits in this machine's folder for temporary files.

    Raises:
        OSError: A file cannot be read, or memory or disk ran out.
    """
    con = in_memory()
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET memory_limit = '{most_memory(memory_gb)}B'")
        con.execute("SET temp_directory = $1", [gettempdir()])
        for name, path in tables.items():
            con.execute(f"CREATE TABLE {name} AS FROM read_parquet($1)", [str(path)])
        close_the_doors(con)
        yield Warehouse(con)
    except duckdb.Error as error:
        if is_out_of_room(error) or isinstance(error, duckdb.InvalidInputException):
            raise OSError(str(error)) from error
        raise
    finally:
        con.close()
