"""Which promises pay what: prices, limits, budgets, the player's own week, what is held already."""

import datetime as dt
import random
import uuid

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rewards.offers import Offered, offer_rewards
from tests.factories import START, event, known_at, warehouse_with
from tests.pipelines.publish.nights import put
from tests.pipelines.rewards.promises import AS_OF, NO_GOALS, app_with, everybody, promises

AT_CUT = dt.datetime.combine(AS_OF, dt.time(), dt.UTC)
MOST = st.none() | st.integers(1, 30)


@pytest.fixture(name="empty", scope="module")
def _empty():
    with warehouse_with(app_with({"all": {}})) as warehouse:
        yield warehouse


def offered(warehouse, app, challenges, goals=NO_GOALS) -> Offered:
    return offer_rewards(known_at(warehouse, app, AS_OF, AT_CUT), challenges, goals, everybody(challenges))


def test_a_price_is_that_of_difficulty_minutes_and_scarcity_by_the_formula(empty):
    price = {"base": 3, "exponent": 1.5, "per_minute": 0.5, "scarcity": 0.5, "step": 5}
    app = app_with({"all": {"gems": {"gives": "gem", "price": price, "chance": 0.25}}})
    asked = promises(400, 2)
    found = offered(empty, app, asked).rows.join(asked, on="content_id", suffix="_asked")
    assert 120 < found.height < 280  # a quarter of 800
    for row in found.to_dicts():
        minutes = row["estimated_minutes"] or 0
        worth = (3 * row["difficulty_level"] ** 1.5 + 0.5 * minutes) * 0.25**-0.5
        assert row["amount"] == max(5, 5 * round(worth / 5)), row
        assert row["words"] == f"{row['amount']} gems"


def test_without_a_table_a_promise_pays_the_xp_of_the_formula_and_nothing_else(empty):
    asked = promises(5)
    found = offered(empty, app_with({}), asked)
    paid = found.paid_by(app_with({}), asked)
    assert found.rows.is_empty()
    assert paid.drop("reward_words").equals(asked)
    assert set(paid["reward_words"]) == {"40 XP"}


def test_xp_of_an_offer_is_added_to_the_promise_and_said_with_it(empty):
    app = app_with({"all": {"more": {"gives": "xp", "price": {"base": 7, "exponent": 0}}, "sage": {"gives": "sage"}}})
    asked = promises(3)
    paid = offered(empty, app, asked).paid_by(app, asked)
    assert set(paid["xp"]) == {47}
    assert set(paid["reward_words"]) == {"47 XP and the title Sage"}


@settings(max_examples=8)
@given(
    night=MOST,
    mine=st.none() | st.integers(1, 2),
    worst=st.none() | st.integers(1, 150),
    expected=st.none() | st.floats(0.5, 60),
    chance=st.sampled_from([0.2, 0.7, 1.0]),
    shuffle=st.randoms(use_true_random=False),
)
def test_no_limit_and_no_budget_is_ever_exceeded_whatever_the_order_of_the_rows(
    empty, night, mine, worst, expected, chance, shuffle
):
    offer = {"gives": "gem", "chance": chance, "at_most": {"night": night}, "each": {"night": mine}}
    budget = {} if worst is expected is None else {"budgets": {"gem": {"worst": worst, "expected": expected}}}
    app = app_with({"all": {"a": offer, "b": {"gives": "gem", "price": {"base": 2}}}}, **budget)
    asked = promises(12, 3)
    found = offered(empty, app, asked)
    rows = found.rows.filter(pl.col("offer") == "all/a")
    assert night is None or rows.height <= night
    assert mine is None or rows.is_empty() or max(rows.group_by("player_key").len()["len"]) <= mine
    assert worst is None or found.rows["amount"].sum() <= worst
    promised = (found.rows["amount"] * found.rows["probability"]).sum()
    assert expected is None or promised <= expected + 1e-9
    order = list(range(asked.height))
    shuffle.shuffle(order)
    again = offered(empty, app, asked[order])
    assert again.rows.equals(found.rows)
    assert bool(found.notes) == ("left_out" in found.figures.get("gem", {}))


def test_a_budget_passes_over_what_is_too_dear_and_says_what_it_left_out(empty):
    app = app_with(
        {"all": {"dear": {"gives": "gem", "price": {"base": 100}}, "cheap": {"gives": "gem"}}},
        budgets={"gem": {"worst": 60}},
    )
    found = offered(empty, app, promises(20))
    assert set(found.rows["offer"]) == {"all/cheap"}
    assert 50 < found.rows["amount"].sum() <= 60
    (note,) = found.notes
    assert note.startswith(f"The budget of gems is used up: {40 - found.rows.height} of 40 offers were left out")


