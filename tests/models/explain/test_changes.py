"""What would have changed an answer: coherent with what is computed of players who really did it, and the nearest."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models import habits
from models.explain.changes import ENOUGH, nearest_changes
from models.given import Asked
from models.tasks.badge_odds import BadgeOdds, Commonness
from models.tasks.churn import Churn, Quiet
from pipelines.learning.samples import draw_samples
from tests.factories import START, event, known_at, make_app, warehouse_with

NIGHT = START.date() + dt.timedelta(days=40)
NONE = pl.DataFrame()


def features_of(days, app=None):
    app = app or make_app()
    with warehouse_with(app, [event(1, day) for day in days]) as warehouse:
        return draw_samples(known_at(warehouse, app, NIGHT), [NIGHT], most=10, seed=1).features


@pytest.mark.parametrize("more", range(1, 7))
def test_to_have_also_played_is_what_is_known_of_a_player_who_really_did(more):
    played = [*range(0, 24, 3), *range(24, 33, 2)]
    before = features_of(played)
    assert before["recency_days"].to_list() == [8]
    really = features_of([*played, *range(40 - more, 40)])
    change = habits.changes()[more - 1]
    assert before.select(change.possible).item()
    changed = before.with_columns(value.alias(name) for name, value in change.features.items())
    for name in change.features:
        if name == "best_streak_days":
            assert changed[name][0] <= really[name][0]
        elif name not in {"gap_mean_28", "gap_sd_28"}:
            assert changed[name][0] == pytest.approx(really[name][0], rel=1e-3), name
    for name in ("gap_mean_28", "gap_sd_28"):  # the days that fall out of the month are not known one by one
        assert changed[name][0] == pytest.approx(really[name][0], abs=0.5), name


class Quieter:
    """Leaving by recency alone."""

    encoding = Quiet(14)
    untold, usual = (), {}

    def predict(self, rows):
        return 1 / (1 + np.exp(3 - 0.3 * rows["recency_days"].to_numpy()))

    def contributions(self, rows):
        return None


def test_the_nearest_change_that_matters_is_told_once_for_each_way():
    features = features_of(range(0, 30, 2))
    asked = Asked(features, NONE, NONE, NONE)
    (told,) = nearest_changes(Churn(), Quieter(), make_app(), asked)
    assert told.text == "they had played yesterday"
    assert told.enough
    assert told.within_days == 42
    whole = Churn().scores(Quieter(), make_app(), asked).filter(horizon_days=42)["probability"][0]
    assert told.before == pytest.approx(whole)
    played = features.with_columns(recency_days=pl.lit(1.0))
    after = Churn().scores(Quieter(), make_app(), Asked(played, NONE, NONE, NONE)).filter(horizon_days=42)
    assert told.after == pytest.approx(after["probability"][0])


class Deaf(Quieter):
    """It looks at nothing that a player can change."""

    def predict(self, rows):
        return np.full(rows.height, 0.3)


def test_where_nothing_moves_the_answer_nothing_is_told():
    asked = Asked(features_of(range(0, 30, 2)), NONE, NONE, NONE)
    assert nearest_changes(Churn(), Deaf(), make_app(), asked) == []
    assert nearest_changes(Churn(), Quieter(), make_app(), Asked(asked.features.clear(), NONE, NONE, NONE)) == []


class Eager:
    """A badge is earned by how far the player is."""

    encoding = Commonness(pl.DataFrame(schema={"badge_id": pl.String, "held_by": pl.Float64, "earned_by": pl.Float64}))
    untold, usual = (), {}

    def predict(self, rows):
        return 0.4 * rows["progress"].to_numpy() ** 2

    def contributions(self, rows):
        return None


def test_of_each_badge_it_is_told_how_much_further_would_matter_though_others_are_likelier_then():
    badge = {"tier": "bronze", "category": "habit", "when": "solved >= 10"}
    app = make_app(badges={name: badge | {"title": name} for name in "abcd"})
    progress = {"a": 0.9, "b": 0.5, "c": 0.2, "d": 0.1999}
    badges = pl.DataFrame({"player_key": 1, "badge_id": list(progress), "progress": list(progress.values())})
    badges = badges.with_columns(eta_days=pl.lit(None, pl.Int32))
    told = nearest_changes(BadgeOdds(), Eager(), app, Asked(features_of(range(30), app), NONE, NONE, NONE, badges))
    assert {each.target: each.text for each in told} == {
        "b": "they were 70 % of the way rather than 50 %",
        "c": "they were 30 % of the way rather than 20 %",
    }  # there is no further for a, and d is not told of
    for each in told:
        odds = [p / (1 - p) for p in (each.before, each.after)]
        assert each.enough
        assert odds[1] / odds[0] >= np.exp(ENOUGH)
