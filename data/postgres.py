"""PostgreSQL: the only room that opens a connection to one. The package psycopg is there with the extra `postgres`.

What a server refuses becomes one sentence with a remedy, in which no password stands.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from configs.errors import NightquestError

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import SQL, Identifier, Literal
    from psycopg.sql import Composed as Statement

    Connection = psycopg.Connection[Any]
    Composed = Statement
    Part = SQL | Statement | Identifier | Literal

ANSWERS_S = 10  # after which a server is held to be gone
# Of the transaction: how values are printed, and how long another transaction may be in the way.
_SETTINGS = """SELECT set_config('datestyle', 'ISO', true), set_config('timezone', 'UTC', true),
               set_config('extra_float_digits', '1', true), set_config('lock_timeout', '30s', true)"""
# What a server says when it does not let somebody in; it has no code then.
_LASTING = re.compile(r"password|authentication|does not exist|pg_hba|no encryption|SSL", re.IGNORECASE)
# What to do about what a server refuses, by the beginning of its code (PostgreSQL's manual, appendix A).
_REMEDIES: Mapping[str, str] = {
    "28": "Correct user and password of the connection, or pg_hba.conf on the server.",
    "3D": "Create that database, or correct its name.",
    "42501": "Let its owner grant what is missing; docs/postgres.md has the statements.",
    "25006": "Connect to the primary server, not to a replica that only reads.",
    "53100": "Make room on the server's disk.",
    "53300": "Raise max_connections on the server, or close connections.",
    "55P03": "End what holds a table or the same delivery there, such as a transaction left open.",
    "57": "Start the server again.",
    "08": "Start the server again.",
    "42": "Correct the table on the server, or the SELECT that reads it.",
}


def compose(text: str, **parts: "Part") -> "Composed":
    """A statement with names and values put in, each quoted as what it is."""
    from psycopg.sql import SQL  # noqa: PLC0415

    return SQL(text).format(**parts)


def name(*parts: str) -> "Identifier":
    """A quoted name, with its schema first where there are two."""
    from psycopg.sql import Identifier  # noqa: PLC0415

    return Identifier(*parts)


def value(of: object) -> "Literal":
    """A quoted value, for statements that take no parameters."""
    from psycopg.sql import Literal  # noqa: PLC0415

    return Literal(of)


def plain(text: str) -> "SQL":
    """SQL of our own, or of the app file's owner, as it is."""
    from psycopg.sql import SQL  # noqa: PLC0415

    return SQL(text)


def listed(parts: Iterable["Part"]) -> "Composed":
    """Several, with commas between."""
    from psycopg.sql import SQL  # noqa: PLC0415

    return SQL(", ").join(parts)


@contextmanager
def connect(dsn: str, what: str, *, reads: bool = False) -> Iterator["Connection"]:
    """A connection in one transaction, which is committed at the end, and taken back by any error.

    Args:
        dsn: As libpq has it: `postgresql://user:password@host:5432/database`, or `host=… dbname=…`.
        what: What is connected to, at the start of a sentence: "The destination postgres".
        reads: Let the transaction write nothing, and see one moment throughout.

    Raises:
        NightquestError: The package is missing, the address cannot be read, nobody answers, or the server refuses
            something; caused by a ConnectionError where it may do better at once.
    """
    driver, told = _driver(what), _parsed(dsn, what)
    try:
        con = driver.connect(**told, prepare_threshold=None)  # a pooler may give each transaction another server
    except driver.Error as error:
        raise _unreached(error, what, told) from (None if _LASTING.search(str(error)) else ConnectionError())
    try:
        with con:
            if reads:
                con.read_only = True
                con.isolation_level = driver.IsolationLevel.REPEATABLE_READ
            con.execute(_SETTINGS)
            yield con
    except driver.Error as error:
        raise _refused(error, what, told) from (ConnectionError() if _passes(error) else error)


def _driver(what: str) -> Any:
    try:
        import psycopg  # noqa: PLC0415 (it is there only where somebody has a PostgreSQL)
    except ImportError:
        raise NightquestError(
            f"{what} needs the package psycopg, which the extra postgres installs.",
            "Run: pip install 'psycopg[binary]'",
        ) from None
    return psycopg


def _parsed(dsn: str, what: str) -> dict[str, Any]:
    """What an address says. libpq tells parts of a broken one, which may be parts of a password: nothing of it is."""
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        told = conninfo_to_dict(dsn)
    except ProgrammingError:
        told = {"port": "unread"}
    ports = str(told.get("port") or "5432").split(",")
    if "@" in str(told.get("host", "")) or not all(port.isascii() and port.isdigit() for port in ports):
        raise NightquestError(
            f"{what} has an address that cannot be read.",
            "Write it like postgresql://user:password@host:5432/database; signs such as @ / : % in a password are "
            "written %40 %2F %3A %25.",
        )
    usual = {"connect_timeout": ANSWERS_S, "application_name": "nightquest", "keepalives_idle": 30}
    return {**usual, **told, "client_encoding": "UTF8"}


def _unreached(error: Exception, what: str, told: Mapping[str, Any]) -> NightquestError:
    """Why there is no connection: what the host that was tried last answers."""
    lines = [line for line in str(error).splitlines() if "failed" in line or "timeout" in line]
    said = _without_secrets(re.sub(r"^.*(failed: |FATAL: +)", "", (lines or [type(error).__name__])[-1]), told)
    where = told.get("host") or told.get("hostaddr") or "the local socket"
    remedy = "Start the server, or correct host and port."
    if _LASTING.search(str(error)):
        remedy = "Correct user, password or database of the connection, or pg_hba.conf on the server."
    return NightquestError(f"{what} cannot be reached at {where}: {said[:200].rstrip('.')}.", remedy)


def _refused(error: Any, what: str, told: Mapping[str, Any]) -> NightquestError:
    """What a server that was reached said no to: its first line, and what to do."""
    said = _without_secrets((str(error).strip().splitlines() or [type(error).__name__])[0], told)
    code = error.sqlstate or ("57" if _passes(error) else "")
    remedy = next((text for start, text in _REMEDIES.items() if code.startswith(start)), "Look at the server's log.")
    return NightquestError(f"{what} says: {said[:300].rstrip('.')}.", remedy)


def _without_secrets(said: str, told: Mapping[str, Any]) -> str:
    for secret in (told.get("password"), told.get("sslpassword")):
        said = said.replace(str(secret), "***") if secret else said
    return said


def _passes(error: Any) -> bool:
    """Whether the same may work a moment later: the connection broke, or another transaction was in the way."""
    return (error.sqlstate or "08").startswith(("08", "40", "55P03", "57P")) and type(error).__name__ != "DataError"
