"""The `nightquest` command. Heavy imports wait for the command that needs them, so that help is instant."""

import atexit
import datetime as dt
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import App, CycloptsError, Group, Parameter

from configs.errors import NightquestError
from configs.settings import Settings, load_settings

T = TypeVar("T")

HELP = """\
Each night, the coming day's challenges, badges, targets and messages for an app's players.

A first look, with simulated players:  nightquest demo

With your own app:
  nightquest check my_app.yaml
  nightquest ingest my_app.yaml events/ --history
  nightquest train my_app.yaml
  nightquest nightly my_app.yaml
  nightquest show my_app.yaml USER

APP is a shipped app (trading, stackexchange, oulad) or the path of an app file.
Exit status: 0 done, 1 failed, 2 wrong input, 3 busy or not now: try again.\
"""

cli = App(
    name="nightquest",
    help=HELP,
    help_format="plaintext",
    version="0.1.0",
    version_flags=["--version"],
    default_parameter=Parameter(negative=(), show_default=False),
)
_COMMON = Group("Everywhere", sort_key=9)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every command takes."""

    home: Annotated[
        Path | None, Parameter(group=_COMMON, help="Where everything is kept; else NIGHTQUEST_HOME, else .nightquest.")
    ] = None
    json: Annotated[bool, Parameter(group=_COMMON, help="Print the result as one JSON document.")] = False
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], group=_COMMON, help="Show Prefect's log as well.")] = (
        False
    )

    @property
    def settings(self) -> Settings:
        """The settings, with --home before the environment."""
        return load_settings(self.home)


_DEFAULT = Common()


@cli.command
def demo(*, players: int = 600, common: Common = _DEFAULT) -> None:
    """Simulate an app's players, run its nights, and show what one of them gets.

    Example: nightquest demo

    Args:
        players: How many players to simulate.
    """
    from flows.console import emit
    from flows.demo import demo_views, run_demo

    result = _in_prefect(common, [], lambda: run_demo(load_settings(common.home), players))
    emit(result, common.json, lambda: demo_views(result))


@cli.command
def check(app: str, /, *, sql: bool = False, common: Common = _DEFAULT) -> None:
    """Check an app file: every problem with its line, key and remedy.

    Example: nightquest check trading --sql

    Args:
        app: A shipped app's name, or the path of an app file.
        sql: Show the SQL that is generated from it.
    """
    from configs.loader import load_app
    from flows.checking import describe, generated_sql
    from flows.console import emit

    loaded = load_app(app)
    facts = describe(loaded)
    if sql:
        facts["sql"] = generated_sql(loaded.app)
    emit(facts, common.json, lambda: "\n\n".join(facts["sql"].values()) if sql else _summary(facts))


@cli.command
def ingest(
    app: str,
    files: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
    history: bool = False,
    players: bool = False,
    common: Common = _DEFAULT,
) -> None:
    """Take files of events or players: CSV, JSON Lines, Parquet, .gz, .zst, or folders of them.

    Example: nightquest ingest trading events.jsonl.gz more/ --history

    A file is taken once. A row that breaks the contract goes to quarantine with its line and reason; the rest goes in.

    Args:
        app: A shipped app's name, or the path of an app file.
        files: Files or folders.
        history: Past data: an event counts as known from when it occurred, not from now.
        players: The files describe players (time zone, language, ...), not events.
    """
    from flows.console import emit, figures_table, plain

    def run() -> Any:
        from flows.ingest import ingest as flow

        return flow(app=app, files=[str(file) for file in files], history=history, players=players)

    result = _in_prefect(common, [app], run)
    emit(result, common.json, lambda: figures_table(f"Taken into {app}", plain(result)))


@cli.command
def train(app: str, /, *, as_of: dt.date | None = None, common: Common = _DEFAULT) -> None:
    """Train the app's models on what is known, and let the later days decide who serves.

    Example: nightquest train trading

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: Use only what was known before this day.
    """
    from flows.console import emit
    from flows.views import training_view

    def run() -> Any:
        from flows.train import train as flow

        return flow(app=app, as_of=as_of)

    result = _in_prefect(common, [app], run)
    emit(result, common.json, lambda: training_view(app, result))


@cli.command
def nightly(
    *apps: str, as_of: dt.date | None = None, refresh: bool = False, accept: bool = False, common: Common = _DEFAULT
) -> None:
    """Run the night of one app or several: settle, plan, write, audit, publish.

    Example: nightquest nightly trading --as-of 2024-03-01

    Args:
        apps: Shipped apps or app files; none is every shipped app that has data.
        as_of: The local day that the night serves; the next day to begin when left out.
        refresh: Make a new revision of a published night; promises already issued stay.
        accept: Publish although a table shrank by more than the limit.
    """
    from flows.console import emit
    from flows.views import nights_view

    def run() -> Any:
        from flows.nightly import nightly as flow
        from flows.serve import apps_with_data

        names = apps or apps_with_data(common.settings)
        return _each(names, lambda app: flow(app=app, as_of=as_of, refresh=refresh, accept=accept))

    result = _in_prefect(common, apps, run)
    emit(result, common.json, lambda: nights_view(result))


@cli.command
def backfill(
    app: str,
    /,
    *,
    start: Annotated[dt.date, Parameter(name="--from")],
    end: Annotated[dt.date, Parameter(name="--to")],
    common: Common = _DEFAULT,
) -> None:
    """Run past nights, one after another, as they would have run.

    Example: nightquest backfill trading --from 2024-03-01 --to 2024-03-10

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first day served.
        end: The last day served.
    """
    from flows.console import emit
    from flows.views import nights_view

    def run() -> Any:
        from flows.backfill import backfill as flow

        return flow(app=app, start=start, end=end)

    result = _in_prefect(common, [app], run)
    emit(result, common.json, lambda: nights_view(result))


@cli.command
def replay(
    app: str,
    /,
    *,
    start: Annotated[dt.date, Parameter(name="--from")],
    end: Annotated[dt.date, Parameter(name="--to")],
    common: Common = _DEFAULT,
) -> None:
    """Issue past nights from what was known then, settle them, and compare what was promised with what was kept.

    Example: nightquest replay stackexchange --from 2024-01-01 --to 2024-01-14 --json

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first day served.
        end: The last day served.
    """
    from flows.console import emit
    from flows.views import replay_view

    def run() -> Any:
        from flows.replay import replay as flow

        return flow(app=app, start=start, end=end)

    result = _in_prefect(common, [app], run)
    emit(result.figures | {"plot": str(result.plot)}, common.json, lambda: replay_view(app, result))


@cli.command
def show(app: str, user: str, /, *, common: Common = _DEFAULT) -> None:
    """Show what the newest published night holds for one player.

    Example: nightquest show trading player-00042

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
    """
    from configs.loader import load_app
    from flows.console import emit
    from flows.render import render_player
    from pipelines.publish.show import gather_player

    view = gather_player(common.settings.home, load_app(app).app.app, user)
    emit(view.as_dict(), common.json, lambda: render_player(view))


@cli.command
def status(*, common: Common = _DEFAULT) -> None:
    """Show what is there: each app's data and newest night, and whether `serve` runs.

    Example: nightquest status --json
    """
    from flows.console import emit
    from flows.status import gather_status, status_view

    result = gather_status(common.settings.home)
    emit(result, common.json, lambda: status_view(result))


@cli.command
def serve(*apps: str, common: Common = _DEFAULT) -> None:
    """Start Prefect, MLflow and every schedule: nights at 06:00 of the app's zone, training on Mondays.

    Example: nightquest serve trading

    Args:
        apps: Which apps to schedule; none is every shipped app that has data, or all of them while none has.
    """
    from flows.serve import serve as run

    run(common.settings, apps, lambda text: print(text, flush=True), verbose=common.verbose)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    status = run_command(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    if "prefect" in sys.modules:
        # Prefect's threads outlive a run, and DuckDB's binding then reports leaks while the interpreter is taken down.
        atexit._run_exitfuncs()  # noqa: SLF001
        os._exit(status)
    sys.exit(status)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit status."""
    from flows.console import complain

    as_json = "--json" in arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli(arguments, exit_on_error=False, print_error=False, result_action="return_none")
    except CycloptsError as error:
        return complain(NightquestError(str(error).strip(), "See nightquest --help."), as_json)
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except Exception as error:  # noqa: BLE001  # the last stop before a person
        return complain(error, as_json)
    return 0


