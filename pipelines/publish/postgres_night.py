"""One night on its way into PostgreSQL: staged, put in the place of the one before, and its news put into the outbox.

All of it is one transaction, so that readers see a whole night or the one before, and a run that is killed leaves
nothing. What takes a network's time, the files, goes into temporary tables first.
"""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from configs.errors import NightquestError
from data.postgres import compose, listed, name, plain
from pipelines.publish.news import CONTACTS, ERASED, NEWS, fresh_from, tells_news
from pipelines.publish.postgres_tables import (
    Layout,
    bring_in_step,
    has_column,
    has_table,
    layout_of,
    make_schema,
    with_texts,
)
from pipelines.publish.published import Published

if TYPE_CHECKING:
    from data.postgres import Connection
_NO_CONTACTS = """(SELECT NULL::text AS user_id, NULL::text AS left_alone, NULL::timestamptz AS send_after,
                          NULL::timestamptz AS send_before, NULL::date AS news_from WHERE false)"""  # of an older night
ROWS = 5_000  # of a file that are in memory at one time
_NIGHTS: str = """
CREATE TABLE {nights} (
    app text NOT NULL, as_of date NOT NULL, revision integer NOT NULL, key text NOT NULL,
    schema_version integer NOT NULL, issued boolean NOT NULL, kept boolean NOT NULL, generated_at timestamptz NOT NULL,
    manifest jsonb NOT NULL, delivered_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (app, as_of))
"""
_OUTBOX: str = """
CREATE TABLE {outbox} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, idempotency_key text NOT NULL UNIQUE, app text NOT NULL,
    as_of date NOT NULL, user_id text NOT NULL, kind text NOT NULL, payload jsonb NOT NULL, expires_on date,
    created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz, attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(), last_error text)
"""
_DUE: str = "CREATE INDEX outbox_due ON {outbox} (next_try_at, id) WHERE sent_at IS NULL"


def put_night(con: "Connection", schema: str, night: Published, keep: int) -> str:
    """Put a night's tables into a schema; returns what became of it.

    Args:
        con: Its transaction is the caller's, to commit or to take back.
        schema: Made where it is missing.
        night: Whole, as it lies in its folder.
        keep: How many nights of the app have rows afterwards. One that is older than these is noted, and no more.

    Raises:
        NightquestError: Another night of that day and revision is there, or a table has a column of another type.
    """
    place = _Schema(con, schema)
    place.lay_out()
    manifest = night.manifest
    app, day = manifest.app, manifest.as_of
    there = place.row("SELECT revision, key FROM {nights} WHERE app = %s AND as_of = %s", app, day)
    if there and there[0] == manifest.revision and there[1] != night.key:
        raise NightquestError(
            f"The schema {schema} has another night of {day} of '{app}', of the same revision, from another home.",
            f"Give another schema, or: DELETE FROM {schema}.nights WHERE app = '{app}' AND as_of = '{day}'.",
        )
    if there and (there[0] > manifest.revision or (there[0] == manifest.revision and place.holds(night))):
        return f"revision {there[0]} was there already"
    later = place.row("SELECT count(*) FROM {nights} WHERE app = %s AND as_of > %s", app, day)[0]
    staged = [_stage(con, night, table) for table in manifest.tables] if later < keep else []
    place.note_night(night, kept=bool(staged))
    place.forget(app, day, keep)
    for layout in staged:
        place.take_in(layout)
    told = place.tell(staged, fresh_from(night)) if not later and tells_news(manifest) else 0
    return f"{sum(manifest.tables[layout.name].rows for layout in staged)} rows, {told} new in the outbox"


