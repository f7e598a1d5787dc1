"""Killed at a chosen moment, a night of batches is finished without buying twice."""

import asyncio
import os
import signal

import pytest

from models.language.batches import BatchRows
from models.language.calls import Written
from tests.forks import FORKS
from tests.models.language.asking import a_run, ledger_at
from tests.models.language.batches.sent import (
    PROVIDERS,
    asks,
    billed_once,
    claims_of,
    finish,
    provider_of,
    recover,
    submit,
)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def dying(whole, when: str):
    """A method that kills its process before or after it has done its work."""

    async def awaited(*args, **named):
        die() if when == "before" else die(await whole(*args, **named))

    def called(*args, **named):
        die() if when == "before" else die(whole(*args, **named))

    return awaited if asyncio.iscoroutinefunction(whole) else called


def submit_and_die(home, server, provider: str, moment: str) -> None:
    when, name = moment.split()
    opened = provider_of(server, provider, max_requests=12)
    target = opened if hasattr(opened, name) else BatchRows
    setattr(target, name, dying(getattr(target, name), when))
    with ledger_at(home) as ledger:
        submit(ledger, opened, asks(24, provider))
        finish(ledger, opened)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "moment",
    [
        "before intend", "after intend", "before attempts", "before submit", "after submit", "before note",
        "after note", "before poll", "before results", "after results", "before close", "after close",
    ],
)  # fmt: skip
def test_killed_at_any_step_a_night_of_batches_is_finished_without_buying_twice(
    tmp_path, language_server, provider, moment
):
    process = FORKS.Process(target=submit_and_die, args=(tmp_path, language_server, provider, moment))
    process.start()
    process.join(600)
    assert process.exitcode == -signal.SIGKILL
    opened, requests = provider_of(language_server, provider, max_requests=12), asks(24, provider)
    with ledger_at(tmp_path) as ledger:
        language_server.control.idle()
        recover(ledger, opened)
        submit(ledger, opened, requests)
        done = finish(ledger, opened)
        assert done.open == 0
        assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert ledger.report(a_run(), whole_night=True).in_flight_at_kill == 0
    assert billed_once(language_server, requests)
