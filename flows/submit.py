"""Submit: the coming night's words, sent ahead as batches.

Runs in the evening for apps that write through batches. Writes the ledger and nothing else; the night reads the answers
there, and asks live for what has not come back.
"""

import datetime as dt
from dataclasses import asdict

from configs.app import App
from flows.parameters import APP_SAYS, AppName, MaxCost, Provider, Types, check_day, wishes
from flows.recording import flow, task
from flows.running import Run, begin, show_figures
from flows.schedule import Deployed, Start
from pipelines.reports import Submitted
from pipelines.words.wishes import Wishes


@task
def send_batches(run: Run, as_of: dt.date | None, wished: Wishes) -> Submitted:
    """Plan the night as it stands, and send what its briefs lack."""
    from pipelines.night.preview import look_ahead, submit_ahead  # as in flows.nightly: it takes seconds to load

    with look_ahead(run.loaded, as_of, run.now, run.context(wished), not_out=True) as tonight:
        return submit_ahead(tonight)


def _starts(app: App, _grace_h: float) -> Start | None:
    return Start(-8.0) if app.content.mode == "batch" else None  # a batch takes up to a day, mostly far less


@flow("submit {app}", Deployed(_starts, each_app=True))
def submit(
    app: AppName,
    as_of: dt.date | None = None,
    provider: Provider = APP_SAYS,
    types: Types | None = None,
    max_cost_usd: MaxCost | None = None,
) -> Submitted:
    """Send the words of the coming night ahead as batches.

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: The local day that the night will serve; none is the one that a night run now would serve, or the
            next once that is out.
        provider: Who writes this time. Both writes with both and lets a judge pick.
        types: What is written this time; none is what the app file lists.
        max_cost_usd: What the night's words may cost in US dollars; none is what the settings say.
    """
    run = begin(app)
    wished = wishes(provider, "batch", types, max_cost_usd)
    result = send_batches(run, check_day(run.loaded.app, as_of, run.now), wished)
    figures = {name: value for name, value in asdict(result).items() if name != "notes"}
    show_figures(run.loaded.app.app, "submit", figures, "\n\n".join([f"For {result.as_of}.", *result.notes]))
    return result