def take_out_person(con: "Connection", schema: str, app: str, user_id: str, nights: Sequence[Published]) -> int:
    """Delete a person's rows from every table and the outbox, and put a row there that says so; returns how many went.

    Args:
        con: Its transaction is the caller's.
        schema: One in which nothing lies yet is left alone.
        app: Whose player the person is.
        user_id: The person's id.
        nights: As they lie at home now: their manifests are noted anew.
    """
    place = _Schema(con, schema)
    if not has_table(con, schema, "nights"):
        return 0
    place.lay_out()
    gone = sum(
        con.execute(
            compose("DELETE FROM {table} WHERE app = %s AND user_id = %s", table=name(schema, table)), [app, user_id]
        ).rowcount
        for table in place.tables_of(app)
        if has_column(con, schema, table, "user_id")
    )
    gone += place.run(
        "DELETE FROM {outbox} WHERE app = %s AND user_id = %s AND (kind <> %s OR sent_at IS NOT NULL)",
        app,
        user_id,
        ERASED,
    )
    for night in nights:
        told = (night.key, night.manifest.model_dump_json(), app, night.manifest.as_of, night.manifest.revision)
        place.run("UPDATE {nights} SET key = %s, manifest = %s WHERE app = %s AND as_of = %s AND revision = %s", *told)
    place.run(
        """INSERT INTO {outbox} (idempotency_key, app, as_of, user_id, kind, payload)
           VALUES (%s, %s, current_date, %s, %s, '{{}}') ON CONFLICT (idempotency_key) DO NOTHING""",
        f"{app}/{ERASED}/{user_id}",
        app,
        user_id,
        ERASED,
    )
    return gone


