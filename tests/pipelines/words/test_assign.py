import datetime as dt
from collections import Counter
from unittest import mock

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.words import assign
from pipelines.words.assign import _POLITE_ROUNDS, assign_variants
from pipelines.words.briefs import first_text
from pipelines.words.checks.validate import SLOT, sentences
from tests.pipelines.words.plans import read_from

NIGHT = dt.date(2026, 5, 1)
NIGHTS = st.dates(NIGHT, NIGHT + dt.timedelta(days=40))
SAID = ("Go on.", "Well done.", "Take care.", "Close {goal_1}.", "go on.", "Rest.")


def texts(*briefs):
    """Variants of briefs, each a list of (variant, title, text)."""
    rows = [
        (f"{17 * (b + 1):08x}{b:08x}", i, len(brief), *told)
        for b, brief in enumerate(briefs)
        for i, told in enumerate(brief)
    ]
    columns = {"brief_id": pl.String, "index": pl.Int64, "n": pl.Int64, "variant": pl.String}
    return pl.DataFrame(rows, schema=columns | {"title": pl.String, "text": pl.String}, orient="row")


def plain(count, brief="b"):
    """Texts that have nothing in common."""
    return [(f"{brief}{i}", f"Title {brief}{i}", f"Text {brief}{i}.") for i in range(count)]


def asked(variants, *pairs):
    """A row for each (player, place of the brief)."""
    ids = variants["brief_id"].unique(maintain_order=True)
    rows = [(player, ids[brief % len(ids)]) for player, brief in pairs]
    return pl.DataFrame(rows, schema={"player_key": pl.Int64, "brief_id": pl.String}, orient="row")


def read(*pairs):
    return pl.DataFrame(list(pairs), schema={"player_key": pl.Int64, "variant": pl.String}, orient="row")


@st.composite
def nights(draw):
    """(rows, variants, recent): few texts with much in common, some of them in several briefs."""
    said = st.lists(st.sampled_from(SAID), min_size=1, max_size=3).map(" ".join)
    text = st.tuples(st.sampled_from([f"v{i}" for i in range(12)]), st.sampled_from("ABCDEF"), said)
    brief = st.lists(text, min_size=1, max_size=6, unique_by=lambda told: told[0])
    variants = texts(*draw(st.lists(brief, min_size=1, max_size=4)))
    players = st.one_of(st.integers(-3, 6), st.sampled_from([2**62, -(2**62), 10**12]))
    rows = asked(variants, *draw(st.lists(st.tuples(players, st.integers(0, 3)), max_size=25)))
    known = st.sampled_from([*variants["variant"].to_list(), "of another brief"])
    return rows, variants, read(*draw(st.lists(st.tuples(players, known), max_size=30)))


def by_the_book(rows, variants, as_of, recent):
    """(variant, propensity) of each row, by the rules as they are told, a row at a time."""
    decks = {key[0]: part.sort("index")["variant"].to_list() for key, part in variants.group_by("brief_id")}
    lately = set(recent.iter_rows())
    phrases: dict[str, set[str]] = {}
    for variant, title, text in variants.select("variant", "title", "text").iter_rows():
        said = {p.casefold() for p in (title, *sentences(text)) if p and not SLOT.search(p)}
        phrases.setdefault(variant, set()).update(said)
    seats = list(rows.iter_rows())
    ranked = sorted(range(len(seats)), key=lambda i: (seats[i][0], i))
    index, places = {}, Counter()
    for i in ranked:
        brief = seats[i][1]
        places[brief] += 1
        index[i] = (places[brief] + first_text(brief, as_of)) % len(decks[brief])

    def variant(i):
        return decks[seats[i][1]][index[i]]

    for round_ in range(_POLITE_ROUNDS + max(map(len, decks.values()))):
        moved = []
        for i, (player, _) in enumerate(seats):
            before = [variant(j) for j in range(i) if seats[j][0] == player]
            bad = (player, variant(i)) in lately or variant(i) in before
            if round_ < _POLITE_ROUNDS:
                bad |= any(phrases[variant(i)] & phrases[other] for other in before)
            moved += [i] if bad else []
        for i in moved:
            index[i] = (index[i] + 1) % len(decks[seats[i][1]])
    open_to = [sum((player, v) not in lately for v in decks[brief]) for player, brief in seats]
    return [(variant(i), 1 / max(1, count)) for i, count in enumerate(open_to)]


@settings(deadline=None, max_examples=80)
@given(nights(), NIGHTS, st.sampled_from([1, 2, 100]))
def test_texts_are_chosen_as_the_rules_tell_it_row_by_row_however_many_players_at_once(night, as_of, at_once):
    rows, variants, recent = night
    with mock.patch.object(assign, "PLAYERS_AT_ONCE", at_once):
        chosen = assign_variants(rows, variants, as_of=as_of, recent=read_from(recent))
    got = list(zip(variants["variant"][chosen["at"]], chosen["propensity"], strict=True))
    assert got == by_the_book(rows, variants, as_of, recent)
    assert variants["brief_id"][chosen["at"]].to_list() == rows["brief_id"].to_list()


