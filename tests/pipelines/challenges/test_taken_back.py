"""Challenges that rested on an event that was taken back: told in a new revision, paid or not as the app says."""

import datetime as dt
from typing import Literal

import polars as pl
import pytest

from data.warehouse import Warehouse
from pipelines.challenges.settle import settle_challenges
from pipelines.known import Known
from pipelines.pins import day_start, make_night
from tests.factories import START, add_events, event, make_app, take_back_events, warehouse_with
from tests.pipelines.challenges.issued import issue

WHY = "an event that it rested on was taken back"
PINS = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
Policy = Literal["keep", "revoke"]


def settle(warehouse: Warehouse, day: int, policy: Policy) -> pl.DataFrame:
    """A published night of a day in January 2024, settled at its beginning."""
    app = make_app(on_retraction=policy)
    as_of = dt.date(2024, 1, day)
    night = make_night(warehouse, app, as_of, day_start(app, as_of))
    pins = {name: getattr(night, name) for name in PINS} | {"status": "published"}
    warehouse.append("nights", pl.DataFrame([pins]), on_conflict_skip=True)
    return settle_challenges(Known(warehouse, night))


def told(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("SELECT revision, state, xp, reason FROM settlements ORDER BY revision")


def ledger(warehouse: Warehouse) -> list[int]:
    return [xp for (xp,) in warehouse.rows("SELECT xp FROM xp_ledger ORDER BY as_of, entry_id")]


@pytest.mark.parametrize(("policy", "worth", "paid"), [("keep", 40, [40]), ("revoke", 0, [40, -40])])
def test_what_was_completed_is_open_again_and_then_expires(policy: Policy, worth: int, paid: list[int]) -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0), event(1, 2.1), event(1, 2.2)]) as warehouse:
        content_id = issue(warehouse, days=4)
        assert settle(warehouse, 4, policy).is_empty()
        take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=3))
        still = settle(warehouse, 5, policy)
        assert still.select("content_id", "progress").rows() == [(content_id, 0.5)]
        assert told(warehouse) == [(1, "completed", 40, "target reached"), (2, "reopened", worth, WHY)]
        assert settle(warehouse, 5, policy).equals(still)  # run again
        assert settle(warehouse, 6, policy)["progress"].to_list() == [0.5]
        assert settle(warehouse, 7, policy).is_empty()
        assert told(warehouse)[2:] == [(3, "expired", worth, "window over, target not reached")]
        assert ledger(warehouse) == paid


@pytest.mark.parametrize(("policy", "paid"), [("keep", [40]), ("revoke", [40, -40, 40])])
def test_what_is_completed_again_is_worth_its_xp_once(policy: Policy, paid: list[int]) -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0), event(1, 2.1), event(1, 2.2)]) as warehouse:
        issue(warehouse, days=4)
        settle(warehouse, 4, policy)
        take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=3))
        settle(warehouse, 5, policy)
        add_events(warehouse, app, [event(1, 4.1)])
        assert settle(warehouse, 6, policy).is_empty()
        assert told(warehouse)[2:] == [(3, "completed", 40, "target reached")]
        assert (ledger(warehouse), sum(ledger(warehouse))) == (paid, 40)


@pytest.mark.parametrize(
    ("policies", "paid"),
    [
        (("keep", "revoke", "revoke"), [40]),  # paid when the app kept: stays, although it revokes by now
        (("revoke", "keep", "revoke"), [40]),  # kept once that was taken back: neither goes later nor is paid again
        (("revoke", "revoke", "keep"), [40, -40, 40]),
    ],
)
def test_what_an_app_kept_stays_when_it_revokes_later_and_is_not_paid_twice(policies, paid: list[int]) -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0), event(1, 2.1), event(1, 2.2)]) as warehouse:
        issue(warehouse, days=4)
        settle(warehouse, 4, policies[0])
        take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=3))
        settle(warehouse, 5, policies[1])
        add_events(warehouse, app, [event(1, 4.1)])
        settle(warehouse, 6, policies[2])
        assert told(warehouse)[2:] == [(3, "completed", 40, "target reached")]
        assert ledger(warehouse) == paid
        take_back_events(warehouse, app, ["e000001"], START + dt.timedelta(days=5))
        settle(warehouse, 7, "revoke")
        assert told(warehouse)[3:] == [(4, "expired", 40, WHY)]
        assert sum(ledger(warehouse)) == 40


def test_only_what_was_taken_back_since_and_matters_changes_anything() -> None:
    app = make_app()
    rows = [event(1, 0), *(event(1, 2.1 + n / 10) for n in range(4))]
    with warehouse_with(app, rows) as warehouse:
        issue(warehouse, days=1)
        take_back_events(warehouse, app, ["e000001"], START + dt.timedelta(days=2.3))  # settled without it
        settle(warehouse, 4, "revoke")
        take_back_events(
            warehouse, app, ["e000000", "e000002"], START + dt.timedelta(days=3)
        )  # two are enough, and left
        assert settle(warehouse, 5, "revoke").is_empty()
        assert told(warehouse) == [(1, "completed", 40, "target reached")]
        take_back_events(warehouse, app, ["e000003"], START + dt.timedelta(days=1), START + dt.timedelta(days=4))
        settle(warehouse, 6, "revoke")  # said of the past, and only told now
        assert told(warehouse)[1:] == [(2, "expired", 0, WHY)]
        assert ledger(warehouse) == [40, -40]
