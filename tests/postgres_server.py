"""A real PostgreSQL for the tests that ask for one: started once, on a socket in a short folder, thrown away."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NOBODY = "nobody"  # the server refuses to run as root
HBA = "local all locked scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class Database:
    """A database, and who it belongs to.

    Attributes:
        dsn: Of its owner.
    """

    folder: Path
    name: str

    @property
    def dsn(self) -> str:
        return self.of("night")

    def of(self, user: str, **more: str) -> str:
        told = {"host": str(self.folder), "dbname": self.name, "user": user, **more}
        return " ".join(f"{key}={value}" for key, value in told.items())

    def run(self, *statements: str) -> list[tuple]:
        """What the last one gives."""
        import psycopg  # noqa: PLC0415

        with psycopg.connect(self.dsn, autocommit=True) as con:
            cursors = [con.execute(statement) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []


def _programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version's where the system keeps several."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((place for place in reversed(places) if (place / "initdb").exists()), None)


@contextmanager
def running_server() -> Iterator[Path]:
    """The folder of the socket of a server that runs meanwhile."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here (initdb is not found)")
    as_nobody = os.geteuid() == 0
    if as_nobody and not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and there is no setpriv to run it as somebody else")
    start = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"] if as_nobody else []
    folder = Path(tempfile.mkdtemp(prefix="nq-pg-", dir="/tmp"))
    if as_nobody:
        shutil.chown(folder, NOBODY)
    data = folder / "data"
    options = f"-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=20 -k {folder}"

    def run(program: str, *words: object) -> None:
        command = [*start, programs / program, *map(str, words)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, timeout=120)
        assert done.returncode == 0, done.stderr

    try:
        run("initdb", "-D", data, "-U", "night", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        (data / "pg_hba.conf").write_text(HBA)
        log = folder / "log"
        run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        yield folder
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Database]:
    """For all tests; take `postgres` instead."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with running_server() as folder:
        database = Database(folder, "postgres")
        database.run("CREATE ROLE locked LOGIN PASSWORD 'hunter2'", "CREATE ROLE reader LOGIN")
        yield database


@pytest.fixture
def postgres(postgres_server: Database) -> Database:
    """A database with nothing in it."""
    mine = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
    schemas = postgres_server.run(f"SELECT quote_ident(nspname) FROM pg_namespace WHERE {mine}")
    postgres_server.run(*(f"DROP SCHEMA {schema} CASCADE" for (schema,) in schemas), "CREATE SCHEMA public")
    return postgres_server
