"""What is taken back: before and after it comes, by a row or by vanishing, seen from then and from now."""

import datetime as dt
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from data.warehouse import Warehouse, scratch
from pipelines.activity.retract import retraction_fates
from tests.factories import known_at, make_app
from tests.pipelines.activity.deliveries import LEAN, NOW, as_jsonl, deliver, parts_of, quarantine, solve

DAY = dt.timedelta(days=1)
ANN = [solve("ann", f"2024-05-0{n}T10:00:00Z", event_id=f"e{n}", points=n) for n in range(1, 5)]


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


def back(target: str, at: str = "2024-05-05T10:00:00Z", **fields: str) -> dict[str, str]:
    """A row that takes an event back."""
    return {"retracts": target, "occurred_at": at, **fields}


def solved(warehouse: Warehouse, cut: dt.datetime | None = None) -> float | None:
    """Points of everybody, as known at a moment; without one, as the parts stand."""
    if cut is None:
        return warehouse.value("SELECT sum(sum) FROM player_days WHERE metric = 'points'")
    known = known_at(warehouse, LEAN, cut=cut)
    return known.value("SELECT sum(sum) FROM known_player_days WHERE metric = 'points'")


def test_an_event_taken_back_leaves_its_day_and_a_past_look_still_sees_it(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl(ANN)}, now=NOW)
    assert solved(warehouse) == 10
    taken = deliver(warehouse, LEAN, tmp_path, {"b.jsonl": as_jsonl([back("e4")])}, now=NOW + DAY)
    assert (taken.taken, taken.retracted, taken.waiting, taken.touched, taken.by_event) == (1, 1, 0, 1, {})
    assert solved(warehouse) == 6
    assert solved(warehouse, NOW + DAY / 2) == 10
    assert solved(warehouse, NOW + DAY) == 6
    assert warehouse.value("SELECT count(*) FROM player_days WHERE day = '2024-05-04'") == 0
    again = deliver(warehouse, LEAN, tmp_path, {"c.jsonl": as_jsonl([*ANN, back("e4")])}, now=NOW + 2 * DAY)
    assert (again.taken, again.known, solved(warehouse)) == (0, 5, 6)


def test_past_data_is_taken_back_from_when_that_was_said(warehouse, tmp_path):
    deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl([*ANN, back("e1")])}, history=True)
    said = dt.datetime(2024, 5, 5, 10, tzinfo=dt.UTC)
    assert (solved(warehouse, said - DAY / 2), solved(warehouse, said)) == (10, 9)


def test_a_retraction_waits_for_its_event(warehouse, tmp_path):
    first = deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl([back("e2"), back("never")])})
    assert (first.taken, first.retracted, first.waiting) == (2, 0, 2)
    second = deliver(warehouse, LEAN, tmp_path, {"b.jsonl": as_jsonl(ANN)}, now=NOW + DAY)
    assert (second.taken, second.retracted) == (4, 1)
    assert (solved(warehouse), solved(warehouse, NOW + DAY)) == (8, 8)
    assert retraction_fates(warehouse) == {"done": 1, "waits": 1}


def test_what_takes_nothing_back_is_said(warehouse, tmp_path):
    rows = [
        *ANN,
        back("e1", user_id="bob"),
        back("e2", event_id="v1"),
        back("e2", at="2024-05-06"),
        back("v1", event_id="v2"),
        back("e3", user_id="ann"),
    ]
    taken = deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl(rows)})
    assert (taken.retracted, taken.waiting, solved(warehouse)) == (2, 0, 5)
    assert taken.unused == {
        "a retraction of a retraction": 1,
        "a retraction of another player's event": 1,
        "a retraction of what was taken back before": 1,
    }
    assert "bob" not in [user for (user,) in warehouse.rows("SELECT user_id FROM players")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (back("e1", event="solve"), "a row with retracts is no event: leave event, value and properties empty"),
        (back("e1", value="3"), "a row with retracts is no event: leave event, value and properties empty"),
        (back("e9", event_id="e9"), "the row retracts itself"),
        (back("x" * 300), "retracts is longer than 256 characters"),
        ({"retracts": "e1"}, "occurred_at is missing"),
        (back("e1", event_id="e2"), "event_id 'e2' was taken before with other content; the first stays"),
        ({"occurred_at": "2024-05-01", "event": "solve"}, "user_id is missing"),
    ],
)
def test_a_retraction_that_cannot_be_one_is_refused(row, why, warehouse, tmp_path):
    taken = deliver(warehouse, LEAN, tmp_path, {"a.jsonl": as_jsonl([*ANN, row])})
    assert (taken.taken, taken.retracted) == (4, 0)
    assert [reason for *_, reason in quarantine(warehouse)] == [why]


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_in_any_order_and_split_the_parts_are_as_if_what_was_taken_back_had_never_come(seed, tmp_path_factory):
    chance = random.Random(seed)  # noqa: S311 - rows for a test
    app, rows, folder = make_app(), random_rows(chance), tmp_path_factory.mktemp("rows")
    gone = {row["event_id"] for row in rows if chance.random() < 0.3}
    said = [back(target) for target in (*gone, "nobody's") for _ in range(chance.choice([1, 1, 2]))]
    mixed = chance.sample([*rows, *said], len(rows) + len(said))
    cuts = sorted(chance.sample(range(len(mixed) + 1), 3))
    with scratch() as warehouse, scratch() as never:
        for nth, (start, end) in enumerate(pairwise([0, *cuts, len(mixed)])):
            if part := mixed[start:end]:
                deliver(warehouse, app, folder, {f"{nth}.jsonl": as_jsonl(part)}, history=True)
        kept = [row for row in rows if row["event_id"] not in gone]
        deliver(never, app, folder, {"kept.jsonl": as_jsonl(kept)}, history=True)
        assert parts_of(warehouse) == parts_of(never)


