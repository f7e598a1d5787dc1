"""Doctor: find every fault under a home folder and, where asked, mend those whose mending loses nothing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from configs.errors import BusyError, NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from data.warehouse import open_warehouse, warehouse_path
from flows.server.left_runs import left_runs
from flows.server.note import NOTE, serving_faults
from pipelines.publish.health import (
    Fault,
    apps_under,
    model_faults,
    newest_whole_night,
    night_faults,
    pointer_fault,
    registry_fault,
    sink_faults,
    warehouse_fault,
)
from pipelines.publish.publish import point_at


@dataclass(frozen=True)
class Diagnosis:
    """What was found: mended now, and left for a person."""

    home: Path
    mended: list[Fault]
    faults: list[Fault]


def examine(settings: Settings, apps: Sequence[LoadedApp] = (), *, mend: bool = False) -> Diagnosis:
    """Look at some apps, or all that have data or nights; `mend` sets right what can be without losing anything.

    Raises:
        BusyError: An app whose pointer is to be mended is being worked on.
    """
    there = apps_under(settings.home)
    # Of an app that has pulled nothing yet it is asked beforehand whether it could.
    names = [loaded.app.app for loaded in apps if loaded.app.app in there or not loaded.app.pulls]
    faults = [*_faults(settings, names if apps else there), *(f for loaded in apps for f in _pulls(loaded))]
    mended = [fault for fault in faults if mend and _mend(settings.home, fault)]
    return Diagnosis(settings.home, mended, [fault for fault in faults if fault not in mended])


def diagnosis_view(diagnosis: Diagnosis) -> str:
    """For people."""
    lines = [f"Mended: {fault.message}" for fault in diagnosis.mended]
    lines += [f"{fault.message} {fault.remedy}" for fault in diagnosis.faults]
    return "\n".join(lines) if lines else f"Nothing is wrong under {diagnosis.home}."


def _faults(settings: Settings, apps: Sequence[str]) -> list[Fault]:
    found = [*serving_faults(settings.home), *left_runs(settings.home), *sink_faults(settings.sinks)]
    for app in apps:
        found += night_faults(settings.home, app)
        looked = [pointer_fault(settings.home, app), warehouse_fault(settings.home, app, deep=True)]
        looked += [registry_fault(settings.home, app)] if settings.mlflow_uri is None else []
        found += [fault for fault in looked if fault]
        found += model_faults(settings.home, app) if settings.mlflow_uri is None else []
    return found


def _pulls(loaded: LoadedApp) -> Iterator[Fault]:
    """What keeps an app's pulls from their servers."""
    if loaded.app.pulls:
        from flows.pull import addresses_of
        from pipelines.activity.pull import probe

        try:
            probe(loaded, addresses_of(loaded))
        except NightquestError as error:
            yield Fault(loaded.app.app, "pull", error.message, error.remedy)


def _mend(home: Path, fault: Fault) -> bool:
    if fault.kind == "serve":
        (home / NOTE).unlink(missing_ok=True)
        return True
    newest = newest_whole_night(home, fault.about) if fault.kind == "pointer" else None
    if newest is None:
        return False
    with ExitStack() as held:
        if warehouse_path(home, fault.about).exists():
            try:  # who publishes has the warehouse open
                held.enter_context(open_warehouse(home, fault.about))
            except BusyError:
                raise
            except NightquestError:  # damaged: nobody can be publishing
                pass
        return point_at(newest)
