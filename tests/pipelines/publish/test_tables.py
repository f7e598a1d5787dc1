import datetime as dt
import json
import re
from dataclasses import replace

import polars as pl
import pytest

from configs.loader import load_app
from configs.shipped import shipped_apps
from pipelines.known import Known
from pipelines.publish.collect import NOTHING_PAID, collect_tables, served_players
from pipelines.publish.seen import Seen
from pipelines.publish.stage import staged
from pipelines.publish.tables import published_tables
from pipelines.publish.tables.names import names_of
from tests.factories import add_events, event, make_app, warehouse_with
from tests.pipelines.publish.night_rows import (
    APP,
    AS_OF,
    PLAYERS,
    USER_IDS,
    achievement,
    at,
    award,
    challenge,
    content_id,
    make_frames,
    message,
    nomination,
    reached,
    revoked,
    reward_entry,
    settlement,
    xp_entry,
)
from tests.pipelines.publish.nights import (
    NIGHT,
    YESTERDAY,
    collect,
    contract_breaches,
    everybody,
    issue,
    make_night,
    put,
)

HISTORY = pl.Struct(dict.fromkeys(("badges", "challenges", "missions", "achievements", "xp"), pl.Int64))


def test_every_table_keeps_its_contract_and_carries_app_and_night(warehouse):
    issue(warehouse, YESTERDAY)
    issue(warehouse)
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY)), settlement(2, 1, AS_OF, None))
    put(warehouse, "badge_ledger", award(1, YESTERDAY), award(2, AS_OF))
    put(warehouse, "nominations", nomination(1, AS_OF))
    put(warehouse, "reward_ledger", *(reward_entry(1, AS_OF, kind) for kind in ("points", "badge")))
    put(warehouse, "achievements", achievement(1, YESTERDAY))
    put(warehouse, "achievements_reached", reached(1, YESTERDAY, AS_OF))
    put(warehouse, "revoked_awards", revoked(2, AS_OF))
    said = event(1, at(YESTERDAY), "nightquest.rated", value=4.0, content_id=content_id(YESTERDAY, 1, 1))
    add_events(warehouse, APP, [said])
    add_events(warehouse, APP, [event(4, at(YESTERDAY), "nightquest.paused")])
    frames = make_frames(open_ids=((content_id(YESTERDAY, 3, 1), 3),))
    suits = frames["scores"].with_columns(task=pl.lit("recommendations"), target=pl.lit("solved"), horizon_days=7)
    frames["scores"] = pl.concat([frames["scores"], suits])
    tables = collect(Known(warehouse, NIGHT), frames)
    assert list(tables) == list(published_tables())
    assert {name: contract_breaches(name, frame) for name, frame in tables.items()} == {
        name: [] for name in published_tables()
    }
    assert all(frame.height for frame in tables.values())
    for frame in tables.values():
        assert frame.select("app", "as_of").unique().rows() == [("toy", AS_OF)]


def test_a_first_night_without_models_or_rows_still_has_every_table_with_its_types(warehouse):
    tables = collect(Known(warehouse, NIGHT), dict.fromkeys(make_frames(), pl.DataFrame()))
    assert {name: frame.schema for name, frame in tables.items()} == {
        name: pl.Schema(table.contract.types) for name, table in published_tables().items()
    }


def test_a_forgotten_frame_is_an_error_and_not_an_empty_table(warehouse):
    frames = make_frames()
    del frames["scores"]
    with pytest.raises(ValueError, match="scores"):
        collect_tables(Known(warehouse, NIGHT), frames)


def test_a_forgotten_column_is_named(warehouse, tmp_path):
    frames = make_frames()
    frames["segments"] = frames["segments"].drop("posterior")
    with staged(collect_tables(Known(warehouse, NIGHT), frames), NIGHT, tmp_path) as out:
        (fault,) = out.faults
    assert re.search(r"The table segments is not published: .*posterior", fault)


def test_user_ids_come_out_exactly_as_they_came_in(warehouse):
    issue(warehouse)
    tables = collect(Known(warehouse, NIGHT), make_frames())
    assert set(tables["challenges"]["user_id"]) == set(USER_IDS[:-1])
    assert set(tables["profiles"]["user_id"]) == set(USER_IDS)