def test_another_revision_of_a_night_has_what_the_one_before_left_of_limits_and_budgets(empty):
    app = app_with({"all": {"gems": {"gives": "gem", "price": {"exponent": 0}}}}, budgets={"gem": {"worst": 5}})
    with warehouse_with(app) as warehouse:
        put(
            warehouse,
            "promised_rewards",
            *(promised(player, "gem", "points", AS_OF, revision=0) for player in (1, 2, 3)),
        )
        assert offered(warehouse, app, promises(20)).rows.height == 2


def promised(player: int, item: str, kind: str, as_of: dt.date, **changes) -> dict:
    row = promises(player).row(-1, named=True)
    told = {"content_id": row["content_id"], "offer": f"all/{item}", "as_of": as_of, "revision": 1}
    told |= {"player_key": player, "content_type": "daily_challenge", "kind": kind, "item": item, "amount": 1}
    return told | {"words": item, "probability": 0.5, "valid_until": as_of, **changes}


def settled(player: int, as_of: dt.date, state: str) -> dict:
    told = {"content_id": promises(player).row(-1, named=True)["content_id"], "revision": 1, "player_key": player}
    told |= {"as_of": as_of, "state": state, "progress": 1.0, "played": True, "reason": "test"}
    return told | {"xp": 40 if state == "completed" else 0}


def test_what_one_holds_or_was_promised_and_may_still_get_is_not_offered_again():
    app = app_with({"all": {name: {"gives": name} for name in ("sage", "star", "garden")}})
    long_ago = AS_OF - dt.timedelta(days=20)
    with warehouse_with(app) as warehouse:
        rows = {1: "completed", 2: "expired", 3: None}
        put(warehouse, "promised_rewards", *(promised(player, "sage", "title", long_ago) for player in rows))
        put(warehouse, "settlements", *(settled(player, long_ago, how) for player, how in rows.items() if how))
        put(warehouse, "promised_rewards", promised(4, "garden", "unlock", AS_OF - dt.timedelta(days=1)))
        put(warehouse, "settlements", settled(4, AS_OF, "expired"))  # and its days of grace run
        found = offered(warehouse, app, promises(4, 3)).rows
    assert set(found.filter(pl.col("item") == "sage")["player_key"]) == {2, 4}  # missed for good, or never promised
    assert set(found.filter(pl.col("item") == "garden")["player_key"]) == {1, 2, 3}
    assert found.select("player_key", "item").is_duplicated().sum() == 0


def test_limits_of_a_week_and_for_ever_count_what_earlier_nights_promised():
    app = app_with({"all": {"gem": {"gives": "gem", "each": {"week": 1}, "at_most": {"ever": 4}}}})
    with warehouse_with(app) as warehouse:
        days = {1: AS_OF - dt.timedelta(days=6), 2: AS_OF - dt.timedelta(days=7)}
        put(warehouse, "promised_rewards", *(promised(player, "gem", "points", day) for player, day in days.items()))
        found = offered(warehouse, app, promises(9)).rows
    assert 1 not in found["player_key"].to_list()  # had one within seven nights
    assert found.height == 2  # of four for ever


def test_what_a_night_may_pay_is_bounded_by_what_all_open_promises_reserve():
    app = app_with({"all": {"gem": {"gives": "gem", "price": {"exponent": 0}}}}, budgets={"gem": {"paid": 6}})
    before, long_ago = AS_OF - dt.timedelta(days=1), AS_OF - dt.timedelta(days=20)
    with warehouse_with(app) as warehouse:
        days = {1: before, 2: before, 3: long_ago, 4: long_ago, 5: before, 6: before}
        put(warehouse, "promised_rewards", *(promised(player, "gem", "points", day) for player, day in days.items()))
        rows = {2: (before, "completed"), 3: (long_ago, "expired"), 4: (before, "reopened"), 5: (AS_OF, "expired")}
        put(warehouse, "settlements", *(settled(player, *how) for player, how in rows.items()))
        put(warehouse, "settlements", settled(6, before, "completed") | {"stays_paid": False})
        found = offered(warehouse, app, promises(40))
        # Six less those of 1, of 4, which may be completed anew, of 5 in grace, of 6, paid when the app would revoke.
        assert found.rows.height == 2
        assert "says what a night may promise and pay" in found.notes[0]


