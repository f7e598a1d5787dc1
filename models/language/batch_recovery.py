"""What became of batches whose sending was cut short: found at the provider, sent again, or given back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from configs.language import Vendor as VendorName
from models.language.batch_rows import Batch, BatchRows
from models.language.batch_sending import send_batch
from models.language.ledger import Ledger
from models.language.vendor import DeclinedError, Found, NoAnswerError, NotSentError, NotThere, Unsure, Vendor

UNREADABLE = (DeclinedError, NoAnswerError, NotSentError, ValueError, LookupError)  # an answer may be garbled too
SURE_AFTER_S = 120.0  # a batch that the provider does not show by then was not begun
CLOCKS_APART_S = 3600.0  # how far the provider's clock may be behind
SEND_WITHIN_S = 86_400.0  # an older batch that never began is no longer wanted
GIVE_UP_AFTER_S = 30 * 86_400.0  # results are gone by then


@dataclass
class Recovery:
    """How many unfinished batches were found at the provider, sent again, given back, and are still in doubt.

    Attributes:
        doubled: Batches begun twice, whose later one was canceled.
    """

    adopted: int = 0
    sent: int = 0
    released: int = 0
    unsure: int = 0
    doubled: int = 0


async def recover_batches(
    ledger: Ledger,
    vendors: Mapping[VendorName, Vendor],
    *,
    app: str | None = None,
    sure_after_s: float = SURE_AFTER_S,
    send_again: bool = True,
) -> Recovery:
    """Look after every batch that was being gathered or sent when its process ended, or got no answer.

    A batch that may have been begun is looked for, and never sent again while that is unsure. To be called before
    others are submitted, and again as long as some are unsure.

    Args:
        ledger: Opened.
        vendors: Batches of others wait.
        app: Only batches of this app; None is all.
        sure_after_s: How long after it was sent a batch that the provider does not show is taken as never begun.
        send_again: Whether what was never begun is still wanted; else it is given back.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, done = BatchRows(ledger), Recovery()
    for batch in rows.unfinished():
        if app not in {None, batch.app}:
            continue
        vendor = next((vendor for name, vendor in vendors.items() if name == batch.provider), None)
        if batch.state == "gathering" or vendor is None:
            if batch.state == "gathering" and rows.take(batch):
                done.released += 1
                rows.close(batch, "unreachable", "the process ended before it was sent", "released")
                rows.drop_if_empty(batch)
            continue
        if rows.take(batch):
            await _settle_doubt(rows, vendor, batch, sure_after_s, done, send_again=send_again)
    return done


async def _settle_doubt(
    rows: BatchRows, vendor: Vendor, batch: Batch, sure_after_s: float, done: Recovery, *, send_again: bool
) -> None:
    try:
        found = await _look(rows, vendor, batch, sure_after_s)
    except UNREADABLE as error:
        found = Unsure(str(error))
    except BaseException:
        rows.unsure(batch, "looking for it was cut short")
        raise
    match found:
        case Found(ids):
            rows.submitted(batch, ids[0], adopted=True)
            done.adopted += 1
            done.doubled += await cancel_doubles(rows, vendor, batch, ids[1:])
        case Unsure(detail):
            done.unsure += 1
            _wait(rows, batch, detail)
        case NotThere() if not send_again or not _is_wanted(rows, batch):
            rows.close(batch, "unreachable", "it was never begun", "released")
            done.released += 1
        case NotThere():
            await _send_again(rows, vendor, batch, done)


async def _look(rows: BatchRows, vendor: Vendor, batch: Batch, sure_after_s: float) -> Found | NotThere | Unsure:
    if batch.maybe_sent_at is None or batch.first_sent_at is None:
        return NotThere()
    since = datetime.fromtimestamp(batch.first_sent_at - CLOCKS_APART_S, UTC)
    found = await vendor.find(batch.key, batch.requests, since, rows.known_ids(batch.provider))
    if isinstance(found, NotThere) and rows.ledger.time() - batch.maybe_sent_at < sure_after_s:
        return Unsure("not there yet")
    return found


def _wait(rows: BatchRows, batch: Batch, detail: str) -> None:
    if rows.ledger.time() - (batch.maybe_sent_at or batch.made_at) > GIVE_UP_AFTER_S:
        rows.close(batch, "unknown", f"not to be found, and not surely absent: {detail}", "released")
    elif batch.maybe_sent_at is None:
        rows.unsent(batch, detail)
    else:
        rows.unsure(batch, detail)


def _is_wanted(rows: BatchRows, batch: Batch) -> bool:
    whole = batch.requests > 0 and rows.path(batch.key).exists()
    return whole and rows.ledger.time() - batch.made_at <= SEND_WITHIN_S


async def _send_again(rows: BatchRows, vendor: Vendor, batch: Batch, done: Recovery) -> None:
    state = await send_batch(rows, vendor, batch, batch.requests, rows.path(batch.key).stat().st_size)
    done.sent += state == "submitted"
    done.unsure += state in {"unsure", "unsent"}
    done.released += state in {"released", "hopeless"}


async def cancel_doubles(rows: BatchRows, vendor: Vendor, batch: Batch, ids: tuple[str, ...]) -> int:
    """Cancel further batches that carry the same key, and write them down; returns how many."""
    for double in ids:
        rows.doubled(batch, double)
        try:
            await vendor.cancel(double)
        except UNREADABLE:
            continue  # it has ended; it is counted all the same
    return len(ids)
