"""Simulated players of the trading academy, with the truth about them kept beside what they did.

    python -m data.simulator.simulator FOLDER

writes players.parquet, events_<month>.parquet and truth/ of 300 players over 60 days.
Set-based throughout: arrays over players, over days of play, over events; the one loop is over days.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from configs.errors import NightquestError
from data.partitions import write_parquet
from data.simulator.events import EVENT_COLUMNS, event_rows, kudos_rows
from data.simulator.folder import asked_folder
from data.simulator.habits import NEVER, Habits, live_days
from data.simulator.play import PlayDays, act, size_days
from data.simulator.players import PERSONAS, ZONES, Ints, Population, draw_population, player_rows

# Days (month, day) on which the exchanges are shut, as in the calendar of configs/apps/trading.yaml.
MARKET_HOLIDAYS = frozenset({(1, 1), (7, 4), (12, 25)})


@dataclass(frozen=True)
class SimulatorSettings:
    """What to simulate; the same settings give the same frames.

    Attributes:
        players: How many players there are, those who join later included.
        days: How many days, the first of them `start`.
        late_share: Share of play days that are uploaded one to four days later, as from a phone without a network.

    Raises:
        NightquestError: A number is out of bounds.
    """

    players: int = 2000
    days: int = 120
    start: dt.date = dt.date(2026, 1, 5)
    seed: int = 7
    late_share: float = 0.01

    def __post_init__(self) -> None:
        if not (2 <= self.players <= 1_000_000 and 1 <= self.days <= 3650 and 0 <= self.late_share <= 1):
            raise NightquestError(
                f"Cannot simulate {self.players} players over {self.days} days with {self.late_share} late.",
                "Use 2 to 1,000,000 players, 1 to 3,650 days and a late share from 0 to 1.",
            )


@dataclass(frozen=True)
class Simulation:
    """What players did, as an app would deliver it, and what nobody but a test may know.

    Attributes:
        events: The events contract, ordered by time.
        players: The players contract.
        truth: A row per player: persona, zone, skill_start, skill_growth (the most that practice can add), skill_end,
            play_probability (a neutral weekday), weekday_log_odds, preferred_hour, joined_on, and the last day before
            an absence (away_on with returned_on, or churned_on when it lasts to the end).
        chances: A row per player and day of membership: p_plays, the true probability, and played.
        uploads: event_id and uploaded_on of the events that were uploaded late.
    """

    events: pl.DataFrame
    players: pl.DataFrame
    truth: pl.DataFrame
    chances: pl.DataFrame
    uploads: pl.DataFrame


def simulate(settings: SimulatorSettings) -> Simulation:
    """Simulate the academy. Days are the app's: they start at 04:00 of the player's own time zone."""
    streams = (np.random.default_rng(seed) for seed in np.random.SeedSequence(settings.seed).spawn(7))
    people = draw_population(next(streams), settings.players, settings.days)
    habits = live_days(next(streams), people, settings.days, settings.start.weekday())
    days = size_days(next(streams), people, habits, _market_shut(settings))
    doings = act(next(streams), people, days)
    rng = next(streams)
    own = event_rows(rng, people, days, doings, settings.start)
    end = dt.datetime.combine(settings.start + dt.timedelta(days=settings.days), dt.time(4), dt.UTC)
    first_seen = own.group_by("user_id").agg(pl.col("occurred_at").min().alias("first_at"))
    events = pl.concat([own.select(EVENT_COLUMNS), kudos_rows(rng, people, own, end)])
    return Simulation(
        events=events.sort("occurred_at", "user_id", "sequence", "event_id"),
        players=player_rows(next(streams), people, first_seen, settings.start),
        truth=_truth(people, habits, days, settings.start),
        chances=_chances(people, habits, settings.start),
        uploads=_uploads(next(streams), own, len(days.player), settings.late_share),
    )


def write_simulation(simulation: Simulation, folder: Path) -> list[Path]:
    """Write players.parquet and events_YYYY-MM.parquet into a folder, and the truth into its subfolder truth/.

    An event that was uploaded late lies in the file of the month in which it was uploaded.

    Returns:
        The files that an ingest should take, players first.
    """
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    for name in ("truth", "chances", "uploads"):
        _write(getattr(simulation, name), truth / f"{name}.parquet")
    files = [_write(simulation.players, folder / "players.parquet")]
    arrived = pl.coalesce("uploaded_on", pl.col("occurred_at").dt.date()).dt.strftime("%Y-%m").alias("month")
    delivered = simulation.events.join(
        simulation.uploads, on="event_id", how="left", maintain_order="left"
    ).with_columns(arrived)
    for (month,), part in sorted(delivered.partition_by("month", as_dict=True, maintain_order=True).items()):
        files.append(_write(part.select(EVENT_COLUMNS), folder / f"events_{month}.parquet"))
    return files


def _market_shut(settings: SimulatorSettings) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    dates = [settings.start + dt.timedelta(days=day) for day in range(settings.days)]
    return np.array([date.weekday() >= 5 or (date.month, date.day) in MARKET_HOLIDAYS for date in dates])


def _truth(people: Population, habits: Habits, days: PlayDays, start: dt.date) -> pl.DataFrame:
    skill_end = people.skill_start.copy()
    np.maximum.at(skill_end, days.player, days.skill)
    dates = {
        "joined_on": people.joined_day,
        "away_on": habits.away_day,
        "returned_on": habits.return_day,
        "churned_on": habits.churn_day,
    }
    return pl.DataFrame(
        {
            "user_id": people.user_id,
            "persona": pl.Series(PERSONAS).gather(people.persona),
            "zone": pl.Series(ZONES).gather(people.zone),
            "skill_start": people.skill_start,
            "skill_growth": people.skill_growth,
            "skill_end": skill_end,
            "play_probability": 1 / (1 + np.exp(-people.base)),
            "weekday_log_odds": people.weekday,
            "preferred_hour": people.hour % 24,
            "intensity": people.intensity,
            "steadiness": people.steadiness,
            "stop_share": people.stops,
            "median_lots": people.lots,
            **{name: _date(day, start, always=name == "joined_on") for name, day in dates.items()},
        }
    )


def _chances(people: Population, habits: Habits, start: dt.date) -> pl.DataFrame:
    player, day = np.nonzero(~np.isnan(habits.chance.T))
    return pl.DataFrame(
        {
            "user_id": pl.Series(people.user_id).gather(player),
            "day": _date(day, start, always=True),
            "p_plays": habits.chance[day, player],
            "played": habits.played[day, player],
        }
    )


def _uploads(rng: np.random.Generator, own: pl.DataFrame, play_days: int, share: float) -> pl.DataFrame:
    delay = np.where(rng.random(play_days) < share, rng.integers(1, 5, play_days), 0)
    days_late = pl.Series("days_late", delay).gather(own["play_day"])
    late = own.with_columns(days_late).filter(pl.col("days_late") > 0)
    return late.select("event_id", (pl.col("day") + pl.duration(days=pl.col("days_late"))).alias("uploaded_on")).sort(
        "event_id"
    )


def _date(day: Ints, start: dt.date, *, always: bool) -> pl.Series:
    frame = pl.DataFrame({"day": day})
    date = pl.lit(start) + pl.duration(days=pl.col("day"))
    return frame.select(date if always else pl.when(pl.col("day") != NEVER).then(date))["literal"].cast(pl.Date)


def _write(frame: pl.DataFrame, path: Path) -> Path:
    """A reader never sees half a file."""
    write_parquet(path, frame)
    return path


if __name__ == "__main__":
    into = asked_folder("simulator", __doc__)
    write_simulation(simulate(SimulatorSettings(players=300, days=60)), into)
