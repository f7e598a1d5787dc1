import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.words.read_lately import most_read, number_read, seat_rows
from tests.pipelines.words.plans import read_from

BRIEFS = pl.Series([f"b{i:03d}" for i in range(130)])
SOME = BRIEFS[[0, 1, 64, 65, 128]].to_list()  # some of them 64 apart, and a multiple of it
players = st.one_of(st.integers(-4, 8), st.sampled_from([2**62, -(2**62)]))
rows_of = st.lists(st.tuples(players, st.sampled_from(SOME)), max_size=30)
texts_of = st.lists(st.tuples(st.sampled_from(SOME), st.integers(0, 5).map("v{}".format)), max_size=12, unique=True)
read_by = st.lists(st.tuples(players, st.integers(0, 7).map("v{}".format)), max_size=60)


def frame(pairs, *names):
    kinds = {"player_key": pl.Int64, "brief_id": pl.String, "variant": pl.String}
    return pl.DataFrame(list(pairs), schema={name: kinds[name] for name in names}, orient="row")


at_once = st.sampled_from([3, 1000])  # what is read comes in parts; how large they are must not matter


def lately(read, parts):
    return read_from(frame(read, "player_key", "variant"), parts)


@settings(deadline=None)
@given(at_once, rows_of, texts_of, read_by)
def test_found_is_what_a_player_has_read_of_the_texts_of_their_own_briefs(parts, rows, texts, read):
    seats = seat_rows(frame(rows, "player_key", "brief_id"), BRIEFS)
    briefs = np.array([BRIEFS.to_list().index(brief) for brief, _ in texts], dtype=np.int64)
    variants = pl.Series([variant for _, variant in texts], dtype=pl.String)
    found = number_read(seats, briefs, variants, lately(read, parts))
    assert found.tolist() == sorted(set(found.tolist()))
    got = {(int(seats.keys[number // len(texts)]), int(number % len(texts))) for number in found}
    wanted = {
        (player, i)
        for i, (brief, variant) in enumerate(texts)
        for player, asked in set(rows)
        if asked == brief and (player, variant) in read
    }
    assert got == wanted


@settings(deadline=None)
@given(at_once, rows_of, texts_of, read_by)
def test_most_read_counts_the_different_texts_of_the_player_who_has_read_the_most(parts, rows, texts, read):
    known = lately(read, parts)
    found = most_read(frame(rows, "player_key", "brief_id"), frame(texts, "brief_id", "variant"), known)
    wanted = {}
    for player, brief in rows:
        count = sum((player, variant) in read for of, variant in texts if of == brief)
        wanted[brief] = max(count, wanted.get(brief, 0))
    assert dict(found.iter_rows()) == {brief: count for brief, count in wanted.items() if count}


def test_seats_stand_by_player_and_keep_their_order_within_one():
    seats = seat_rows(frame([(7, "b001"), (-2, "b000"), (7, "b000"), (-2, "b002")], "player_key", "brief_id"), BRIEFS)
    assert seats.order.tolist() == [1, 3, 0, 2]
    assert seats.keys.tolist() == [-2, 7]
    assert seats.players.tolist() == [0, 0, 1, 1]
    assert seats.briefs.tolist() == [0, 2, 1, 0]
    assert (seats.first.tolist(), seats.end.tolist()) == ([0, 2], [2, 4])
