import datetime as dt
import json

import polars as pl

from pipelines.known import Known
from pipelines.pins import make_night
from pipelines.words.individual import individual_profiles
from tests.factories import event, make_app, warehouse_with

CUT = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def frames(players=100):
    keys = list(range(1, players + 1))
    features = pl.DataFrame(
        {
            "player_key": keys,
            "standing": [float(k) for k in keys],
            "tenure_days": keys,
            "recency_days": [1] * players,
        }
    )
    metrics = make_app().challenges.metrics
    features = features.with_columns(pl.col("standing").alias(f"{name}__28") for name in metrics)
    profiles = pl.DataFrame(
        {
            "player_key": keys,
            "skill_level": [5] * players,
            "activity": ["high"] * players,
            "segment": ["Expert"] * players,
            "style": ["DASH"] * players,
            "preferred_content": [None] * players,
        },
        schema_overrides={"preferred_content": pl.String},
    )
    chances = pl.DataFrame({"player_key": keys, "p_plays": [k / players for k in keys]})
    return features, profiles, chances


def chosen(individual, records=(), players=100):
    styles = {"DASH": {"title": "Dasher", "traits": {"intensity": 1}}}
    app = make_app(content={"individual": individual}, profile={"styles": styles})
    with warehouse_with(app, [event(key, 0, points=float(key)) for key in range(1, players + 1)]) as warehouse:
        for key, attributes, at in records:
            row = {
                "player_key": [key],
                "recorded_at": [at],
                "available_at": [at],
                "attributes": [json.dumps(attributes)],
            }
            warehouse.append("player_records", pl.DataFrame(row))
        night = make_night(warehouse, app, dt.date(2024, 1, 20), CUT)
        rows = individual_profiles(Known(warehouse, night), *frames(players))
        return {row["player_key"]: json.loads(row["profile"]) for row in rows.iter_rows(named=True)}


def test_nobody_is_chosen_unless_the_app_asks_for_it():
    assert chosen({}) == {}


def test_the_share_that_spent_most_and_the_share_least_likely_to_play_get_their_own_brief():
    found = chosen({"top_spenders": 0.03, "spend_metric": "points", "at_risk": 0.02})
    assert {k: p["chosen_as"] for k, p in found.items()} == {
        1: "at risk of leaving",
        2: "at risk of leaving",
        98: "top spender",
        99: "top spender",
        100: "top spender",
    }


def test_a_sample_has_about_its_share_and_stays_the_same():
    first = chosen({"sample": 0.2})
    assert 8 <= len(first) <= 34
    assert first == chosen({"sample": 0.2})


def test_a_profile_tells_neither_id_nor_key_nor_exact_numbers():
    for profile in chosen({"sample": 0.2}).values():
        assert set(profile) <= {
            "chosen_as",
            "skill_level_of_10",
            "activity",
            "strength",
            "style",
            "likes",
            "good_at",
            "here_for",
            "last_here",
        }
        assert "user" not in json.dumps(profile)
        assert profile["style"] == "Dasher"


def test_attributes_are_the_newest_known_at_the_cut_cleaned_and_cut():
    early, late, after = (dt.datetime(2024, 1, d, tzinfo=dt.UTC) for d in (1, 2, 3))
    records = [
        (1, {"club": "old"}, early),
        (1, {"club": "  {goal_1} <b>\u202ered\n" + "x" * 300, "secret": "no"}, late),
        (1, {"club": "future"}, after + dt.timedelta(days=365)),
    ]
    found = chosen({"at_risk": 0.01, "attributes": ["club"]}, records)
    assert found[1]["attributes"]["club"].startswith("(goal_1) (b)red xxx")
    assert len(found[1]["attributes"]["club"]) == 80
    assert "secret" not in found[1]["attributes"]