def random_rows(chance: random.Random) -> list[dict[str, object]]:
    rows = []
    for nth in range(160):
        at = dt.datetime(2024, 5, 1, tzinfo=dt.UTC) + dt.timedelta(hours=chance.randint(0, 150))
        row = {"event_id": f"e{nth}", "user_id": chance.choice("abcdefgh"), "occurred_at": at.isoformat()}
        if chance.random() < 0.3:
            row |= {"event": "liked", "properties": {"delta": chance.choice([1, -1]), "post_id": chance.choice("pq")}}
        else:
            row |= {"event": "solve", "properties": {"points": chance.randint(0, 9), "topic": chance.choice("abc")}}
        rows.append(row)
    return rows


SNAPSHOT = """SELECT g.id AS event_id, g.who AS user_id, 'solve' AS event, g.at AS occurred_at,
       json_object('points', TRY_CAST(g.points AS DOUBLE)) AS properties, g._delivery_id, g._row
FROM raw_games AS g WHERE g._delivery_id = (SELECT max(_delivery_id) FROM raw_games)"""


def games(*names: str, points: int | str = 1) -> str:
    return "id,who,at,points\n" + "".join(f"{name},ann,2024-05-01T10:00:00Z,{points}\n" for name in names)


def test_a_row_that_vanishes_from_a_source_is_taken_back_where_the_app_says_so_and_may_return(tmp_path):
    for vanished, left in (("keep", 3.0), ("retract", 2.0)):
        app = make_app(vanished=vanished)
        with scratch() as warehouse:
            for nth, names in enumerate(("abc", "ab")):
                options = {"source_sql": SNAPSHOT, "now": NOW + nth * DAY}
                taken = deliver(warehouse, app, tmp_path, {f"games-{nth}.csv": games(*names)}, **options)
            assert (solved(warehouse), taken.retracted) == (left, 3 - left)
            assert solved(warehouse, NOW + DAY / 2) == 3
            options["now"] = NOW + 2 * DAY
            deliver(warehouse, app, tmp_path, {"games-2.csv": games(*"abcd")}, history=True, **options)
            assert solved(warehouse) == 4
            assert solved(warehouse, NOW + 1.5 * DAY) == left + 1  # d counts as known from when it happened, c does not


def test_a_row_that_is_refused_has_not_vanished(warehouse, tmp_path):
    app = make_app(vanished="retract")
    deliver(warehouse, app, tmp_path, {"games-1.csv": games(*"abc")}, source_sql=SNAPSHOT)
    broken = games(*"ab") + "c,ann,yesterday,1\n"
    taken = deliver(warehouse, app, tmp_path, {"games-2.csv": broken}, source_sql=SNAPSHOT)
    assert (taken.refused, taken.retracted, solved(warehouse)) == (1, 0, 3)


def test_a_delivery_from_which_most_has_vanished_is_refused(warehouse, tmp_path):
    app = make_app(vanished="retract")
    deliver(warehouse, app, tmp_path, {"games-1.csv": games(*map(str, range(50)))}, source_sql=SNAPSHOT)
    with pytest.raises(NightquestError, match="49 of the 50 events of the source of 'toy' have vanished"):
        deliver(warehouse, app, tmp_path, {"games-2.csv": games("0")}, source_sql=SNAPSHOT)
    assert solved(warehouse) == 50