def _in_prefect(common: Common, apps: Sequence[str], run: Callable[[], T]) -> T:
    """Run flows with a Prefect API behind them and a reporter before them; a wrong app is told before either starts."""
    from configs.loader import load_app
    from flows.console import progress
    from flows.progress import reporting_to
    from flows.session import prefect_session

    for app in apps:
        load_app(app)
    with progress(common.json) as reporter:
        reporter("Starting Prefect", 0, 1)
        with prefect_session(common.settings, verbose=common.verbose), reporting_to(reporter):
            reporter("Starting Prefect", 1, 1)
            return run()


def _each(apps: Sequence[str], run: Callable[[str], T]) -> list[T]:
    """Run each app even when one before it failed; then fail with what failed."""
    done, failed = [], []
    for app in apps:
        try:
            done.append(run(app))
        except NightquestError as error:
            failed.append((app, error))
    if len(failed) == 1 and not done:
        raise failed[0][1]
    if failed:
        text = "\n".join(f"{app}: {error}" for app, error in failed)
        raise NightquestError(text, exit_code=failed[0][1].exit_code)
    return done


def _summary(facts: dict[str, Any]) -> str:
    return f"{facts['file']} is right: " + ", ".join(f"{count} {name}" for name, count in facts["counts"].items()) + "."


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(143)


if __name__ == "__main__":
    main()
