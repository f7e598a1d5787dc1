"""Deliver: nights that are out, to the destinations that still lack them.

Runs when a person asks; every night does the same at its end. Writes the app's outbox, and what a destination keeps.
"""

from flows.clock import clock
from flows.parameters import AppName
from flows.recording import Task, flow, task
from flows.running import Run, begin, show_figures
from pipelines.publish.deliver import Deliveries, deliver_due, send_night
from pipelines.publish.sinks import chosen_for
from pipelines.stores import open_app

send = Task(send_night, "send", retries=2)


@task
def deliver_nights(run: Run) -> Deliveries:
    """What the outbox holds, and the newest night where a destination is new."""
    home, app = run.settings.home, run.loaded.app.app
    chosen = chosen_for(app, run.settings.sinks)
    with open_app(run.settings, run.loaded) as warehouse:
        return deliver_due(warehouse, home, app, chosen, clock, send)


@flow("deliver {app}")
def deliver(app: AppName) -> Deliveries:
    """Bring an app's nights to the destinations of NIGHTQUEST_SINKS that lack them.

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    run = begin(app)
    result = deliver_nights(run)
    figures = {"delivered": len(result.done), "failed": len(result.failed)}
    show_figures(run.loaded.app.app, "deliver", figures, "\n\n".join(result.failed) or "Nothing is lacking.")
    return result