@settings(max_examples=3)
@given(seed=st.integers(0, 1_000_000), most=st.integers(2, 8))
def test_no_night_pays_more_than_its_budget_whatever_is_completed_when(empty, seed, most):
    """Challenges of up to three days, each completed on any night until its grace is over, or never; and some of them
    taken back and completed anew by then, if the app revokes and did when it paid: it may say so anew each night."""
    luck = random.Random(seed)  # noqa: S311 - rows for a test
    app = app_with({"all": {"gem": {"gives": "gem", "price": {"exponent": 0}}}}, budgets={"gem": {"paid": most}})
    policy = [luck.choice(["keep", "revoke", "revoke"]) for _ in range(20)]
    paid = dict.fromkeys(range(8), 0)
    with empty.rehearsal():
        for number in paid:
            day = AS_OF + dt.timedelta(days=number)
            until = day + dt.timedelta(days=luck.randint(0, 2))
            asked = promises(8, valid_from=day, valid_until=until).with_columns(
                content_id=pl.Series([str(uuid.UUID(int=100 * number + n)) for n in range(8)])
            )
            here = app.model_copy(update={"on_retraction": policy[number]})
            known = known_at(empty, here, day, dt.datetime.combine(day, dt.time(), dt.UTC))
            rows = offer_rewards(known, asked, NO_GOALS, everybody(asked)).rows
            empty.append("promised_rewards", rows.with_columns(as_of=pl.lit(day), revision=pl.lit(0, pl.Int32)))
            night = number + luck.choice([1, 1, 2, 3, 4])  # most finish on one night
            for row in rows.to_dicts():
                kept = luck.random() < 0.9
                at = AS_OF + dt.timedelta(days=night)
                told = settled(row["player_key"], at, "completed" if kept else "expired")
                stays = policy[night] == "keep"
                put(empty, "settlements", told | {"content_id": row["content_id"], "stays_paid": stays})
                anew = until + dt.timedelta(days=1 + app.challenges.grace_days)  # the last night that may complete it
                gone = at + dt.timedelta(days=1)
                back = [at] if kept else []
                if kept and gone < anew and not stays and policy[night + 1] == "revoke" and luck.random() < 0.9:
                    back.append(anew)
                    again = {"content_id": row["content_id"], "stays_paid": False}
                    put(empty, "settlements", settled(row["player_key"], gone, "reopened") | again | {"revision": 2})
                    put(empty, "settlements", settled(row["player_key"], anew, "completed") | again | {"revision": 3})
                for on in back:
                    if (number_paid := (on - AS_OF).days) in paid:
                        paid[number_paid] += row["amount"]
    assert max(paid.values()) <= most
    assert sum(paid.values())


def test_a_reward_lands_on_the_days_of_the_players_own_week_that_the_app_chooses():
    days = (AS_OF - START.date()).days
    mondays = [event(1, day) for day in range(0, days, 7)]
    weekends = [event(2, day + shift) for day in range(5, days, 7) for shift in (0, 1)]
    tables = {"all": {how: {"gives": "gem", "days": how} for how in ("usual", "unusual")}}
    with warehouse_with(app_with(tables), [*mondays, *weekends, event(3, days - 3)]) as warehouse:
        found = offered(warehouse, app_with(tables), promises(3)).rows  # on a Monday
        until = AS_OF + dt.timedelta(days=5)  # a mission that ends on a Saturday
        longer = offered(warehouse, app_with(tables), promises(3, window_days=6, valid_until=until)).rows
    assert found.select("player_key", "offer").rows() == [(1, "all/usual"), (2, "all/unusual")]  # of 3 little is known
    assert longer.select("player_key", "offer").rows() == [(1, "all/unusual"), (2, "all/usual")]


def test_an_achievement_pays_by_how_few_have_come_as_far(empty):
    app = app_with({"all": {"gems": {"gives": "gem", "types": ["custom_achievement"], "difficulty": [9, 10]}}})
    goals = (
        promises(2)
        .select("content_id", "player_key", "content_type", "language")
        .with_columns(content_type=pl.lit("custom_achievement"), reached_share=pl.Series([0.12, 0.5]))
    )
    asked = promises(2, content_type="adaptive_mission")
    found = offered(empty, app, asked, goals).rows
    assert found.select("player_key", "amount", "probability").rows() == [(1, 9, 1.0)]


def test_players_of_two_tables_have_the_offers_of_their_own_and_stay_in_it(empty):
    tables = {"plain": {"gems": {"gives": "gem"}}, "rich": {"gems": {"gives": "gem", "price": {"base": 10}}}}
    app = app_with(tables, experiment={"name": "more gems", "arms": {"plain": 1, "rich": 3}})
    found = offered(empty, app, promises(400))
    arms = dict(found.assigned.select("player_key", "arm").rows())
    assert {row["offer"] for row in found.rows.to_dicts()} == {"plain/gems", "rich/gems"}
    assert all(offer == f"{arms[player]}/gems" for player, offer in found.rows.select("player_key", "offer").rows())
    assert 0.65 < sum(arm == "rich" for arm in arms.values()) / 400 < 0.85
    assert offered(empty, app, promises(300)).assigned.equals(found.assigned.head(300))
