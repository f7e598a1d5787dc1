"""How answers do is told for each kind of players and questions, with whom they fit and whom they do not."""

from functools import partial

import numpy as np
import polars as pl
import pytest

from configs.loader import load_app
from models.contest.kinds import base_rates, by_kind, kinds_of, never_held, quarters_of
from models.contest.scores import log_loss
from models.tasks import binary_task


def test_kinds_are_quarters_of_activity_and_what_tells_questions_apart():
    rows = pl.DataFrame({"active_days_28": np.arange(40) % 20, "window_days": [7, 28] * 20, "level": [1] * 40})
    kinds = kinds_of(rows)
    assert set(kinds) >= {"played on 0 to 4 of 28 days", "played on 15 to 19 of 28 days", "window days 7", "level 1"}
    quarters = [here for name, here in kinds.items() if "of 28 days" in name]
    assert [here.sum() for here in quarters] == [10, 10, 10, 10]


def test_kinds_of_questions_go_by_the_words_of_the_app_not_by_columns_and_ids():
    app = load_app("trading").app
    asked = pl.DataFrame(
        {
            "window_days": [1, 7],
            "metric": ["protected_trades", "lessons"],
            "level": [1, 4],
            "week": [0, 2],
            "badge_id": ["boots_on_the_ground", "gone"],
        }
    )

    def names(task: str) -> set[str]:
        task = binary_task(task)
        return set(kinds_of(asked, task.sorts, partial(task.sort_called, app)))

    assert {"window of 1 day", "window of 7 days", "trades closed with a stop-loss in place"} < names("attainment")
    assert {f"{app.engagement.levels[1]} or above", app.engagement.levels[4]} < names("engagement")  # none is above
    assert names("churn") == {"left already", "leaves in week 2"}
    assert {"earned on days 1 to 7", app.badges["boots_on_the_ground"].title, "gone"} < names("badge_odds")


def test_kinds_of_questions_that_nothing_held_back_asks_of_are_told():
    rows = pl.DataFrame({"window_days": [7, 28, 7], "level": [1, 1, 2], "metric": ["a", "b", "b"]})
    assert never_held(rows, rows.head(1)) == ("window days 28", "metric b", "level 2")
    assert never_held(rows, rows.tail(2), ("metric",)) == ("metric a",)
    assert never_held(rows, rows) == ()


def test_where_many_play_as_often_quarters_are_fewer_and_say_whom_they_hold():
    shares = np.array([1 / 28] * 60 + [5 / 28] * 20 + [1.0] * 20)
    sizes = {name: int(here.sum()) for name, here in quarters_of(pl.DataFrame({"active_28": shares})).items()}
    assert sizes == {"played on 1 of 28 days": 60, "played on 5 of 28 days": 20, "played on 28 of 28 days": 20}


def test_a_kind_that_is_promised_too_much_is_told_apart_from_one_that_is_not():
    rng = np.random.default_rng(0)
    players, chance = np.arange(2000), np.where(np.arange(2000) < 1000, 0.2, 0.6)
    y, p = (rng.random(2000) < chance).astype(float), np.where(players < 1000, 0.2, 0.9)
    parts = {"fits": players < 1000, "over": players >= 1000, "empty": players < 0, "all over again": players >= 0}
    parts["too few to tell"] = players < 10
    whole, fits, over = by_kind(parts, y, p, np.full(2000, 0.4), players)
    assert (whole.name, whole.rows, whole.players) == ("all", 2000, 2000)
    assert (fits.name, fits.rows, fits.promised, fits.off) == ("fits", 1000, pytest.approx(0.2), False)
    assert (over.off, over.promised, over.happened[0]) == (True, pytest.approx(0.9), pytest.approx(0.6, abs=0.05))
    assert fits.ahead[1] > 0 > over.ahead[0]  # better than the base rate here; not there, where it promises too much
    assert fits.loss == pytest.approx(log_loss(y[:1000], p[:1000]))


def test_the_base_rate_is_of_each_kind_of_question_and_of_all_where_hardly_any_came_before():
    before = pl.DataFrame(
        {"window_days": [1] * 100 + [7] * 100 + [28], "kept": [False] * 90 + [True] * 10 + [True] * 100 + [False]}
    )
    asked = pl.DataFrame({"window_days": [7, 1, 28, 90]})
    rates = base_rates(before, "kept", asked)
    usual = 110 / 201
    assert rates == pytest.approx([(100 + 20 * usual) / 120, (10 + 20 * usual) / 120, 20 * usual / 21, usual])
    assert base_rates(before, "kept", asked, ("week",)) == pytest.approx([usual] * 4)
