"""The figures of a replay: each quarter of activity is inside its interval or not, and half chances are told apart."""

import numpy as np
import polars as pl
import pytest

from pipelines.replay.replay import replay_figures


def promised(rng: np.random.Generator, most_active_keep: float = 0.0) -> pl.DataFrame:
    """Challenges kept as often as promised, but for the most active quarter."""
    players = np.arange(8_000) % 400
    p_plays, if_active = rng.uniform(0.2, 1, 8_000), rng.uniform(0.4, 0.7, 8_000)
    played = rng.random(8_000) < p_plays
    hit = played & (rng.random(8_000) < if_active + most_active_keep * (players >= 300))
    return pl.DataFrame(
        {
            "player_key": players,
            "events_28": players,
            "last_day": np.arange(8_000) % 1_000,
            "played": played,
            "hit": hit,
            "metric": "solved",
            "persona": "WARDEN",
            "window_days": 1,
            "probability_if_active": if_active,
            "completion_probability": p_plays * if_active,
        }
    )


def test_what_is_kept_as_promised_is_inside_in_every_quarter_and_half_chances_are_kept_half_the_time() -> None:
    figures = replay_figures(promised(np.random.default_rng(4)), nights=7)
    quarters = figures["by_activity"]
    assert [row["quartile"] for row in quarters] == [1, 2, 3, 4]
    assert all(row["inside"] == (row["low"] <= row["promised"] <= row["high"]) for row in quarters)
    assert sum(row["inside"] for row in quarters) >= 3
    half = figures["half_chance_if_played"]
    assert half["kept"] == pytest.approx(0.5, abs=0.05)
    assert half["challenges"] < 8_000 / 2


def test_a_quarter_that_keeps_more_than_promised_is_outside() -> None:
    figures = replay_figures(promised(np.random.default_rng(4), most_active_keep=0.2), nights=7)
    assert [row["inside"] for row in figures["by_activity"]][-1] is False


@pytest.mark.parametrize(("whose", "column"), [("player", "player_key"), ("last_day", "last_day")])
def test_the_same_outcome_told_four_times_makes_the_error_by_chance_of_whose_it_is_twice_that_of_rows(
    whose: str, column: str
) -> None:
    once = promised(np.random.default_rng(4)).head(400).with_columns(player_key=np.arange(400), last_day=np.arange(400))
    other = {"player_key", "last_day"}.difference({column}).pop()
    again = [once.with_columns(pl.col(other) + 400 * k) for k in range(4)]
    told = [replay_figures(rows, nights=7) for rows in (once, pl.concat(again))]
    floor = f"calibration_floor_by_{whose}"
    assert told[0][floor] == pytest.approx(told[0]["calibration_floor"], rel=0.2)
    assert told[1][floor] == pytest.approx(2 * told[1]["calibration_floor"], rel=0.2)


def test_who_did_as_much_is_in_the_same_quarter_whichever_night_asked_them() -> None:
    rows = promised(np.random.default_rng(4)).with_columns(events_28=pl.int_range(pl.len()) % 2)
    quarters = replay_figures(rows, nights=7)["by_activity"]
    assert [(row["quartile"], row["challenges"]) for row in quarters] == [(2, 4_000), (4, 4_000)]
