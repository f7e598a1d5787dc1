"""Targets of the menu are told from records as if each were weighed by itself."""

import numpy as np
import polars as pl
import pytest

from models.learners.empirical_bayes import PLAYER_KEY, EmpiricalBayes
from models.menus import ask_menu
from tests.models.rows import labels

PLAYERS, KNOWN = 40, 35  # the last five have no past


@pytest.fixture(scope="module")
def record() -> EmpiricalBayes:
    return EmpiricalBayes.fit(*labels(1500), {"solved": True}, seed=1)


@pytest.fixture(scope="module")
def past() -> pl.DataFrame:
    return labels(KNOWN, seed=3)[1].with_columns(pl.col("weight") * 0.7)


@pytest.fixture(scope="module")
def windows(past: pl.DataFrame) -> pl.DataFrame:
    players = pl.DataFrame({"player_key": np.arange(PLAYERS)[::-1], "wanted": np.linspace(0.3, 0.8, PLAYERS)})
    return players.join(past.select("base_day", "metric", "window_days").unique(), how="cross")


def one_by_one(past: pl.DataFrame, record: EmpiricalBayes, player: int, target: float) -> tuple[float, float]:
    """reached and chance of one question, by the formula."""
    mine = past.filter(pl.col("player_key") == player)
    reached = mine.filter(pl.col("value") >= target)["weight"].sum()
    grid = record.survival.filter(pl.col("value") >= target)["at_least"]
    population = min(max(grid[0] if len(grid) else 0.0, 0.002), 0.998)
    strength = record.strengths["strength"][0]
    chance = (reached + strength * population) / (mine["weight"].sum() + strength)
    return reached, min(max(chance, 0.001), 0.999)


def test_each_target_is_weighed_by_the_players_own_record(
    record: EmpiricalBayes, past: pl.DataFrame, windows: pl.DataFrame
) -> None:
    asked = ask_menu(record, past, windows, lowest=0.0, highest=1.0)
    assert asked.height == PLAYERS * record.menu.height
    assert asked["player_key"].to_list() == np.repeat(windows["player_key"], record.menu.height).tolist()
    for player, target, reached, chance in zip(
        *(asked[name] for name in ("player_key", "target", "reached")), record.probability(asked), strict=True
    ):
        assert (reached, chance) == pytest.approx(one_by_one(past, record, player, target))
    unknown = asked.filter(pl.col("player_key") >= KNOWN)
    assert unknown["evidence"].unique().to_list() == [0.0]
    assert unknown.select("past_mean", "past_sd").null_count().row(0) == (unknown.height, unknown.height)


def test_what_the_menu_says_is_what_a_question_is_weighed_with(
    record: EmpiricalBayes, past: pl.DataFrame, windows: pl.DataFrame
) -> None:
    asked = ask_menu(record, past, windows, lowest=0.0, highest=1.0)
    again = record.weigh(asked.select(*PLAYER_KEY, "wanted", "target"), past)
    assert asked.select(again.columns).equals(again)


def test_those_nearest_to_the_wanted_chance_are_taken_within_the_bounds(
    record: EmpiricalBayes, past: pl.DataFrame, windows: pl.DataFrame
) -> None:
    every = ask_menu(record, past, windows, lowest=0.2, highest=0.9)
    every = every.with_columns(chance=record.probability(every))
    assert every["chance"].is_between(0.2, 0.9).all()
    off = (pl.col("chance") - pl.col("wanted")).abs()
    wanted = every.filter(off.rank("ordinal").over("player_key") <= 3).drop("chance")
    assert ask_menu(record, past, windows, lowest=0.2, highest=0.9, nearest=3).equals(wanted)
    assert ask_menu(record, past, windows, lowest=0.999, highest=1.0, nearest=3).columns == wanted.columns


def test_no_window_asks_for_nothing(record: EmpiricalBayes, past: pl.DataFrame, windows: pl.DataFrame) -> None:
    nobody = ask_menu(record, past, windows.clear(), lowest=0.2, highest=0.9, nearest=3)
    stranger = ask_menu(record, past, windows.with_columns(metric=pl.lit("sung")), lowest=0.2, highest=0.9)
    assert nobody.is_empty()
    assert stranger.is_empty()
    assert nobody.schema == stranger.schema
