"""How `nightquest init` tells what it guessed, and what to do next."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from configs.commands import command, remember_app
from configs.errors import NightquestError
from configs.nouns import counted
from flows.cli.drawing import Grid, note, shorten
from flows.clock import clock
from pipelines.activity.read_files import find_files
from pipelines.newapp.make import Hints, NewApp, make_app


@dataclass(frozen=True)
class Written:
    """What was written: the app file, its source, and all that was guessed."""

    app_file: Path
    source_file: Path
    made: NewApp
    next: tuple[str, ...]

    def as_dict(self) -> Mapping[str, Any]:
        """The facts without the two texts."""
        made = self.made
        return {
            "app": made.app,
            "app_file": str(self.app_file),
            "source_file": str(self.source_file),
            "guesses": made.guesses,
            "events": made.play.events,
            "players": made.play.players,
            "first_day": made.play.first,
            "last_day": made.play.last,
            "refused": made.refused,
            "reasons": made.reasons,
            "partly": made.partly,
            "next": self.next,
        }


def write_new_app(files: Sequence[Path], said: Hints, folder: Path) -> Written:
    """Write an app file and its source into a folder.

    Raises:
        NightquestError: One of the two is there already, or the files do not say enough; nothing was written.
    """
    made = make_app(files, said, clock())
    app_file, source_file = folder / f"{made.app}.yaml", folder / f"{made.app}.sql"
    for path in (app_file, source_file):
        if path.exists():
            raise NightquestError(
                f"{path} is there already and stays as it is.", "Move it away, or say --app NAME or --to FOLDER."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        app_file.write_text(made.app_text, encoding="utf-8")
        source_file.write_text(made.sql_text, encoding="utf-8")
    except OSError as error:
        raise NightquestError(f"Cannot write under {folder}: {error.strerror}.", "Say --to FOLDER.") from error
    return Written(app_file, source_file, made, tuple(_next(made, shorten(app_file), files)))


def _next(made: NewApp, app_file: Path, files: Sequence[Path]) -> list[str]:
    """The commands that lead to a first night, that of the day after the last event."""
    remember_app(made.app, str(app_file))
    given = [path for path in find_files(files)[0] if path not in made.aside] if made.aside else files
    paths = [shorten(path) for path in given]
    day = made.play.last + dt.timedelta(days=1)
    as_of = () if day > clock().date() else ("--as-of", "DAY" if made.partly else str(day))
    return [
        command("ingest", *paths, "--history", app=made.app),
        command("nightly", *as_of, app=made.app),
        command("show", made.play.someone, app=made.app),
    ]


def newapp_view(written: Written) -> RenderableType:
    """What was guessed and why, what of the sample would not go in, and the next commands."""
    made, play = written.made, written.made.play
    table = Grid("what", "guess", "why")
    for guess in made.guesses:
        table.add_row(guess.about, guess.guess, guess.why)
    seen = f"{counted(play.events, 'event')} of {counted(play.players, 'player')}, {play.first} to {play.last}"
    parts: list[RenderableType] = [Text(f"{made.app}: {seen}", style="bold"), table]
    if made.partly:
        parts.append(note("Only the beginning of the files was looked at."))
    if made.refused:
        told = Grid("would be refused", "why")
        for reason, rows in made.reasons.items():
            told.add_row(f"{rows:,}", reason)
        parts.append(told)
    parts.append(Text(f"Written: {shorten(written.app_file)} and {shorten(written.source_file)}. Look at both; then:"))
    parts += [note(f"  {line}", "") for line in written.next]
    if any(line.endswith("--as-of DAY") for line in written.next):
        parts.append(Text("DAY is the day after the newest event, which `status` tells after ingest."))
    return Group(*parts)
