"""What flows share: their clock and settings, and the artifact with a run's figures."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from flows.clock import clock, run_id
from flows.progress import report
from flows.recording import is_recording, name_run
from flows.settings import read_settings
from pipelines.words.wishes import RunContext, Wishes


@dataclass(frozen=True)
class Run:
    """What a flow resolves once, at its start."""

    settings: Settings
    loaded: LoadedApp
    now: dt.datetime

    def context(self, wishes: Wishes) -> RunContext:
        """What the run's writing may use."""
        return RunContext(self.settings, wishes, clock, report, run_id(self.now))


def begin(app: str) -> Run:
    """Read the settings, the app file and the clock; from here on they are arguments.

    Raises:
        AppFileError: There is no such app, or its file has problems.
        NightquestError: A setting is wrong.
    """
    run = Run(read_settings(), load_app(app), clock())
    name_run(run.loaded.app.app)
    return run


def show_figures(app: str, kind: str, figures: Mapping[str, Any], description: str) -> None:
    """Leave the figures as a table artifact on the run; nested ones by their path."""
    rows = [{"figure": name, "value": value} for name, value in _flat("", figures)]
    show_table(app, kind, rows, description)


def show_table(app: str, kind: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Leave rows as a table artifact on the run that Prefect records, if it does."""
    if not is_recording():
        return
    from prefect.artifacts import create_table_artifact

    table = [{name: _shown(value) for name, value in row.items()} for row in rows]
    create_table_artifact(key=f"{app.replace('_', '-')}-{kind}", table=table, description=description)


def _flat(prefix: str, figures: Mapping[str, Any]) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in figures.items():
        path = f"{prefix}{name}"
        flat += _flat(f"{path}.", value) if isinstance(value, Mapping) else [(path, value)]
    return flat


def _shown(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, int | str | bool | None) else str(value)
