"""The commands with which an app begins. Heavy imports wait for the command that needs them."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.command import DEFAULT, Common, cli


@cli.command(sort_key=1)
def init(
    files: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
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
    from pipelines.newapp.make import Said

    common.settings  # noqa: B018  # a home given here is that of the commands told
    names = tuple(name.strip() for name in columns.split(",") if name.strip())
    written = write_new_app(files, Said(app, timezone, user, time, event, names), to)
    emit(written.as_dict(), common.json, lambda: newapp_view(written))