def test_requirements_rewards_and_traits_are_nested_as_promised(warehouse):
    issue(warehouse)
    tables = collect(Known(warehouse, NIGHT), make_frames())
    row = tables["challenges"].row(0, named=True)
    assert row["requirements"] == [{"metric": "solved", "op": ">=", "target": 3.0, "window_days": 1}]
    assert row["rewards"] == {"xp": 40}
    assert json.loads(tables["profiles"]["traits"][0]) == {"solved": 0.5, "points": -0.25}


def test_a_profile_counts_what_was_made_for_the_player_how_it_was_taken_and_what_came_of_it(warehouse):
    day = dt.timedelta(days=1)
    for as_of in (YESTERDAY - day, YESTERDAY, AS_OF, AS_OF + day):  # of the last of which tonight knows nothing
        put(warehouse, "challenges", challenge(1, 1, as_of), challenge(1, 2, as_of, content_type="adaptive_mission"))
    put(warehouse, "messages", message(1, YESTERDAY), message(2, YESTERDAY))
    put(warehouse, "achievements", achievement(1, YESTERDAY))
    put(warehouse, "achievements_reached", reached(1, YESTERDAY, AS_OF))
    kept = [settlement(1, slot, AS_OF, at(YESTERDAY), content_id=content_id(YESTERDAY, 1, slot)) for slot in (1, 2)]
    taken_back = settlement(1, 2, AS_OF, None, content_id=content_id(YESTERDAY, 1, 2), revision=2)
    put(warehouse, "settlements", *kept, taken_back)
    put(warehouse, "badge_ledger", award(1, YESTERDAY), award(1, AS_OF, "gold_mind"))
    put(warehouse, "xp_ledger", xp_entry(1, YESTERDAY), xp_entry(1, AS_OF + day))
    said = [
        event(1, at(YESTERDAY), "nightquest.shown", content_id=content_id(YESTERDAY, 1, 1)),
        event(1, at(YESTERDAY), "nightquest.rated", value=5.0, content_id=content_id(YESTERDAY, 1, 1)),
        event(1, at(YESTERDAY), "nightquest.dismissed", content_id=content_id(YESTERDAY, 1, 2)),
        event(2, at(YESTERDAY), "nightquest.rated", value=1.0, content_id=content_id(YESTERDAY, 1, 1)),  # not theirs
    ]
    add_events(warehouse, APP, said)
    profiles = collect(Known(warehouse, NIGHT), make_frames())["profiles"]
    first, second, *others = (
        profiles.filter(user_id=user)
        .select("generation_count", "content", "preferred_types", pl.col("history").str.json_decode(HISTORY))
        .row(0, named=True)
        for user in USER_IDS
    )
    told = {row["content_type"]: row for row in first["content"]}
    assert {name: row["made"] for name, row in told.items()} == {
        "daily_challenge": 3, "adaptive_mission": 3, message(1)["content_type"]: 1, "custom_achievement": 1
    }  # fmt: skip
    assert first["generation_count"] == 8
    assert (told["daily_challenge"]["shown"], told["daily_challenge"]["mean_rating"]) == (1, 5)
    assert told["adaptive_mission"]["dismissed"] == 1
    assert first["preferred_types"] == ["daily_challenge"]
    assert (first["history"]["challenges"], first["history"]["missions"], first["history"]["achievements"]) == (1, 0, 1)
    held = 3  # two by rule, and the achievement that was reached
    assert (first["history"]["badges"], first["history"]["xp"]) == (held, xp_entry(1, YESTERDAY)["xp"])
    assert (second["generation_count"], second["preferred_types"]) == (1, [])
    assert {row["generation_count"] for row in others} == {0}


def test_what_was_made_for_players_is_told_the_same_however_few_are_asked_for_at_a_time(warehouse):
    put(warehouse, "messages", message(1, YESTERDAY), message(2, YESTERDAY))
    put(warehouse, "badge_ledger", award(1, YESTERDAY), award(2, AS_OF, "gold_mind"))
    rows = published_tables()["profiles"].rows(Seen(Known(warehouse, NIGHT), make_frames(), NOTHING_PAID))
    pieces = list(replace(rows, at_a_time=1).pieces(["user_id"]))
    assert len(pieces) == len(USER_IDS)
    assert pl.concat(pieces).equals(pl.concat(rows.pieces(["user_id"])).sort("user_id"))
    assert sum(piece["generation_count"][0] for piece in pieces) == 2


