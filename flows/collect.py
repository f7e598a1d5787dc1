"""Collect: what batches have brought since they were submitted.

Runs early in the morning, before the nights. Writes the ledger and nothing else: answers, what they cost, and what
failed; a night finds them there. Batches whose sending was cut short are looked for and taken over.
"""

from typing import Any

from configs.settings import load_settings
from flows.clock import clock
from flows.recording import flow, task
from flows.running import show_figures


@task
def fetch_answers() -> dict[str, Any]:
    """Look at every batch that is out, of all apps."""
    from pipelines.words.writers.session import collect_answers  # as in flows.nightly: it takes seconds to load

    return collect_answers(load_settings(), clock)


@flow("collect")
def collect() -> dict[str, Any]:
    """Collect what has come back from the batches of all apps. What has not is waited for by the nights."""
    result = fetch_answers()
    show_figures("all-apps", "collect", result, "What the batches brought.")
    return result
