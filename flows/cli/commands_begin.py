"""The commands with which an app begins. Heavy imports wait for the command that needs them."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.command import DEFAULT, Common, OneOrMore, cli


@cli.command(sort_key=1)
def init(
    *files: OneOrMore,
    app: str = "",
    to: Path = Path(),
    timezone: str = "",
    user: str = "",
    time: str = "",
    event: str = "",
    columns: str = "",
    common: Common = DEFAULT,
) -> None:
    """Write a first app file and its source from files of your own: CSV, JSON or Parquet, as your system exports them.

    Example: nightquest init purchases.csv --timezone Europe/Berlin

    Says what it guessed and why, and the next commands. A file that is there already is never written over.

    Args:
        files: Files or folders.
        app: The app's name; else that of the first file.
        to: The folder to write to.
        timezone: IANA zone of times without an offset, and of the players.
        user: The column that says who acts, if the guess is wrong.
        time: The column that says when.
        event: The column that says what happens.
        columns: Names of the columns, separated by commas, for files without a header line.
    """
    from flows.cli.console import emit
    from flows.cli.newapp_view import newapp_view, write_new_app
    from pipelines.newapp.make import Hints

    common.settings  # noqa: B018  # a home given here is that of the commands told
    names = tuple(name.strip() for name in columns.split(",") if name.strip())
    written = write_new_app(files, Hints(app, timezone, user, time, event, names), to)
    emit(written.as_dict(), common.json, lambda: newapp_view(written))


@cli.command(sort_key=3)
def quarantine(
    app: str,
    /,
    *,
    reason: str = "",
    samples: Annotated[int, Parameter(validator=Number(gte=0, lte=1000))] = 2,
    export: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Show which delivered rows were refused and why, and write them out to be mended.

    Example: nightquest quarantine my_app.yaml
    Example: nightquest quarantine my_app.yaml --reason number --export mend.jsonl

    Mend the rows in that file and give it to `ingest`: each takes the place of the one that it mends.

    Args:
        app: A shipped app's name, or the path of an app file.
        reason: Only rows whose reason has this text in it.
        samples: How many rows to show of each reason.
        export: Write the rows to this file, as JSON lines.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.preflight import check_data
    from flows.cli.quarantine_view import quarantine_view, visit_quarantine

    loaded = load_app(app)
    check_data(common.settings, loaded)
    found = visit_quarantine(common.settings, loaded.app, reason, samples, export)
    emit(found, common.json, lambda: quarantine_view(found))