class _Schema:
    """The schema that holds the tables."""

    def __init__(self, con: "Connection", schema: str) -> None:
        self.con, self.schema = con, schema

    def run(self, text: str, *values: object) -> int:
        names = {table: name(self.schema, table) for table in ("nights", "outbox")}
        return self.con.execute(compose(text, **names), values).rowcount

    def row(self, text: str, *values: object) -> Any:
        return self.con.execute(compose(text, nights=name(self.schema, "nights")), values).fetchone()

    def lay_out(self) -> None:
        """Keep others out until the end, and make what is not there."""
        self.con.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"nightquest {self.schema}"])
        make_schema(self.con, self.schema)
        if not has_table(self.con, self.schema, "nights"):
            self.run(_NIGHTS)
        if not has_table(self.con, self.schema, "outbox"):
            self.run(_OUTBOX)
            self.run(_DUE)

    def holds(self, night: Published) -> bool:
        """Whether a night that is noted is there whole; one of which only a note is kept has nothing to lack."""
        manifest = night.manifest
        app, day = manifest.app, manifest.as_of
        if not self.row("SELECT kept FROM {nights} WHERE app = %s AND as_of = %s", app, day)[0]:
            return True
        return all(self._has_rows(night, table) for table in manifest.tables)

    def _has_rows(self, night: Published, table: str) -> bool:
        """Whether a table has each column of a night's file and as many rows, which somebody may have altered."""
        manifest = night.manifest
        columns = pl.read_parquet_schema(night.folder / manifest.tables[table].file)
        if not all(has_column(self.con, self.schema, table, column) for column in columns):
            return False
        count = compose("SELECT count(*) FROM {table} WHERE app = %s AND as_of = %s", table=name(self.schema, table))
        found = self.con.execute(count, [manifest.app, manifest.as_of]).fetchone()
        return found == (manifest.tables[table].rows,)

    def note_night(self, night: Published, *, kept: bool) -> None:
        manifest = night.manifest
        self.run("DELETE FROM {nights} WHERE app = %s AND as_of = %s", manifest.app, manifest.as_of)
        self.run(
            """INSERT INTO {nights} (app, as_of, revision, key, schema_version, issued, kept, generated_at, manifest)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            manifest.app,
            manifest.as_of,
            manifest.revision,
            night.key,
            manifest.schema_version,
            manifest.issued,
            kept,
            manifest.generated_at,
            manifest.model_dump_json(),
        )

    def forget(self, app: str, day: object, keep: int) -> None:
        """Delete the rows of a day, and of nights that are no longer kept, also in tables that older nights brought."""
        newest = "SELECT as_of FROM {nights} WHERE app = %s AND kept ORDER BY as_of DESC LIMIT %s"
        oldest = self.row(f"SELECT min(as_of) FROM ({newest}) AS newest", app, keep)[0]
        self.run("UPDATE {nights} SET kept = false WHERE app = %s AND as_of < %s", app, oldest)
        for table in self.tables_of(app):
            gone = compose(
                "DELETE FROM {table} WHERE app = %s AND (as_of = %s OR as_of < %s)", table=name(self.schema, table)
            )
            self.con.execute(gone, [app, day, oldest])

    def tables_of(self, app: str) -> list[str]:
        """The tables that some night of an app brought and that are there."""
        tables = self.con.execute(
            compose(
                "SELECT DISTINCT jsonb_object_keys(manifest -> 'tables') FROM {nights} WHERE app = %s",
                nights=name(self.schema, "nights"),
            ),
            [app],
        ).fetchall()
        return sorted(table for (table,) in tables if has_table(self.con, self.schema, table))

    def take_in(self, layout: Layout) -> None:
        """Put staged rows where they belong."""
        bring_in_step(self.con, self.schema, layout)
        self.con.execute(
            compose(
                "INSERT INTO {table} ({names}) SELECT {names} FROM {staged}",
                table=name(self.schema, layout.name),
                names=layout.names,
                staged=_staged(layout.name),
            )
        )

    def tell(self, staged: list[Layout], fresh: dt.datetime) -> int:
        """Put what is new into the outbox; what was ever put there is not again. Returns how much is."""
        told = 0
        contacts = _contacts(staged)
        for layout in (layout for layout in staged if layout.name in NEWS):
            news = NEWS[layout.name]
            statement = compose(
                """INSERT INTO {outbox} (idempotency_key, app, as_of, user_id, kind, payload, expires_on, next_try_at)
                   SELECT s.app || '/' || %s || '/' || {id}, s.app, s.as_of, s.user_id, %s,
                          (SELECT to_jsonb(screen) FROM (SELECT {screen}) AS screen)
                              || jsonb_strip_nulls(
                                  jsonb_build_object('send_after', send_after, 'send_before', send_before)),
                          {ends}, greatest(now(), send_after)
                   FROM {staged} AS s LEFT JOIN {contacts} AS c ON c.user_id = s.user_id
                   WHERE left_alone IS NULL AND ({new}) AND {earned} >= %s
                       AND {posted} >= coalesce(news_from, s.as_of) ORDER BY s.user_id, {id}
                   ON CONFLICT (idempotency_key) DO NOTHING""",
                outbox=name(self.schema, "outbox"),
                id=_joined(news.id),
                screen=listed(name("s", column) for column in layout.shown(news.shows)),
                ends=name(news.ends) if news.ends else plain("NULL"),
                staged=_staged(layout.name),
                contacts=contacts,
                new=plain(news.where),
                posted=name("s", news.posted) if news.posted else plain("'infinity'::date"),
                earned=name(news.earned) if news.earned else plain("'infinity'::timestamptz"),
            )
            told += self.con.execute(statement, [news.kind, news.kind, fresh]).rowcount
        return told


def _contacts(staged: Sequence[Layout]) -> Any:
    """Whom nothing may be told, when others may be, and since when their news waited; as far as the night says it."""
    layout = next((one for one in staged if one.name == CONTACTS), None)
    if layout is None:
        return plain(_NO_CONTACTS)
    if any(column.name == "news_from" for column in layout.columns):
        return _staged(CONTACTS)
    return compose("(SELECT *, NULL::date AS news_from FROM {t})", t=_staged(CONTACTS))


def _joined(columns: Sequence[str]) -> Any:
    """Columns of the staged rows as one text with '/' between them."""
    first, *others = (compose("s.{n}::text", n=name(each)) for each in columns)
    for other in others:
        first = compose("{a} || '/' || {b}", a=first, b=other)
    return first


def _staged(table: str) -> Any:
    return name("pg_temp", f"stage_{table}")


def _stage(con: "Connection", night: Published, table: str) -> Layout:
    """Copy a file into a temporary table, a part at a time."""
    from pipelines.publish.tables import published_tables  # noqa: PLC0415 (contracts take a second to load)

    path = night.folder / night.manifest.tables[table].file
    known = published_tables().get(table)
    layout = layout_of(table, pl.read_parquet_schema(path), known.contract if known else None)
    con.execute(
        compose(
            "CREATE TEMP TABLE {t} ({columns}) ON COMMIT DROP",
            t=name(f"stage_{table}"),
            columns=layout.declared(loose=True),
        )
    )
    into = compose("COPY {t} ({names}) FROM STDIN (FORMAT csv)", t=_staged(table), names=layout.names)
    with con.cursor() as cursor, cursor.copy(into) as copy:
        for frame in night.parts(table, ROWS):
            copy.write(with_texts(frame, layout))
    return layout