def test_who_opted_out_last_gets_nothing_written_and_who_came_back_does(warehouse):
    issue(warehouse)
    records = [(1, 1, True), (2, 1, True), (2, 2, False), (5, 1, False), (5, 2, True), (5, 3, None)]
    put(
        warehouse,
        "player_records",
        *(
            {"player_key": player, "recorded_at": at(AS_OF, hour), "available_at": at(AS_OF, hour), "opted_out": out}
            for player, hour, out in records
        ),
    )
    tables = collect(Known(warehouse, NIGHT), make_frames())
    assert set(tables["challenges"]["user_id"]) == set(USER_IDS[1:4])
    assert tables["messages"].is_empty()


def test_a_player_without_a_user_id_is_left_for_the_audit_to_refuse(warehouse):
    put(warehouse, "challenges", challenge(99))
    tables = collect(Known(warehouse, NIGHT), make_frames([*PLAYERS, 98]))
    assert any("user_id" in fault for fault in contract_breaches("challenges", tables["challenges"]))
    assert any("user_id" in fault for fault in contract_breaches("profiles", tables["profiles"]))


def test_a_past_night_run_again_does_not_see_later_nights(warehouse):
    issue(warehouse, YESTERDAY)
    put(warehouse, "badge_ledger", award(1, YESTERDAY))
    before = collect(Known(warehouse, make_night(YESTERDAY)), make_frames())
    issue(warehouse)
    put(warehouse, "badge_ledger", award(2, AS_OF), award(1, AS_OF, "gold_mind"))
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY)))
    add_events(
        warehouse,
        APP,
        [
            event(1, at(YESTERDAY), "nightquest.shown", content_id=content_id(YESTERDAY, 1, 1)),
            event(6, 6.5, available_at=at(AS_OF, 5)),
        ],
    )
    after = collect(Known(warehouse, make_night(YESTERDAY)), make_frames())
    assert [name for name in published_tables() if not before[name].equals(after[name])] == []


def test_what_tables_name_by_an_id_has_words_in_each_language_of_the_app_but_hidden_badges():
    for name in shipped_apps():
        app = load_app(name).app
        told = names_of(app)
        for language in app.voice.languages:
            found = told.filter(language=language).group_by("kind").agg("item").rows_by_key("kind", unique=True)
            assert set(found["metric"][0]) == set(app.metrics)
            assert set(found["badge"][0]) == {badge for badge, said in app.badges.items() if not said.hidden}
            assert told.filter(language=language)["is_default"].unique().to_list() == [
                language == app.voice.languages[0]
            ]
    german = names_of(load_app("open_play").app).filter(language="de").rows_by_key("item", named=True, unique=True)
    assert (german["rounds"]["title"], german["rounds"]["units"]) == ("gespielte Runden", "Runden")


def test_who_paused_is_left_alone_while_the_pause_lasts_and_keeps_what_was_reached(warehouse):
    issue(warehouse)
    put(warehouse, "achievements", achievement(1, YESTERDAY))
    put(warehouse, "achievements_reached", reached(1, YESTERDAY, AS_OF))
    moment = {"available_at": at(AS_OF, 9)}  # after the cut, and heeded at once
    said = [
        event(1, at(YESTERDAY), "nightquest.paused", days=2, **moment),
        event(2, at(YESTERDAY), "nightquest.paused", days=1, **moment),  # over
        event(3, at(YESTERDAY), "nightquest.paused", **moment),  # without an end
        event(4, at(YESTERDAY), "nightquest.paused", **moment),
        event(4, at(AS_OF, 1), "nightquest.resumed", **moment),
    ]
    add_events(warehouse, APP, said)
    seen = Known(warehouse, NIGHT)
    tables = collect(seen, make_frames())
    assert set(tables["challenges"]["user_id"]) == {USER_IDS[1], USER_IDS[3]}
    assert {USER_IDS[0], USER_IDS[2]}.isdisjoint(tables["recommendations"]["user_id"])
    assert tables["achievements"]["user_id"].to_list() == [USER_IDS[0]]
    reasons = served_players(seen, everybody(tables), pl.DataFrame()).select("player_key", "reason").drop_nulls().rows()
    assert reasons == [(1, "paused"), (3, "paused")]
    contacts = tables["contacts"].select("user_id", "left_alone", "send_after")
    assert set(contacts.rows()) == {(USER_IDS[0], "paused", None), (USER_IDS[2], "paused", None)}


