"""What `nightquest status` draws."""

import datetime as dt

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.nouns import counted
from flows.cli.drawing import note
from flows.cli.status import AppStatus, Status


def status_view(status: Status) -> RenderableType:
    """For people."""
    serving = status.serving
    line = f"Serving: Prefect {serving.prefect_url}, MLflow {serving.mlflow_url}" if serving else "Not serving."
    faults = [note(f"{fault.message} {fault.remedy}", "") for fault in status.every_fault]
    if not status.apps:
        return Group(note(f"Nothing under {status.home} yet. Try: {command('demo')}", ""), line, *faults)
    blocks = [part for app in status.apps for part in (Text(app.app, style="bold"), _block(app), "")]
    return Group(*blocks, line, *faults)


def _block(app: AppStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, told in _lines(app).items():
        if told:
            table.add_row(f"  {name}", Text(told))
    return table


def _lines(app: AppStatus) -> dict[str, str]:
    """What is told of an app; what is not known is empty."""
    counts = {"event": app.events, "player": app.players, "refused row": app.quarantined}
    newest = "none yet" if app.as_of is None else f"{app.as_of}, revision {app.revision}"
    return {
        "state": f"{app.state}. {app.busy}" if app.busy else app.state,
        "holds": ", ".join(counted(number, thing) for thing, number in counts.items() if number is not None),
        "taken back": _taken_back(app),
        "deliveries": "\n".join(app.drift or ()),
        "last event": _moment(app.last_event_at),
        "newest night": newest,
        "last run": _moment(app.last_run_at),
        "next day served": "" if app.next_as_of is None else str(app.next_as_of),
        "next run": _moment(app.next_run_at),
        "not delivered": "\n".join(app.undelivered),
        "to review": _to_review(app),
    }


def _taken_back(app: AppStatus) -> str:
    told = [counted(app.retracted, "event")] if app.retracted else []
    told += [f"{counted(app.waiting, 'retraction')} without an event yet"] if app.waiting else []
    return ", ".join(told)


def _to_review(app: AppStatus) -> str:
    if not app.to_review:
        return ""
    return f"{', '.join(app.to_review)}. In MLflow, move the alias champion to what should serve."


def _moment(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
