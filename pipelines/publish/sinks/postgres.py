"""PostgreSQL: each published table as a table, the newest night whole, and an outbox of what is new for players.

A night that is there already changes nothing; a newer revision replaces it. docs/postgres.md says what lies there and
how a notifier reads the outbox.
"""

from collections.abc import Sequence

from configs.errors import NightquestError
from data.postgres import connect
from pipelines.publish.postgres_night import put_night, take_out_person
from pipelines.publish.published import Published
from pipelines.publish.sinks import Options

OPTIONS = {"dsn": "the address, like postgresql://user:password@host:5432/database"}
OPTIONAL = {"schema": "the schema of the tables; nightquest", "keep": "how many nights of each app are kept; 1"}
SECRETS = ("dsn",)
_WHAT = "The destination postgres"


def deliver(night: Published, options: Options) -> str:
    """Bring a night there in one transaction; returns its key, and what became of it.

    Raises:
        NightquestError: The package psycopg is missing, an option is wrong, or the server refuses something.
    """
    schema, keep = _told(options)
    with connect(options["dsn"], _WHAT) as con:
        done = put_night(con, schema, night, keep)
    return f"{night.key} in schema {schema}: {done}"


def erase(app: str, user_id: str, nights: Sequence[Published], options: Options) -> str:
    """Take a person out of the tables and the outbox, where one row says so to a notifier, in one transaction.

    Raises:
        NightquestError: As `deliver`.
    """
    schema, _ = _told(options)
    with connect(options["dsn"], _WHAT) as con:
        gone = take_out_person(con, schema, app, user_id, nights)
    return f"{gone} rows taken out of schema {schema}; the outbox tells of it"


def probe(options: Options) -> None:
    """Find out whether a night could be delivered, and change nothing.

    Raises:
        NightquestError: As `deliver`, or the user may not write there.
    """
    schema, _ = _told(options)
    with connect(options["dsn"], _WHAT, reads=True) as con:
        may_make = con.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
        may_fill = con.execute(
            "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s", [schema]
        ).fetchone()
    if not (may_fill or may_make or (False,))[0]:
        what = "may not create tables in" if may_fill else "may not create"
        raise NightquestError(
            f"{_WHAT}: its user {what} the schema {schema}.",
            "Let its owner grant what is missing; docs/postgres.md has the statements.",
        )


def _told(options: Options) -> tuple[str, int]:
    keep = options.get("keep") or "1"
    if not keep.isascii() or not keep.isdigit() or not 1 <= int(keep) <= 10_000:
        raise NightquestError(f"{_WHAT} is told to keep '{keep}' nights.", "Write a whole number from 1 on.")
    return options.get("schema") or "nightquest", int(keep)