@settings(deadline=None)
@given(nights(), NIGHTS, st.randoms(use_true_random=False))
def test_neither_the_order_of_the_texts_nor_of_what_was_read_nor_of_the_players_matters(night, as_of, random):
    rows, variants, recent = night
    straight = assign_variants(rows, variants, as_of=as_of, recent=read_from(recent))["at"]
    players = rows["player_key"].unique().to_list()
    random.shuffle(players)
    turns = pl.DataFrame(
        {"player_key": players, "turn": range(len(players))}, schema_overrides={"player_key": pl.Int64}
    )
    moved = rows.with_row_index("row").join(turns, on="player_key").sort("turn", "row")
    mixed = variants.with_row_index("was").sample(fraction=1, shuffle=True, seed=random.randrange(99))
    lately = pl.concat([recent, recent]).sample(fraction=1, shuffle=True, seed=1)
    again = assign_variants(moved, mixed, as_of=as_of, recent=read_from(lately))["at"]
    assert dict(zip(moved["row"], mixed["was"][again], strict=True)) == dict(enumerate(straight))


@settings(deadline=None)
@given(nights(), NIGHTS)
def test_a_text_is_read_again_only_by_who_has_no_other_left(night, as_of):
    rows, variants, recent = night
    chosen = assign_variants(rows, variants, as_of=as_of, recent=read_from(recent))
    lately = set(recent.iter_rows())
    tonight = Counter(rows.iter_rows())
    for (player, brief), variant in zip(rows.iter_rows(), variants["variant"][chosen["at"]], strict=True):
        fresh = [v for v in variants.filter(brief_id=brief)["variant"] if (player, v) not in lately]
        if len(fresh) > sum(tonight[player, other] for other in set(rows["brief_id"])):
            assert variant in fresh


@settings(deadline=None)
@given(st.integers(1, 12), st.sets(st.integers(-(10**9), 10**9), min_size=1, max_size=60), NIGHTS)
def test_as_many_neighbours_as_there_are_texts_read_different_ones(count, players, as_of):
    variants = texts(plain(count))
    chosen = assign_variants(asked(variants, *((player, 0) for player in sorted(players))), variants, as_of=as_of)
    for start in range(len(players)):
        next_ones = chosen["at"][start : start + count]
        assert next_ones.n_unique() == len(next_ones)


def test_everybody_moves_on_to_the_next_text_each_night():
    variants = texts(plain(7))
    rows = asked(variants, *((player, 0) for player in range(20)))
    tonight, tomorrow = (
        assign_variants(rows, variants, as_of=NIGHT + dt.timedelta(days=days))["at"].cast(pl.Int64) for days in (0, 1)
    )
    assert ((tonight + 1) % 7).to_list() == tomorrow.to_list()


def test_a_player_with_three_rows_of_one_brief_reads_three_texts():
    variants = texts(plain(3))
    chosen = assign_variants(asked(variants, (4, 0), (4, 0), (4, 0)), variants, as_of=NIGHT)
    assert sorted(chosen["at"]) == [0, 1, 2]


def test_a_title_of_the_same_night_is_stepped_over_whatever_its_case():
    same = [("x", "Onward", "One way."), ("y", "ONWARD", "Another way.")]
    variants = texts([*same], [("z", "onward", "A third way."), ("w", "Rest", "A fourth way.")])
    for day in range(4):
        chosen = assign_variants(asked(variants, (1, 0), (1, 1)), variants, as_of=NIGHT + dt.timedelta(days=day))
        assert variants["variant"][chosen["at"]][1] == "w"


def test_what_stands_on_a_card_that_is_still_open_is_stepped_over(monkeypatch):
    variants = texts([("x", "One", "Go. Take care."), ("y", "Two", "Do {goal_1}. Go on."), ("w", "Three", "Rest.")])
    rows, shown = asked(variants, (1, 0), (2, 0)), {"Take care.": 1, "Go on.": 1, "Three": 2}
    monkeypatch.setattr(assign, "PLAYERS_AT_ONCE", 1)

    def on_screen(phrases):
        numbers = dict(phrases.iter_rows())
        pairs = [(player, numbers[phrase]) for phrase, player in shown.items()]
        return pl.DataFrame([*pairs, (9, 1)], schema={"player_key": pl.Int64, "number": pl.Int64}, orient="row")

    for day in range(4):
        night = NIGHT + dt.timedelta(days=day)
        one, two = variants["variant"][assign_variants(rows, variants, as_of=night, on_screen=on_screen)["at"]]
        assert (one, two != "w") == ("w", True)


def test_a_sentence_with_a_slot_may_stand_in_two_texts_that_are_not_paired():
    variants = texts([("x", "One", "Do {goal_1}. Then rest.")], [("y", "Two", "Do {goal_1}. Be brief."), *plain(5)])
    rows = asked(variants, (1, 0), (1, 1))
    firsts = {
        variants["variant"][assign_variants(rows, variants, as_of=NIGHT + dt.timedelta(days=day))["at"]][1]
        for day in range(6)
    }
    assert "y" in firsts


def test_a_mission_and_its_brief_ask_for_the_same_in_two_sentences():
    mission = [("x", "One", "Do {goal_1} {until}. Then rest."), ("z", "Two", "Your plan: do {goal_1} {until}. Go on.")]
    variants = texts(mission, [("y", "Three", "Do {goal_1} {window}. Be brief."), *plain(5)])
    for day in range(6):
        rows, night = asked(variants, (1, 0), (1, 1)), NIGHT + dt.timedelta(days=day)
        chosen = assign_variants(rows, variants, as_of=night, paired=rows["brief_id"])["at"]
        assert set(variants["variant"][chosen]) != {"x", "y"}
