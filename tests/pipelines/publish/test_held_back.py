"""What comes while a player pauses is told after the pause, once; who has opted out is told nothing, later neither."""

import datetime as dt
import json
from collections import Counter

import polars as pl
import pytest

from pipelines.known import Known
from pipelines.players.waiting import write_waiting
from pipelines.publish.audit import AuditReport
from pipelines.publish.bundles import player_bundle
from pipelines.publish.deliver import send_night
from pipelines.publish.published import Published, nights_in, published_root, read_manifest
from pipelines.publish.show import gather_player
from pipelines.publish.sinks.webhook import _batches
from tests.factories import add_events, event
from tests.pipelines.publish.night_rows import (
    APP,
    AS_OF,
    USER_IDS,
    at,
    award,
    make_frames,
    revoked,
    reward_entry,
    settlement,
)
from tests.pipelines.publish.nights import collect, issue, make_night, played_warehouse, publish, publish_tables, put

DAYS = [AS_OF + dt.timedelta(days=n) for n in range(5)]
PAUSED, OUT, OTHER = (USER_IDS[n] for n in range(3))
KINDS = ("badge", "completed", "reward", "revocation")
EACH = {PAUSED: [1, 0, 0, 3, 1], OUT: [1, 0, 0, 1, 1], OTHER: [1, 1, 1, 1, 1]}  # how many of a kind each night tells


@pytest.fixture(name="folders", scope="module")
def _folders(tmp_path_factory):
    """Five nights: over two of them one player pauses and one has opted out; each night brings all something."""
    home = tmp_path_factory.mktemp("nights")
    app = APP.model_copy(update={"tell_revocations": True})
    with played_warehouse(app) as warehouse:
        add_events(warehouse, app, [event(1, at(DAYS[1]), "nightquest.paused", days=2)])
        issue(warehouse, AS_OF - dt.timedelta(days=1))
        for number, day in enumerate(DAYS):
            if number in {1, 3}:
                said = {"recorded_at": at(day), "available_at": at(day), "opted_out": number == 1}
                put(warehouse, "player_records", said | {"player_key": 2})
            for player in (1, 2, 3):
                put(warehouse, "badge_ledger", award(player, day, f"badge_{number}"))
                put(warehouse, "revoked_awards", revoked(player, day, f"gone_{number}"))
                put(warehouse, "settlements", settlement(player, 1, day, at(day)))
                put(warehouse, "reward_ledger", reward_entry(player, day))
            issue(warehouse, day)
            night = make_night(day, app=app)
            tables = collect(Known(warehouse, night), make_frames())
            for _ in range(2):  # run again, too
                write_waiting(Known(warehouse, night))
            publish_tables(tables, night, home, AuditReport(str(day), (), ""))
            publish(warehouse, day)
    return [folder for _, _, folder in nights_in(published_root(home, "toy"))]


def expected(night: int) -> Counter[tuple[str, str]]:
    return Counter({(user, kind): counts[night] for user, counts in EACH.items() for kind in KINDS if counts[night]})


def test_a_webhook_tells_it_on_the_first_night_after_and_not_again(folders):
    ids = []
    for number, folder in enumerate(folders):
        items = [json.loads(i) for batch in _batches(Published(folder, read_manifest(folder)), 100) for i in batch]
        told = [item for item in items if item["kind"] in KINDS and item["user_id"] in EACH]
        assert Counter((item["user_id"], item["kind"]) for item in told) == expected(number)
        ids += [item["id"] for item in told]
    assert len(ids) == len({*ids})


def test_so_does_the_outbox(folders, postgres):
    told = Counter[tuple[dt.date, str, str]]()
    for folder in folders:
        send_night("postgres", folder, {"dsn": postgres.dsn}, lambda: None)
    for day, user, kind, count in postgres.run(
        "SELECT as_of, user_id, kind, count(*)::int FROM nightquest.outbox GROUP BY 1, 2, 3"
    ):
        if kind in KINDS and user in EACH:
            told[day, user, kind] = count
    assert told == {(day, *one): n for number, day in enumerate(DAYS) for one, n in expected(number).items()}
    payload = "SELECT payload ->> 'words' FROM nightquest.outbox WHERE kind = 'revocation' LIMIT 1"
    ((words,),) = postgres.run(payload)
    assert words.startswith("No longer counted: gone_")


def test_so_does_a_bundle_and_contacts_say_since_when(folders):
    nights = [Published(folder, read_manifest(folder)) for folder in folders]
    for user in (PAUSED, OUT):
        badges = [len(json.loads(player_bundle(night, user))["badges"]) for night in nights]
        assert badges == EACH[user]
    waits = [night.table("contacts").filter(pl.col("user_id") == PAUSED)["news_from"].to_list() for night in nights]
    assert waits == [[], [DAYS[1]], [DAYS[1]], [DAYS[1]], []]
    home = folders[0].parents[2]
    left = [[gather_player(home, "toy", user, day).left_alone for user in (PAUSED, OUT, OTHER)] for day in DAYS[:2]]
    assert left == [[None, None, None], ["paused", "opted out", None]]
