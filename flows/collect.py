"""Collect: what batches have brought since they were submitted.

Runs early in the morning, before the nights. Writes the ledger and nothing else: answers, what they cost, and what
failed; a night finds them there. Batches whose sending was cut short are looked for and taken over.
"""

from typing import Any

from configs.app import App
from flows.clock import clock
from flows.recording import flow, task
from flows.running import show_figures
from flows.schedule import Deployed, Start, night_after_h
from flows.settings import read_settings


@task
def fetch_answers() -> dict[str, Any]:
    """Look at every batch that is out, of all apps."""
    from pipelines.words.writers.session import collect_answers  # as in flows.nightly: it takes seconds to load

    return collect_answers(read_settings(), clock)


def _starts(app: App, grace_h: float) -> Start | None:
    return Start(night_after_h(grace_h) / 2) if app.content.mode == "batch" else None  # before the night, in every zone


@flow("collect", Deployed(_starts))
def collect() -> dict[str, Any]:
    """Collect what has come back from the batches of all apps. What has not is waited for by the nights."""
    result = fetch_answers()
    show_figures("all-apps", "collect", result, "What the batches brought.")
    return result
