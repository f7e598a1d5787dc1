"""Batches from the evening to the morning: submitted with their intent on disk, recovered, collected, in time.

`submit_batches` claims and sends; `recover_batches` looks after those whose sending was cut short; `collect_batches`
books what has come back; `finish_batches` does both until all is in or time is up. After that `Ledger.claim` returns
the answers, and what has none may be asked live.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from configs.language import Vendor as VendorName
from models.language.batch_recovery import SURE_AFTER_S, Recovery, recover_batches
from models.language.batch_results import CollectReport, cancel_batches, collect_batches
from models.language.batch_rows import BatchRows, custom_id
from models.language.batch_sending import submit_batches
from models.language.ledger import Ledger
from models.language.vendor import Vendor

__all__ = [
    "BatchRows",
    "CollectReport",
    "Finish",
    "Recovery",
    "cancel_batches",
    "collect_batches",
    "custom_id",
    "finish_batches",
    "recover_batches",
    "submit_batches",
]

SLOWER = 1.5  # each pause against the one before


@dataclass
class Finish:
    """What waiting for batches brought.

    Attributes:
        collected: Sums over all looks; `running`, `unreachable`, `keyless` and `short` of the last one.
        recovered: Sums over all looks; `unsure` of the last one.
        canceled: Batches stopped because time was up.
    """

    collected: CollectReport = field(default_factory=CollectReport)
    recovered: Recovery = field(default_factory=Recovery)
    canceled: int = 0

    @property
    def open(self) -> int:
        """Batches that may still bring, or cost, something: their questions are `late`."""
        return self.collected.open + self.recovered.unsure


async def finish_batches(
    ledger: Ledger,
    vendors: Mapping[VendorName, Vendor],
    *,
    app: str | None = None,
    wait_s: float,
    grace_s: float = 60.0,
    poll_s: float = 1.0,
    longest_poll_s: float = 30.0,
    sure_after_s: float = SURE_AFTER_S,
) -> Finish:
    """Recover and collect until nothing is open; when time is up, cancel and collect what was done by then.

    Args:
        ledger: Opened.
        vendors: Batches of others wait.
        app: Whose batches to wait for and to cancel; None is all.
        wait_s: How long to wait for results.
        grace_s: How long to wait for canceled batches to end.
        poll_s: The first pause; each is longer than the one before.
        longest_poll_s: The longest pause.
        sure_after_s: See `recover_batches`.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    done = Finish()
    await _look_until(ledger, vendors, app, done, wait_s, poll_s, longest_poll_s, sure_after_s)
    if done.open:
        done.canceled = await cancel_batches(ledger, vendors, app=app)
        await _look_until(ledger, vendors, app, done, grace_s, poll_s, longest_poll_s, sure_after_s, send_again=False)
    return done


async def _look_until(
    ledger: Ledger,
    vendors: Mapping[VendorName, Vendor],
    app: str | None,
    done: Finish,
    wait_s: float,
    poll_s: float,
    longest_poll_s: float,
    sure_after_s: float,
    *,
    send_again: bool = True,
) -> None:
    end = time.monotonic() + wait_s
    while True:
        recovered = await recover_batches(ledger, vendors, app=app, sure_after_s=sure_after_s, send_again=send_again)
        collected = await collect_batches(ledger, vendors, app=app)
        _add(done.recovered, recovered, last={"unsure"})
        _add(done.collected, collected, last={"running", "unreachable", "keyless", "short"})
        left = end - time.monotonic()
        if not done.open or left <= 0:
            return
        await asyncio.sleep(min(poll_s, left))
        poll_s = min(poll_s * SLOWER, longest_poll_s)


def _add(total: CollectReport | Recovery, more: CollectReport | Recovery, last: set[str]) -> None:
    for name, value in vars(more).items():
        setattr(total, name, value if name in last else getattr(total, name) + value)