def test_new_badges_are_those_that_the_night_noticed_and_held_are_all(warehouse):
    put(warehouse, "badge_ledger", award(1, YESTERDAY), award(2, AS_OF), award(3, AS_OF, "retired"))
    tables = collect(Known(warehouse, NIGHT), make_frames())
    assert set(tables["badges"]["user_id"]) == {USER_IDS[1], USER_IDS[2]}
    held = {row["user_id"]: row for row in tables["badges_held"].to_dicts()}
    assert set(held) == set(USER_IDS[:3])
    assert (held[USER_IDS[0]]["title"], held[USER_IDS[0]]["tier"]) == ("First step", "bronze")
    assert (held[USER_IDS[2]]["title"], held[USER_IDS[2]]["tier"]) == ("retired", None)


def test_the_ledger_is_whole_up_to_the_night_and_says_which_night_posted_each_grant(warehouse):
    put(warehouse, "xp_ledger", xp_entry(1, YESTERDAY), xp_entry(1, AS_OF), xp_entry(1, AS_OF + dt.timedelta(days=1)))
    ledger = collect(Known(warehouse, NIGHT), make_frames())["xp_ledger"]
    assert ledger["posted_on"].to_list() == [YESTERDAY, AS_OF]


def test_served_players_are_all_active_ones_with_a_reason_for_each_left_out(warehouse):
    put(warehouse, "challenges", challenge(1), challenge(2))
    put(warehouse, "messages", message(3))
    moment = at(YESTERDAY)
    put(
        warehouse, "player_records", {"player_key": 2, "recorded_at": moment, "available_at": moment, "opted_out": True}
    )
    add_events(warehouse, APP, [event(7, -60.0)])
    tables = collect(Known(warehouse, NIGHT), make_frames())
    reasons = pl.DataFrame({"player_key": [4], "reason": ["nothing within reach"]})
    served = served_players(Known(warehouse, NIGHT), everybody(tables), reasons)
    assert served.select("player_key", "served", "reason").rows() == [
        (1, True, None),
        (2, False, "opted out"),
        (3, True, None),
        (4, False, "nothing within reach"),
        (5, False, None),
    ]


def test_who_first_plays_on_a_day_that_is_not_over_at_the_cut_is_no_active_player_yet(warehouse):
    add_events(warehouse, APP, [event(7, at(YESTERDAY, 9))])
    nobody = pl.DataFrame(schema={"user_id": pl.String})
    nights = (NIGHT, replace(NIGHT, base_day=YESTERDAY))
    of_each = [served_players(Known(warehouse, night), nobody, pl.DataFrame()) for night in nights]
    assert [7 in served["player_key"] for served in of_each] == [True, False]


def test_a_wallet_is_the_sum_of_what_was_paid_by_then_and_says_so_in_words(warehouse):
    app = make_app(rewards={"points": {"gem": {"unit": "gem"}}, "tables": {"all": {"gem": {"gives": "gem"}}}})
    days = (YESTERDAY, AS_OF, AS_OF + dt.timedelta(days=1))
    put(warehouse, "reward_ledger", *(reward_entry(1, day) for day in days), reward_entry(2, AS_OF, "title", amount=1))
    put(warehouse, "reward_ledger", reward_entry(3, YESTERDAY), reward_entry(3, AS_OF, amount=-7))
    tables = collect(Known(warehouse, make_night(app=app)), make_frames())
    assert tables["reward_ledger"].height == 5
    told = [(USER_IDS[1], 1, "one gem"), (USER_IDS[0], 14, "14 gems")]
    assert tables["wallets"].select("user_id", "amount", "words").rows() == told


def test_a_date_beyond_a_year_is_not_told():
    """At the pace of four weeks; a screen said '2744 days'."""
    near, far = ({"title": "T", "tier": "gold", "category": "c", "when": f"solved >= {n}"} for n in (20, 200))
    app = make_app(badges={"near": near, "far": far})
    with warehouse_with(app) as warehouse:
        add_events(warehouse, app, [event(1, at(YESTERDAY) - dt.timedelta(days=days)) for days in range(0, 21, 7)])
        seen = Seen(Known(warehouse, make_night(app=app)), make_frames(), NOTHING_PAID)
        told = pl.concat(published_tables()["badge_progress"].rows(seen).pieces(("user_id", "badge_id")))
    days = dict(told.select("badge_id", "eta_days").iter_rows())
    assert 0 < days["near"] <= 365
    assert days["far"] is None
