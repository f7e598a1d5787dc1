"""Deliver: nights that are out, to the destinations that still lack them.

Runs when a person asks; every night does the same at its end. Writes the app's outbox, and what a destination keeps.
"""

from flows.clock import clock
from flows.parameters import AppName, SinkName
from flows.recording import Task, flow, task
from flows.running import Run, begin, show_figures
from pipelines.publish.deliver import Deliveries, deliver_due, send_night
from pipelines.publish.outbox import ask_again
from pipelines.publish.sinks import chosen_for
from pipelines.stores import open_app

send = Task(send_night, "send", retries=2)


@task
def deliver_nights(run: Run, again: str = "") -> Deliveries:
    """What the outbox holds, and the newest night where a destination is new, or is to have it again."""
    home, app = run.settings.home, run.loaded.app.app
    chosen = chosen_for(app, run.settings.sinks)
    with open_app(run.settings, run.loaded) as warehouse:
        if again:
            ask_again(warehouse, home, app, chosen, again)
        return deliver_due(warehouse, home, app, chosen, clock, send)


@flow("deliver {app}")
def deliver(app: AppName, again: SinkName = "") -> Deliveries:
    """Bring an app's nights to the destinations of NIGHTQUEST_SINKS that lack them.

    Args:
        app: A shipped app's name, or the path of an app file.
        again: A destination that is to have the newest night once more, such as one whose database was emptied.
    """
    run = begin(app)
    result = deliver_nights(run, again)
    figures = {"delivered": len(result.done), "failed": len(result.failed)}
    show_figures(run.loaded.app.app, "deliver", figures, "\n\n".join(result.failed) or "Nothing is lacking.")
    return result
